import { bitmap, button, canvas, fit, floats, frame, guarded, h, outline, palette, pen, signed, slider, viridis } from "./shared.js";

// ------------------------------------------------------------------------------------------------- codes, as in the lesson

/** Angles of `length` places at dim/2 speeds, as sines then cosines: (length, dim). */
export function sincos1d(length, dim, base) {
  const half = dim / 2;
  const table = new Float32Array(length * dim);
  for (let i = 0; i < half; i++) {
    const speed = base ** ((-2 * i) / dim);
    for (let place = 0; place < length; place++) {
      table[place * dim + i] = Math.sin(place * speed);
      table[place * dim + half + i] = Math.cos(place * speed);
    }
  }
  return table;
}

/** The row's code, then the column's: (rows*columns, dim), row by row. */
export function sincos2d(rows, columns, dim, base) {
  const half = dim / 2;
  const [down, across] = [sincos1d(rows, half, base), sincos1d(columns, half, base)];
  const table = new Float32Array(rows * columns * dim);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const start = (r * columns + c) * dim;
    table.set(down.subarray(r * half, (r + 1) * half), start);
    table.set(across.subarray(c * half, (c + 1) * half), start + half);
  }
  return table;
}

/** Weights (fresh, old) of bicubic resizing along one side, a = -0.75, edges repeated, corners not aligned. */
export function cubicWeights(old, fresh) {
  const weights = new Float64Array(fresh * old);
  for (let i = 0; i < fresh; i++) {
    const centre = ((i + 0.5) * old) / fresh - 0.5;
    const first = Math.floor(centre) - 1;
    for (let j = first; j < first + 4; j++) {
      const x = Math.abs(centre - j);
      const weight = x <= 1 ? (1.25 * x - 2.25) * x * x + 1 : ((-0.75 * x + 3.75) * x - 6) * x + 3;
      weights[i * old + Math.min(Math.max(j, 0), old - 1)] += weight;
    }
  }
  return weights;
}

/** A table (rows*columns, dim) for another grid, bicubic. */
export function resized(table, [rows, columns], dim, [newRows, newColumns]) {
  const [down, across] = [cubicWeights(rows, newRows), cubicWeights(columns, newColumns)];
  const tall = new Float64Array(newRows * columns * dim);
  for (let i = 0; i < newRows; i++) for (let r = 0; r < rows; r++) {
    const weight = down[i * rows + r];
    if (weight === 0) continue;
    for (let k = 0; k < columns * dim; k++) tall[i * columns * dim + k] += weight * table[r * columns * dim + k];
  }
  const result = new Float32Array(newRows * newColumns * dim);
  for (let i = 0; i < newRows; i++) for (let j = 0; j < newColumns; j++) for (let c = 0; c < columns; c++) {
    const weight = across[j * columns + c];
    if (weight === 0) continue;
    const [to, from] = [(i * newColumns + j) * dim, (i * columns + c) * dim];
    for (let k = 0; k < dim; k++) result[to + k] += weight * tall[from + k];
  }
  return result;
}

/** The rows of a table (count, dim), each of length 1. */
export function unit(table, dim) {
  const units = new Float32Array(table.length);
  for (let start = 0; start < table.length; start += dim) {
    let sum = 0;
    for (let k = start; k < start + dim; k++) sum += table[k] * table[k];
    const length = Math.sqrt(sum) || 1;
    for (let k = start; k < start + dim; k++) units[k] = table[k] / length;
  }
  return units;
}

/** Cosine of row `place` with every row, of rows (count, dim) of length 1. */
export function cosines(units, dim, place) {
  const near = new Float32Array(units.length / dim);
  for (let n = 0; n < near.length; n++) {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += units[n * dim + k] * units[place * dim + k];
    near[n] = sum;
  }
  return near;
}

// --------------------------------------------------------------------------------------------------------------- the page

const KINDS = [["learned", "learned table"], ["2d", "sin-cos 2-D"], ["1d", "sin-cos 1-D"], ["none", "no positions"]];

function render({ model, el, signal }) {
  const learned = floats(model.get("learned"));
  const [ownRows, ownColumns] = model.get("grid");
  const ownDim = model.get("dim");
  const largest = Math.max(model.get("largest"), 2 * ownRows, 2 * ownColumns);

  let kind = "learned";
  let [rows, columns] = [ownRows, ownColumns];
  let dim = 64;
  let power = 4; // the base is 10**power
  let at = [Math.floor(ownRows / 2), Math.floor(ownColumns / 2)]; // the place compared with all others
  let under = null; // the place under the pointer

  const base = () => Math.round(10 ** power);
  const width = () => (kind === "learned" ? ownDim : dim);
  let kept = { name: null };

  /** The codes (places, width) as they are, as rows of length 1, and the largest number among them. */
  function codes() {
    const name = [kind, rows, columns, dim, power].join();
    if (kept.name !== name) {
      const made = {
        learned: () => (rows === ownRows && columns === ownColumns ? learned : resized(learned, [ownRows, ownColumns], ownDim, [rows, columns])),
        "2d": () => sincos2d(rows, columns, dim, base()),
        "1d": () => sincos1d(rows * columns, dim, base()),
        none: () => new Float32Array(rows * columns * dim).fill(1),
      }[kind]();
      kept = { name, table: made, units: unit(made, width()), most: made.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
    }
    return kept;
  }

  const kindButtons = KINDS.map(([key, words]) => button(words, () => { kind = key; draw(); }));
  const moved = () => { at = [Math.min(at[0], rows - 1), Math.min(at[1], columns - 1)]; under = null; draw(); };
  const rowsSlider = slider("rows", { min: 1, max: largest, value: rows, oninput: (value) => { rows = value; moved(); } });
  const columnsSlider = slider("columns", { min: 1, max: largest, value: columns, oninput: (value) => { columns = value; moved(); } });
  const dimSlider = slider("width", { min: 4, max: model.get("widest"), step: 4, value: dim, oninput: (value) => { dim = value; draw(); } });
  const baseSlider = slider("base", { min: 0.5, max: 5, step: 0.25, value: power, words: (value) => Math.round(10 ** value).toLocaleString("en"),
    oninput: (value) => { power = value; draw(); } });
  const mapCanvas = canvas("how similar the chosen place is to every other; arrow keys choose another place", { class: "vl-positions-canvas" });
  const allCanvas = canvas("one small map of similarity for each place; arrow keys choose a place", { class: "vl-positions-canvas" });
  const codeCanvas = canvas("the codes as rows of colours; arrow keys choose a place", { class: "vl-positions-canvas" });
  const [mapHead, allHead, codeHead] = [0, 1, 2].map(() => h("div", { class: "vl-head" }));
  const [mapFoot, allFoot, codeFoot] = [0, 1, 2].map(() => h("div", { class: "vl-foot" }));

  const set = (values) => () => {
    ({ kind = kind, rows = rows, columns = columns, dim = dim, power = power, at = at } = values);
    under = null;
    rowsSlider.set(rows);
    columnsSlider.set(columns);
    dimSlider.set(dim);
    baseSlider.set(power);
    draw();
  };
  const middle = [Math.floor(ownRows / 2), Math.floor(ownColumns / 2)];
  const view = frame(el, {
    title: "Which places look alike?",
    steps: [
      { text: "A ViT learned one vector for each place. The map compares the framed place with all others: yellow is alike, dark is not. Nobody told the model what is near; it found out.",
        at: ["kinds", "map"], go: set({ kind: "learned", rows: ownRows, columns: ownColumns, dim: 64, power: 4, at: middle }) },
      { text: "Here is such a map for every place, as in the ViT paper's figure 7. The bright spot travels with its place: rows and columns, found in the data.",
        at: ["all"], go: set({ kind: "learned", rows: ownRows, columns: ownColumns, at: middle }) },
      { text: "Waves along the sequence need no learning. They know neighbours beside, but the place below is a whole line away: no longer near.",
        at: ["kinds", "map"], go: set({ kind: "1d", rows: ownRows, columns: ownColumns, dim: 64, power: 4, at: middle }) },
      { text: "Waves for rows and columns: now below is as near as beside. But nearly all places look alike: with the usual base of 10,000 most waves hardly move over so few places.",
        at: ["kinds", "map", "code"], go: set({ kind: "2d", rows: ownRows, columns: ownColumns, dim: 64, power: 4, at: middle }) },
      { text: "The base sets how slow the slowest wave is. With 10 instead of 10,000 all waves move: a clear spot, and a cross, since places of one row or column share half of their code.",
        at: ["numbers", "map"], go: set({ kind: "2d", rows: 16, columns: 16, dim: 64, power: 1, at: [8, 8] }) },
      { text: "A finer grid under the learned table: it is resized like a picture (bicubic). The spot keeps its size in the picture.",
        at: ["numbers", "map", "all"], go: set({ kind: "learned", rows: 2 * ownRows, columns: 2 * ownColumns, at: [2 * middle[0], 2 * middle[1]] }) },
      { text: "And without positions every place is the same: no map, no where.", at: ["kinds", "map"],
        go: set({ kind: "none", rows: ownRows, columns: ownColumns, at: middle }) },
    ],
    free: "Choose a kind, point at a place, drag grid, width and base. Is there a base with which 2-D waves tell a place from the one below it as sharply as the learned table does?",
    onfree: () => draw(),
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { class: "vl-kinds", "data-part": "kinds" }, kindButtons)),
      h("div", { class: "vl-controls vl-numbers", "data-part": "numbers" }, rowsSlider.box, columnsSlider.box, dimSlider.box, baseSlider.box),
      h("div", { class: "vl-positions" },
        h("div", { "data-part": "map" }, mapHead, mapCanvas, mapFoot),
        h("div", { "data-part": "all" }, allHead, allCanvas, allFoot),
        h("div", { "data-part": "code" }, codeHead, codeCanvas, codeFoot)),
    ],
  });

  // ------------------------------------------------------------------------------------------------------------- drawing
  const title = (head, name, rest) => head.replaceChildren(h("b", {}, name), ` ${rest}`);
  const place = () => at[0] * columns + at[1];
  const [LOW, HIGH] = [-0.2, 1];
  const paint = (value) => [...viridis((value - LOW) / (HIGH - LOW)), 255];
  let mapFit = [0, 0, 1];
  let allFit = [0, 0, 1];
  let codeFit = [0, 0, 1, 1];

  function drawMap(colours, near) {
    const [context, W, H] = pen(mapCanvas);
    mapFit = fit(columns, rows, 0, 0, W, H);
    const [x, y, scale] = mapFit;
    context.drawImage(bitmap(columns, rows, (data) => near.forEach((value, n) => data.set(paint(value), 4 * n))), x, y, columns * scale, rows * scale);
    if (under) outline(context, x + under[1] * scale, y + under[0] * scale, scale, scale, colours.ink, 1);
    outline(context, x + at[1] * scale, y + at[0] * scale, scale, scale, colours.select);
    title(mapHead, "similarity", `of row ${at[0]}, column ${at[1]} with all`);
  }

  let sheet = { name: null, picture: null };

  function drawAll(colours) {
    const [context, W, H] = pen(allCanvas);
    const [steps, per] = [Math.min(rows, 8), Math.min(columns, 8)]; // at most 8 x 8 small maps
    const rowAt = (i) => Math.floor(((i + 0.5) * rows) / steps);
    const columnAt = (j) => Math.floor(((j + 0.5) * columns) / per);
    const [mapW, mapH] = [columns + 1, rows + 1]; // a gap of one pixel between maps
    if (sheet.name !== kept.name) {
      const { units } = codes();
      sheet = { name: kept.name, picture: bitmap(per * mapW, steps * mapH, (data) => {
        for (let i = 0; i < steps; i++) for (let j = 0; j < per; j++) {
          const near = cosines(units, width(), rowAt(i) * columns + columnAt(j));
          for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
            data.set(paint(near[r * columns + c]), 4 * ((i * mapH + r) * per * mapW + j * mapW + c));
          }
        }
      }) };
    }
    allFit = [...fit(per * mapW, steps * mapH, 0, 0, W, H), steps, per, rowAt, columnAt, mapW, mapH];
    const [x, y, scale] = allFit;
    context.drawImage(sheet.picture, x, y, per * mapW * scale, steps * mapH * scale);
    for (let i = 0; i < steps; i++) for (let j = 0; j < per; j++) {
      if (rowAt(i) === at[0] && columnAt(j) === at[1]) {
        outline(context, x + j * mapW * scale, y + i * mapH * scale, columns * scale, rows * scale, colours.select, 1.5);
      }
    }
    title(allHead, "all maps", steps < rows || per < columns ? `of ${steps} x ${per} of the places` : "one for each place");
  }

  function drawCodes(colours) {
    const [context, W, H] = pen(codeCanvas);
    const { table, most } = codes();
    const count = rows * columns;
    const picture = bitmap(width(), count, (data) => { for (let i = 0; i < count * width(); i++) data.set(signed(table[i] / most), 4 * i); });
    context.drawImage(picture, 0, 0, W, H);
    codeFit = [0, 0, W / width(), H / count];
    const tall = Math.max(H / count, 3);
    outline(context, 1, (place() + 0.5) * (H / count) - tall / 2, W - 2, tall, colours.select, 1.5);
    title(codeHead, "codes", `${count} places x ${width()} numbers`);
  }

  function describe(near) {
    const [r, c] = at;
    const say = (dr, dc) => (r + dr >= 0 && r + dr < rows && c + dc >= 0 && c + dc < columns ? near[(r + dr) * columns + c + dc].toFixed(2) : "–");
    mapFoot.textContent = `beside ${say(0, 1)} · below ${say(1, 0)} · two rows below ${say(2, 0)} · three to the right ${say(0, 3)}`;
    let far = -1;
    near.forEach((value, n) => {
      const apart = Math.abs(Math.floor(n / columns) - r) + Math.abs((n % columns) - c);
      if (apart > 2 && (far < 0 || value > near[far])) far = n;
    });
    allFoot.textContent = far < 0 ? "" : `most alike of the places more than two steps away: row ${Math.floor(far / columns)}, column ${far % columns} (${near[far].toFixed(2)})`;
    const pointed = under ? ` It and row ${under[0]}, column ${under[1]}: ${near[under[0] * columns + under[1]].toFixed(2)}.` : "";
    codeFoot.textContent = {
      learned: rows === ownRows && columns === ownColumns ? "as the model learned them" : `resized from ${ownRows} x ${ownColumns}, bicubic`,
      "2d": "row: sines, cosines; then column: sines, cosines",
      "1d": "sines, then cosines, fast to slow, of the place in the sequence",
      none: "the same code everywhere",
    }[kind];
    const words = KINDS.find(([key]) => key === kind)[1];
    const settings = kind === "1d" || kind === "2d" ? `, width ${dim}, base ${base().toLocaleString("en")}` : "";
    view.say(`${words[0].toUpperCase()}${words.slice(1)} on a grid of ${rows} x ${columns}${settings}. Row ${r}, column ${c} has a cosine of ${say(0, 1)} with the place to its right and ${say(1, 0)} with the one below.${pointed}`);
  }

  function draw() {
    if (!mapCanvas.clientWidth) return;
    const colours = palette(view.root);
    const near = cosines(codes().units, width(), place());
    const waves = kind === "1d" || kind === "2d";
    dimSlider.input.disabled = baseSlider.input.disabled = !waves;
    kindButtons.forEach((each, i) => each.setAttribute("aria-pressed", String(KINDS[i][0] === kind)));
    drawMap(colours, near);
    drawAll(colours);
    drawCodes(colours);
    describe(near);
  }

  // ------------------------------------------------------------------------------------------------------------ pointing
  const inside = (r, c) => (r >= 0 && c >= 0 && r < rows && c < columns ? [r, c] : null);
  const finders = new Map([
    [mapCanvas, (x, y) => inside(Math.floor((y - mapFit[1]) / mapFit[2]), Math.floor((x - mapFit[0]) / mapFit[2]))],
    [allCanvas, (x, y) => {
      const [left, top, scale, steps, per, rowAt, columnAt, mapW, mapH] = allFit;
      const [i, j] = [Math.floor((y - top) / (mapH * scale)), Math.floor((x - left) / (mapW * scale))];
      return i >= 0 && j >= 0 && i < steps && j < per ? [rowAt(i), columnAt(j)] : null;
    }],
    [codeCanvas, (x, y) => {
      const n = Math.floor(y / codeFit[3]);
      return n >= 0 && n < rows * columns ? [Math.floor(n / columns), n % columns] : null;
    }],
  ]);
  for (const [canvas_, find] of finders) {
    const found = (event) => {
      const bounds = canvas_.getBoundingClientRect();
      return find(event.clientX - bounds.left, event.clientY - bounds.top);
    };
    canvas_.addEventListener("pointermove", (event) => {
      const here = found(event);
      if (event.buttons & 1 && here) { at = here; under = null; draw(); return; }
      if (String(here) !== String(under)) { under = here; draw(); }
    });
    canvas_.addEventListener("pointerdown", (event) => { const here = found(event); if (here) { at = here; under = null; draw(); } });
    canvas_.addEventListener("pointerleave", () => { if (under) { under = null; draw(); } });
    canvas_.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      at = [(at[0] + step[0] + rows) % rows, (at[1] + step[1] + columns) % columns];
      under = null;
      draw();
    });
  }

  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
