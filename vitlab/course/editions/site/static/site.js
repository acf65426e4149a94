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

  const draw = (place) => {
    const say = (sentence) => { place.querySelector("p").textContent = sentence; };
    const script = document.createElement("script");
    script.src = place.dataset.payload;
    script.onerror = () => say("The explorer's file is missing: it belongs in the folder explorers/ of the site.");
    script.onload = () => {
      const stage = document.createElement("div");
      place.append(stage);
      window.vitlab.live(stage, window.vitlab.payloads[place.dataset.explorer]).then(
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

  // What scrolls sideways has to be reached by keyboard, and only that.
  const reach = () => {
    for (const box of document.querySelectorAll(".highlight pre, .vitlab-output, .vitlab-output pre, .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(reach).observe(document.body); // its height changes too when something is unfolded
  reach();

  // A page from disk may not read the other pages, so search shows titles without extracts there.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
