// Starts the deck, and draws an explorer when its slide is shown.
// An explorer lives in a frame of its own: there it has its own pixels, so that a drag lands where the pointer is although
// the deck is scaled, and its own keyboard, so that arrow keys move its sliders and not the slides.
(() => {
  const root = document.documentElement;
  const theme = (name) => {
    root.dataset.theme = name;
    for (const frame of document.querySelectorAll(".explorer iframe")) frame.contentWindow.postMessage({ theme: name }, "*");
  };
  const printing = /print-pdf|view=print/.test(location.search);
  const dark = !printing && matchMedia("(prefers-color-scheme: dark)").matches;
  theme(dark ? "dark" : "light");

  const text = (id) => document.getElementById(id).textContent;

  function draw(place) {
    if (!place || place.firstChild || printing) return;
    const frame = document.createElement("iframe");
    frame.title = place.dataset.title;
    const inner = `<!doctype html><html lang="en" data-theme="${root.dataset.theme}"><head><meta charset="utf-8"><title>explorer</title>`
      + `<script type="application/json" id="payload">${text(place.dataset.payload)}<\/script></head><body><main id="explorer"></main>`
      + `<script>${text("live")}<\/script><script>${text("frame")}<\/script></body></html>`;
    frame.srcdoc = inner;
    place.append(frame);
  }

  const inSight = () => draw(Reveal.getCurrentSlide()?.querySelector(".explorer"));

  addEventListener("message", ({ data, source }) => {
    if (![...document.querySelectorAll(".explorer iframe")].some((frame) => frame.contentWindow === source)) return;
    if (data.key === "PageDown") Reveal.next();
    else if (data.key === "PageUp") Reveal.prev();
    if (data.key) {
      document.activeElement?.blur();
      window.focus();
    }
  });

  Reveal.on("ready", inSight);
  Reveal.on("slidechanged", inSight);
  const sandboxed = window.origin === "null" && location.protocol !== "file:"; // JupyterLab's viewer: no address to write to
  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: !sandboxed,
    history: false,
    navigationMode: "linear",
    transition: "none",
    backgroundTransition: "none",
    slideNumber: "c/t",
    controls: true,
    controlsTutorial: false,
    pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1,
    scrollActivationWidth: null,
    keyboard: { 68: () => theme(root.dataset.theme === "dark" ? "light" : "dark") },
    plugins: [RevealNotes],
  });
})();
