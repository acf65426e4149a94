// What every explorer needs: elements, sliders, crisp canvases, colours, bars and the guided walk.
// `base.py` joins this file with an explorer's own module, since anywidget loads one module without imports.

/** An element with attributes, listeners (`oninput: f`) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  // JupyterLab takes arrow keys, Enter and Space for the notebook wherever an element does not ask it to leave them alone.
  if (["input", "select", "button", "canvas"].includes(tag)) element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Ids are of the whole page, and a notebook shows several explorers, each with a module of its own.
const MINE = Math.random().toString(36).slice(2, 10);
let ids = 0;
const newId = () => `vl-${MINE}-${++ids}`;

/** A labelled range slider: `.box` to place, `.input` to read, `.set(value, words)` to move it without an event. */
export function slider(label, { min = 0, max = 1, step = 1, value = 0, words = String, oninput }) {
  const id = newId();
  const input = h("input", { type: "range", id, min, max, step, value, disabled: max <= min });
  const output = h("output", { for: id, "aria-live": "off" }); // the slider's aria-valuetext says the same
  const show = (text) => {
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => {
    show(words(Number(input.value)));
    oninput(Number(input.value));
  });
  const set = (next, { max: limit } = {}) => {
    if (limit !== undefined) input.max = limit;
    input.value = next;
    show(words(Number(next)));
  };
  set(value);
  return { box: h("div", { class: "vl-field" }, h("label", { for: id }, label), input, output), input, set };
}

/** A labelled drop-down of [value, text] pairs. */
export function choice(label, options, { value, onchange }) {
  const id = newId();
  const input = h("select", { id, onchange: () => onchange(input.value) });
  const fill = (pairs, selected) => {
    input.replaceChildren(...pairs.map(([key, text]) => h("option", { value: key }, text)));
    if (selected !== undefined) input.value = selected;
  };
  fill(options, value);
  return { box: h("div", { class: "vl-field" }, h("label", { for: id }, label), input), input, fill };
}

export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/**
 * A canvas with a name. One that takes keys is reached by Tab, and as an "application" it gets the arrow keys that
 * a screen reader would else keep for itself; one that only shows is an image. `frame` adds its text in words.
 */
export function canvas(label, { keys = true, ...attributes } = {}) {
  return h("canvas", { role: keys ? "application" : "img", tabindex: keys && "0", "aria-label": label, ...attributes });
}

// ---------------------------------------------------------------------------------------------- numbers from Python

/** float32 values of a bytes trait. */
export function floats(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** float16 values of a bytes trait, as float32 (half the bytes on the wire). */
export function halves(view) {
  const bits = new Uint16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  return Float32Array.from(bits, (b) => {
    const sign = b & 0x8000 ? -1 : 1;
    const exponent = (b >> 10) & 31;
    const fraction = b & 1023;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;

/** Probabilities of logits. */
export function softmax(logits) {
  const top = Math.max(...logits);
  const weights = Array.from(logits, (value) => Math.exp(value - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

// ------------------------------------------------------------------------------------------------------------ colours

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
];

/** Viridis at 0..1 as [red, green, blue]. */
export function viridis(t) {
  const place = Math.min(Math.max(t, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[low].map((value, i) => value + (place - low) * (VIRIDIS[low + 1][i] - value));
}

const WORDS = Uint32Array.from({ length: 256 }, (_, i) => {
  const [red, green, blue] = viridis(i / 255);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
});

/** Viridis at 0..1 as one word of an image's bytes: for large arrays. */
export const viridisWord = (t) => WORDS[Math.min(255, Math.max(0, Math.round(255 * t)))];

const NEGATIVE = [0, 114, 178]; // Okabe-Ito blue
const POSITIVE = [213, 94, 0]; // Okabe-Ito vermilion

/** Signed numbers: blue below zero, vermilion above, transparent at zero, so that it reads on light and dark. */
export function signed(t) {
  const size = Math.min(Math.abs(t), 1);
  return [...(t < 0 ? NEGATIVE : POSITIVE), 255 * Math.sqrt(size)];
}

/** The theme's colours as strings that a canvas takes. */
export function palette(root) {
  const style = getComputedStyle(root);
  const names = ["ink", "soft", "line", "select", "strong", "accent", "back"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--vl-${name}`).trim()]));
}

/** Whether the reader asked the system for less motion: then nothing plays, and what it leads to is shown at once. */
export const stillness = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// ----------------------------------------------------------------------------------------------------------- drawing

/** Clears a canvas at the screen's resolution and returns [context, width, height] in CSS pixels. */
export function pen(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  return [context, width, height];
}

/** A small off-screen picture: `paint(data)` fills its RGBA bytes. */
export function bitmap(width, height, paint) {
  const sheet = h("canvas", { width, height });
  const context = sheet.getContext("2d");
  const image = context.createImageData(width, height);
  paint(image.data);
  context.putImageData(image, 0, 0);
  return sheet;
}

/** A (C, H, W) picture as a bitmap; values outside 0..1 (normalised pictures) are stretched to the grey scale. */
export function photograph(values, [channels, height, width]) {
  let low = 0;
  let high = 1;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const area = height * width;
  return bitmap(width, height, (data) => {
    for (let pixel = 0; pixel < area; pixel++) {
      for (let c = 0; c < 3; c++) {
        const value = values[(channels === 3 ? c : 0) * area + pixel];
        data[4 * pixel + c] = (255 * (value - low)) / (high - low);
      }
      data[4 * pixel + 3] = 255;
    }
  });
}

/** A (rows, columns) array of signed numbers as a bitmap; `limit` is the size that gets the full colour. */
export function heat(values, rows, columns, limit) {
  return bitmap(columns, rows, (data) => {
    for (let i = 0; i < rows * columns; i++) data.set(signed(values[i] / limit), 4 * i);
  });
}

/** The size below which 98 of 100 numbers lie: one outlier must not wash out the rest. */
export function reach(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
}

/** A rectangle that is seen on any picture: a dark line under a bright one. */
export function outline(context, x, y, width, height, colour, thickness = 2) {
  context.lineWidth = thickness + 2;
  context.strokeStyle = "rgba(0, 0, 0, 0.55)";
  context.strokeRect(x, y, width, height);
  context.lineWidth = thickness;
  context.strokeStyle = colour;
  context.strokeRect(x, y, width, height);
}

/** Where a width x height picture lies when it fills a box as far as it can: [x, y, scale]. */
export function fit(width, height, left, top, boxWidth, boxHeight) {
  const scale = Math.min(boxWidth / width, boxHeight / height);
  return [left + (boxWidth - width * scale) / 2, top + (boxHeight - height * scale) / 2, scale];
}

/** Bars of class probabilities; with `reference` a thin mark shows another prediction beside each bar. */
export function bars(names) {
  const rows = names.map((name) => {
    const bar = h("div", { class: "vl-bar" });
    const mark = h("div", { class: "vl-mark" });
    const number = h("span", { class: "vl-number" });
    const row = h("div", { class: "vl-row" }, h("span", { class: "vl-name", title: name }, name),
      h("div", { class: "vl-track" }, bar, mark), number);
    return { row, bar, mark, number };
  });
  const box = h("div", { class: "vl-bars" }, rows.map(({ row }) => row));
  const set = (shares, reference) => {
    const best = shares.indexOf(Math.max(...shares));
    rows.forEach(({ row, bar, mark, number }, i) => {
      bar.style.width = `${100 * shares[i]}%`;
      mark.style.display = reference && Math.max(reference[i], shares[i]) > 0.005 ? "" : "none";
      if (reference) mark.style.left = `${100 * reference[i]}%`;
      number.textContent = percent(shares[i]);
      row.classList.toggle("vl-best", i === best);
    });
  };
  return { box, set };
}

// --------------------------------------------------------------------------------------------------- frame and walk

const QUIET = 700; // ms without a change until a screen reader hears the line in words: a drag is told once, at its end

/**
 * An explorer's frame: title, guided walk, the parts between, and a line that says in words what is shown. That line
 * describes every canvas, and is read aloud when it has come to rest.
 * A step is {text, at: [names of parts], go: function}; `parts` carry their name as `data-part`; `onfree` starts free play.
 */
export function frame(el, { title, steps, free, onfree, parts, signal }) {
  const say = h("p", { class: "vl-say", id: newId() });
  const heard = h("p", { class: "vl-heard", "aria-live": "polite" });
  let rest;
  const text = h("p", { class: "vl-step", "aria-live": "polite" });
  const dots = h("span", { class: "vl-dots", "aria-hidden": "true" }, steps.map(() => h("i")));
  const back = button("Back", () => go(at - 1));
  const next = button("Next", () => go(at + 1), { class: "vl-first" });
  const leave = button("Explore freely", () => go(at === null ? 0 : null));
  const root = h("div", { class: "vl", role: "group", "aria-label": title },
    h("div", { class: "vl-title" }, h("strong", {}, title), dots),
    h("div", { class: "vl-walk" }, text, h("div", { class: "vl-buttons" }, back, next, leave)),
    ...parts, say, heard);
  for (const shown of root.querySelectorAll("canvas")) shown.setAttribute("aria-describedby", say.id);
  let at = null;

  function go(step) {
    at = step !== null && step >= 0 && step < steps.length ? step : null;
    const walking = at !== null;
    const lit = walking ? steps[at].at : [];
    for (const part of root.querySelectorAll("[data-part]")) {
      part.classList.toggle("vl-lit", lit.includes(part.dataset.part));
      part.classList.toggle("vl-dim", walking && !lit.includes(part.dataset.part));
    }
    [...dots.children].forEach((dot, i) => dot.classList.toggle("vl-here", i === at));
    back.disabled = !walking || at === 0;
    next.disabled = !walking;
    next.textContent = at === steps.length - 1 ? "Finish" : "Next";
    leave.textContent = walking ? "Explore freely" : "Guided walk";
    text.replaceChildren(h("b", {}, walking ? `${at + 1} of ${steps.length} ` : "Free play "), walking ? steps[at].text : free);
    if (walking) steps[at].go?.();
    else onfree?.();
  }

  el.replaceChildren(root);
  return {
    root,
    start: () => go(0),
    say(sentence) {
      if (say.textContent === sentence) return;
      const first = say.textContent === ""; // nobody has asked for anything yet
      say.textContent = sentence;
      clearTimeout(rest);
      if (!first) rest = setTimeout(() => { heard.textContent = sentence; }, QUIET);
    },
    /** Draws now, and again whenever the width or the theme changes. */
    redrawn(draw) {
      let width = 0;
      const resize = new ResizeObserver(() => { if (root.clientWidth !== width) { width = root.clientWidth; draw(); } });
      resize.observe(root);
      const theme = new MutationObserver(() => draw());
      // where JupyterLab, a plain page, Colab and VS Code say that they are dark: see shared.css
      const markers = ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "theme", "data-vscode-theme-kind", "class"];
      const watched = { attributes: true, attributeFilter: markers };
      theme.observe(document.body, watched);
      theme.observe(document.documentElement, watched);
      signal?.addEventListener("abort", () => { resize.disconnect(); theme.disconnect(); });
    },
  };
}

/** Turns whatever goes wrong while an explorer is built into a sentence inside it. */
export function guarded(render) {
  return (context) => {
    try {
      return render(context);
    } catch (error) {
      context.el.replaceChildren(h("div", { class: "vl", role: "alert" },
        `This explorer cannot be drawn: ${error.message}. Run its cell again; if that does not help, restart the kernel.`));
    }
  };
}
