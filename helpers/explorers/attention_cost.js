import { button, canvas, fit, frame, guarded, h, halves, outline, palette, pen, photograph, slider } from "./shared.js";

const CLASSES = 1000;
const CHANNELS = 3;
const HEAD_WIDTH = 64;
const MLP_RATIO = 4;
const LIMITS = { height: [32, 2048, 16], width: [32, 2048, 16], patch: [4, 64, 1], dim: [64, 2048, 64], depth: [1, 48, 1], window: [1, 32, 1] };
const MODELS = {
  "ViT-B/16": { height: 224, width: 224, patch: 16, dim: 768, depth: 12 },
  "ViT-B/32": { height: 224, width: 224, patch: 32, dim: 768, depth: 12 },
  "ViT-L/16": { height: 224, width: 224, patch: 16, dim: 1024, depth: 24 },
};

/**
 * FLOPs (a multiply-add counts 2) and memory of a ViT on one picture; `windowed` cuts attention into windows of `window`
 * patches on a side, padded where they do not tile the grid, and does without a class token.
 */
export function costs({ height, width, patch, dim, depth, window, windowed }) {
  const rows = Math.floor(height / patch);
  const columns = Math.floor(width / patch);
  const tokens = rows * columns;
  const sequence = windowed ? tokens : tokens + 1;
  const down = windowed ? Math.min(window, rows) : rows;
  const across = windowed ? Math.min(window, columns) : columns;
  const windows = tokens === 0 ? 0 : windowed ? Math.ceil(rows / down) * Math.ceil(columns / across) : 1;
  const partners = windowed ? down * across : sequence;
  const attention = windows * 4 * partners ** 2 * dim;
  const heads = Math.max(1, Math.round(dim / HEAD_WIDTH));
  const parts = {
    embedding: 2 * tokens * CHANNELS * patch ** 2 * dim,
    projections: depth * 8 * sequence * dim ** 2,
    attention: depth * attention,
    mlp: depth * 4 * MLP_RATIO * sequence * dim ** 2,
    head: 2 * dim * CLASSES,
  };
  const total = Object.values(parts).reduce((a, b) => a + b, 0);
  return {
    rows, columns, tokens, sequence, windows, partners, heads, parts, total,
    cropped: [height - rows * patch, width - columns * patch],
    padded: windowed && (rows % down !== 0 || columns % across !== 0),
    blockAttention: attention, blockRest: (8 + 4 * MLP_RATIO) * sequence * dim ** 2,
    weights: 4 * heads * windows * partners ** 2, result: 4 * sequence * dim,
  };
}

const PREFIXES = [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** Three digits with an SI prefix: 35.1 G. */
export function short(value) {
  const [size, prefix] = PREFIXES.find(([limit]) => Math.abs(value) >= 0.9995 * limit) ?? [1, ""];
  const number = value / size;
  return `${number >= 99.95 || Number.isInteger(number) ? number.toFixed(0) : number >= 9.995 ? number.toFixed(1) : number.toFixed(2)} ${prefix}`;
}

const factor = (ratio) => (ratio >= 99.95 ? Math.round(ratio).toLocaleString("en") : String(Number(ratio.toPrecision(3))));
const times = (ratio) => (!Number.isFinite(ratio) || ratio === 0 ? "–" : ratio > 0.9995 ? `× ${factor(ratio)}` : `÷ ${factor(1 / ratio)}`);
const whole = (number) => number.toLocaleString("en");

function render({ model, el, signal }) {
  const shape = model.get("picture_shape");
  const cards = model.get("cards");
  const photo = photograph(halves(model.get("picture")), shape);
  const start = { ...MODELS["ViT-B/16"], window: 8, windowed: false };
  let now = { ...start };
  let pinned = { ...start };
  let once = false; // count a multiply-add once
  let pointed = null; // number of tokens under the pointer on the chart

  // ---------------------------------------------------------------------------- the page
  const labels = { height: "height H", width: "width W", patch: "patch P", dim: "width D", depth: "blocks", window: "window M" };
  const units = { height: " px", width: " px", patch: " px", dim: "", depth: "", window: " patches" };
  const sliders = Object.fromEntries(Object.entries(LIMITS).map(([name, [min, max, step]]) => [name, slider(labels[name], {
    min, max, step, value: now[name], words: (value) => `${value}${units[name]}`,
    oninput: (value) => { now[name] = value; if (name === "window") now.windowed = useWindows.checked = true; draw(); },
  })]));
  sliders.dim.input.setAttribute("aria-label", "width D of a token");
  const uid = Math.random().toString(36).slice(2);
  const useWindows = h("input", { type: "checkbox", id: `vl-windows-${uid}`, onchange: () => { now.windowed = useWindows.checked; draw(); } });
  const countOnce = h("input", { type: "checkbox", id: `vl-once-${uid}`, onchange: () => { once = countOnce.checked; draw(); } });
  const clamp = (name, value) => Math.min(LIMITS[name][1], Math.max(LIMITS[name][0], value));
  const change = (values) => {
    for (const [name, value] of Object.entries(values)) now[name] = name in LIMITS ? clamp(name, value) : value;
    for (const name of Object.keys(LIMITS)) sliders[name].set(now[name]);
    useWindows.checked = now.windowed;
  };
  const move = (values) => () => { change(values()); draw(); };
  const modelButtons = Object.entries(MODELS).map(([name, values]) => button(name, move(() => ({ ...values, windowed: false }))));
  const double = button("double the resolution", move(() => ({ height: 2 * now.height, width: 2 * now.width })));
  const halve = button("halve the patch", move(() => ({ patch: now.patch / 2 })));
  const widen = button("double the width D", move(() => ({ dim: 2 * now.dim })));
  const pin = button("compare with this setting", () => { pinned = { ...now }; draw(); });

  const pictureCanvas = canvas("the picture under its grid of patches", { keys: false, class: "vl-cost-canvas" });
  const chartCanvas = canvas("FLOPs of one block against the number of tokens, logarithmic; left and right read other numbers of tokens",
    { class: "vl-cost-canvas" });
  const pictureHead = h("div", { class: "vl-head" });
  const chartHead = h("div", { class: "vl-head" });
  const barsHead = h("div", { class: "vl-head" });
  const card = h("div", { class: "vl-cost-card" });
  const partNames = { embedding: "embedding", projections: "projections", attention: "QK\u1d40 and AV", mlp: "MLPs", head: "head" };
  const rowsOfBars = Object.entries(partNames).map(([name, text]) => {
    const bar = h("div", { class: "vl-bar" });
    const number = h("span", { class: "vl-number" });
    return { name, bar, number, row: h("div", { class: name === "attention" ? "vl-row vl-cost-attention" : "vl-row" }, h("span", { class: "vl-name" }, text), h("div", { class: "vl-track" }, bar), number) };
  });
  const tableLines = ["tokens N", "QK\u1d40 and AV", "the rest", "whole model", "plain: weights", "fused: result"].map((name) => {
    const cells = [h("span", {}), h("span", {}), h("span", {})];
    return { cells, line: h("div", { class: "vl-cost-line" }, h("span", {}, name), ...cells) };
  });

  const base = () => ({ ...start });
  const set = (from, to, options = {}) => () => {
    pinned = from;
    change({ ...base(), ...to });
    once = countOnce.checked = Boolean(options.once);
    draw();
  };
  const view = frame(el, {
    title: "What does attention cost?",
    steps: [
      { text: "ViT-B/16 on a picture of 224 x 224 pixels: 14 x 14 patches of 16 pixels, so 196 tokens. With the class token 197 go through 12 blocks.",
        at: ["picture", "sliders"], go: set(base(), {}) },
      { text: "The whole model takes 35.1 GFLOPs, a multiply-add counted as 2. Two thirds are MLPs; the two products of attention, in orange, are 4%.",
        at: ["bars"], go: set(base(), {}) },
      { text: "Double both sides: 4 times the patches, so 16 times the attention (15.9 here: the one class token stays one). Yet the whole model costs only 4.5 times as much. Why?",
        at: ["table", "moves"], go: set(base(), { height: 448, width: 448 }) },
      { text: "Halve the patch instead: as many tokens as before, and the same factor. N = HW / P², and attention takes 4 N² D.",
        at: ["table", "moves"], go: set(base(), { patch: 8 }) },
      { text: "On logarithmic axes attention rises twice as steeply as all the rest. They cross at N = 6 D: for D = 768 at 4,608 tokens, a picture of 1088 pixels.",
        at: ["chart"], go: set(base(), { height: 1088, width: 1088 }) },
      { text: "Memory: plain attention holds one weight for each head, query and key, 806 MB a block at 1024 pixels. Fused attention holds little more than its result.",
        at: ["table"], go: set(base(), { height: 1024, width: 1024 }) },
      { text: "Windows of 8 x 8 patches: each patch meets 64 others, however large the picture. The orange line runs parallel to the blue one now, and never crosses it.",
        at: ["windows", "chart", "picture"], go: set({ ...base(), height: 1024, width: 1024 }, { height: 1024, width: 1024, windowed: true }) },
    ],
    free: "Drag any slider. The table compares with a setting that you choose: press \u201ccompare with this setting\u201d, then change something.",
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { class: "vl-cost-presets", "data-part": "models" }, modelButtons),
        h("div", { class: "vl-cost-presets", "data-part": "moves" }, double, halve, widen, pin)),
      h("div", { class: "vl-cost-sliders", "data-part": "sliders" }, ...["height", "width", "patch", "dim", "depth", "window"].map((name) => sliders[name].box)),
      h("div", { class: "vl-controls" },
        h("div", { class: "vl-field vl-cost-switch", "data-part": "windows" }, useWindows, h("label", { for: useWindows.id }, "attention in windows of M x M patches")),
        h("div", { class: "vl-field vl-cost-switch", "data-part": "once" }, countOnce, h("label", { for: countOnce.id }, "count a multiply-add once, as model cards do"))),
      h("div", { class: "vl-cost-views" },
        h("div", { "data-part": "picture" }, pictureHead, pictureCanvas),
        h("div", { "data-part": "chart" }, chartHead, chartCanvas),
        h("div", { "data-part": "bars" }, barsHead, ...rowsOfBars.map(({ row }) => row), card),
        h("div", { "data-part": "table" },
          h("div", { class: "vl-cost-line vl-cost-top" }, h("span", {}, "compared"), h("span", {}, "then"), h("span", {}, "now"), h("span", {}, "")),
          ...tableLines.map(({ line }) => line))),
    ],
  });

  // ------------------------------------------------------------------------------- drawing
  const flops = (value) => `${short(once ? value / 2 : value)}FLOPs`;
  const title = (element, name, rest) => element.replaceChildren(h("b", {}, name), ` ${rest}`);

  function drawPicture(colours, c) {
    const [context, W, H] = pen(pictureCanvas);
    const [x, y, scale] = fit(now.width, now.height, 1, 1, W - 2, H - 2);
    // the photograph fills the picture, cut to its shape
    const [, tall, wide] = shape;
    const cut = Math.min(wide / now.width, tall / now.height);
    const [cutW, cutH] = [now.width * cut, now.height * cut];
    context.drawImage(photo, (wide - cutW) / 2, (tall - cutH) / 2, cutW, cutH, x, y, now.width * scale, now.height * scale);
    const step = c.step = now.patch * scale;
    if (c.tokens > 0) {
      const row = Math.floor(c.rows / 2);
      const column = Math.floor(c.columns / 3);
      if (now.windowed) { // what the marked patch does not meet lies in the dark
        const down = Math.min(now.window, c.rows);
        const across = Math.min(now.window, c.columns);
        const [top, left] = [Math.floor(row / down) * down, Math.floor(column / across) * across];
        const [bottom, right] = [Math.min(top + down, c.rows), Math.min(left + across, c.columns)];
        context.fillStyle = "rgba(0, 0, 0, 0.62)";
        context.beginPath();
        context.rect(x, y, now.width * scale, now.height * scale);
        context.rect(x + left * step, y + top * step, (right - left) * step, (bottom - top) * step);
        context.fill("evenodd");
        if (down * step >= 4) lines(context, x, y, c, step * down, step * across, Math.ceil(c.rows / down), Math.ceil(c.columns / across), 1.6, 0.9);
      }
      if (step >= 2.5) lines(context, x, y, c, step, step, c.rows, c.columns, 0.7, Math.min(0.75, step / 12));
      outline(context, x + column * step, y + row * step, step, step, colours.select);
    }
    const grid = step >= 2.5 ? "" : ", too fine to draw";
    title(pictureHead, "picture", `${whole(c.rows)} x ${whole(c.columns)} patches${grid}`);
  }

  function lines(context, x, y, c, down, across, rows, columns, thickness, strength) {
    const [right, bottom] = [x + c.columns * c.step, y + c.rows * c.step];
    context.strokeStyle = `rgba(255, 255, 255, ${strength})`;
    context.lineWidth = thickness;
    context.beginPath();
    for (let i = 0; i <= rows; i++) { const at = Math.min(y + i * down, bottom); context.moveTo(x, at); context.lineTo(right, at); }
    for (let i = 0; i <= columns; i++) { const at = Math.min(x + i * across, right); context.moveTo(at, y); context.lineTo(at, bottom); }
    context.stroke();
  }

  const RANGE = [16, 2 ** 19]; // tokens on the chart
  let plot = { left: 0, right: 1 };
  const place = (tokens) => plot.left + (plot.right - plot.left) * Math.log(tokens / RANGE[0]) / Math.log(RANGE[1] / RANGE[0]);
  const tokensAt = (x) => Math.round(RANGE[0] * (RANGE[1] / RANGE[0]) ** Math.min(1, Math.max(0, (x - plot.left) / (plot.right - plot.left))));
  const fullAttention = (n) => 4 * n ** 2 * now.dim;
  const partnersAt = (n) => (now.windowed ? Math.min(now.window ** 2, n) : n);
  const attentionAt = (n) => 4 * n * partnersAt(n) * now.dim;
  const restAt = (n) => (8 + 4 * MLP_RATIO) * n * now.dim ** 2;

  function drawChart(colours, c) {
    const [context, W, H] = pen(chartCanvas);
    plot = { left: 52, right: W - 10 };
    const [top, bottom] = [8, H - 34];
    const low = Math.min(attentionAt(RANGE[0]), restAt(RANGE[0]));
    const high = Math.max(fullAttention(RANGE[1]), restAt(RANGE[1]));
    const level = (value) => bottom - (bottom - top) * Math.log(value / low) / Math.log(high / low);
    context.font = getComputedStyle(view.root).font.replace(/\d+(\.\d+)?px/, "11px");
    context.fillStyle = colours.soft;
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.textAlign = "center";
    for (let n = 100; n <= RANGE[1]; n *= 10) {
      context.beginPath();
      context.moveTo(place(n), top);
      context.lineTo(place(n), bottom);
      context.stroke();
      context.fillText(whole(n), place(n), bottom + 13);
    }
    context.fillText("tokens N", (plot.left + plot.right) / 2, bottom + 28);
    context.textAlign = "right";
    for (let power = Math.ceil(Math.log10(low) / 3) * 3; 10 ** power <= high; power += 3) {
      const at = level(10 ** power);
      context.beginPath();
      context.moveTo(plot.left, at);
      context.lineTo(plot.right, at);
      context.stroke();
      context.fillText(flops((once ? 2 : 1) * 10 ** power).replace("FLOPs", ""), plot.left - 5, at + 4);
    }
    const curve = (value, colour, thickness, dash = []) => {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.setLineDash(dash);
      context.beginPath();
      for (let i = 0; i <= 60; i++) {
        const n = RANGE[0] * (RANGE[1] / RANGE[0]) ** (i / 60);
        context.lineTo(place(n), level(value(n)));
      }
      context.stroke();
      context.setLineDash([]);
    };
    if (now.windowed) curve(fullAttention, colours.select, 1.2, [4, 4]);
    curve(restAt, colours.accent, 2.5);
    curve(attentionAt, colours.select, 2.5);
    const meet = 6 * now.dim;
    const crosses = !now.windowed || now.window ** 2 > meet;
    context.textAlign = "left";
    if (crosses && meet < RANGE[1]) {
      context.fillStyle = colours.ink;
      context.beginPath();
      context.arc(place(meet), level(restAt(meet)), 4, 0, 2 * Math.PI);
      context.fill();
      context.fillText(`N = 6 D = ${whole(meet)}`, place(meet) + 9, level(restAt(meet)) + 13);
    }
    const n = Math.min(RANGE[1], Math.max(RANGE[0], pointed ?? c.sequence));
    if (c.tokens > 0 || pointed !== null) marker(context, colours, n, level, top, bottom);
    context.textAlign = "right";
    context.fillStyle = colours.accent;
    context.fillText(`projections and MLP: ${once ? 12 : 24} N D²`, plot.right - 6, bottom - 22);
    context.fillStyle = colours.strong;
    context.fillText(now.windowed ? `attention in windows: ${once ? 2 : 4} N M² D (dashed: full)` : `attention: ${once ? 2 : 4} N² D`, plot.right - 6, bottom - 7);
    const none = c.tokens === 0 && pointed === null;
    title(chartHead, "one block", none ? "without tokens" : `N = ${whole(n)}: attention ${flops(attentionAt(n)).replace("FLOPs", "").trim()}, rest ${flops(restAt(n))}`);
  }

  function marker(context, colours, n, level, top, bottom) {
    context.strokeStyle = colours.ink;
    context.lineWidth = 1.2;
    context.beginPath();
    context.moveTo(place(n), top);
    context.lineTo(place(n), bottom);
    context.stroke();
    for (const [value, colour] of [[attentionAt(n), colours.select], [restAt(n), colours.accent]]) {
      context.fillStyle = colour;
      context.beginPath();
      context.arc(place(n), level(value), 5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function drawBars(c) {
    for (const { name, bar, number } of rowsOfBars) {
      const share = c.parts[name] / c.total;
      bar.style.width = `${100 * share}%`;
      number.textContent = `${flops(c.parts[name])}, ${100 * share < 9.95 ? (100 * share).toFixed(1) : Math.round(100 * share)}%`;
    }
    title(barsHead, "whole model", `${flops(c.total)}, a multiply-add is ${once ? 1 : 2}`);
    const known = Object.keys(MODELS).find((name) => Object.entries(MODELS[name]).every(([key, value]) => now[key] === value) && !now.windowed);
    card.textContent = known ? `Model card of ${known}: ${cards[known]} G, multiply-add counted once.` : "";
    modelButtons.forEach((each) => each.setAttribute("aria-pressed", String(each.textContent === known)));
  }

  function drawTable(c, then) {
    const rest = (costs_) => costs_.total - costs_.parts.attention;
    const values = [
      [then.tokens, c.tokens, whole],
      [then.parts.attention, c.parts.attention, flops],
      [rest(then), rest(c), flops],
      [then.total, c.total, flops],
      [then.weights, c.weights, (value) => `${short(value)}B`],
      [then.result, c.result, (value) => `${short(value)}B`],
    ];
    values.forEach(([before, after, words], i) => {
      const [first, second, third] = tableLines[i].cells;
      first.textContent = words(before);
      second.textContent = words(after);
      third.textContent = times(c.tokens === 0 ? 0 : after / before);
      third.classList.toggle("vl-cost-strong", i === 1 && after !== before);
    });
  }

  function describe(c) {
    const [down, across] = c.cropped;
    if (c.tokens === 0) {
      view.say(`A patch of ${now.patch} pixels does not fit into a picture of ${now.height} x ${now.width}: no tokens. Make the picture larger or the patch smaller.`);
      return;
    }
    const share = Math.round(100 * c.parts.attention / c.total);
    const left = [down && `${down} rows of pixels below`, across && `${across} columns of pixels on the right`].filter(Boolean).join(" and ");
    const notes = [
      left && `Patches of ${now.patch} do not tile the picture: ${left} are left out.`,
      c.padded && `Windows of ${now.window} do not tile the grid: those at the edges are filled up.`,
      now.windowed && "With windows there is no class token; the head reads the mean.",
    ].filter(Boolean).join(" ");
    view.say(`${whole(c.tokens)} tokens of width ${now.dim} in ${now.depth} blocks, ${c.heads} heads: ${flops(c.total)}, ${share}% of it QK\u1d40 and AV`
      + `${now.windowed ? `, each patch meeting ${whole(c.partners)}` : ""}. The weights of a block take ${short(c.weights)}B. ${notes}`);
  }

  function draw() {
    if (!pictureCanvas.clientWidth) return;
    const colours = palette(view.root);
    const c = costs(now);
    drawPicture(colours, c);
    drawChart(colours, c);
    drawBars(c);
    drawTable(c, costs(pinned));
    double.disabled = 2 * Math.max(now.height, now.width) > LIMITS.height[1];
    halve.disabled = now.patch % 2 !== 0 || now.patch / 2 < LIMITS.patch[0];
    widen.disabled = 2 * now.dim > LIMITS.dim[1];
    describe(c);
  }

  // ------------------------------------------------------------------------------- pointing
  const point = (tokens) => { if (tokens !== pointed) { pointed = tokens; draw(); } };
  chartCanvas.addEventListener("pointermove", (event) => point(tokensAt(event.clientX - chartCanvas.getBoundingClientRect().left)));
  chartCanvas.addEventListener("pointerleave", () => point(null));
  chartCanvas.addEventListener("blur", () => point(null));
  chartCanvas.addEventListener("keydown", (event) => {
    const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    const from = pointed ?? costs(now).sequence;
    point(Math.min(RANGE[1], Math.max(RANGE[0], Math.round(from * 2 ** (direction / 2)))));
  });

  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
