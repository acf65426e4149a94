// Inside an explorer's frame: draws it as large as the frame allows, and hands the keys that turn pages to the deck.
(async () => {
  const tell = (key) => parent.postMessage({ key }, "*");
  addEventListener("keydown", (event) => {
    if (["Escape", "PageDown", "PageUp"].includes(event.key)) tell(event.key);
  });
  addEventListener("message", ({ data }) => {
    if (data.theme) document.documentElement.dataset.theme = data.theme;
  });
  const style = document.createElement("style");
  style.textContent = "html, body { margin: 0; overflow: hidden; background: transparent; } "
    + "#explorer { transform-origin: 0 0; } #explorer .vl { max-width: none; border: 0; }";
  document.head.append(style);
  const place = document.getElementById("explorer");
  await window.vitlab.live(place, JSON.parse(document.getElementById("payload").textContent));

  // the largest scale at which the explorer, laid out as wide as the frame then is, still fits its height
  const fits = (scale) => {
    place.style.width = `${innerWidth / scale}px`;
    return place.scrollHeight * scale <= innerHeight;
  };
  const fit = () => {
    let [low, high] = [0.6, 1.8];
    for (let round = 0; round < 7; round++) {
      const middle = (low + high) / 2;
      if (fits(middle)) low = middle;
      else high = middle;
    }
    fits(low);
    document.body.dataset.scale = low;
    const left = Math.max(0, (innerWidth - place.scrollWidth * low) / 2);
    document.body.style.zoom = low;
    place.style.width = `${innerWidth / low}px`;
    document.body.dataset.left = left;
  };
  fit();
  document.body.dataset.drawn = "true";
})();
