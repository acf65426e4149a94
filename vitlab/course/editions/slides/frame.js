// Inside an explorer's frame: draws it, says how far it may be enlarged, and hands the keys that turn pages to the deck.
(async () => {
  const tell = (said) => parent.postMessage(said, "*");
  addEventListener("keydown", (event) => {
    if (["Escape", "PageDown", "PageUp"].includes(event.key)) tell({ key: event.key });
  });
  addEventListener("message", ({ data }) => {
    if (data.theme) document.documentElement.dataset.theme = data.theme;
  });
  // the deck enlarges the frame, which a frame is not told: canvases are drawn with twice the pixels to stay sharp
  Object.defineProperty(window, "devicePixelRatio", { get: () => 2 });
  const style = document.createElement("style");
  style.textContent = "html, body { margin: 0; overflow: hidden; background: transparent; } .vl.vl { max-width: none; border: 0; }";
  document.head.append(style);
  const [width, height] = [innerWidth, innerHeight];
  const place = document.getElementById("explorer");
  await window.vitlab.live(place, JSON.parse(document.getElementById("payload").textContent));

  // the largest scale at which the explorer, laid out as wide as the frame then is, still fits its height
  let [fits, not] = [0.6, 1.8];
  for (let round = 0; round < 8; round++) {
    const scale = (fits + not) / 2;
    place.style.width = `${width / scale}px`;
    if (place.scrollHeight * scale <= height) fits = scale;
    else not = scale;
  }
  place.style.width = `${width / fits}px`;
  tell({ scale: fits });
  document.body.dataset.drawn = "true";
})();
