import { bitmap, button, canvas, choice, floats, frame, guarded, h, outline, palette, pen, slider, stillness, viridis } from "./shared.js";

// ------------------------------------------------------------------------------------- patterns, as einops reads them

/** A pattern that cannot be carried out; `fix` is a {name, size} that would help, where there is one. */
export class PatternError extends Error {
  constructor(sentence, fix) {
    super(sentence);
    this.fix = fix;
  }
}

const ELLIPSIS = "…";
const REDUCTIONS = ["mean", "max", "min", "sum"];
const listed = (names) => names.map((name) => `"${name}"`).join(" and ");

/** One side of a pattern: a list of axes, each a list of elementary axes {name, size?}; an ellipsis is the string "…". */
function parseSide(text, side) {
  if (text.includes(".")) {
    if (text.split("...").length !== 2 || text.split(".").length !== 4) {
      throw new PatternError(`Dots stand only in one ellipsis "..." a side; the ${side} side is "${text.trim()}".`);
    }
    text = text.replace("...", ELLIPSIS);
  }
  const groups = [];
  const seen = new Set();
  let group = null;
  const add = (name) => {
    if (seen.has(name)) throw new PatternError(`"${name}" stands twice on the ${side} side: an axis has one place.`);
    if (name === ELLIPSIS) {
      seen.add(name);
      (group ?? groups).push(group ? { name } : ELLIPSIS);
      return;
    }
    const number = /^\d+$/.test(name);
    if (number && Number(name) === 1) {
      if (!group) groups.push([]);
      return;
    }
    if (number && Number(name) === 0) throw new PatternError("An axis has at least one entry; 0 is no length.");
    if (!number && !/^[\p{L}][\p{L}\p{N}_]*$/u.test(name)) {
      throw new PatternError(`"${name}" cannot name an axis: a name starts with a letter, then letters, digits or _.`);
    }
    if (name.endsWith("_")) throw new PatternError(`"${name}" cannot name an axis: a name does not end with _.`);
    const axis = number ? { name, size: Number(name), anonymous: true } : { name };
    if (!number) seen.add(name);
    if (group) group.push(axis);
    else groups.push([axis]);
  };
  let word = "";
  for (const char of text) {
    if ("() ".includes(char)) {
      if (word) add(word);
      word = "";
      if (char === "(") {
        if (group) throw new PatternError(`Brackets inside brackets on the ${side} side: one level is all there is.`);
        group = [];
      } else if (char === ")") {
        if (!group) throw new PatternError(`The ${side} side closes a bracket that it never opened.`);
        groups.push(group);
        group = null;
      }
    } else if (/[\p{L}\p{N}_…]/u.test(char)) {
      word += char;
    } else {
      throw new PatternError(`The ${side} side has a "${char}", which means nothing in a pattern.`);
    }
  }
  if (group) throw new PatternError(`The ${side} side opens a bracket and never closes it.`);
  if (word) add(word);
  return groups;
}

const names = (groups) => groups.flatMap((group) => (group === ELLIPSIS ? [ELLIPSIS] : group.map((axis) => axis.name)));
const named = (groups) => names(groups).filter((name) => !/^\d/.test(name));
const hasNumber = (groups) => names(groups).some((name) => /^\d/.test(name));

/** Sizes as one types them: "b1=2, p=4" -> {b1: 2, p: 4}. */
export function parseSizes(text) {
  const sizes = {};
  for (const part of text.split(",").map((piece) => piece.trim()).filter(Boolean)) {
    const match = /^([\p{L}][\p{L}\p{N}_]*)\s*=\s*(\d+)$/u.exec(part);
    if (!match || Number(match[2]) < 1) {
      throw new PatternError(`Sizes look like "b1=2, p=4" with whole numbers from 1; "${part}" does not.`);
    }
    if (match[1] in sizes) throw new PatternError(`"${match[1]}" is given a size twice.`);
    sizes[match[1]] = Number(match[2]);
  }
  return sizes;
}

const smallestDivisor = (n) => {
  for (let d = 2; d <= n; d++) if (n % d === 0) return d;
  return 1;
};

/** Checks a pattern against a shape and finds every length: {input, output} are lists of axes of {name, size, stride}. */
export function plan(operation, pattern, shape, sizes) {
  const sides = pattern.split("->");
  if (sides.length !== 2) {
    throw new PatternError(`A pattern has one arrow "->": what comes in, then what goes out. This one has ${sides.length - 1}.`);
  }
  let left = parseSide(sides[0], "left");
  let right = parseSide(sides[1], "right");
  const has = { left: new Set(named(left)), right: new Set(named(right)) };
  const onlyLeft = [...has.left].filter((name) => !has.right.has(name));
  const onlyRight = [...has.right].filter((name) => !has.left.has(name));

  if (has.right.has(ELLIPSIS) && !has.left.has(ELLIPSIS)) {
    throw new PatternError('"..." stands on the right side only: it carries over axes from the left side.');
  }
  if (left.some((group) => group !== ELLIPSIS && group.some((axis) => axis.name === ELLIPSIS))) {
    throw new PatternError('"..." cannot stand in brackets on the left side.');
  }
  if (operation === "rearrange") {
    if (hasNumber(left) || hasNumber(right)) {
      throw new PatternError("rearrange takes names and 1 only: give the axis a name and its size beside the pattern.");
    }
    if (onlyLeft.length) {
      throw new PatternError(`${listed(onlyLeft)} on the left is missing on the right: rearrange loses no axis (reduce does).`);
    }
    if (onlyRight.length) {
      throw new PatternError(`${listed(onlyRight)} on the right is unknown on the left: rearrange adds no axis (repeat does).`);
    }
  } else if (operation === "repeat") {
    if (onlyLeft.length) throw new PatternError(`${listed(onlyLeft)} on the left is missing on the right: repeat loses no axis.`);
    if (hasNumber(left)) throw new PatternError("repeat takes numbers on the right side only: that is where axes are new.");
    const open = onlyRight.filter((name) => !(name in sizes));
    if (open.length) throw new PatternError(`${listed(open)} is new: say how often to repeat.`, { name: open[0], size: 2 });
  } else {
    if (onlyRight.length) throw new PatternError(`${listed(onlyRight)} on the right is unknown on the left: reduce adds no axis.`);
    if (hasNumber(right)) throw new PatternError("reduce takes numbers on the left side only: it adds no axis.");
  }

  const rank = left.length - (has.left.has(ELLIPSIS) ? 1 : 0);
  const rest = shape.length - rank;
  if (rest < 0 || (rest > 0 && !has.left.has(ELLIPSIS))) {
    throw new PatternError(`The left side has ${rank} axes, the input has ${shape.length}: (${shape.join(", ")}).`);
  }
  const dots = Array.from({ length: rest }, (_, i) => ({ name: `${ELLIPSIS}${i}` }));
  const spell = (groups) => groups.flatMap((group) => (group === ELLIPSIS ? dots.map((axis) => [axis])
    : [group.flatMap((axis) => (axis.name === ELLIPSIS ? dots : [axis]))]));
  left = spell(left);
  right = spell(right);

  const known = new Map();
  for (const name of Object.keys(sizes)) {
    if (!has.left.has(name) && !has.right.has(name)) throw new PatternError(`"${name}" is given a size but is not in the pattern.`);
  }
  const input = left.map((group, place) => {
    const length = shape[place];
    const lengths = group.map((axis) => axis.size ?? sizes[axis.name]);
    const product = lengths.reduce((total, size) => total * (size ?? 1), 1);
    const open = group.filter((axis, i) => lengths[i] === undefined);
    const words = `(${group.map((axis) => axis.name).join(" ")})`;
    if (open.length > 1) {
      const fix = { name: open[1].name, size: smallestDivisor(length / product) };
      throw new PatternError(`${words} = ${length} can be split in many ways: give all but one of ${listed(open.map((a) => a.name))} a size.`,
        Number.isInteger(length / product) ? fix : undefined);
    }
    if (open.length === 1 && length % product !== 0) {
      throw new PatternError(`${words}: ${length} cannot be divided into chunks of ${product}.`);
    }
    if (open.length === 0 && length !== product) {
      throw new PatternError(`${words} makes ${product}, but axis ${place} of the input has length ${length}.`);
    }
    return group.map((axis, i) => ({ ...axis, size: lengths[i] ?? length / product }));
  });

  let stride = 1;
  for (const axis of input.flat().reverse()) {
    axis.stride = stride;
    stride *= axis.size;
    if (!axis.anonymous) known.set(axis.name, axis);
  }
  const output = right.map((group) => group.map((axis) => known.get(axis.name)
    ?? { ...axis, size: axis.size ?? sizes[axis.name], stride: 0 }));
  const kept = new Set(output.flat());
  return {
    input,
    output,
    reduced: input.flat().filter((axis) => !kept.has(axis)),
    shape: output.map((group) => group.reduce((total, axis) => total * axis.size, 1)),
  };
}

/** All sums of index * stride over `axes`, the last axis fastest. */
function offsets(axes) {
  let all = Int32Array.of(0);
  for (const { size, stride } of axes) {
    const next = new Int32Array(all.length * size);
    for (let i = 0; i < all.length; i++) for (let k = 0; k < size; k++) next[i * size + k] = all[i] + k * stride;
    all = next;
  }
  return all;
}

/** Carries a plan out: output element i is made from input elements base[i] + spread[0], base[i] + spread[1], … */
export function run(made, values, reduction = "mean") {
  if (!REDUCTIONS.includes(reduction)) throw new PatternError(`"${reduction}" is no reduction here: ${REDUCTIONS.join(", ")}.`);
  const base = offsets(made.output.flat());
  const spread = offsets(made.reduced);
  const out = new Float64Array(base.length);
  for (let i = 0; i < base.length; i++) {
    let total = values[base[i] + spread[0]];
    for (let j = 1; j < spread.length; j++) {
      const value = values[base[i] + spread[j]];
      if (reduction === "max") total = Math.max(total, value);
      else if (reduction === "min") total = Math.min(total, value);
      else total += value;
    }
    out[i] = reduction === "mean" ? total / spread.length : total;
  }
  return { values: out, base, spread };
}

// --------------------------------------------------------------------------------------------- an array as a picture

/**
 * How an array of any rank is drawn: the last two axes are a panel's rows and columns, those before it count panels. The channel
 * axis (`colour`: its place, or -1) gives the colours of a pixel. `usual` is the scale to keep, so that sizes compare, unless the
 * whole would be too small to see.
 */
export function layout(shape, colour, box, usual = 40) {
  const axes = shape.map((size, place) => ({ size, place }));
  const strides = shape.map((_, place) => shape.slice(place + 1).reduce((a, b) => a * b, 1));
  const space = axes.filter(({ place }) => place !== colour);
  while (space.length < 2) space.unshift({ size: 1, place: -1 });
  const [rows, columns] = space.slice(-2);
  const leading = space.slice(0, -2);
  const count = leading.reduce((total, { size }) => total * size, 1);
  const step = (axis) => (axis.place < 0 ? 0 : strides[axis.place]);
  const channels = colour < 0 ? [0, 0, 0] : [0, 1, 2].map((c) => Math.min(c, shape[colour] - 1) * strides[colour]);

  const area = rows.size * columns.size;
  let best = { scale: 0 };
  const widest = leading.length === 2 ? [leading[1].size] : Array.from({ length: Math.min(count, 40) }, (_, i) => i + 1);
  for (const across of widest) {
    const down = Math.ceil(count / across);
    const gap = count > 60 ? 2 : 5;
    const scale = Math.min((box.width - gap * (across - 1)) / (across * columns.size), (box.height - gap * (down - 1)) / (down * rows.size));
    if (scale > best.scale) best = { scale, across, down, gap };
  }
  let { scale } = best;
  const { across = 1, down = 1, gap = 0 } = best;
  const smallest = 80 / Math.max(across * columns.size, down * rows.size);
  scale = Math.min(scale, Math.max(usual, smallest));
  scale = scale >= 2 ? Math.floor(scale) : Math.max(scale, 0.02);
  const stepX = columns.size * scale + gap;
  const stepY = rows.size * scale + gap;
  const left = box.left + (box.width - across * stepX + gap) / 2;
  const top = box.top + (box.height - down * stepY + gap) / 2;

  const panels = offsets(leading.map((axis) => ({ size: axis.size, stride: step(axis) })));
  const total = panels.length * area;
  return {
    total, scale, rows: rows.size, columns: columns.size, panels: panels.length, channels,
    /** Top left corner of a panel. */
    corner: (panel) => [left + (panel % across) * stepX, top + Math.floor(panel / across) * stepY],
    /** Array index of pixel p (its first channel). */
    element(p) {
      const inside = p % area;
      return panels[(p - inside) / area] + Math.floor(inside / columns.size) * step(rows) + (inside % columns.size) * step(columns);
    },
    place(p) {
      const inside = p % area;
      const panel = (p - inside) / area;
      const y = Math.floor(inside / columns.size);
      return [left + (panel % across) * stepX + (inside % columns.size) * scale, top + Math.floor(panel / across) * stepY + y * scale];
    },
    at(x, y) {
      const column = Math.floor((x - left) / stepX);
      const row = Math.floor((y - top) / stepY);
      const i = Math.floor((x - left - column * stepX) / scale);
      const j = Math.floor((y - top - row * stepY) / scale);
      const panel = row * across + column;
      if (column < 0 || column >= across || row < 0 || panel >= panels.length) return -1;
      return i < 0 || j < 0 || i >= columns.size || j >= rows.size ? -1 : panel * area + j * columns.size + i;
    },
  };
}

/** Pixel of each array element under a layout. */
function pixelOf(view, length) {
  const pixels = new Int32Array(length);
  const distinct = new Set(view.channels);
  for (let p = 0; p < view.total; p++) for (const c of distinct) pixels[view.element(p) + c] = p;
  return pixels;
}

/** Place of the channel axis where it is still whole, last or third from the end; else -1: then all is grey. */
function colourPlace(groups, channel) {
  const place = groups.findIndex((group) => group.length === 1 && group[0].name === channel?.name && group[0].size === channel?.size);
  return place >= 0 && (place === groups.length - 1 || place === groups.length - 3) ? place : -1;
}

// ------------------------------------------------------------------------------------------------------ what is shown

const BATCH = [
  { label: "channels last", operation: "rearrange", pattern: "b c h w -> b h w c", at: ["stage", "line"],
    text: "The left side names the input's axes, the right side says where each one goes. Here c goes last: the pictures stay, the order of the numbers changes. Point at a pixel." },
  { label: "side by side", operation: "rearrange", pattern: "b c h w -> h (b w) c", at: ["line", "axes", "stage"],
    text: "Brackets on the right join axes. (b w) makes one long axis: all of picture 0's columns, then picture 1's. Choose w below to see which column each pixel came from." },
  { label: "woven", operation: "rearrange", pattern: "b c h w -> h (w b) c", at: ["line", "stage", "axes"],
    text: "The last name in a bracket runs fastest. (w b) takes column 0 of every picture, then column 1 of every picture: the same numbers, woven together." },
  { label: "album", operation: "rearrange", pattern: "(b1 b2) c h w -> (b1 h) (b2 w) c", sizes: ["b1"], about: 2, at: ["line", "size", "stage"],
    text: "Brackets on the left split an axis; one size has to be said. Move the slider for b1: the number of rows in the album changes, b2 is worked out." },
  { label: "transpose", operation: "rearrange", pattern: "b c h w -> b c w h" },
  { label: "patches", operation: "rearrange", pattern: "b c (h p1) (w p2) -> b (h w) (c p1 p2)", sizes: ["p1", "p2"], about: 4, at: ["line", "stage", "size"],
    text: "Split both sides, then join the pieces: every patch becomes one row of numbers. A Vision Transformer begins with this line." },
  { label: "average pool", operation: "reduce", pattern: "b c (h h2) (w w2) -> b c h w", sizes: ["h2", "w2"], about: 2, at: ["line", "size", "stage"],
    text: "In reduce, a name that is missing on the right is gone: h2 and w2 are averaged away. Point at a pixel on the right to see which ones it averages." },
  { label: "average picture", operation: "reduce", pattern: "b c h w -> h w c" },
  { label: "repeat", operation: "repeat", pattern: "b c h w -> b (h s) w c", sizes: ["s"], about: 2, at: ["line", "size", "stage"],
    text: "In repeat, a new name on the right copies. Is it (h s) or (s h) that stretches the pictures? Edit the pattern and see." },
];

const ONE = [
  { label: "channels last", operation: "rearrange", pattern: "c h w -> h w c", at: ["stage", "line"],
    text: "The left side names the input's axes, the right side says where each one goes. Here c goes last: the picture stays, the order of the numbers changes. Point at a pixel." },
  { label: "transpose", operation: "rearrange", pattern: "c h w -> w h c", at: ["line", "stage"],
    text: "Swapping h and w on the right swaps rows and columns. Each pixel keeps its colour and moves." },
  { label: "channels apart", operation: "rearrange", pattern: "c h w -> h (c w)", at: ["line", "axes", "stage"],
    text: "Brackets on the right join axes. (c w) makes one long axis: all columns of channel 0, then those of channel 1. Choose c below to see them." },
  { label: "blocks shuffled", operation: "rearrange", pattern: "c (h p1) (w p2) -> (p1 h) (p2 w) c", sizes: ["p1", "p2"], about: 2, at: ["line", "size", "stage"],
    text: "Brackets on the left split an axis; one size has to be said. The last name in a bracket runs fastest, so swapping the two names takes every second row and column. Move the slider." },
  { label: "patches", operation: "rearrange", pattern: "c (h p1) (w p2) -> (h w) (c p1 p2)", sizes: ["p1", "p2"], about: 8, at: ["line", "stage", "size"],
    text: "Split both sides, then join the pieces: every patch becomes one row of numbers. A Vision Transformer begins with this line." },
  { label: "average pool", operation: "reduce", pattern: "c (h h2) (w w2) -> h w c", sizes: ["h2", "w2"], about: 4, at: ["line", "size", "stage"],
    text: "In reduce, a name that is missing on the right is gone: h2 and w2 are averaged away. Point at a pixel on the right to see which ones it averages." },
  { label: "repeat", operation: "repeat", pattern: "c h w -> h (s w) c", sizes: ["s"], about: 2, at: ["line", "size", "stage"],
    text: "In repeat, a new name on the right copies. Is it (s w) or (w s) that stretches the picture? Edit the pattern and see." },
];

function render({ model, el, signal }) {
  const shape = model.get("shape");
  const values = floats(model.get("values"));
  const whole = model.get("whole");
  const presets = shape.length === 4 ? BATCH : ONE;
  const low = values.reduce((a, b) => Math.min(a, b), 0);
  const high = values.reduce((a, b) => Math.max(a, b), whole ? 255 : 1);
  let made = null; // the plan that is shown
  let result = null;
  let range = [low, high]; // of the output, which a sum widens
  let tint = null; // name of the axis that colours both pictures
  let moved = 1; // 1: the pixels have arrived
  let point = null; // {side: "in" | "out", pixel}
  let views = null;
  let pixels = null; // pixel of each input element, so that hovering need not search

  const operation = choice("", [["rearrange", "rearrange"], ["reduce", "reduce"], ["repeat", "repeat"]], { value: "rearrange", onchange: () => update() });
  operation.input.setAttribute("aria-label", "operation");
  const pattern = h("input", { type: "text", class: "vl-pattern", "aria-label": "pattern", spellcheck: "false", autocomplete: "off", oninput: () => update() });
  const reduction = choice("", REDUCTIONS.map((name) => [name, `"${name}"`]), { value: "mean", onchange: () => update() });
  reduction.input.setAttribute("aria-label", "reduction");
  const sizes = h("input", { type: "text", class: "vl-sizes", "aria-label": "sizes of axes, such as b1=2", placeholder: "b1=2", spellcheck: "false", autocomplete: "off", oninput: () => update() });
  const buttons = presets.map((preset) => button(preset.label, () => { show(preset); play(); }, { "aria-pressed": "false" }));
  const which = choice("size of", [], { onchange: () => update() });
  let allowed = [1];
  const size = slider("", { words: (i) => String(allowed[i]), oninput: (i) => resize(allowed[i]) });
  size.input.setAttribute("aria-label", "size of the chosen axis");
  const move = slider("moved so far", { max: 100, value: 100, words: (t) => `${t}%`, oninput: (t) => { moved = t / 100; draw(); } });
  const replay = button("▶ Play the move", () => play());
  const stage = canvas("input on the left, output on the right; arrow keys move over the output's pixels", { class: "vl-stage" });
  const axesIn = h("div", { class: "vl-axes" });
  const axesOut = h("div", { class: "vl-axes" });
  const wrong = h("div", { class: "vl-wrong", role: "status" });

  const view = frame(el, {
    title: "Type a pattern, see the picture move",
    steps: presets.filter((preset) => preset.text).map((preset) => ({ text: preset.text, at: preset.at, go: () => { show(preset); play(); } })),
    free: "Edit the pattern or take one of the buttons. Point at a pixel on either side, or choose an axis to see how it runs.",
    signal,
    parts: [
      h("div", { class: "vl-presets", "data-part": "presets" }, buttons),
      h("div", { class: "vl-line", "data-part": "line" }, operation.box, h("span", {}, "(images,"), h("span", {}, '"'), pattern, h("span", {}, '",'),
        reduction.box, sizes, h("span", {}, ")")),
      h("div", { class: "vl-controls vl-einops-controls" }, h("div", { class: "vl-size", "data-part": "size" }, which.box, size.box), move.box, replay),
      h("div", { "data-part": "stage", class: "vl-stagebox" }, stage, wrong),
      h("div", { class: "vl-shapes", "data-part": "axes" }, axesIn, axesOut),
    ],
  });
  view.root.classList.add("vl-einops");

  /** A preset's sizes as text: the largest up to what it asks for that divide this input. */
  function fitting({ operation, pattern, sizes = [], about = 1 }) {
    for (let size = about; size > 1; size--) {
      try {
        plan(operation, pattern, shape, Object.fromEntries(sizes.map((name) => [name, size])));
        return sizes.map((name) => `${name}=${size}`).join(", ");
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
      }
    }
    return sizes.map((name) => `${name}=1`).join(", ");
  }

  function show(preset) {
    operation.input.value = preset.operation;
    pattern.value = preset.pattern;
    sizes.value = fitting(preset);
    reduction.input.value = "mean";
    tint = null;
    point = null;
    update();
  }

  function resize(value) {
    const given = parseSizes(sizes.value);
    given[which.input.value] = value;
    sizes.value = Object.entries(given).map(([name, length]) => `${name}=${length}`).join(", ");
    update();
  }

  /** Sizes that the chosen axis may take, the other given sizes as they are. */
  function allowedSizes(name, given) {
    const group = made.input.find((axes) => axes.some((axis) => axis.name === name));
    if (!group) return [1, 2, 3, 4, 5, 6];
    const length = group.reduce((total, axis) => total * axis.size, 1);
    const others = group.filter((axis) => axis.name !== name && (axis.anonymous || axis.name in given)).reduce((total, axis) => total * axis.size, 1);
    const free = group.some((axis) => axis.name !== name && !axis.anonymous && !(axis.name in given));
    const all = Array.from({ length: length / others }, (_, i) => i + 1).filter((n) => (length / others) % n === 0);
    return free ? all : [length / others];
  }

  function update() {
    reduction.box.style.display = operation.input.value === "reduce" ? "" : "none";
    buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(presets[i].pattern === pattern.value && presets[i].operation === operation.input.value)));
    try {
      const given = parseSizes(sizes.value);
      const next = plan(operation.input.value, pattern.value, shape, given);
      const length = next.shape.reduce((a, b) => a * b, 1);
      if (length > 400000) throw new PatternError(`The output would have ${length.toLocaleString("en")} numbers: too many to draw. Make a size smaller.`);
      result = run(next, values, reduction.input.value);
      made = next;
      const known = Object.keys(given);
      const chosen = known.includes(which.input.value) ? which.input.value : known[0];
      which.fill(known.length ? known.map((name) => [name, name]) : [["", "—"]], chosen ?? "");
      which.input.disabled = size.input.disabled = !known.length;
      allowed = known.length ? allowedSizes(chosen, given) : [1];
      size.set(Math.max(0, allowed.indexOf(given[chosen])), { max: allowed.length - 1 });
      range = [low, high];
      if (operation.input.value === "reduce" && reduction.input.value === "sum") for (const value of result.values) { range[0] = Math.min(range[0], value); range[1] = Math.max(range[1], value); }
      if (tint && !made.input.concat(made.output).flat().some((axis) => axis.name === tint)) tint = null;
      if (point?.side === "out") point = null;
      moved = 1;
      move.set(100);
      wrong.replaceChildren();
      views = null;
      spellAxes();
      draw();
      describe();
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      const fix = error.fix;
      wrong.replaceChildren(h("p", {}, error.message), ...(fix ? [button(`Try ${fix.name}=${fix.size}`, () => {
        sizes.value = [sizes.value.trim(), `${fix.name}=${fix.size}`].filter(Boolean).join(", ");
        update();
        play();
      })] : []));
      view.say(`Not a pattern for this input: ${error.message} The picture still shows the last one that worked.`);
    }
  }

  function spellAxes() {
    const chips = (groups) => groups.map((group, place) => {
      const length = group.reduce((total, axis) => total * axis.size, 1);
      const inside = group.map((axis) => button(`${axis.name.replace("…", "...")} ${axis.size}`, () => { tint = tint === axis.name ? null : axis.name; spellAxes(); draw(); describe(); },
        { "aria-pressed": String(tint === axis.name), class: "vl-chip" }));
      const sum = group.length === 1 ? [] : [h("span", { class: "vl-product" }, ` = ${group.length ? length : 1}`)];
      return h("span", { class: "vl-axis" }, h("small", {}, `axis ${place}`), group.length === 1 ? "" : "(", inside, group.length === 1 ? "" : ")", sum);
    });
    const fresh = (box, words, groups, whole) => {
      const focused = box.contains(document.activeElement) ? [...box.querySelectorAll("button")].indexOf(document.activeElement) : -1;
      box.replaceChildren(h("span", { class: "vl-head" }, words, h("b", {}, `(${whole.join(", ")})`)), h("div", { class: "vl-chips" }, chips(groups)));
      if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
    };
    fresh(axesIn, "input ", made.input, shape);
    fresh(axesOut, "output ", made.output, made.shape);
  }

  /** Index along the tinted axis of an input element, or -1. */
  function digitIn(element) {
    const axis = made.input.flat().find(({ name }) => name === tint);
    return axis ? (Math.floor(element / axis.stride) % axis.size) / Math.max(axis.size - 1, 1) : -1;
  }

  function digitOut(element) {
    const axes = made.output.flat();
    const place = axes.findIndex(({ name }) => name === tint);
    if (place < 0) return -1;
    const stride = axes.slice(place + 1).reduce((total, axis) => total * axis.size, 1);
    return (Math.floor(element / stride) % axes[place].size) / Math.max(axes[place].size - 1, 1);
  }

  function makeViews(width, height) {
    const channel = made.input[shape.length - 3];
    const share = 0.45;
    const box = (left, wide) => ({ left, top: 8, width: wide, height: height - 16 });
    const near = layout(shape, shape.length - 3, box(6, width * share - 30));
    const colour = colourPlace(made.output, channel.length === 1 ? channel[0] : null);
    const far = layout(made.shape, colour, box(width * share + 24, width * (1 - share) - 30), near.scale);
    views = { width, in: near, out: far };
    pixels = pixelOf(near, values.length);
  }

  /** Colours of a view's pixels as one word each; `digit` says where along the tinted axis an element lies. */
  function shades(seen, numbers, digit, [from, to]) {
    const words = new Uint32Array(seen.total);
    const factor = 255 / (to - from);
    const [red, green, blue] = seen.channels;
    for (let p = 0; p < seen.total; p++) {
      const element = seen.element(p);
      let r = (numbers[element + red] - from) * factor;
      let g = (numbers[element + green] - from) * factor;
      let b = (numbers[element + blue] - from) * factor;
      const t = tint ? digit(element) : -1;
      if (t >= 0) {
        const hue = viridis(t);
        [r, g, b] = [0.35 * r + 0.65 * hue[0], 0.35 * g + 0.65 * hue[1], 0.35 * b + 0.65 * hue[2]];
      }
      words[p] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    }
    return words;
  }

  /** A view at rest: its panels from one small bitmap. */
  function drawAtRest(context, seen, words) {
    const { rows, columns, panels, scale } = seen;
    const sheet = bitmap(columns, rows * panels, (data) => new Uint32Array(data.buffer).set(words));
    for (let panel = 0; panel < panels; panel++) {
      context.drawImage(sheet, 0, panel * rows, columns, rows, ...seen.corner(panel), columns * scale, rows * scale);
    }
  }

  let buffer = null; // the moving pixels' image, kept between frames

  /** The input, faint, and every input pixel on its way to the output pixels that it makes. */
  function drawMoving(context, words) {
    const { width, height } = stage;
    if (buffer?.width !== width || buffer.height !== height) buffer = context.createImageData(width, height);
    const ink = new Uint32Array(buffer.data.buffer);
    ink.fill(0);
    const scale = window.devicePixelRatio || 1;
    const square = (x, y, side, word) => {
      const left = Math.max(Math.round(x * scale), 0);
      const top = Math.max(Math.round(y * scale), 0);
      const right = Math.min(Math.max(Math.round((x + side) * scale), left + 1), width);
      const bottom = Math.min(Math.max(Math.round((y + side) * scale), top + 1), height);
      for (let row = top * width; row < bottom * width; row += width) ink.fill(word, row + left, row + right);
    };
    const pace = moved * moved * (3 - 2 * moved);
    const near = views.in;
    const far = views.out;
    for (let p = 0; p < near.total; p++) {
      const [x, y] = near.place(p);
      square(x, y, near.scale, ((words[p] & 0xffffff) | (102 << 24)) >>> 0);
    }
    const side = near.scale + pace * (far.scale - near.scale);
    for (let p = 0; p < far.total; p++) {
      const element = far.element(p);
      const [x1, y1] = far.place(p);
      for (let j = 0; j < result.spread.length; j++) {
        const source = pixels[result.base[element] + result.spread[j]];
        const [x0, y0] = near.place(source);
        square(x0 + pace * (x1 - x0), y0 + pace * (y1 - y0), side, words[source]);
      }
    }
    context.putImageData(buffer, 0, 0);
  }

  function draw() {
    if (!made) return;
    const [context, width, height] = pen(stage);
    if (!width) return;
    if (!views || views.width !== width) makeViews(width, height);
    const colours = palette(view.root);
    const words = shades(views.in, values, digitIn, [low, high]);
    if (moved < 1) drawMoving(context, words);
    else drawAtRest(context, views.in, words);
    const middle = width * 0.45 - 2;
    context.strokeStyle = context.fillStyle = colours.soft;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(middle - 12, height / 2);
    context.lineTo(middle + 10, height / 2);
    context.stroke();
    context.beginPath();
    context.moveTo(middle + 18, height / 2);
    context.lineTo(middle + 9, height / 2 - 5);
    context.lineTo(middle + 9, height / 2 + 5);
    context.fill();
    if (moved < 1) return;
    drawAtRest(context, views.out, shades(views.out, result.values, digitOut, range));
    if (point) drawPoint(context, colours);
  }

  /** Input and output pixels that belong to the pixel pointed at. */
  function linked() {
    if (point.side === "out") {
      const element = views.out.element(point.pixel);
      const found = new Set();
      for (let j = 0; j < Math.min(result.spread.length, 4000); j++) found.add(pixels[result.base[element] + result.spread[j]]);
      return { ins: [...found], outs: [point.pixel] };
    }
    const outs = [];
    const wanted = views.in.element(point.pixel);
    const sources = new Set(result.spread.length > 1 ? Array.from(result.spread, (offset) => wanted - offset) : [wanted]);
    for (let p = 0; p < views.out.total && outs.length < 64; p++) {
      if (sources.has(result.base[views.out.element(p)])) outs.push(p);
    }
    return { ins: [point.pixel], outs };
  }

  function drawPoint(context, colours) {
    const { ins, outs } = linked();
    const mark = (where, p) => {
      const [x, y] = where.place(p);
      const side = Math.max(where.scale, 5);
      const shift = (where.scale - side) / 2;
      outline(context, x + shift, y + shift, side, side, colours.select, ins.length > 60 ? 1 : 2);
      return [x + where.scale / 2, y + where.scale / 2];
    };
    if (ins.length > 60) {
      context.fillStyle = colours.select;
      context.globalAlpha = 0.35;
      for (const p of ins) context.fillRect(...views.in.place(p), Math.max(views.in.scale, 1), Math.max(views.in.scale, 1));
      context.globalAlpha = 1;
    }
    const from = (ins.length > 60 ? ins.slice(0, 1) : ins).map((p) => mark(views.in, p));
    const to = outs.map((p) => mark(views.out, p));
    context.strokeStyle = colours.select;
    context.lineWidth = 1.2;
    context.setLineDash([4, 4]);
    for (const a of from.slice(0, 16)) for (const b of to.slice(0, 16)) {
      context.beginPath();
      context.moveTo(...a);
      context.lineTo(...b);
      context.stroke();
    }
    context.setLineDash([]);
  }

  const index = (element, lengths) => lengths.map((length, place) => Math.floor(element / lengths.slice(place + 1).reduce((a, b) => a * b, 1)) % length);
  const number = (value) => (whole && Number.isInteger(value) ? String(value) : value.toFixed(whole ? 2 : 3));

  function describe() {
    if (point && views) {
      const { outs } = linked();
      const target = outs[0] === undefined ? null : views.out.element(outs[0]);
      if (point.side === "out") {
        const first = result.base[target] + result.spread[0];
        const where = `output[${index(target, made.shape).join(", ")}] = ${number(result.values[target])}`;
        const from = `images[${index(first, shape).join(", ")}]`;
        view.say(result.spread.length === 1 ? `${where} comes from ${from}.`
          : `${where} is the ${reduction.input.value} of ${result.spread.length} numbers, from ${from} to images[${index(result.base[target] + result.spread[result.spread.length - 1], shape).join(", ")}].`);
      } else {
        const element = views.in.element(point.pixel);
        const where = `images[${index(element, shape).join(", ")}] = ${number(values[element])}`;
        const many = outs.length > 63 ? "64 or more places" : `${outs.length} places, the first`;
        view.say(`${where} goes to ${outs.length === 1 ? "" : `${many} `}output[${index(target, made.shape).join(", ")}].`);
      }
      return;
    }
    const groups = made.output.map((group, place) => (group.length === 1 ? `axis ${place} is ${group[0].name.replace("…", "...")} = ${group[0].size}`
      : `axis ${place} is (${group.map((axis) => axis.name).join(" ")}) = ${group.map((axis) => axis.size).join(" x ") || 1}${group.length ? ` = ${made.shape[place]}` : ""}`));
    const gone = made.reduced.length ? ` The ${reduction.input.value} runs over ${made.reduced.map((axis) => axis.name).join(" and ")}.` : "";
    const colour = tint ? ` Colours show the index along ${tint}: dark for 0, yellow for the last.` : "";
    view.say(`Input (${shape.join(", ")}), output (${made.shape.join(", ")})${groups.length ? `: ${groups.join("; ")}` : ": a single number"}.${gone}${colour}`);
  }

  let flight = 0;
  function play() {
    cancelAnimationFrame(flight);
    if (stillness() || wrong.childElementCount) return;
    const begin = performance.now();
    const tick = (now) => {
      if (!stage.isConnected) return;
      moved = Math.max(0, Math.min(1, (now - begin) / 900));
      move.set(Math.round(100 * moved));
      draw();
      if (moved < 1) flight = requestAnimationFrame(tick);
    };
    flight = requestAnimationFrame(tick);
  }
  for (const input of [move.input, size.input, pattern, sizes]) input.addEventListener("input", () => cancelAnimationFrame(flight), { capture: true });

  stage.addEventListener("pointermove", (event) => {
    if (!views || moved < 1) return;
    const bounds = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const [pi, po] = [views.in.at(x, y), views.out.at(x, y)];
    const next = po >= 0 ? { side: "out", pixel: po } : pi >= 0 ? { side: "in", pixel: pi } : null;
    if (next?.side === point?.side && next?.pixel === point?.pixel) return;
    point = next;
    draw();
    describe();
  });
  stage.addEventListener("pointerleave", () => { point = null; draw(); if (made) describe(); });
  stage.addEventListener("keydown", (event) => {
    const { columns, total } = views.out;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = point?.side === "out" ? point.pixel + step : 0;
    point = { side: "out", pixel: Math.min(Math.max(at, 0), total - 1) };
    draw();
    describe();
  });

  signal?.addEventListener("abort", () => cancelAnimationFrame(flight));
  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
