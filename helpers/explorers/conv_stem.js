import { bitmap, canvas, fit, floats, frame, guarded, h, outline, palette, pen, photograph, reach, signed, slider } from "./shared.js";

const MOST = 64; // filters that are drawn

/** The stem as numbers: layers of {below, above, kernel (above, below, 3, 3), scale, shift}, and the 1x1. */
export function stemOf(widths, kernels, scales, shifts, last, lastBias) {
  const layers = [];
  let [k, c] = [0, 0];
  for (let i = 1; i < widths.length; i++) {
    const [below, above] = [widths[i - 1], widths[i]];
    layers.push({ below, above, kernel: kernels.subarray(k, k + 9 * below * above), scale: scales.subarray(c, c + above), shift: shifts.subarray(c, c + above) });
    k += 9 * below * above;
    c += above;
  }
  return { layers, last, lastBias, dim: lastBias.length };
}

/** What every stage gives for a picture (C, H, W), before the ReLU: [{values, channels, height, width}], tokens last. */
export function run(stem, picture, [channels, height, width]) {
  const stages = [];
  let x = picture;
  let [tall, wide] = [height, width];
  for (const { below, above, kernel, scale, shift } of stem.layers) {
    const [rows, cols] = [tall / 2, wide / 2];
    const values = new Float32Array(above * rows * cols);
    for (let out = 0; out < above; out++) for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
      let sum = 0;
      for (let into = 0; into < below; into++) for (let i = 0; i < 3; i++) {
        const row = 2 * r + i - 1;
        if (row < 0 || row >= tall) continue;
        for (let j = 0; j < 3; j++) {
          const col = 2 * c + j - 1;
          if (col >= 0 && col < wide) sum += kernel[(out * below + into) * 9 + 3 * i + j] * x[(into * tall + row) * wide + col];
        }
      }
      values[(out * rows + r) * cols + c] = scale[out] * sum + shift[out];
    }
    stages.push({ values, channels: above, height: rows, width: cols });
    x = values.map((value) => Math.max(value, 0));
    [tall, wide] = [rows, cols];
  }
  const below = stem.layers.at(-1).above;
  const area = tall * wide;
  const tokens = new Float32Array(stem.dim * area);
  for (let out = 0; out < stem.dim; out++) for (let place = 0; place < area; place++) {
    let sum = stem.lastBias[out];
    for (let into = 0; into < below; into++) sum += stem.last[out * below + into] * x[into * area + place];
    tokens[out * area + place] = sum;
  }
  stages.push({ values: tokens, channels: stem.dim, height: tall, width: wide });
  return stages;
}

/**
 * The filters of one place: how the first `count` channels of a stage (before its ReLU) change with each pixel, given the
 * ReLUs that are open below. {values (count, C, side, side), side, top, left, open, gates}: first pixel, ReLUs met.
 */
export function filters(stem, stages, stage, row, col, count) {
  const L = stem.layers.length;
  let [side, top, left] = [1, row, col];
  let level = Math.min(stage, L - 1); // layer whose output, before the ReLU, `wanted` belongs to
  let channels = stem.layers[level].above;
  let wanted = new Float32Array(count * channels);
  let [open, gates] = [0, 0];
  const gate = (which, channel, r, c) => {
    const { values, height, width } = stages[which];
    if (r < 0 || c < 0 || r >= height || c >= width) return 0;
    return values[(channel * height + r) * width + c] > 0 ? 1 : 0;
  };
  for (let n = 0; n < count; n++) {
    if (stage < L) wanted[n * channels + n] = 1;
    else for (let c = 0; c < channels; c++) wanted[n * channels + c] = stem.last[n * channels + c] * gate(L - 1, c, row, col);
  }
  if (stage === L) for (let c = 0; c < channels; c++) { gates += 1; open += gate(L - 1, c, row, col); }
  for (; level >= 0; level--) {
    const { below, above, kernel, scale } = stem.layers[level];
    const wider = 2 * side + 1;
    const found = new Float32Array(count * below * wider * wider);
    for (let n = 0; n < count; n++) for (let out = 0; out < above; out++) for (let a = 0; a < side; a++) for (let b = 0; b < side; b++) {
      const weight = wanted[((n * above + out) * side + a) * side + b] * scale[out];
      if (weight === 0) continue;
      for (let into = 0; into < below; into++) {
        const from = (out * below + into) * 9;
        const to = ((n * below + into) * wider + 2 * a) * wider + 2 * b;
        for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) found[to + i * wider + j] += weight * kernel[from + 3 * i + j];
      }
    }
    [side, top, left] = [wider, 2 * top - 1, 2 * left - 1];
    if (level > 0) {
      for (let into = 0; into < below; into++) for (let a = 0; a < side; a++) for (let b = 0; b < side; b++) {
        const inside = top + a >= 0 && left + b >= 0 && top + a < stages[level - 1].height && left + b < stages[level - 1].width;
        const passes = gate(level - 1, into, top + a, left + b);
        if (inside) { gates += 1; open += passes; }
        if (!passes) for (let n = 0; n < count; n++) found[((n * below + into) * side + a) * side + b] = 0;
      }
    }
    [wanted, channels] = [found, below];
  }
  return { values: wanted, side, top, left, open, gates };
}

function render({ model, el, signal }) {
  const shape = model.get("picture_shape");
  const [channels, height, width] = shape;
  const P = model.get("patch");
  const pixels = floats(model.get("picture"));
  const photo = photograph(pixels, shape);
  const plain = floats(model.get("patchify")); // (D, C, P, P)
  const plainBias = floats(model.get("patchify_bias"));
  const D = plainBias.length;
  const widths = model.get("widths");
  const stem = stemOf(widths, ...["kernels", "scales", "shifts", "last", "last_bias"].map((name) => floats(model.get(name))));
  const L = stem.layers.length;
  const stages = run(stem, pixels, shape);
  const [rows, columns] = [height / P, width / P];

  let stage = 0; // 0 ... L - 1: after that convolution; L: tokens
  let at = [Math.floor(0.55 * height), Math.floor(0.55 * width)]; // chosen pixel
  let chosen = 0; // filter

  const apart = () => Math.min(2 ** (stage + 1), P); // pixels between units of the stage
  const unit = () => at.map((place) => Math.floor(place / apart()));
  const token = () => at.map((place) => Math.floor(place / P));
  const drawn = () => Math.min(stages[stage].channels, MOST);
  const stageName = (value) => (value === L ? "tokens (1x1)" : `conv ${value + 1} of ${L}`);

  // ---------------------------------------------------------------------------- what patchify gives
  const plainMaps = new Float32Array(D * rows * columns);
  for (let out = 0; out < D; out++) for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    let sum = plainBias[out];
    for (let into = 0; into < channels; into++) for (let i = 0; i < P; i++) for (let j = 0; j < P; j++) {
      sum += plain[((out * channels + into) * P + i) * P + j] * pixels[(into * height + r * P + i) * width + c * P + j];
    }
    plainMaps[(out * rows + r) * columns + c] = sum;
  }

  let kept = { name: null };
  function filtersHere() {
    const [row, col] = unit();
    const name = [stage, row, col].join();
    if (kept.name !== name) kept = { name, ...filters(stem, stages, stage, row, col, drawn()) };
    return kept;
  }

  // ---------------------------------------------------------------------------- the page
  const stageSlider = slider("stage of the stem", { max: L, value: 0, words: stageName, oninput: (value) => { toStage(value); draw(); } });
  const filterSlider = slider("filter", { max: drawn() - 1, value: 0, words: (value) => `${value + 1} of ${drawn()}`, oninput: (value) => { chosen = value; draw(); } });
  const panel = (label) => canvas(label, { class: "vl-stem-canvas" });
  const still = (label) => canvas(label, { keys: false, class: "vl-stem-canvas vl-stem-small" });
  const pictureCanvas = panel("the picture; click a place, arrow keys move it");
  const plainCanvas = panel("patchify's filters; click one, left and right choose another");
  const convCanvas = panel("the conv stem's filters at this place; click one, left and right choose another");
  const mapsCanvas = still("what the chosen filter gives over the whole picture: patchify left, conv stem right");
  const plainOne = still("patchify's chosen filter");
  const convOne = still("the conv stem's chosen filter");
  const [plainHead, convHead, mapsHead, plainOneHead, convOneHead] = Array.from({ length: 5 }, () => h("div", { class: "vl-head" }));
  const pictureFoot = h("div", { class: "vl-foot" });
  const plainFoot = h("div", { class: "vl-foot" });
  const convFoot = h("div", { class: "vl-foot" });

  function toStage(value) {
    stage = value;
    chosen = Math.min(chosen, drawn() - 1);
    stageSlider.set(stage);
    filterSlider.set(chosen, { max: drawn() - 1 });
  }
  const place = (down, across) => [Math.min(height - 1, Math.floor(down * height)), Math.min(width - 1, Math.floor(across * width))];
  const step = (next, where) => () => { at = where; toStage(Math.min(next, L)); draw(); };
  const middle = place(0.55, 0.55);
  const fieldAfter = (layers) => 2 ** (layers + 1) - 1;

  const view = frame(el, {
    title: "The filters each stem learns",
    steps: [
      { text: `Patchify: a token is the answers of ${D} filters to its own ${P} x ${P} pixels (orange). Here are the filters this model learned: orange adds, blue takes away.`,
        at: ["picture", "plain"], go: step(0, middle) },
      { text: "Another token: other pixels, none of them shared, and the very same filters. That is all that patchify does, in one step.",
        at: ["picture", "plain"], go: step(0, place(0.3, 0.45)) },
      { text: `The conv stem begins with ${widths[1]} filters of 3 x 3 pixels (blue square): edges and spots. They, too, are the same at every place.`,
        at: ["picture", "conv", "one"], go: step(0, middle) },
      { text: `One convolution up, a unit sees ${fieldAfter(Math.min(2, L))} pixels a side. Between the two stands a ReLU: which of them are open depends on the picture, so the filter is made for this very place.`,
        at: ["stage", "conv", "picture"], go: step(Math.min(1, L - 1), middle) },
      { text: `After all ${L}: ${fieldAfter(L)} pixels a side, more than the patch of ${P}. Fields of neighbours overlap, so an edge on a patch border is nobody's blind spot.`,
        at: ["stage", "picture", "conv"], go: step(L - 1, middle) },
      { text: `The 1x1 mixes them: ${stem.dim} numbers, the token. Compare with patchify's ${D}: which filters look like edges, which like noise? Nobody told either what to look for.`,
        at: ["stage", "plain", "conv"], go: step(L, middle) },
      { text: "Now a token in the corner: other ReLUs are open, and the stem's filters change with the place. Patchify's do not.",
        at: ["picture", "plain", "conv"], go: step(L, place(0, 0)) },
    ],
    free: "Click on the picture (or use arrow keys on it), drag the stage and the filter. Where does the stem's filter change most?",
    onfree: () => draw(),
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { "data-part": "stage" }, stageSlider.box), h("div", { "data-part": "filter" }, filterSlider.box)),
      h("div", { class: "vl-stem" },
        h("div", { "data-part": "picture" }, h("div", { class: "vl-head" }, h("b", {}, "picture"), ` ${rows} x ${columns} tokens`), pictureCanvas, pictureFoot),
        h("div", { "data-part": "plain" }, plainHead, plainCanvas, plainFoot),
        h("div", { "data-part": "conv" }, convHead, convCanvas, convFoot),
        h("div", { "data-part": "maps" }, mapsHead, mapsCanvas),
        h("div", { "data-part": "one" }, plainOneHead, plainOne),
        h("div", { "data-part": "one" }, convOneHead, convOne)),
    ],
  });

  // ------------------------------------------------------------------------------- drawing
  /** Filters (count, C, side, side) side by side in one bitmap: in colour where they read three channels, else blue to vermilion. */
  function sheet(values, count, side, across, limit, shut = () => false) {
    const area = side * side;
    const wide = across * side;
    return bitmap(wide, Math.ceil(count / across) * side, (data) => {
      for (let n = 0; n < count; n++) {
        const strength = shut(n) ? 0.35 : 1;
        const start = Math.floor(n / across) * side * wide + (n % across) * side;
        for (let p = 0; p < area; p++) {
          const from = n * channels * area + p;
          const to = 4 * (start + Math.floor(p / side) * wide + (p % side));
          if (channels === 3) for (let c = 0; c < 3; c++) data[to + c] = 127.5 * (1 + values[from + c * area] / limit);
          else data.set(signed(values[from] / limit), to);
          data[to + 3] = strength * (channels === 3 ? 255 : data[to + 3]);
        }
      }
    });
  }

  let plainSheet = { across: 0, image: null }; // patchify's filters never change

  /** Filters as a mosaic; returns where they lie: {x, y, pitch, across, count}. */
  function mosaic(canvas_, count, colours, imageOf) {
    const [context, W, H] = pen(canvas_);
    let across = 1;
    while (Math.min(W / across, H / Math.ceil(count / across)) < Math.min(W / (across + 1), H / Math.ceil(count / (across + 1)))) across += 1;
    const lines = Math.ceil(count / across);
    const pitch = Math.min(W / across, H / lines);
    const [x, y] = [(W - across * pitch) / 2, (H - lines * pitch) / 2];
    context.drawImage(imageOf(across), x, y, across * pitch, lines * pitch);
    for (let n = 0; n < count; n++) {
      const [left, top] = [x + (n % across) * pitch, y + Math.floor(n / across) * pitch];
      context.strokeStyle = colours.back;
      context.lineWidth = 3;
      context.strokeRect(left, top, pitch, pitch);
      context.strokeStyle = colours.line;
      context.lineWidth = 0.5;
      context.strokeRect(left + 1.5, top + 1.5, pitch - 3, pitch - 3);
    }
    if (chosen < count) outline(context, x + (chosen % across) * pitch + 1.5, y + Math.floor(chosen / across) * pitch + 1.5, pitch - 3, pitch - 3, colours.select);
    return { x, y, pitch, across, count };
  }

  /** One filter as large as it fits, over a grid of its pixels. */
  function large(canvas_, values, side, limit, colours) {
    const [context, W, H] = pen(canvas_);
    const [x, y, scale] = fit(side, side, 0, 0, W, H - 2);
    context.drawImage(sheet(values, 1, side, 1, limit), x, y + 1, side * scale, side * scale);
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.strokeRect(x, y + 1, side * scale, side * scale);
  }

  const title = (box, name, rest) => box.replaceChildren(h("b", {}, name), ` ${rest}`);
  let pictureFit = [0, 0, 1];
  let plainPlaces = null;
  let convPlaces = null;

  function drawPicture(colours, here) {
    const [context, W, H] = pen(pictureCanvas);
    pictureFit = fit(width, height, 0, 0, W, H);
    const [x, y, scale] = pictureFit;
    context.drawImage(photo, x, y, width * scale, height * scale);
    context.strokeStyle = "rgba(128, 128, 128, 0.55)";
    context.lineWidth = 1;
    for (let r = 1; r < rows; r++) context.strokeRect(x, y + r * P * scale, width * scale, 0);
    for (let c = 1; c < columns; c++) context.strokeRect(x + c * P * scale, y, 0, height * scale);
    context.save();
    context.beginPath();
    context.rect(x - 2, y - 2, width * scale + 4, height * scale + 4);
    context.clip();
    const [row, col] = token();
    outline(context, x + col * P * scale, y + row * P * scale, P * scale, P * scale, colours.select);
    outline(context, x + here.left * scale, y + here.top * scale, here.side * scale, here.side * scale, colours.accent);
    context.restore();
    pictureFoot.replaceChildren(`Orange: what the patchify token sees, ${P} x ${P} pixels. Blue: the unit of the stem, ${here.side} x ${here.side}.`);
  }

  /** What a filter gives over the whole picture, and the chosen place in it. */
  function drawMap(context, values, tall, wide, box, [row, col], colours) {
    const [x, y, scale] = fit(wide, tall, ...box);
    const limit = reach(values);
    context.drawImage(bitmap(wide, tall, (data) => values.forEach((value, i) => data.set(signed(value / limit), 4 * i))), x, y, wide * scale, tall * scale);
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.strokeRect(x, y, wide * scale, tall * scale);
    outline(context, x + col * scale, y + row * scale, scale, scale, colours.select, 1.5);
  }

  const short = (value) => (Math.abs(value) < 0.005 ? "0.00" : value.toFixed(2));

  function draw() {
    if (!pictureCanvas.clientWidth) return;
    const colours = palette(view.root);
    const here = filtersHere();
    const now = stages[stage];
    const [row, col] = unit();
    const [tokenRow, tokenCol] = token();
    const value = (n) => now.values[(n * now.height + row) * now.width + col];
    const area = now.height * now.width;
    const shown = Math.min(D, MOST);
    const other = Math.min(chosen, shown - 1);
    drawPicture(colours, here);
    plainPlaces = mosaic(plainCanvas, shown, colours, (across) => {
      if (plainSheet.across !== across) plainSheet = { across, image: sheet(plain, shown, P, across, reach(plain)) };
      return plainSheet.image;
    });
    here.limit ??= reach(here.values);
    here.images ??= new Map(); // by how many stand side by side
    convPlaces = mosaic(convCanvas, drawn(), colours, (across) => {
      if (!here.images.has(across)) here.images.set(across, sheet(here.values, drawn(), here.side, across, here.limit, (n) => stage < L && value(n) <= 0));
      return here.images.get(across);
    });
    title(plainHead, "patchify", `${D} filters of ${P} x ${P}${shown < D ? `, ${shown} drawn` : ""}`);
    title(convHead, "conv stem", `${stageName(stage)}: ${now.channels} of ${here.side} x ${here.side}${drawn() < now.channels ? `, ${drawn()} drawn` : ""}`);
    plainFoot.replaceChildren("The same at every token.");
    convFoot.replaceChildren(here.gates === 0 ? "The same at every place: no ReLU stands below." : `Of this place: ${here.open} of ${here.gates} ReLUs on the way are open.`,
      stage < L ? " Faint: the unit's own ReLU is shut." : "");

    const [context, W, H] = pen(mapsCanvas);
    drawMap(context, plainMaps.subarray(other * rows * columns, (other + 1) * rows * columns), rows, columns, [2, 2, W / 2 - 8, H - 4], [tokenRow, tokenCol], colours);
    const mine = now.values.slice(chosen * area, (chosen + 1) * area).map((v) => (stage < L ? Math.max(v, 0) : v));
    drawMap(context, mine, now.height, now.width, [W / 2 + 6, 2, W / 2 - 8, H - 4], [row, col], colours);
    title(mapsHead, "over the picture", `filter ${chosen + 1}: patchify, conv stem`);

    const plainSize = channels * P * P;
    const convSize = channels * here.side * here.side;
    large(plainOne, plain.subarray(other * plainSize, (other + 1) * plainSize), P, reach(plain.subarray(other * plainSize, (other + 1) * plainSize)), colours);
    const one = here.values.subarray(chosen * convSize, (chosen + 1) * convSize);
    large(convOne, one, here.side, reach(one), colours);
    const answer = plainMaps[(other * rows + tokenRow) * columns + tokenCol];
    const given = stage < L ? Math.max(value(chosen), 0) : value(chosen);
    title(plainOneHead, `filter ${other + 1}`, `gives ${short(answer)} here`);
    title(convOneHead, `filter ${chosen + 1}`, `gives ${short(given)} here${stage < L && value(chosen) <= 0 ? " (its ReLU is shut)" : ""}`);
    view.say(`Patchify: the token at row ${tokenRow}, column ${tokenCol} sees ${P} by ${P} pixels; its filter ${other + 1} gives ${short(answer)}. `
      + `Conv stem, ${stageName(stage)}: the unit at row ${row}, column ${col} sees ${here.side} by ${here.side} pixels; filter ${chosen + 1} gives ${short(given)}. `
      + (here.gates === 0 ? "No ReLU stands below it." : `${here.open} of ${here.gates} ReLUs on the way are open.`));
  }

  // ------------------------------------------------------------------------------- pointing
  const clamp = (value, size) => Math.min(Math.max(value, 0), size - 1);
  const spot = (canvas_, event) => {
    const bounds = canvas_.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  function point(event) {
    const [left, top] = spot(pictureCanvas, event);
    const [x, y, scale] = pictureFit;
    at = [clamp(Math.floor((top - y) / scale), height), clamp(Math.floor((left - x) / scale), width)];
    draw();
  }
  pictureCanvas.addEventListener("pointerdown", point);
  pictureCanvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
  pictureCanvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    at = [clamp(at[0] + move[0] * apart(), height), clamp(at[1] + move[1] * apart(), width)];
    draw();
  });
  const choose = (number) => { chosen = clamp(number, drawn()); filterSlider.set(chosen); draw(); };
  for (const [canvas_, places] of [[plainCanvas, () => plainPlaces], [convCanvas, () => convPlaces]]) {
    canvas_.addEventListener("pointerdown", (event) => {
      const [left, top] = spot(canvas_, event);
      const { x, y, pitch, across, count } = places();
      const [i, j] = [Math.floor((left - x) / pitch), Math.floor((top - y) / pitch)];
      if (i >= 0 && i < across && j >= 0 && j * across + i < count) choose(j * across + i);
    });
    canvas_.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      event.stopPropagation();
      choose(chosen + move);
    });
  }

  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
