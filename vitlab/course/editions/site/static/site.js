// What the site adds to its theme: explorers that follow the theme and are drawn when they come near, scrolling by keyboard.
window.vitlab = window.vitlab || {};
window.vitlab.payloads = {};

(() => {
  // The theme knows light, dark and auto, and keeps it on <body>; explorers ask <html> for light or dark.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const chosen = document.body.dataset.theme;
    document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
  };
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  system.addEventListener("change", follow);
  follow();

  /** What `assets.packed` wrote, as `live` takes it. */
  const unpacked = async (text) => {
    const zipped = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]).stream();
    const content = new Uint8Array(await new Response(zipped.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
    let at = content.indexOf(10);
    const { module, css, traits, bytes } = JSON.parse(new TextDecoder().decode(content.subarray(0, at++)));
    for (const [name, length] of bytes) {
      traits[name] = new DataView(content.buffer.slice(at, at + length)); // from 0 on: a Float32Array needs it aligned
      at += length;
    }
    return { module, css, traits };
  };

  const draw = (place) => {
    const say = (sentence) => { place.querySelector("p").textContent = sentence; };
    const script = document.createElement("script");
    script.src = place.dataset.payload;
    script.onerror = () => say("The explorer's file is missing: it belongs in the folder explorers/ of the site.");
    script.onload = () => {
      const stage = document.createElement("div");
      place.append(stage);
      unpacked(window.vitlab.payloads[place.dataset.explorer]).then((payload) => window.vitlab.live(stage, payload)).then(
        () => { place.querySelector("p").remove(); place.classList.add("vitlab-drawn"); },
        (error) => say(`The explorer cannot be drawn in this browser: ${error.message}`),
      );
    };
    document.head.append(script);
  };
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "1000px" });
  document.querySelectorAll("[data-payload]").forEach((place) => near.observe(place));

  // The theme's drawers open by a label that only a mouse can press.
  for (const label of document.querySelectorAll("label.nav-overlay-icon, label.toc-overlay-icon")) {
    const [icon, box] = [label.querySelector(".icon"), document.getElementById(label.htmlFor)];
    const tell = () => icon.setAttribute("aria-expanded", box.checked);
    icon.setAttribute("role", "button");
    icon.setAttribute("aria-label", box.getAttribute("aria-label"));
    icon.tabIndex = 0;
    icon.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      box.click();
    });
    box.addEventListener("change", tell);
    tell();
  }

  // What scrolls sideways has to be reached by keyboard, and only that.
  const reach = () => {
    for (const box of document.querySelectorAll(".highlight pre, .vitlab-explorer, .vitlab-output, .vitlab-output pre, .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(reach).observe(document.body); // its height changes too when something is unfolded
  reach();

  // A page from disk may not read the other pages, so search shows titles without extracts there.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
