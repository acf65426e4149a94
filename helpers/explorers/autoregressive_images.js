import { bitmap, button, canvas, choice, fit, floats, frame, guarded, h, halves, outline, palette, pen, percent, slider, stillness, viridis } from "./shared.js";

// ------------------------------------------------------------------------------------------------ the model itself

const WAVES = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

/** Exact GELU, its erf to 1e-7 (Abramowitz and Stegun 7.1.26). */
function gelu(x) {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail = t * (WAVES[0] + t * (WAVES[1] + t * (WAVES[2] + t * (WAVES[3] + t * WAVES[4])))) * Math.exp(-z * z);
  return 0.5 * x * (x < 0 ? tail : 2 - tail);
}

/** An ImageGPT: `.session()` gives `push(token)`, which returns the logits of what comes after it (key-value cache). */
export function imageGpt({ weights, layout, heads }) {
  const parts = {};
  for (const [name, shape, start] of layout) {
    parts[name] = { shape, data: weights.subarray(start, start + shape.reduce((a, b) => a * b, 1)) };
  }
  const [, N, D] = parts.pos_embed.shape;
  const K = parts["head.bias"].shape[0];
  const depth = Object.keys(parts).filter((name) => name.endsWith("norm1.weight")).length;
  const d = D / heads;

  /** W x + b for one token. */
  function linear(x, name) {
    const bias = parts[`${name}.bias`].data;
    const weight = parts[`${name}.weight`].data;
    const inputs = x.length;
    const y = new Float32Array(bias.length);
    for (let o = 0; o < y.length; o++) {
      let sum = bias[o];
      const row = o * inputs;
      for (let i = 0; i < inputs; i++) sum += x[i] * weight[row + i];
      y[o] = sum;
    }
    return y;
  }

  function norm(x, name) {
    const scale = parts[`${name}.weight`].data;
    const shift = parts[`${name}.bias`].data;
    let mean = 0;
    let square = 0;
    for (let i = 0; i < D; i++) mean += x[i];
    mean /= D;
    for (let i = 0; i < D; i++) square += (x[i] - mean) ** 2;
    const over = 1 / Math.sqrt(square / D + 1e-6);
    return x.map((value, i) => (value - mean) * over * scale[i] + shift[i]);
  }

  /** What one new token sees of itself and of those before it, whose keys and values were kept. */
  function attention(x, n, keys, values, name) {
    const qkv = linear(x, `${name}.qkv`);
    keys.set(qkv.subarray(D, 2 * D), n * D);
    values.set(qkv.subarray(2 * D), n * D);
    const mixed = new Float32Array(D);
    const scores = new Float32Array(n + 1);
    for (let head = 0; head < heads; head++) {
      const at = head * d;
      let top = -Infinity;
      for (let j = 0; j <= n; j++) {
        let dot = 0;
        for (let c = at; c < at + d; c++) dot += qkv[c] * keys[j * D + c];
        scores[j] = dot / Math.sqrt(d);
        top = Math.max(top, scores[j]);
      }
      let total = 0;
      for (let j = 0; j <= n; j++) total += scores[j] = Math.exp(scores[j] - top);
      for (let j = 0; j <= n; j++) {
        const share = scores[j] / total;
        for (let c = at; c < at + d; c++) mixed[c] += share * values[j * D + c];
      }
    }
    return linear(mixed, `${name}.proj`);
  }

  function session() {
    const caches = Array.from({ length: depth }, () => [new Float32Array(N * D), new Float32Array(N * D)]);
    let n = 0;
    return {
      /** Forget all tokens but the first `count`: their keys and values are still there. */
      rewind(count) { n = count; },
      push(token) {
        const x = new Float32Array(D);
        const add = (more) => { for (let i = 0; i < D; i++) x[i] += more[i]; };
        add(parts["token_embed.weight"].data.subarray(token * D, (token + 1) * D));
        add(parts.pos_embed.data.subarray(n * D, (n + 1) * D));
        caches.forEach(([keys, values], b) => {
          add(attention(norm(x, `blocks.${b}.norm1`), n, keys, values, `blocks.${b}.attn`));
          add(linear(linear(norm(x, `blocks.${b}.norm2`), `blocks.${b}.mlp.fc1`).map(gelu), `blocks.${b}.mlp.fc2`));
        });
        n += 1;
        return linear(norm(x, "norm"), "head");
      },
    };
  }

  return { session, N, K };
}

/** softmax(logits / temperature) over the topK largest logits; temperature 0: all on the largest. */
export function nextProbabilities(logits, temperature, topK) {
  const sorted = Float64Array.from(logits).sort();
  const top = sorted[sorted.length - 1];
  const chances = new Float64Array(logits.length);
  if (temperature === 0) {
    chances[logits.indexOf(top)] = 1;
    return chances;
  }
  const bar = topK < logits.length ? sorted[logits.length - topK] : -Infinity;
  let total = 0;
  for (let i = 0; i < chances.length; i++) if (logits[i] >= bar) total += chances[i] = Math.exp((logits[i] - top) / temperature);
  return chances.map((chance) => chance / total);
}

/** The luck of every place: numbers between 0 and 1 that a seed decides (mulberry32). */
export function luck(count, seed) {
  let state = (seed * 0x9e3779b9) >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  });
}

/** The word on which a number between 0 and 1 falls when words lie side by side, the most likely first. */
export function pick(chances, number) {
  const left = Float64Array.from(chances);
  for (let sum = 0, last = -1; ;) {
    let best = 0;
    for (let i = 1; i < left.length; i++) if (left[i] > left[best]) best = i;
    if (left[best] === 0) return last; // rounding: the chances add up to a little less than 1
    sum += left[best];
    if (number < sum) return best;
    last = best;
    left[best] = 0;
  }
}

/**
 * A painter that draws pictures: codes, for each place the chances it was drawn from, and the bits it cost the model.
 * Logits depend on the start and the codes before: as long as these are the last picture's, they are taken from it.
 */
export function painter(gpt) {
  const session = gpt.session();
  let last = { tokens: [], logits: [] };
  return ({ start, given, temperature, topK, numbers }) => {
    const [tokens, every, chances, bits] = [[start], [], [], []];
    let same = true;
    for (let place = 0; place < gpt.N; place++) {
      if (same && last.tokens[place] !== tokens[place]) {
        same = false;
        session.rewind(place);
      }
      const logits = same ? last.logits[place] : session.push(tokens[place]);
      const from = nextProbabilities(logits, temperature, topK);
      const code = place < given.length ? given[place] : pick(from, numbers[place]);
      every.push(logits);
      chances.push(from);
      bits.push(-Math.log2(Math.max(nextProbabilities(logits, 1, gpt.K)[code], 1e-12)));
      tokens.push(code);
    }
    last = { tokens: tokens.slice(0, gpt.N), logits: every };
    return { codes: tokens.slice(1), chances, bits };
  };
}

// -------------------------------------------------------------------------------------------------------- the page

const ROWS = 9; // of the chart of chances
const MOST_BITS = 10; // the full colour of the surprise map
const SEED = 12; // of the first picture

function render({ model, el, signal }) {
  const [rows, columns] = model.get("grid");
  const [channels, side] = model.get("patch");
  const [low, high] = model.get("low_high");
  const words = floats(model.get("words"));
  const size = channels * side * side;
  const names = model.get("names");
  const real = model.get("given");
  const gpt = imageGpt({ weights: halves(model.get("weights")), layout: model.get("layout_of_weights"), heads: model.get("heads") });
  const { N, K } = gpt;
  const drawPicture = painter(gpt);

  let kind = 0;
  let temperature = 1;
  let topK = K + 1; // above the vocabulary: no cut
  let seed = SEED;
  let givenRows = 0;
  let done = N; // patches shown
  let hovered = null; // place under the pointer
  let timer = null;
  let picture = null;

  const given = () => (real.length ? real[kind].slice(0, givenRows * columns) : []);
  const paint = () => { picture = drawPicture({ start: K + kind, given: given(), temperature, topK, numbers: luck(N, seed) }); };
  /** Whose chances are shown: the place pointed at, the next one, or, where all is drawn, the one that surprised most. */
  const shownPlace = () => hovered ?? (done < N ? done : dearest());
  const dearest = () => {
    const free = given().length < N ? given().length : 0; // of the drawn places, if there are any
    return free + picture.bits.slice(free).indexOf(Math.max(...picture.bits.slice(free)));
  };
  const stop = () => { clearInterval(timer); timer = null; };
  const refresh = () => { stop(); done = N; stepSlider.set(done); paint(); show(); };

  // ------------------------------------------------------------------------------------------------- controls
  const heatWords = (value) => (value === 0 ? "0: no luck" : value.toFixed(2));
  const cutWords = (value) => (value >= K ? `all ${K}` : `${value} of ${K}`);
  const rowWords = (value) => (value === 0 ? "none" : `${value} of ${rows} rows`);
  const kinds = choice("draw", names.map((name, k) => [String(k), name]), { value: String(kind), onchange: (value) => { kind = Number(value); refresh(); } });
  const heat = slider("temperature", { min: 0, max: 3, step: 0.05, value: temperature, words: heatWords, oninput: (value) => { temperature = value; refresh(); } });
  const cut = slider("top-k", { min: 1, max: K + 1, value: topK, words: cutWords, oninput: (value) => { topK = value; refresh(); } });
  const part = slider("given", { min: 0, max: real.length ? rows : 0, value: 0, words: rowWords, oninput: (value) => { givenRows = value; refresh(); } });
  const stepSlider = slider("patches drawn", { min: 0, max: N, value: N, words: (value) => `${value} of ${N}`, oninput: (value) => { stop(); done = value; show(); } });
  const again = button("Draw another", () => { seed += 1; refresh(); });
  const slowly = button("▶ Draw it slowly", () => play());

  function play() {
    stop();
    paint();
    done = stillness() ? N : given().length; // without motion the slider still steps through it
    timer = done < N && setInterval(() => {
      if (!el.isConnected) return stop();
      done += 1;
      stepSlider.set(done);
      show();
      if (done >= N) stop();
      return undefined;
    }, 110);
    stepSlider.set(done);
    show();
  }
  signal?.addEventListener("abort", stop);

  const pictureCanvas = canvas("the picture drawn so far; arrow keys choose a patch", { class: "vl-ar-canvas" });
  const chanceCanvas = canvas("the most likely words of one place and their chances", { keys: false, class: "vl-ar-canvas" });
  const surpriseCanvas = canvas("the bits that each patch costs the model; arrow keys choose a patch", { class: "vl-ar-canvas" });
  const pictureHead = h("div", { class: "vl-head" });
  const chanceHead = h("div", { class: "vl-head" });
  const surpriseHead = h("div", { class: "vl-head" });

  const set = (values) => () => {
    if (values.kind !== undefined) { kind = Math.min(values.kind, names.length - 1); kinds.input.value = String(kind); }
    if (values.temperature !== undefined) { temperature = values.temperature; heat.set(temperature); }
    if (values.topK !== undefined) { topK = values.topK; cut.set(topK); }
    if (values.rows !== undefined) { givenRows = real.length ? values.rows : 0; part.set(givenRows); }
    if (values.seed !== undefined) seed = values.seed;
    refresh();
    if (values.done !== undefined) { done = values.done; stepSlider.set(done); show(); }
    if (values.play) play();
  };
  const plain = { temperature: 1, topK: K + 1, rows: 0, seed: SEED, kind: 0 };
  const half = Math.ceil(rows / 2);
  const view = frame(el, {
    title: "A model that draws patch by patch",
    steps: [
      { text: `It has read one token, "${names[0]}". In the middle: what it expects in the first patch, top left. Nearly always that is empty background.`,
        at: ["kind", "chances"], go: set({ ...plain, done: 0 }) },
      { text: "One word is drawn, put at the end of the sequence, and the next one is asked for. Row by row, never back.",
        at: ["picture", "chances", "steps"], go: set({ ...plain, play: true }) },
      { text: "Some patches are sure, others are anybody's guess: on the right, the bits that each one cost. Point at a patch to see what it was drawn from.",
        at: ["surprise", "chances"], go: set(plain) },
      { text: "Temperature 0 always takes the most likely word: no luck, the same picture each time, and a bland one.",
        at: ["heat", "again", "picture"], go: set({ ...plain, temperature: 0 }) },
      { text: "Too hot, and unlikely words come up. One is enough: all that follow are drawn given the slip.",
        at: ["heat", "surprise"], go: set({ ...plain, temperature: 2 }) },
      { text: "Top-k forbids the slips: the same heat among the five most likely words.",
        at: ["cut", "chances", "picture"], go: set({ ...plain, temperature: 2, topK: 5 }) },
      { text: "Give it the upper rows of a real picture, and it paints the rest. Another draw, another guess.",
        at: ["given", "again", "picture"], go: set({ ...plain, kind: 9, temperature: 0.8, rows: half }) },
    ],
    free: "Choose what to draw, turn temperature and top-k, give it rows of a real picture, draw another. Point at a patch to see what it was drawn from.",
    onfree: () => { if (done < N) refresh(); },
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { "data-part": "kind" }, kinds.box), h("div", { "data-part": "heat", class: "vl-ar-knob" }, heat.box),
        h("div", { "data-part": "cut", class: "vl-ar-knob" }, cut.box)),
      h("div", { class: "vl-controls" }, h("div", { "data-part": "again" }, again), h("div", {}, slowly),
        h("div", { "data-part": "given", class: "vl-ar-knob" }, part.box),
        h("div", { "data-part": "steps", class: "vl-ar-knob" }, stepSlider.box)),
      h("div", { class: "vl-ar" },
        h("div", { "data-part": "picture" }, pictureHead, pictureCanvas),
        h("div", { "data-part": "chances" }, chanceHead, chanceCanvas),
        h("div", { "data-part": "surprise" }, surpriseHead, surpriseCanvas)),
    ],
  });

  // -------------------------------------------------------------------------------------------------- drawing
  /** A word's pixels into RGBA bytes of a bitmap of that width, at (left, top). */
  function word(data, width, code, left, top) {
    for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
      const at = 4 * ((top + y) * width + left + x);
      for (let c = 0; c < 3; c++) {
        const value = words[code * size + (channels === 3 ? c : 0) * side * side + y * side + x];
        data[at + c] = (255 * (value - low)) / (high - low);
      }
      data[at + 3] = 255;
    }
  }

  let place = [0, 0, 1];

  function sheet(target, colours, image, width, height) {
    const [context, W, H] = pen(target);
    place = fit(columns, rows, 2, 2, W - 4, H - 4);
    const [x, y, scale] = place;
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    for (let n = 0; n < N; n++) context.strokeRect(x + (n % columns) * scale + 0.5, y + Math.floor(n / columns) * scale + 0.5, scale - 1, scale - 1);
    context.drawImage(image, 0, 0, width, height, x, y, columns * scale, rows * scale);
    const mark = shownPlace();
    outline(context, x + (mark % columns) * scale, y + Math.floor(mark / columns) * scale, scale, scale, colours.select);
    return [context, x, y, scale];
  }

  function show() {
    if (!pictureCanvas.clientWidth || !picture) return;
    const colours = palette(view.root);
    const [width, height] = [columns * side, rows * side];
    const drawn = bitmap(width, height, (data) => {
      for (let n = 0; n < done; n++) word(data, width, picture.codes[n], (n % columns) * side, Math.floor(n / columns) * side);
    });
    const [context, x, y, scale] = sheet(pictureCanvas, colours, drawn, width, height);
    if (given().length) {
      context.fillStyle = colours.accent;
      context.fillRect(x - 5, y, 3, givenRows * scale);
    }
    const surprise = bitmap(columns, rows, (data) => {
      for (let n = 0; n < done; n++) data.set([...viridis(picture.bits[n] / MOST_BITS), 255], 4 * n);
    });
    sheet(surpriseCanvas, colours, surprise, columns, rows);
    chart(colours);
    const free = done - Math.min(done, given().length);
    pictureHead.replaceChildren(h("b", {}, names[kind]), given().length ? ` ${Math.min(done, given().length)} patches given, ${free} drawn` : ` ${done} of ${N} patches`);
    const total = picture.bits.slice(0, done).reduce((a, b) => a + b, 0);
    surpriseHead.replaceChildren(h("b", {}, "surprise"), ` ${Math.round(total)} bits; dark: 0, yellow: ${MOST_BITS}`);
    describe(total);
  }

  function chart(colours) {
    const [context, W, H] = pen(chanceCanvas);
    const at = shownPlace();
    const chances = picture.chances[at];
    const known = at < done;
    const isGiven = at < given().length;
    const order = Array.from(chances.keys()).filter((i) => chances[i] > 0).sort((a, b) => chances[b] - chances[a]);
    const listed = order.slice(0, ROWS);
    const code = picture.codes[at];
    if (known && !listed.includes(code)) listed[ROWS - 1 < listed.length ? ROWS - 1 : listed.length] = code; // far down, and yet drawn
    const step = H / ROWS;
    const small = step - 5;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    listed.forEach((i, row) => {
      const top = row * step + 2;
      const thumb = bitmap(side, side, (data) => word(data, side, i, 0, 0));
      context.drawImage(thumb, 2, top, small, small);
      context.strokeStyle = colours.line;
      context.lineWidth = 1;
      context.strokeRect(2.5, top + 0.5, small - 1, small - 1);
      const chosen = known && i === code;
      const left = small + 10;
      const room = W - left - 52;
      context.fillStyle = colours.accent;
      context.globalAlpha = chosen ? 1 : 0.45;
      context.fillRect(left, top + 3, Math.max(1, room * chances[i]), small - 6);
      context.globalAlpha = 1;
      context.fillStyle = colours.ink;
      context.fillText(percent(chances[i]), left + room * chances[i] + 6, top + small / 2);
      if (chosen) outline(context, 2, top, small, small, colours.select);
    });
    const row = Math.floor(at / columns);
    const state = isGiven ? "given;" : known ? "drawn from" : "next, from";
    chanceHead.replaceChildren(h("b", {}, `row ${row + 1}, patch ${(at % columns) + 1}`), ` ${state} ${order.length === 1 ? "1 word" : `${order.length} words`}`);
  }

  function describe(total) {
    const start = `${names[kind]}, temperature ${temperature.toFixed(2)}, ${cutWords(topK)} words possible. `;
    const whole = done === N ? `The model would write this picture down in ${Math.round(total)} bits, codes at random take ${Math.round(N * Math.log2(K))}. ` : "";
    let rest = "";
    if (temperature === 0 || topK === 1) rest = "Always the most likely word: every draw gives the same picture.";
    else if (given().length >= N) rest = "All of it is given: nothing is left to draw.";
    if (hovered !== null && hovered < done) {
      const chance = picture.chances[hovered][picture.codes[hovered]];
      const verb = hovered < given().length ? "was given; the model would draw it with" : "was drawn with";
      rest = `The patch in row ${Math.floor(hovered / columns) + 1}, column ${(hovered % columns) + 1} ${verb} a chance of ${percent(chance)}.`;
    }
    view.say(start + whole + rest);
  }

  // ------------------------------------------------------------------------------------------------- pointing
  for (const target of [pictureCanvas, surpriseCanvas]) {
    const find = (event) => {
      const bounds = target.getBoundingClientRect();
      const [x, y, scale] = place;
      const [i, j] = [Math.floor((event.clientX - bounds.left - x) / scale), Math.floor((event.clientY - bounds.top - y) / scale)];
      return i >= 0 && j >= 0 && i < columns && j < rows ? j * columns + i : null;
    };
    const point = (n) => { if (n !== hovered) { hovered = n; show(); } };
    target.addEventListener("pointermove", (event) => point(find(event)));
    target.addEventListener("pointerleave", () => point(null));
    target.addEventListener("blur", () => point(null));
    target.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      point(hovered === null ? 0 : (hovered + move + N) % N);
    });
  }

  paint();
  view.redrawn(show);
  view.start();
}

export default { render: guarded(render) };
