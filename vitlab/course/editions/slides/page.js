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

  addEventListener("message", ({ data, source }) => {
    const frame = [...document.querySelectorAll(".explorer iframe")].find((one) => one.contentWindow === source);
    if (!frame) return;
    if (data.scale) {
      frame.style.width = frame.style.height = `${100 / data.scale}%`;
      frame.style.transform = `scale(${data.scale})`;
    }
    if (data.key === "PageDown") Reveal.next();
    else if (data.key === "PageUp") Reveal.prev();
    if (data.key) {
      frame.blur();
      window.focus();
    }
  });

  /** The largest type with which a slide of text still fits; where there is a figure, that takes the room instead. */
  function enlarge(frame) {
    if (!frame || frame.dataset.type || frame.querySelector(".figure, .explorer")) return;
    const code = [...frame.querySelectorAll("pre")];
    const sizes = [1.5, 1.4, 1.3, 1.2, 1.1, 1, 0.93];
    const lowest = frame.clientHeight - parseFloat(getComputedStyle(frame).paddingBottom);
    frame.classList.add("whole-lines"); // code grows only as far as none of its lines breaks
    const whole = sizes.find((size) => {
      frame.style.setProperty("--code", size);
      return code.every((pre) => pre.scrollWidth <= pre.clientWidth);
    });
    frame.classList.toggle("whole-lines", whole !== undefined);
    const fits = (size) => {
      frame.style.setProperty("--type", size);
      frame.style.setProperty("--code", Math.min(size, whole ?? 1));
      return Math.max(...[...frame.children].map((child) => child.offsetTop + child.offsetHeight)) <= lowest;
    };
    const size = sizes.find(fits) ?? sizes.at(-1);
    fits(size);
    frame.dataset.type = size;
  }

  /** What is not shown cannot be reached with Tab either; in the overview every slide can be picked. */
  const reachable = () => {
    const slide = Reveal.getCurrentSlide();
    for (const one of Reveal.getSlides()) one.inert = one !== slide && !Reveal.isOverview() && !printing;
  };
  Reveal.on("overviewshown", reachable);
  Reveal.on("overviewhidden", reachable);

  const inSight = () => {
    const slide = Reveal.getCurrentSlide();
    reachable();
    enlarge(slide?.querySelector(".frame"));
    draw(slide?.querySelector(".explorer"));
  };

  Reveal.on("ready", inSight);
  Reveal.on("slidechanged", inSight);
  Reveal.on("pdf-ready", () => document.querySelectorAll(".frame").forEach(enlarge));
  // JupyterLab shows a file under an address that cannot be written to, and on which "#" leads elsewhere
  addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#/"]');
    if (!link) return;
    event.preventDefault();
    const { h, v } = Reveal.getIndices(document.getElementById(link.getAttribute("href").slice(2)));
    Reveal.slide(h, v);
  });
  Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    hash: location.protocol !== "blob:",
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
