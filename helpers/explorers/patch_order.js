import { bars, bitmap, button, canvas, fit, floats, frame, guarded, h, halves, outline, palette, pen, percent, photograph, slider, stillness, viridis, viridisWord } from "./shared.js";

function render({ model, el, signal }) {
  const pictureShape = model.get("picture_shape");
  const [, height, width] = pictureShape;
  const [rows, columns] = model.get("grid");
  const side = height / rows;
  const cells = model.get("cells");
  const [kinds, orders, layers, names] = ["kinds", "orders", "layers", "names"].map((name) => model.get(name));
  const [heads, allHeads, depth, classPlace] = ["heads", "all_heads", "depth", "class_place"].map((name) => model.get(name));
  const own = halves(model.get("along"));
  const behind = halves(model.get("behind"));
  const photo = photograph(floats(model.get("picture")), pictureShape);
  const N = cells.length;
  const M = N + 1;
  const placeOf = new Int32Array(N); // token of the model's own sequence that carries a cell of the grid
  cells.forEach((cell, i) => { placeOf[cell] = i + (classPlace === 0 ? 1 : 0); });

  let kind = 0;
  let along = true;
  let step = N - 1; // patches read so far, less one
  let layer = layers.length - 1;
  let head = 0;
  let hovered = null; // step under the pointer

  const shares = (which) => {
    const [logits, rest] = which ? ["logits_along", "rest_along"] : ["logits_behind", "rest_behind"];
    return kinds.map((_, k) => model.get(logits)[k].map((value) => Math.exp(value - model.get(rest)[k])));
  };
  const chances = { along: shares(true), behind: shares(false) };
  const gaps = { along: model.get("gap_along"), behind: model.get("gap_behind") };
  const usual = chances.along[kinds.indexOf("raster")];
  const best = (list) => names[list.indexOf(Math.max(...list))];
  const order = () => orders[kind];
  const shownStep = () => hovered ?? step;
  const tokenOfStep = (k) => k + (classPlace === 0 ? 1 : 0); // place in the sequence that the model reads now
  const rowColumn = (cell) => `row ${Math.floor(cell / columns)}, column ${cell % columns}`;

  /** Attention of the chosen block and head in the order that is read: weight(i, j). */
  function weights() {
    const size = M * M;
    const offset = (layer * heads + head) * size;
    if (!along) {
      const start = kind * layers.length * heads * size + offset;
      return (i, j) => behind[start + i * M + j];
    }
    const visit = new Int32Array(M).fill(classPlace);
    order().forEach((cell, k) => { visit[tokenOfStep(k)] = placeOf[cell]; });
    return (i, j) => own[offset + visit[i] * M + visit[j]];
  }

  // ---------------------------------------------------------------------------- the page
  const kindButtons = kinds.map((name, k) => button(name, () => { kind = k; play(); }));
  const goAlong = h("input", { type: "checkbox", id: `vl-along-${Math.random().toString(36).slice(2)}`, onchange: () => { along = goAlong.checked; draw(); } });
  goAlong.checked = true;
  const reading = slider("patches read", { min: 1, max: N, value: N, words: (value) => `${value} of ${N}`, oninput: (value) => { stop(); step = value - 1; draw(); } });
  const replay = button("▶ Read it again", () => play());
  const layerSlider = slider("block", { max: layers.length - 1, value: layer, words: (value) => `${layers[value] + 1} of ${depth}`, oninput: (value) => { layer = value; draw(); } });
  const headWords = (value) => (heads === 1 && allHeads > 1 ? `mean of ${allHeads}` : `${value + 1} of ${heads}`);
  const headSlider = slider("head", { max: heads - 1, value: 0, words: headWords, oninput: (value) => { head = value; draw(); } });
  const panel = (label) => canvas(`${label}; arrow keys choose a patch`, { class: "vl-order-canvas" });
  const pictureCanvas = panel("the picture with the path of the scan");
  const sequenceCanvas = panel("the sequence in reading order with the position each patch gets");
  const matrixCanvas = panel("the attention matrix, rows and columns in reading order");
  const lookCanvas = panel("where the chosen patch looks, over the picture");
  const sequenceHead = h("div", { class: "vl-head" });
  const lookHead = h("div", { class: "vl-head" });
  const matrixHead = h("div", { class: "vl-head" });
  const classes = bars(names);
  const verdict = h("div", { class: "vl-verdict" });
  const compare = h("div", { class: "vl-compare" });

  const set = (values) => () => {
    if (values.kind !== undefined) kind = kinds.indexOf(values.kind);
    if (values.along !== undefined) along = goAlong.checked = values.along;
    if (values.play) play();
    else arrive();
  };
  const view = frame(el, {
    title: "Does the order of the patches matter?",
    steps: [
      { text: `A transformer reads a picture as a sequence. Raster order: row by row. The path shows which of the ${N} patches comes when; drag "patches read" to walk along it.`,
        at: ["picture", "sequence", "reading"], go: set({ kind: "raster", along: true, play: true }) },
      { text: "A spiral reads the same patches in another order. Under each patch is the colour of its position: here every patch brings its own position along.",
        at: ["kinds", "picture", "sequence"], go: set({ kind: "spiral", along: true, play: true }) },
      { text: "In the attention matrix a row's token looks at a column's. The order only permutes rows and columns: the same weights in other places. So the prediction cannot change; the mark is raster order.",
        at: ["matrix", "classes"], go: set({ kind: "spiral", along: true }) },
      { text: "Now leave the positions behind: the k-th patch read gets the k-th position, wherever it came from. The colours no longer follow the patches, and the logits change.",
        at: ["along", "sequence", "classes"], go: set({ kind: "spiral", along: false }) },
      { text: "How much they change depends on the order: snake keeps every second row in its place, random keeps almost nothing there. The table has all six.",
        at: ["kinds", "classes", "compare"], go: set({ kind: "random", along: false }) },
      { text: "Let the positions go along again: random order, and the very same answer. What changes is rounding, some 15 digits down.",
        at: ["along", "classes", "compare"], go: set({ kind: "random", along: true }) },
    ],
    free: "Choose an order, let the positions go along or stay behind, and walk along the path. Point at a patch anywhere to see where it looks.",
    onfree: () => arrive(),
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { class: "vl-kinds", "data-part": "kinds" }, kindButtons),
        h("div", { class: "vl-field vl-along", "data-part": "along" }, goAlong, h("label", { for: goAlong.id }, "positions go along"))),
      h("div", { class: "vl-controls" }, h("div", { "data-part": "reading" }, reading.box), replay, layerSlider.box, headSlider.box),
      h("div", { class: "vl-order" },
        h("div", { "data-part": "picture" }, h("div", { class: "vl-head" }, h("b", {}, "picture"), ` ${rows} x ${columns} patches`), pictureCanvas),
        h("div", { "data-part": "sequence" }, sequenceHead, sequenceCanvas),
        h("div", { "data-part": "classes" }, h("div", { class: "vl-head" }, h("b", {}, "prediction"), " the mark is raster order"), classes.box, verdict),
        h("div", { "data-part": "matrix" }, matrixHead, matrixCanvas),
        h("div", { "data-part": "look" }, lookHead, lookCanvas),
        h("div", { "data-part": "compare" }, h("div", { class: "vl-head" }, h("b", {}, "all orders"), " largest change of a logit"), compare)),
    ],
  });

  // ------------------------------------------------------------------------------- drawing
  const box = (cell, [x, y, scale]) => [x + (cell % columns) * side * scale, y + Math.floor(cell / columns) * side * scale, side * scale, side * scale];
  const middleOf = ([x, y, w, tall]) => [x + w / 2, y + tall / 2];
  const positionColours = Array.from({ length: N }, (_, place) => `rgb(${viridis(place / Math.max(N - 1, 1)).map(Math.round).join(", ")})`);
  /** Cell whose position the k-th patch read gets. */
  const positionOf = (k) => (along ? order()[k] : cells[k]);

  const title = (head_, name, rest) => {
    if (head_.dataset.rest === rest) return;
    head_.dataset.rest = rest;
    head_.replaceChildren(h("b", {}, name), ` ${rest}`);
  };

  let pictureFit = [0, 0, 1];

  function drawPicture(colours) {
    const [context, W, H] = pen(pictureCanvas);
    pictureFit = fit(width, height, 0, 0, W, H);
    const [x, y, scale] = pictureFit;
    context.globalAlpha = 0.3;
    context.drawImage(photo, x, y, width * scale, height * scale);
    context.globalAlpha = 1;
    for (let k = 0; k <= step; k++) {
      const cell = order()[k];
      context.drawImage(photo, (cell % columns) * side, Math.floor(cell / columns) * side, side, side, ...box(cell, pictureFit));
    }
    context.lineJoin = "round";
    const path = (first, colour, thickness, alpha) => {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.globalAlpha = alpha;
      context.beginPath();
      for (let k = first; k <= step; k++) context.lineTo(...middleOf(box(order()[k], pictureFit)));
      context.stroke();
      context.globalAlpha = 1;
    };
    const recent = N > 100 ? Math.max(0, step - 40) : 0; // of a long path only the last steps stand out
    if (recent > 0) path(0, colours.accent, 1, 0.3);
    path(recent, "black", 4, 0.6);
    path(recent, colours.accent, 2, 1);
    const [startX, startY] = middleOf(box(order()[0], pictureFit));
    context.fillStyle = colours.accent;
    context.beginPath();
    context.arc(startX, startY, 4.5, 0, 2 * Math.PI);
    context.fill();
    outline(context, ...box(order()[shownStep()], pictureFit), colours.select);
  }

  let lines = { across: 1, cell: 1, pitch: 1, left: 0, top: 0 }; // the sequence is broken into lines like text

  function drawSequence(colours) {
    const [context, W, H] = pen(sequenceCanvas);
    let across = columns;
    let cell = 1;
    for (let count = 4; count <= N; count++) {
      const size = Math.min(W / count - 2, H / Math.ceil(N / count) - 8, 40);
      if (size > cell) [cell, across] = [size, count];
    }
    const pitch = cell + 8;
    lines = { across, cell, pitch, left: (W - across * (cell + 2)) / 2, top: (H - Math.ceil(N / across) * pitch) / 2 };
    for (let k = 0; k < N; k++) {
      const x = lines.left + (k % across) * (cell + 2);
      const y = lines.top + Math.floor(k / across) * pitch;
      if (k > step) {
        context.strokeStyle = colours.line;
        context.lineWidth = 1;
        context.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
        continue;
      }
      const from = order()[k];
      context.drawImage(photo, (from % columns) * side, Math.floor(from / columns) * side, side, side, x, y, cell, cell);
      context.fillStyle = positionColours[positionOf(k)];
      context.fillRect(x, y + cell + 1, cell, 4);
    }
    const k = shownStep();
    outline(context, lines.left + (k % across) * (cell + 2), lines.top + Math.floor(k / across) * pitch, cell, cell + 5, colours.select);
    title(sequenceHead, "sequence", `${kinds[kind]} order; colour: its position`);
  }

  let square = [0, 0, 1]; // the matrix on its canvas

  let kept = { name: null, sheet: null }; // the last matrix: it does not change while one walks along the path

  function matrixSheet(weight) {
    const name = [kind, along, layer, head].join();
    if (kept.name === name) return kept.sheet;
    const all = new Float32Array(M * M);
    let most = 0;
    for (let i = 0; i < M; i++) for (let j = 0; j < M; j++) {
      const value = weight(i, j);
      all[i * M + j] = value;
      if (value > most) most = value;
    }
    kept = { name, sheet: bitmap(M, M, (data) => {
      const words = new Uint32Array(data.buffer);
      for (let i = 0; i < all.length; i++) words[i] = viridisWord(Math.sqrt(all[i] / most));
    }) };
    return kept.sheet;
  }

  function drawMatrix(colours, weight) {
    const [context, W, H] = pen(matrixCanvas);
    const sheet = matrixSheet(weight);
    const size = Math.min(W, H);
    square = [(W - size) / 2, (H - size) / 2, size / M];
    context.drawImage(sheet, square[0], square[1], size, size);
    const tall = Math.max(square[2], 3);
    outline(context, square[0], square[1] + (tokenOfStep(shownStep()) + 0.5) * square[2] - tall / 2, size, tall, colours.select, 1.5);
    title(matrixHead, "attention", `block ${layers[layer] + 1}, head ${headWords(head)}`);
  }

  let lookFit = [0, 0, 1];

  function drawLook(colours, weight) {
    const [context, W, H] = pen(lookCanvas);
    lookFit = fit(width, height, 0, 0, W, H);
    const [x, y, scale] = lookFit;
    const k = shownStep();
    const row = tokenOfStep(k);
    let most = 1e-9;
    for (let j = 0; j < N; j++) most = Math.max(most, weight(row, tokenOfStep(j)));
    const sheet = bitmap(columns, rows, (data) => order().forEach((cell, j) => data.set([...viridis(weight(row, tokenOfStep(j)) / most), 190], 4 * cell)));
    context.drawImage(photo, x, y, width * scale, height * scale);
    context.drawImage(sheet, x, y, width * scale, height * scale);
    outline(context, ...box(order()[k], lookFit), colours.select);
    title(lookHead, "where it looks", `patch at ${rowColumn(order()[k])}`);
  }

  const small = (value) => (value === 0 ? "0" : value < 0.005 ? value.toExponential(0) : value.toFixed(2));

  const table = kinds.map((name, k) => h("div", { class: "vl-compare-row" }, h("span", {}, name),
    h("span", {}, small(gaps.along[k])), h("span", {}, small(gaps.behind[k])), h("span", {}, best(chances.behind[k]))));
  compare.append(h("div", { class: "vl-compare-row vl-compare-head" }, h("span", {}, "order"), h("span", {}, "along"),
    h("span", {}, "behind"), h("span", {}, "says, behind")), ...table);
  let judged = null;

  function drawClasses() {
    const which = along ? "along" : "behind";
    if (judged === `${kind}, ${which}`) return;
    judged = `${kind}, ${which}`;
    const now = chances[which][kind];
    const gap = gaps[which][kind];
    classes.set(now, usual);
    verdict.replaceChildren(h("b", {}, gap < 1e-9 ? "Unchanged." : best(now) === best(usual) ? "Changed." : `Changed: now ${best(now)}.`),
      ` Largest change of a logit: ${small(gap)}.`);
    table.forEach((row, k) => row.classList.toggle("vl-best", k === kind));
    kindButtons.forEach((each, k) => each.setAttribute("aria-pressed", String(k === kind)));
  }

  function describe(weight) {
    const k = shownStep();
    const now = chances[along ? "along" : "behind"][kind];
    const cell = order()[k];
    const position = positionOf(k);
    let most = 0;
    for (let j = 0; j < N; j++) if (weight(tokenOfStep(k), tokenOfStep(j)) > weight(tokenOfStep(k), tokenOfStep(most))) most = j;
    const its = position === cell ? "its own position" : `the position of ${rowColumn(position)}`;
    view.say(`${kinds[kind][0].toUpperCase()}${kinds[kind].slice(1)} order, positions ${along ? "go along" : "stay behind"}. Patch ${k + 1} of ${N} read is at ${rowColumn(cell)} and gets ${its}; `
      + `it looks most at ${rowColumn(order()[most])} (${percent(weight(tokenOfStep(k), tokenOfStep(most)))}). `
      + `The model says ${best(now)}, ${percent(Math.max(...now))}; in raster order ${best(usual)}, ${percent(Math.max(...usual))}.`);
  }

  function draw() {
    if (!pictureCanvas.clientWidth) return;
    const colours = palette(view.root);
    const weight = weights();
    drawPicture(colours);
    drawSequence(colours);
    drawMatrix(colours, weight);
    drawLook(colours, weight);
    drawClasses();
    if (!playing) describe(weight);
  }

  let flight = 0;
  let playing = false;

  function stop() {
    cancelAnimationFrame(flight);
    playing = false;
  }

  /** All patches read, at once. */
  function arrive() {
    stop();
    step = N - 1;
    reading.set(N);
    draw();
  }

  /** Reads the picture along the path, the same two seconds for any number of patches. */
  function play() {
    stop();
    hovered = null;
    if (stillness()) {
      arrive();
      return;
    }
    const begin = performance.now();
    const tick = (now) => {
      if (!pictureCanvas.isConnected) return;
      const read = Math.min(N, 1 + Math.floor(Math.max(0, now - begin) / 2000 * N));
      step = read - 1;
      reading.set(read);
      playing = read < N;
      draw();
      if (playing) flight = requestAnimationFrame(tick);
    };
    flight = requestAnimationFrame(tick);
  }

  // ------------------------------------------------------------------------------- pointing
  const spot = (canvas_, event) => {
    const bounds = canvas_.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const onPicture = (place) => (x, y) => {
    const [left, top, scale] = place();
    const [i, j] = [Math.floor((x - left) / (side * scale)), Math.floor((y - top) / (side * scale))];
    return i >= 0 && j >= 0 && i < columns && j < rows ? order().indexOf(j * columns + i) : null;
  };
  const finders = new Map([
    [pictureCanvas, onPicture(() => pictureFit)],
    [lookCanvas, onPicture(() => lookFit)],
    [sequenceCanvas, (x, y) => {
      const [i, j] = [Math.floor((x - lines.left) / (lines.cell + 2)), Math.floor((y - lines.top) / lines.pitch)];
      const k = j * lines.across + i;
      return i >= 0 && i < lines.across && k >= 0 && k < N ? k : null;
    }],
    [matrixCanvas, (x, y) => {
      const k = Math.floor((y - square[1]) / square[2]) - (classPlace === 0 ? 1 : 0);
      return k >= 0 && k < N ? k : null;
    }],
  ]);
  for (const [canvas_, find] of finders) {
    canvas_.addEventListener("pointermove", (event) => {
      if (playing) return;
      const k = find(...spot(canvas_, event));
      if (k !== hovered) { hovered = k; draw(); }
    });
    canvas_.addEventListener("pointerleave", () => { if (hovered !== null) { hovered = null; draw(); } });
    canvas_.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      hovered = ((shownStep() + move) % N + N) % N;
      draw();
    });
    canvas_.addEventListener("blur", () => { if (hovered !== null) { hovered = null; draw(); } });
  }

  signal?.addEventListener("abort", stop);
  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
