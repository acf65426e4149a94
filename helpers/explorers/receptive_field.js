import { bitmap, button, canvas, choice, fit, floats, frame, guarded, h, halves, outline, palette, pen, photograph, slider, viridis } from "./shared.js";

const MOST_LAYERS = 20;
const LEAST = 0.0455; // of the strongest reaction: below it a pixel is not part of the effective field (Luo et al.)

/** Side of the field after each layer, from the pixels (1) up, and how many pixels apart the units lie. */
export function field(layers) {
  const sides = [1];
  const aparts = [1];
  for (const [kernel, stride, dilation] of layers) {
    sides.push(sides.at(-1) + (kernel - 1) * dilation * aparts.at(-1));
    aparts.push(aparts.at(-1) * stride);
  }
  return { sides, aparts };
}

/** How many paths lead from each pixel of a row of the field to the unit, as a share of the most. */
export function paths(layers) {
  let row = [1];
  for (const [kernel, stride, dilation] of [...layers].reverse()) {
    const below = new Array((row.length - 1) * stride + (kernel - 1) * dilation + 1).fill(0);
    row.forEach((count, place) => { for (let tap = 0; tap < kernel; tap++) below[place * stride + tap * dilation] += count; });
    const most = Math.max(...below);
    row = below.map((count) => count / most);
  }
  return row;
}

const percentOf = (part) => `${part < 0.0995 ? (100 * part).toPrecision(2) : Math.round(100 * part)}%`;

const conv = (count, stride = 1, dilation = 1) => Array.from({ length: count }, () => [3, stride, dilation]);
const PRESETS = {
  "one 3x3": conv(1),
  "twelve 3x3": conv(12),
  "strides": [...conv(3, 2), ...conv(3)],
  "dilation": [...conv(1), ...conv(2, 1, 8)],
  "VGG-16": [...conv(2), [2, 2, 1], ...conv(2), [2, 2, 1], ...conv(3), [2, 2, 1], ...conv(3), [2, 2, 1], ...conv(3), [2, 2, 1]],
  "ResNet-50": [[7, 2, 1], [3, 2, 1], ...conv(3), [3, 2, 1], ...conv(3), [3, 2, 1], ...conv(5), [3, 2, 1], ...conv(2)],
};

function render({ model, el, signal }) {
  const [channels, height, width] = model.get("photograph_shape");
  const values = floats(model.get("photograph"));
  const photo = photograph(values, [channels, height, width]);
  const pixels = photo.getContext("2d").getImageData(0, 0, width, height).data;
  const pictureShape = model.get("picture_shape");
  const [, tall, wide] = pictureShape;
  const picture = photograph(floats(model.get("picture")), pictureShape);
  const [rows, columns] = model.get("grid");
  const [patchHeight, patchWidth] = [tall / rows, wide / columns];
  const N = rows * columns;
  const [stages, counts, distances, everywhere] = ["stages", "counts", "distances", "everywhere"].map((name) => model.get(name));
  const shares = halves(model.get("shares"));

  let layers = PRESETS["one 3x3"];
  let used = 1; // layers below the unit
  let strongly = false;
  let at = [Math.floor(0.38 * height), Math.floor(0.385 * width)]; // pixel under the pointer
  let stage = 0;
  let cell = Math.floor(rows / 2) * columns + Math.floor(columns / 2);

  // ---------------------------------------------------------------------------- the page
  const view = choice("show", [["which", "which pixels"], ["strongly", "how strongly"]], { value: "which", onchange: (value) => { strongly = value === "strongly"; draw(); } });
  const presets = Object.keys(PRESETS).map((name) => button(name, () => use(PRESETS[name])));
  const usedSlider = slider("unit after layer", { min: 0, max: 1, value: 1, words: (value) => `${value} of ${layers.length}`, oninput: (value) => { used = value; draw(); } });
  const stageWords = (value) => (value === 0 ? "before block 1" : `after block ${value}`);
  const stageSlider = slider("token", { max: stages - 1, value: 0, words: stageWords, oninput: (value) => { stage = value; draw(); } });
  const table = h("div", { class: "vl-rf-layers" });
  const photoCanvas = canvas("the photograph; click a unit, arrow keys move it", { class: "vl-rf-canvas" });
  const pictureCanvas = canvas("the picture that the ViT sees; click a token, arrow keys move it", { class: "vl-rf-canvas" });
  const photoHead = h("div", { class: "vl-head" });
  const pictureHead = h("div", { class: "vl-head" });
  const formula = h("div", { class: "vl-formula" });
  const told = h("div", { class: "vl-formula" });
  const headsHead = h("div", { class: "vl-head" });
  const headRows = h("div", { class: "vl-rf-heads" });

  function use(next, then) {
    layers = next.map((layer) => [...layer]);
    used = layers.length;
    fillTable();
    then?.();
    draw();
  }

  const picker = (label, number, options, row) => {
    const all = [...new Set([...options, layers[row][number]])].sort((a, b) => a - b);
    const input = h("select", { "aria-label": `${label} of layer ${row + 1}`, onchange: () => { layers[row][number] = Number(input.value); draw(); } },
      all.map((value) => h("option", { value }, value)));
    input.value = layers[row][number];
    return [h("label", {}, label), input];
  };
  let lines = [];

  function fillTable() {
    lines = layers.map((_, row) => {
      const side = h("b", {});
      const remove = button("×", () => { if (layers.length > 1) { layers.splice(row, 1); used = Math.min(used, layers.length); fillTable(); draw(); } }, { "aria-label": `remove layer ${row + 1}`, disabled: layers.length === 1 });
      return { side, row: h("div", { class: "vl-rf-layer" }, h("span", {}, `${row + 1}`), picker("kernel", 0, [1, 2, 3, 5, 7], row),
        picker("stride", 1, [1, 2, 3], row), picker("dilation", 2, [1, 2, 4, 8], row), remove, side) };
    });
    table.replaceChildren(...lines.map(({ row }) => row));
    usedSlider.set(used, { max: layers.length });
    add.disabled = layers.length >= MOST_LAYERS;
  }

  const add = button("+ layer", () => { layers.push([3, 1, 1]); used = layers.length; fillTable(); draw(); });

  const see = (value) => { strongly = value; view.input.value = value ? "strongly" : "which"; };
  const toStage = (value) => { stage = Math.min(value, stages - 1); stageSlider.set(stage); };
  const step = (preset, how, block) => () => { see(how); toStage(block); use(PRESETS[preset]); };
  const shell = frame(el, {
    title: "What one unit can see",
    steps: [
      { text: "One 3x3 convolution. The unit that you click sees nine pixels, drawn bright. Change any dimmed pixel as much as you like: the unit stays exactly as it is.",
        at: ["photo"], go: step("one 3x3", false, 0) },
      { text: "Twelve of them, one on top of the other. Each adds 2 pixels to the side, so the unit sees 25. Drag \"unit after layer\" to watch the square grow.",
        at: ["photo", "layers", "used"], go: step("twelve 3x3", false, 0) },
      { text: "Strides are quicker: after three layers of stride 2 the units lie 8 pixels apart, and each later layer adds 16. The formula below the photograph adds it up.",
        at: ["photo", "layers"], go: step("strides", false, 0) },
      { text: "Dilation sees far and leaves holes: the square is wide, and most of its pixels cannot change this unit. (Its neighbours see those.)",
        at: ["photo", "layers"], go: step("dilation", false, 0) },
      { text: "Seeing is not using. Twelve layers again, coloured by how strongly a random network reacts: a bell. The orange square is its effective width.",
        at: ["photo", "view"], go: step("twelve 3x3", true, 0) },
      { text: "A trained ViT looks at a garment. Before the first block (move the slider) a token sees its own patch; after one block it sees all pixels.",
        at: ["picture", "stage"], go: step("strides", false, 1) },
      { text: "What does it use? Nearly all of its reaction goes to its own patch. Bars: how far each head looks, on average; the mark: everywhere alike.",
        at: ["picture", "stage", "heads", "view"], go: step("strides", true, 1) },
    ],
    free: "Click on either picture to choose a unit. Build a CNN, layer by layer, or take a famous one. How few layers see the whole cat?",
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { class: "vl-kinds", "data-part": "presets" }, presets, add), h("div", { "data-part": "view" }, view.box)),
      h("div", { class: "vl-rf" },
        h("div", { class: "vl-controls", "data-part": "used" }, usedSlider.box), h("div", { class: "vl-controls", "data-part": "stage" }, stageSlider.box),
        h("div", { "data-part": "photo" }, photoHead, photoCanvas, formula), h("div", { "data-part": "picture" }, pictureHead, pictureCanvas, told),
        h("div", { "data-part": "layers" }, h("div", { class: "vl-head" }, h("b", {}, "layers"), " from the input up; bold: side of the field after each"), table),
        h("div", { "data-part": "heads" }, headsHead, headRows)),
    ],
  });

  // ------------------------------------------------------------------------------- drawing
  let photoFit = [0, 0, 1];
  let pictureFit = [0, 0, 1];
  let kept = { name: null, row: [1] };

  function rowOfPaths() {
    const name = JSON.stringify(layers.slice(0, used));
    if (kept.name !== name) kept = { name, row: paths(layers.slice(0, used)) };
    return kept.row;
  }

  /** First pixel and side of the field along one axis, and the middle of the unit nearest to the pointer. */
  function along(place, size, side, apart) {
    const unit = Math.min(Math.floor(place / apart), Math.ceil(size / apart) - 1);
    const middle = Math.min(unit * apart + Math.floor(apart / 2), size - 1);
    return { unit, start: middle - Math.floor((side - 1) / 2) };
  }

  const bold = (box, head, rest) => box.replaceChildren(h("b", {}, head), ` ${rest}`);

  function drawPhoto(colours) {
    const [context, W, H] = pen(photoCanvas);
    photoFit = fit(width, height, 0, 0, W, H);
    const [x, y, scale] = photoFit;
    const { sides, aparts } = field(layers);
    const [side, apart] = [sides[used], aparts[used]];
    const row = rowOfPaths();
    const down = along(at[0], height, side, apart);
    const across = along(at[1], width, side, apart);
    let seen = 0;
    let effective = 0;
    const sheet = bitmap(width, height, (data) => {
      for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) {
        const weight = (row[i - down.start] ?? 0) * (row[j - across.start] ?? 0);
        const offset = 4 * (i * width + j);
        if (weight <= 0) {
          for (let c = 0; c < 3; c++) data[offset + c] = 0.3 * pixels[offset + c];
        } else {
          seen += 1;
          const strength = Math.sqrt(weight);
          if (strength > LEAST) effective += 1;
          if (strongly) viridis(strength).forEach((value, c) => { data[offset + c] = 0.82 * value + 0.18 * pixels[offset + c]; });
          else for (let c = 0; c < 3; c++) data[offset + c] = pixels[offset + c];
        }
        data[offset + 3] = 255;
      }
    });
    context.drawImage(sheet, x, y, width * scale, height * scale);
    context.save();
    context.beginPath();
    context.rect(x - 3, y - 3, width * scale + 6, height * scale + 6);
    context.clip();
    outline(context, x + across.start * scale, y + down.start * scale, side * scale, side * scale, strongly ? "#ffffff" : colours.select);
    const wideEnough = row.filter((count) => Math.sqrt(count) > LEAST).length;
    const first = row.findIndex((count) => Math.sqrt(count) > LEAST);
    const reach = row.length - 2 * first;
    if (strongly && reach < side) outline(context, x + (across.start + first) * scale, y + (down.start + first) * scale, reach * scale, reach * scale, colours.select);
    context.restore();
    bold(photoHead, "a unit of a CNN", used === 0 ? "no layer yet: a pixel" : `after ${used} layer${used > 1 ? "s" : ""}; units lie ${apart} pixel${apart > 1 ? "s" : ""} apart`);
    const terms = [];
    for (let i = 0; i < used; i++) {
      const term = `${(layers[i][0] - 1) * layers[i][2]}·${aparts[i]}`;
      const last = terms.at(-1);
      if (last?.term === term) last.count += 1;
      else terms.push({ term, count: 1 });
    }
    const sum = ["1", ...terms.map(({ term, count }) => (count > 1 ? `${count} × ${term}` : term))].join(" + ");
    formula.replaceChildren("side = ", sum, " = ", h("b", {}, `${side} pixels`),
      strongly && reach < side ? `; effective about ${wideEnough} (${Math.round((100 * wideEnough) / side)}%)` : "");
    lines.forEach(({ side: box, row: line }, i) => { box.textContent = sides[i + 1]; line.classList.toggle("vl-off", i >= used); });
    return { side, seen, unit: [down.unit, across.unit] };
  }

  const share = (to) => shares[(stage * N + cell) * N + to] / 100;

  function drawPicture(colours) {
    const [context, W, H] = pen(pictureCanvas);
    pictureFit = fit(wide, tall, 0, 0, W, H);
    const [x, y, scale] = pictureFit;
    context.drawImage(picture, x, y, wide * scale, tall * scale);
    let most = 0;
    for (let j = 0; j < N; j++) most = Math.max(most, share(j));
    const sheet = bitmap(columns, rows, (data) => {
      for (let j = 0; j < N; j++) {
        const seen = stage > 0 || j === cell;
        if (strongly) data.set([...viridis(Math.sqrt(share(j) / most)), 205], 4 * j);
        else data.set([0, 0, 0, seen ? 0 : 190], 4 * j);
      }
    });
    context.drawImage(sheet, x, y, wide * scale, tall * scale);
    outline(context, x + (cell % columns) * patchWidth * scale, y + Math.floor(cell / columns) * patchHeight * scale, patchWidth * scale, patchHeight * scale, colours.select);
    bold(pictureHead, "a token of a trained ViT", stageWords(stage));
    const count = counts[stage][cell];
    told.replaceChildren("A gradient at ", h("b", {}, `${count} of ${tall * wide} pixels`), `; own patch: ${Math.round(100 * share(cell))}% of it (squared)`);
    return count;
  }

  function drawHeads() {
    const block = Math.max(stage, 1) - 1;
    const most = 1.25 * Math.max(everywhere, ...distances.flat());
    bold(headsHead, `how far block ${block + 1} looks`, "in patches");
    headRows.replaceChildren(...distances[block].map((value, head) => {
      const bar = h("div", { class: "vl-bar" });
      const mark = h("div", { class: "vl-mark" });
      bar.style.width = `${(100 * value) / most}%`;
      mark.style.left = `${(100 * everywhere) / most}%`;
      return h("div", { class: "vl-row vl-best" }, h("span", { class: "vl-name" }, `head ${head + 1}`), h("div", { class: "vl-track" }, bar, mark), h("span", { class: "vl-number" }, value.toFixed(2)));
    }));
  }

  function draw() {
    if (!photoCanvas.clientWidth) return;
    usedSlider.set(used, { max: layers.length });
    const colours = palette(shell.root);
    const { side, seen, unit } = drawPhoto(colours);
    const count = drawPicture(colours);
    drawHeads();
    const all = height * width;
    shell.say(`CNN: the unit at row ${unit[0]}, column ${unit[1]} after ${used} of ${layers.length} layers has a field of ${side} by ${side} pixels; `
      + `it reads ${seen.toLocaleString("en")} of the photograph's ${all.toLocaleString("en")} pixels (${percentOf(seen / all)}). `
      + `ViT: the token at row ${Math.floor(cell / columns)}, column ${cell % columns} ${stageWords(stage)} sees ${count} of ${tall * wide} pixels.`);
  }

  // ------------------------------------------------------------------------------- pointing
  const clamp = (value, size) => Math.min(Math.max(value, 0), size - 1);
  function onPhoto(event) {
    const bounds = photoCanvas.getBoundingClientRect();
    const [x, y, scale] = photoFit;
    at = [clamp(Math.floor((event.clientY - bounds.top - y) / scale), height), clamp(Math.floor((event.clientX - bounds.left - x) / scale), width)];
    draw();
  }
  function onPicture(event) {
    const bounds = pictureCanvas.getBoundingClientRect();
    const [x, y, scale] = pictureFit;
    const row = clamp(Math.floor((event.clientY - bounds.top - y) / (patchHeight * scale)), rows);
    cell = row * columns + clamp(Math.floor((event.clientX - bounds.left - x) / (patchWidth * scale)), columns);
    draw();
  }
  for (const [target, point] of [[photoCanvas, onPhoto], [pictureCanvas, onPicture]]) {
    target.addEventListener("pointerdown", point);
    target.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
  }
  const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const keys = (move) => (event) => {
    if (!arrows[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    move(...arrows[event.key]);
    draw();
  };
  photoCanvas.addEventListener("keydown", keys((down, across) => {
    const apart = field(layers).aparts[used];
    at = [clamp(at[0] + down * apart, height), clamp(at[1] + across * apart, width)];
  }));
  pictureCanvas.addEventListener("keydown", keys((down, across) => {
    cell = clamp(Math.floor(cell / columns) + down, rows) * columns + clamp((cell % columns) + across, columns);
  }));

  fillTable();
  shell.redrawn(draw);
  shell.start();
}

export default { render: guarded(render) };
