import { bitmap, button, canvas, choice, fit, floats, frame, guarded, h, halves, outline, palette, pen, slider } from "./shared.js";

// ------------------------------------------------------------------------------------------------ the model itself

const WAVES = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

/** Exact GELU, its erf to 1e-7 (Abramowitz and Stegun 7.1.26). */
function gelu(x) {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail = t * (WAVES[0] + t * (WAVES[1] + t * (WAVES[2] + t * (WAVES[3] + t * WAVES[4])))) * Math.exp(-z * z);
  return 0.5 * x * (x < 0 ? tail : 2 - tail);
}

/** A masked autoencoder: `.run(patches, ids, keep)` paints all patches, `.N` patches of `.size` numbers. */
export function autoencoder({ weights, layout, heads, depths, classFirst }) {
  const parts = {};
  for (const [name, shape, start] of layout) {
    parts[name] = { shape, data: weights.subarray(start, start + shape.reduce((a, b) => a * b, 1)) };
  }
  const D = parts.cls_token.shape[2];
  const E = parts.mask_token.shape[2];
  const N = parts.pos_embed.shape[1] - 1;
  const size = parts["decoder_pred.bias"].shape[0];
  const classRow = classFirst ? 0 : N; // of the position tables
  const patchRow = classFirst ? 1 : 0;

  /** x (rows, inputs) W^T + b: (rows, outputs). */
  function linear(x, rows, name) {
    const bias = parts[`${name}.bias`].data;
    const weight = parts[`${name}.weight`].data;
    const outputs = bias.length;
    const inputs = weight.length / outputs;
    const y = new Float32Array(rows * outputs);
    for (let r = 0; r < rows; r++) {
      const from = r * inputs;
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        const row = o * inputs;
        for (let i = 0; i < inputs; i++) sum += x[from + i] * weight[row + i];
        y[r * outputs + o] = sum;
      }
    }
    return y;
  }

  function norm(x, width, name) {
    const scale = parts[`${name}.weight`].data;
    const shift = parts[`${name}.bias`].data;
    const y = new Float32Array(x.length);
    for (let from = 0; from < x.length; from += width) {
      let mean = 0;
      let square = 0;
      for (let i = 0; i < width; i++) mean += x[from + i];
      mean /= width;
      for (let i = 0; i < width; i++) square += (x[from + i] - mean) ** 2;
      const over = 1 / Math.sqrt(square / width + 1e-6);
      for (let i = 0; i < width; i++) y[from + i] = (x[from + i] - mean) * over * scale[i] + shift[i];
    }
    return y;
  }

  function attention(x, rows, width, count, name) {
    const qkv = linear(x, rows, `${name}.qkv`);
    const d = width / count;
    const mixed = new Float32Array(rows * width);
    const scores = new Float32Array(rows);
    for (let head = 0; head < count; head++) {
      const [q, k, v] = [0, width, 2 * width].map((start) => start + head * d);
      for (let i = 0; i < rows; i++) {
        let top = -Infinity;
        for (let j = 0; j < rows; j++) {
          let dot = 0;
          for (let c = 0; c < d; c++) dot += qkv[i * 3 * width + q + c] * qkv[j * 3 * width + k + c];
          scores[j] = dot / Math.sqrt(d);
          top = Math.max(top, scores[j]);
        }
        let total = 0;
        for (let j = 0; j < rows; j++) total += scores[j] = Math.exp(scores[j] - top);
        for (let j = 0; j < rows; j++) {
          const share = scores[j] / total;
          for (let c = 0; c < d; c++) mixed[i * width + head * d + c] += share * qkv[j * 3 * width + v + c];
        }
      }
    }
    return linear(mixed, rows, `${name}.proj`);
  }

  function blocks(x, width, depth, count, name) {
    const rows = x.length / width;
    const add = (more) => { for (let i = 0; i < x.length; i++) x[i] += more[i]; };
    for (let b = 0; b < depth; b++) {
      add(attention(norm(x, width, `${name}.${b}.norm1`), rows, width, count, `${name}.${b}.attn`));
      const hidden = linear(norm(x, width, `${name}.${b}.norm2`), rows, `${name}.${b}.mlp.fc1`);
      for (let i = 0; i < hidden.length; i++) hidden[i] = gelu(hidden[i]);
      add(linear(hidden, rows, `${name}.${b}.mlp.fc2`));
    }
    return x;
  }

  /** patches (N, C*P*P) of which the first `keep` of `ids` are seen; returns all N painted ones. */
  function run(patches, ids, keep) {
    const kept = new Float32Array(keep * size);
    for (let k = 0; k < keep; k++) kept.set(patches.subarray(ids[k] * size, (ids[k] + 1) * size), k * size);
    const tokens = linear(kept, keep, "patch_embed.proj");
    const x = new Float32Array((keep + 1) * D); // class token in row 0: attention does not mind where it stands
    for (let c = 0; c < D; c++) {
      x[c] = parts.cls_token.data[c] + parts.pos_embed.data[classRow * D + c];
      for (let k = 0; k < keep; k++) x[(k + 1) * D + c] = tokens[k * D + c] + parts.pos_embed.data[(patchRow + ids[k]) * D + c];
    }
    const seen = linear(norm(blocks(x, D, depths[0], heads[0], "blocks"), D, "norm"), keep + 1, "decoder_embed");
    const y = new Float32Array((N + 1) * E);
    for (let k = 0; k < N; k++) y.set(k < keep ? seen.subarray((k + 1) * E, (k + 2) * E) : parts.mask_token.data, (ids[k] + 1) * E);
    y.set(seen.subarray(0, E), 0);
    for (let c = 0; c < E; c++) {
      y[c] += parts.decoder_pos_embed.data[classRow * E + c];
      for (let n = 0; n < N; n++) y[(n + 1) * E + c] += parts.decoder_pos_embed.data[(patchRow + n) * E + c];
    }
    const painted = norm(blocks(y, E, depths[1], heads[1], "decoder_blocks"), E, "decoder_norm");
    return linear(painted.subarray(E), N, "decoder_pred");
  }

  return { run, N, size };
}

/** A random order of 0..count-1 that a seed decides (mulberry32 and Fisher-Yates). */
export function shuffled(count, seed) {
  let state = (seed * 0x9e3779b9) >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** The patches (N, C*P*P), channel first, of a picture (C, H, W), in the order of `cells`. */
export function patchesOf(picture, [channels, height, width], columns, side, cells) {
  const size = channels * side * side;
  const patches = new Float32Array(cells.length * size);
  cells.forEach((cell, n) => {
    const [top, left] = [Math.floor(cell / columns) * side, (cell % columns) * side];
    for (let c = 0, at = n * size; c < channels; c++) {
      for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) patches[at++] = picture[(c * height + top + y) * width + left + x];
    }
  });
  return patches;
}

// -------------------------------------------------------------------------------------------------------- the page

function render({ model, el, signal }) {
  const shape = model.get("shape");
  const [channels, height, width] = shape;
  const [rows, columns] = model.get("grid");
  const side = height / rows;
  const cells = model.get("cells");
  const names = model.get("names");
  const [low, high] = model.get("low_high");
  const pictures = floats(model.get("pictures"));
  const mae = autoencoder({
    weights: halves(model.get("weights")), layout: model.get("layout_of_weights"), heads: model.get("heads"),
    depths: model.get("depths"), classFirst: model.get("class_first"),
  });
  const { N, size } = mae;
  const cellOf = (n) => cells[n];
  const numberOf = new Int32Array(N); // patch of the sequence that lies in a cell
  cells.forEach((cell, n) => { numberOf[cell] = n; });
  const all = names.map((_, k) => patchesOf(pictures.subarray(k * channels * height * width), shape, columns, side, cells));

  let picture = 0;
  let ratio = 0.75;
  let seed = 1;
  let own = null; // kept patches that were chosen by hand, as a Set
  let pasted = true;
  let chosen = null; // patch under the pointer or chosen by arrow keys

  let ids = shuffled(N, seed);
  let keep = 0;
  let painted = new Float32Array(N * size);
  let errors = new Float32Array(N);

  const kept = () => (own ? own.size : Math.floor(N * (1 - ratio) + 1e-9));

  function paint() {
    keep = kept();
    if (own) ids = [...[...own].sort((a, b) => a - b), ...Array.from({ length: N }, (_, n) => n).filter((n) => !own.has(n))];
    else ids = shuffled(N, seed);
    painted = mae.run(all[picture], ids, keep);
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let i = n * size; i < (n + 1) * size; i++) sum += (painted[i] - all[picture][i]) ** 2;
      errors[n] = sum / size;
    }
  }

  const isKept = (n) => ids.indexOf(n) < keep;
  const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const hiddenErrors = () => ids.slice(keep).map((n) => errors[n]);

  // ------------------------------------------------------------------------------------------------- controls
  const refresh = () => { paint(); draw(); };
  const words = (value) => `${Math.round(100 * value)}%: ${Math.floor(N * (1 - value) + 1e-9)} of ${N} seen`;
  const ratioSlider = slider("mask ratio", { min: 0, max: 1, step: 0.01, value: ratio, words, oninput: (value) => { ratio = value; own = null; refresh(); } });
  const pick = choice("picture", names.map((name, k) => [String(k), name]), { value: "0", onchange: (value) => { picture = Number(value); refresh(); } });
  const again = button("Another mask", () => { seed += 1; own = null; refresh(); });
  const paste = h("input", { type: "checkbox", id: `vl-paste-${Math.random().toString(36).slice(2)}`, onchange: () => { pasted = paste.checked; draw(); } });
  paste.checked = true;
  const panel = (label) => canvas(`${label}; arrow keys choose a patch`, { class: "vl-mae-canvas", style: `aspect-ratio: ${width} / ${height}` });
  const seenCanvas = panel("what the encoder sees; Enter hides or shows a patch");
  const paintCanvas = panel("what the decoder paints");
  const trueCanvas = panel("the picture as it is");
  const errorCanvas = panel("the error of each hidden patch");
  const seenHead = h("div", { class: "vl-head" });
  const errorHead = h("div", { class: "vl-head" });
  const cost = h("div", { class: "vl-mae-cost" });

  const set = (values) => () => {
    if (values.ratio !== undefined) { ratio = values.ratio; ratioSlider.set(ratio); own = null; }
    if (values.seed !== undefined) seed = values.seed;
    if (values.pasted !== undefined) pasted = paste.checked = values.pasted;
    if (values.only) own = new Set(values.only);
    refresh();
  };
  const [tall, wide] = [rows, columns];
  const corner = cells.map((_, n) => n).filter((n) => Math.floor(cellOf(n) / wide) < tall / 2);
  const view = frame(el, {
    title: "What a masked autoencoder paints",
    steps: [
      { text: `The picture is cut into ${N} patches. Three quarters are taken away at random: they do not enter the encoder, it reads ${Math.floor(N / 4)} patches and the class token.`,
        at: ["seen", "ratio"], go: set({ ratio: 0.75, seed: 1, pasted: true }) },
      { text: "The decoder gets what the encoder made of them, a mask token for every gap, and positions. It paints the gaps. Nobody ever told it what a sleeve is.",
        at: ["painted", "truth"], go: set({ ratio: 0.75, seed: 1, pasted: true }) },
      { text: "Hide only 15%, as BERT does. Next to each gap stands nearly all that it takes to fill it in: little has to be understood. (This model was trained at 75% and is not used to so much company.)",
        at: ["ratio", "seen", "painted"], go: set({ ratio: 0.15, seed: 1 }) },
      { text: "Hide 92%. A few patches say what kind of thing it is, and the model paints the typical one: right in outline, without this one's details.",
        at: ["ratio", "painted", "truth"], go: set({ ratio: 0.92, seed: 1 }) },
      { text: "Another random mask asks another question about the same picture. Errors sit where the visible patches cannot tell: edges, prints, laces.",
        at: ["again", "error"], go: set({ ratio: 0.75, seed: 4 }) },
      { text: "Untick the box to see what the decoder paints over the patches that it was shown: mush. The loss never asked for them.",
        at: ["paste", "painted"], go: set({ ratio: 0.75, seed: 4, pasted: false }) },
      { text: "Or choose the patches yourself: here it sees the upper half only. Click on patches to hide or show them.",
        at: ["seen", "painted"], go: set({ only: corner, pasted: true }) },
    ],
    free: "Drag the mask ratio, ask for another mask, or click on a patch on the left to hide or show it. Point at a patch to compare it in all four pictures.",
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { "data-part": "ratio", class: "vl-mae-ratio" }, ratioSlider.box), pick.box,
        h("div", { "data-part": "again" }, again),
        h("div", { class: "vl-field", "data-part": "paste" }, paste, h("label", { for: paste.id }, "keep the seen patches in the painting"))),
      h("div", { class: "vl-mae" },
        h("div", { "data-part": "seen" }, seenHead, seenCanvas),
        h("div", { "data-part": "painted" }, h("div", { class: "vl-head" }, h("b", {}, "the decoder paints")), paintCanvas),
        h("div", { "data-part": "truth" }, h("div", { class: "vl-head" }, h("b", {}, "the picture")), trueCanvas),
        h("div", { "data-part": "error" }, errorHead, errorCanvas)),
      cost,
    ],
  });

  // -------------------------------------------------------------------------------------------------- drawing
  /** Patches as a bitmap, each number one pixel; `shown(n)` says which patches are drawn. */
  function mosaic(patches, shown) {
    return bitmap(width, height, (data) => {
      for (let n = 0; n < N; n++) {
        if (!shown(n)) continue;
        const [top, left] = [Math.floor(cellOf(n) / columns) * side, (cellOf(n) % columns) * side];
        for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
          const at = 4 * ((top + y) * width + left + x);
          for (let c = 0; c < 3; c++) {
            const value = patches[n * size + (channels === 3 ? c : 0) * side * side + y * side + x];
            data[at + c] = (255 * (value - low)) / (high - low);
          }
          data[at + 3] = 255;
        }
      }
    });
  }

  let place = [0, 0, 1];

  function show(target, sheet, colours, grid, veil) {
    const [context, W, H] = pen(target);
    place = fit(width, height, 2, 2, W - 4, H - 4);
    const [x, y, scale] = place;
    if (veil) {
      context.fillStyle = veil;
      context.fillRect(x, y, width * scale, height * scale);
    }
    if (grid) {
      context.strokeStyle = colours.line;
      context.lineWidth = 1;
      for (let cell = 0; cell < N; cell++) {
        context.strokeRect(x + (cell % columns) * side * scale + 0.5, y + Math.floor(cell / columns) * side * scale + 0.5, side * scale - 1, side * scale - 1);
      }
    }
    context.drawImage(sheet, x, y, width * scale, height * scale);
    if (chosen !== null) {
      const cell = cellOf(chosen);
      outline(context, x + (cell % columns) * side * scale, y + Math.floor(cell / columns) * side * scale, side * scale, side * scale, colours.select);
    }
  }

  function errorSheet() {
    const most = 2; // squared error, in squared standard deviations of the pictures
    return bitmap(columns, rows, (data) => {
      for (let n = 0; n < N; n++) if (!isKept(n)) data.set([213, 94, 0, 255 * Math.min(1, Math.sqrt(errors[n] / most))], 4 * cellOf(n));
    });
  }

  const number = (value) => value.toFixed(2);

  function draw() {
    if (!seenCanvas.clientWidth) return;
    const colours = palette(view.root);
    show(seenCanvas, mosaic(all[picture], isKept), colours, false, "rgb(107, 125, 148)");
    const mixed = pasted ? painted.slice() : painted;
    if (pasted) for (let k = 0; k < keep; k++) mixed.set(all[picture].subarray(ids[k] * size, (ids[k] + 1) * size), ids[k] * size);
    show(paintCanvas, mosaic(mixed, () => true), colours, false);
    show(trueCanvas, mosaic(all[picture], () => true), colours, false);
    show(errorCanvas, errorSheet(), colours, true);
    seenHead.replaceChildren(h("b", {}, "the encoder sees"), ` ${keep} of ${N}`);
    const hidden = hiddenErrors();
    errorHead.replaceChildren(h("b", {}, "error"), hidden.length ? ` mean ${number(mean(hidden))} where hidden` : " nothing is hidden");
    const share = (keep + 1) / (N + 1);
    cost.textContent = `Cost of the encoder against reading everything: linear layers ${Math.round(100 * share)}%, attention ${Math.round(100 * share * share)}%.`;
    describe(hidden);
  }

  function describe(hidden) {
    const start = `${names[picture]}: ${keep} of ${N} patches seen${own ? ", chosen by hand" : ""}. `;
    let rest;
    if (!hidden.length) rest = "Nothing is hidden, so there is nothing to guess and no loss; untick the box to see that the decoder never learned to copy.";
    else if (keep === 0) rest = `Nothing is seen, which never happened in training: what it paints misses by ${number(mean(hidden))} per pixel (mean squared error).`;
    else rest = `The hidden ones are painted with a mean squared error of ${number(mean(hidden))}; the worst patch has ${number(Math.max(...hidden))}.`;
    if (chosen !== null) {
      const cell = cellOf(chosen);
      const state = isKept(chosen) ? "is seen" : `is hidden, painted with an error of ${number(errors[chosen])}`;
      rest += ` The patch at row ${Math.floor(cell / columns)}, column ${cell % columns} ${state}.`;
    }
    view.say(start + rest);
  }

  // ------------------------------------------------------------------------------------------------- pointing
  function toggle(n) {
    own = new Set(own ?? ids.slice(0, keep));
    if (own.has(n)) own.delete(n);
    else own.add(n);
    refresh();
  }
  for (const target of [seenCanvas, paintCanvas, trueCanvas, errorCanvas]) {
    const find = (event) => {
      const bounds = target.getBoundingClientRect();
      const [x, y, scale] = place;
      const [i, j] = [Math.floor((event.clientX - bounds.left - x) / (side * scale)), Math.floor((event.clientY - bounds.top - y) / (side * scale))];
      return i >= 0 && j >= 0 && i < columns && j < rows ? numberOf[j * columns + i] : null;
    };
    target.addEventListener("pointermove", (event) => { const n = find(event); if (n !== chosen) { chosen = n; draw(); } });
    target.addEventListener("pointerleave", () => { if (chosen !== null) { chosen = null; draw(); } });
    target.addEventListener("blur", () => { if (chosen !== null) { chosen = null; draw(); } });
    target.addEventListener("click", (event) => { const n = find(event); if (target === seenCanvas && n !== null) toggle(n); });
    target.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (move === undefined && !(event.key === "Enter" || event.key === " ")) return;
      event.preventDefault();
      event.stopPropagation();
      if (move === undefined) { if (chosen !== null && target === seenCanvas) toggle(chosen); return; }
      const cell = chosen === null ? 0 : (cellOf(chosen) + move + N) % N;
      chosen = numberOf[cell];
      draw();
    });
  }

  paint();
  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
