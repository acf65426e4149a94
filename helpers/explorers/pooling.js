import { bars, bitmap, button, canvas, fit, floats, frame, guarded, h, outline, palette, pen, percent, photograph, reach, signed, slider, softmax, viridis } from "./shared.js";

const LENGTHS = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 8, 16, 32];

function render({ model, el, signal }) {
  const [count, channels, height, width] = model.get("pictures_shape");
  const [rows, columns] = model.get("grid");
  const heads = model.get("heads");
  const names = model.get("names");
  const bias = model.get("bias");
  const leftOut = model.get("left_out");
  const N = rows * columns;
  const C = names.length;
  const side = height / rows;
  const area = channels * height * width;
  const pixels = floats(model.get("pictures"));
  const photos = Array.from({ length: count }, (_, i) => photograph(pixels.subarray(i * area, (i + 1) * area), [channels, height, width]));
  const scores = floats(model.get("scores"));
  const parts = floats(model.get("parts"));

  let picture = 0;
  let length = LENGTHS.indexOf(1);
  let head = heads; // `heads` stands for the mean of all
  let hidden = new Set();
  let hovered = null;

  /** Weights of every head, (heads, N): a softmax over the patches that are not hidden. */
  function weigh(factor, without) {
    const weights = new Float64Array(heads * N);
    const seen = Array.from({ length: N }, (_, i) => i).filter((i) => !without.has(i));
    for (let k = 0; k < heads; k++) {
      const start = (picture * heads + k) * N;
      softmax(seen.map((i) => factor * scores[start + i])).forEach((weight, place) => { weights[k * N + seen[place]] = weight; });
    }
    return weights;
  }

  function logits(weights) {
    const sums = Float64Array.from(bias);
    for (let k = 0; k < heads; k++) for (let i = 0; i < N; i++) {
      const start = ((picture * heads + k) * N + i) * C;
      for (let c = 0; c < C; c++) sums[c] += weights[k * N + i] * parts[start + c];
    }
    return sums;
  }

  /** Weight of each patch in the head that is shown, or in the mean of all. */
  function shown(weights) {
    return Float64Array.from({ length: N }, (_, i) => {
      if (head < heads) return weights[head * N + i];
      let sum = 0;
      for (let k = 0; k < heads; k++) sum += weights[k * N + i];
      return sum / heads;
    });
  }

  /** What each patch adds to the logit of a class, in the head that is shown or in all together. */
  function gains(weights, c) {
    return Float64Array.from({ length: N }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < heads; k++) {
        if (head < heads && k !== head) continue;
        sum += weights[k * N + i] * parts[((picture * heads + k) * N + i) * C + c];
      }
      return sum;
    });
  }

  const top = (list) => list.indexOf(Math.max(...list));
  const rowColumn = (cell) => `row ${Math.floor(cell / columns)}, column ${cell % columns}`;
  const headWords = (value) => (value === heads ? `mean of ${heads}` : `${value + 1} of ${heads}`);
  const shownWords = (all) => (head === heads ? `${all} ${heads} heads` : `head ${head + 1} of ${heads}`);
  const hiddenWords = () => (hidden.size === 1 ? "1 patch hidden" : `${hidden.size} patches hidden`);
  const lengthWords = (value) => (LENGTHS[value] === 1 ? "as trained" : `x ${LENGTHS[value]}`);

  // ---------------------------------------------------------------------------- the page
  const pictureSlider = slider("picture", { max: count - 1, value: 0, words: (value) => `${value + 1} of ${count}`, oninput: (value) => { picture = value; hidden = new Set(); draw(); } });
  const lengthSlider = slider("length of the query", { max: LENGTHS.length - 1, value: length, words: lengthWords, oninput: (value) => { length = value; draw(); } });
  const headSlider = slider("head", { max: heads, value: heads, words: headWords, oninput: (value) => { head = value; draw(); } });
  const showAll = button("Show all patches", () => { hidden = new Set(); draw(); });
  const pictureCanvas = canvas("the picture; arrow keys choose a patch, Enter hides it from the query or shows it again", { class: "vl-pool-canvas" });
  const lookCanvas = canvas("the weight of each patch over the picture; arrow keys choose a patch, Enter hides it or shows it again", { class: "vl-pool-canvas" });
  const gainCanvas = canvas("what each patch adds to the logit; arrow keys choose a patch, Enter hides it or shows it again", { class: "vl-pool-canvas" });
  const stripCanvas = canvas("all pictures; left and right choose one", { class: "vl-pool-strip" });
  const sortedCanvas = canvas("the weights of all patches, largest first, beside equal weights", { keys: false, class: "vl-pool-sorted" });
  const [pictureHead, lookHead, gainHead, sortedHead] = Array.from({ length: 4 }, () => h("div", { class: "vl-head" }));
  const classes = bars(names);
  const verdict = h("div", { class: "vl-pool-verdict" });

  const set = (values) => () => {
    if (values.length !== undefined) { length = LENGTHS.indexOf(values.length); lengthSlider.set(length); }
    if (values.head !== undefined) { head = values.head; headSlider.set(head); }
    if (values.picture !== undefined) { picture = Math.min(values.picture, count - 1); pictureSlider.set(picture); }
    hidden = new Set();
    if (values.hide) for (let i = 0; i < values.hide; i++) hideBrightest();
    hovered = null;
    draw();
  };
  const view = frame(el, {
    title: "Where does the query look?",
    steps: [
      { text: `One learned query meets the keys of all ${N} patches. Bright patches get a large weight in y; the weights of each head sum to 1.`,
        at: ["picture", "look"], go: set({ picture: 0, length: 1, head: heads }) },
      { text: "Each head reads its own part of the query and of the keys, and so looks elsewhere. Drag through the heads.",
        at: ["head", "look"], go: set({ picture: 0, length: 1, head: 0 }) },
      { text: `A query of length zero asks for nothing: all scores are 0, and each patch weighs 1/${N}. That is global average pooling of the values.`,
        at: ["length", "look", "sorted"], go: set({ picture: 0, length: 0, head: heads }) },
      { text: "A long query takes almost all from one patch a head. The mark at each bar is the query as it was trained.",
        at: ["length", "sorted", "classes"], go: set({ picture: 0, length: 16, head: heads }) },
      { text: "y is a sum over patches and the head behind it is linear, so each logit is a sum over patches too: orange patches speak for the class named, blue ones against it.",
        at: ["gain", "classes"], go: set({ picture: 0, length: 1, head: heads }) },
      { text: "Here the five brightest patches are hidden, and the softmax shares their weight among the others. Does the answer change? The tokens have talked to each other before.",
        at: ["picture", "look", "classes"], go: set({ picture: 0, length: 1, head: heads, hide: Math.min(5, N - 1) }) },
    ],
    free: "Choose pictures, heads and the length of the query; click patches to hide them from it. Which picture changes its class at length 0?",
    signal,
    parts: [
      h("div", { class: "vl-controls vl-pool-controls" }, pictureSlider.box, h("div", { "data-part": "length" }, lengthSlider.box),
        h("div", { "data-part": "head" }, headSlider.box), showAll),
      h("div", { class: "vl-pool" },
        h("div", { "data-part": "picture" }, pictureHead, pictureCanvas),
        h("div", { "data-part": "look" }, lookHead, lookCanvas),
        h("div", { "data-part": "classes" }, h("div", { class: "vl-head" }, h("b", {}, "prediction"), ` the mark is the query as trained${leftOut ? `; among ${C} of ${C + leftOut} classes` : ""}`), classes.box, verdict),
        h("div", { class: "vl-wide", "data-part": "sorted" }, sortedHead, sortedCanvas, stripCanvas),
        h("div", { "data-part": "gain" }, gainHead, gainCanvas)),
    ],
  });

  // ------------------------------------------------------------------------------- drawing
  const box = (cell, [x, y, scale]) => [x + (cell % columns) * side * scale, y + Math.floor(cell / columns) * side * scale, side * scale, side * scale];
  const title = (element, name, rest) => {
    if (element.dataset.rest === name + rest) return;
    element.dataset.rest = name + rest;
    element.replaceChildren(h("b", {}, name), ` ${rest}`);
  };
  const places = new Map(); // where the picture lies on each canvas

  function over(canvas_, paint, colours, faint = 1) {
    const [context, W, H] = pen(canvas_);
    const place = fit(width, height, 0, 0, W, H);
    places.set(canvas_, place);
    const [x, y, scale] = place;
    context.globalAlpha = faint;
    context.drawImage(photos[picture], x, y, width * scale, height * scale);
    context.globalAlpha = 1;
    if (paint) context.drawImage(bitmap(columns, rows, paint), x, y, width * scale, height * scale);
    context.strokeStyle = colours.select;
    context.lineWidth = 1.5;
    for (const cell of hidden) {
      const [left, up, w, tall] = box(cell, place);
      context.fillStyle = colours.back;
      context.fillRect(left, up, w, tall);
      context.beginPath();
      context.moveTo(left + 3, up + 3);
      context.lineTo(left + w - 3, up + tall - 3);
      context.moveTo(left + w - 3, up + 3);
      context.lineTo(left + 3, up + tall - 3);
      context.stroke();
    }
    if (hovered !== null) outline(context, ...box(hovered, place), colours.select);
  }

  function drawSorted(colours, weights) {
    const [context, W, H] = pen(sortedCanvas);
    const sorted = Array.from(weights).sort((a, b) => b - a);
    const most = Math.max(sorted[0], 2 / N);
    const step = W / N;
    context.fillStyle = colours.accent;
    sorted.forEach((weight, i) => context.fillRect(i * step + 0.5, H - (weight / most) * (H - 4), Math.max(step - 1, 0.5), (weight / most) * (H - 4)));
    const seen = N - hidden.size;
    const even = H - (1 / seen / most) * (H - 4);
    context.strokeStyle = colours.select;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(0, even);
    context.lineTo(W, even);
    context.stroke();
    context.setLineDash([]);
    title(sortedHead, "weights, largest first", `largest ${percent(sorted[0])}; dashed: 1/${seen} = ${percent(1 / seen)}`);
  }

  let strip = { left: 0, size: 1 };

  function drawStrip(colours) {
    const [context, W, H] = pen(stripCanvas);
    const size = Math.min(H - 8, W / count - 4);
    strip = { left: (W - count * (size + 4)) / 2, size: size + 4 };
    photos.forEach((photo, i) => {
      const place = fit(width, height, strip.left + i * strip.size + 2, 6, size, size);
      context.drawImage(photo, place[0], place[1], width * place[2], height * place[2]);
      if (i === picture) outline(context, strip.left + i * strip.size + 2, 6, size, size, colours.select);
    });
  }

  function draw() {
    if (!pictureCanvas.clientWidth) return;
    const colours = palette(view.root);
    const weights = weigh(LENGTHS[length], hidden);
    const now = softmax(logits(weights));
    const usual = softmax(logits(weigh(1, new Set())));
    const mine = shown(weights);
    const brightest = Math.max(...mine, 4 / N); // so that equal shares do not all look large
    const best = top(now);
    const gain = gains(weights, best);
    const limit = Math.max(reach(gain), 1e-9);
    over(pictureCanvas, null, colours);
    over(lookCanvas, (data) => mine.forEach((weight, i) => data.set([...viridis(weight / brightest), 190], 4 * i)), colours);
    over(gainCanvas, (data) => gain.forEach((value, i) => data.set(signed(value / limit), 4 * i)), colours, 0.35);
    drawSorted(colours, mine);
    drawStrip(colours);
    classes.set(now, usual);
    title(pictureHead, "picture", hidden.size ? `${hiddenWords()} of ${N}` : `${rows} x ${columns} patches; click to hide one`);
    title(lookHead, "where it looks", shownWords("mean of the"));
    title(gainHead, `for or against ${names[best]}`, shownWords("all"));
    showAll.disabled = hidden.size === 0;
    const changed = best !== top(usual);
    verdict.replaceChildren(h("b", {}, changed ? `Changed: now ${names[best]}.` : "Same class."),
      ` ${names[top(usual)]} with the query as trained: ${percent(usual[top(usual)])}, now ${percent(now[top(usual)])}.`);
    const spot = hovered ?? top(Array.from(mine));
    const alike = Math.max(...mine) < (1 + 1e-6) / (N - hidden.size);
    const where = hovered === null ? "It looks most at" : "You point at";
    const share = `(${percent(mine[spot])}; equal shares would be ${percent(1 / (N - hidden.size))}), which adds ${gain[spot].toFixed(2)} to the logit of ${names[best]}`;
    view.say(`Picture ${picture + 1} of ${count}, ${shownWords("mean of the")}, query ${lengthWords(length)}${hidden.size ? `, ${hiddenWords()}` : ""}. `
      + (alike && hovered === null ? `It looks at all patches alike, ${percent(mine[spot])} each. ` : `${where} ${rowColumn(spot)}${hidden.has(spot) ? ", which is hidden" : ""} ${share}. `)
      + `The model says ${names[best]}, ${percent(now[best])}.`);
  }

  // ------------------------------------------------------------------------------- pointing
  function hide(cell) {
    if (hidden.has(cell)) hidden.delete(cell);
    else if (hidden.size < N - 1) hidden.add(cell); // one has to stay: weights cannot sum to 1 over none
  }

  function hideBrightest() {
    const mine = shown(weigh(LENGTHS[length], hidden));
    hide(top(Array.from(mine)));
  }

  function cellAt(canvas_, event) {
    const bounds = canvas_.getBoundingClientRect();
    const [left, up, scale] = places.get(canvas_);
    const [i, j] = [Math.floor((event.clientX - bounds.left - left) / (side * scale)), Math.floor((event.clientY - bounds.top - up) / (side * scale))];
    return i >= 0 && j >= 0 && i < columns && j < rows ? j * columns + i : null;
  }

  for (const canvas_ of [pictureCanvas, lookCanvas, gainCanvas]) {
    canvas_.addEventListener("pointermove", (event) => {
      const cell = cellAt(canvas_, event);
      if (cell !== hovered) { hovered = cell; draw(); }
    });
    canvas_.addEventListener("pointerleave", () => { if (hovered !== null) { hovered = null; draw(); } });
    canvas_.addEventListener("blur", () => { if (hovered !== null) { hovered = null; draw(); } });
    canvas_.addEventListener("click", (event) => {
      const cell = cellAt(canvas_, event);
      if (cell !== null) { hide(cell); draw(); }
    });
    canvas_.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (!move && event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      if (move) hovered = hovered === null ? 0 : (hovered + move + N) % N;
      else if (hovered !== null) hide(hovered);
      draw();
    });
  }

  const choose = (next) => {
    picture = ((next % count) + count) % count;
    hidden = new Set();
    pictureSlider.set(picture);
    draw();
  };
  stripCanvas.addEventListener("click", (event) => {
    const place = Math.floor((event.clientX - stripCanvas.getBoundingClientRect().left - strip.left) / strip.size);
    if (place >= 0 && place < count) choose(place);
  });
  stripCanvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    choose(picture + move);
  });

  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
