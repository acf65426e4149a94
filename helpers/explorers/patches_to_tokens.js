import { bars, button, canvas, fit, floats, frame, guarded, h, halves, heat, outline, palette, pen, percent, photograph, reach, slider, viridis } from "./shared.js";

const SHOWN_BLOCKS = 4; // columns of blocks that are drawn at once

function render({ model, el, signal }) {
  const pictureShape = model.get("picture_shape");
  const [channels, height, width] = pictureShape;
  const [rows, columns] = model.get("grid");
  const cells = model.get("cells"); // place on the grid of each patch of the sequence
  const side = height / rows;
  const picture = floats(model.get("picture"));
  const patches = floats(model.get("patches"));
  const tokens = floats(model.get("tokens"));
  const positions = floats(model.get("positions"));
  const blocks = halves(model.get("blocks"));
  const attention = halves(model.get("attention"));
  const [depth, heads, allHeads, dim, classPlace] = ["depth", "heads", "all_heads", "width", "class_place"].map((name) => model.get(name));
  const names = model.get("names");
  const shares = model.get("shares");
  const N = cells.length;
  const M = N + 1;
  const values = channels * side * side;
  const joined = Float32Array.from(tokens, (value, i) => value + positions[i]);
  const photo = photograph(picture, pictureShape);

  let selected = tokenOf(Math.floor(rows / 2) * columns + Math.floor(columns / 2));
  let hovered = null; // a token under the pointer, shown instead of the selected one
  let block = 0;
  let head = 0;
  let dimension = null; // of the token, pointed at in its strips
  let number = null; // of the patch's values, pointed at
  let focus = null; // columns that the walk talks about

  /** Patch of the sequence that a token carries, or -1 for the class token. */
  function patchOf(token) {
    return token === classPlace ? -1 : token - (classPlace === 0 ? 1 : 0);
  }
  function tokenOf(cell) {
    return cells.indexOf(cell) + (classPlace === 0 ? 1 : 0);
  }
  const shownToken = () => hovered ?? selected;
  const called = (token) => (token === classPlace ? "class token" : `patch ${patchOf(token)}`);
  const look = (token, h_ = head) => attention.subarray(((block * heads + h_) * M + token) * M, ((block * heads + h_) * M + token + 1) * M);

  // ---------------------------------------------------------------- bitmaps that never change
  const lowest = picture.reduce((a, b) => Math.min(a, b), 0);
  const highest = picture.reduce((a, b) => Math.max(a, b), 1);
  const grey = (value) => (255 * (value - lowest)) / (highest - lowest);
  const patchRows = (() => {
    const sheet = h("canvas", { width: values, height: N });
    const context = sheet.getContext("2d");
    const image = context.createImageData(values, N);
    patches.forEach((value, i) => image.data.set([grey(value), grey(value), grey(value), 255], 4 * i));
    context.putImageData(image, 0, 0);
    return sheet;
  })();
  const patchTokens = Float32Array.from({ length: N * dim }, (_, i) => tokens[i + (classPlace === 0 ? dim : 0)]);
  const limit = reach(joined);
  const stages = [
    { key: "patches", title: "patches", shape: `${N} x ${values}`, sheet: patchRows, patchesOnly: true },
    { key: "tokens", title: "tokens", shape: `${N} x ${dim}`, sheet: heat(patchTokens, N, dim, reach(patchTokens)), patchesOnly: true },
    { key: "input", title: "+ class, pos.", shape: `${M} x ${dim}`, sheet: heat(joined, M, dim, limit) },
    ...Array.from({ length: depth }, (_, l) => {
      const part = blocks.subarray(l * M * dim, (l + 1) * M * dim);
      return { key: `block${l}`, title: `block ${l + 1}`, shape: `${M} x ${dim}`, sheet: heat(part, M, dim, reach(part)), block: l };
    }),
  ];
  const firstBlock = () => Math.min(Math.max(block - SHOWN_BLOCKS + 1, 0), depth - Math.min(depth, SHOWN_BLOCKS));
  const shownStages = () => stages.filter((stage) => stage.block === undefined || (stage.block >= firstBlock() && stage.block < firstBlock() + SHOWN_BLOCKS));

  // ---------------------------------------------------------------------------- the page
  const token = slider("token", { max: M - 1, value: selected, words: called, oninput: (value) => { selected = value; hovered = null; draw(); } });
  const layer = slider("block", { max: depth - 1, value: 0, words: (value) => `${value + 1} of ${depth}`, oninput: (value) => { block = value; draw(); } });
  const headWords = (value) => (heads === 1 && allHeads > 1 ? `mean of ${allHeads}` : `${value + 1} of ${heads}`);
  const chosenHead = slider("head", { max: heads - 1, value: 0, words: headWords, oninput: (value) => { head = value; draw(); } });
  const classButton = button("class token", () => { selected = classPlace; token.set(selected); draw(); });
  const flow = canvas("the picture and the sequence after every stage; up and down choose a token", { class: "vl-flow" });
  const patchCanvas = canvas("the patch and its numbers in a row; left and right choose a number", { class: "vl-card-canvas" });
  const sumCanvas = canvas("the token, its position, their sum; left and right choose a dimension", { class: "vl-card-canvas" });
  const lookCanvas = canvas("where the token looks in the picture, for every head; left and right choose a head", { class: "vl-card-canvas" });
  const patchHead = h("div", { class: "vl-head" });
  const sumHead = h("div", { class: "vl-head" });
  const lookHead = h("div", { class: "vl-head" });
  const patchFoot = h("div", { class: "vl-foot" });
  const sumFoot = h("div", { class: "vl-foot" });
  const lookFoot = h("div", { class: "vl-foot" });
  const classes = bars(names);
  classes.set(shares);

  const at = (keys, then) => () => { focus = keys; then?.(); token.set(selected); layer.set(block); draw(); };
  const middle = selected;
  const steps = [
    { text: `A picture of ${height} x ${width} pixels is cut into ${rows} x ${columns} patches of ${side} x ${side}. The outlined one is patch ${patchOf(middle)}. Drag the token slider.`,
      at: ["flow", "token"], go: at(["picture"], () => { selected = middle; block = 0; }) },
    { text: `Each patch is flattened: its ${values} numbers become one row. Read row by row over the grid, the picture is now a sequence of ${N} rows.`,
      at: ["flow", "patch"], go: at(["picture", "patches"]) },
    { text: `One linear map, the same for every patch, turns ${values} numbers into a token of width ${dim}. Blue is below zero, vermilion above.`,
      at: ["flow", "sum"], go: at(["patches", "tokens"]) },
    { text: "A learned class token joins the sequence, and each token gets its position's vector added. Point at a strip below: the sum is spelled out for one dimension.",
      at: ["flow", "sum"], go: at(["tokens", "input"]) },
    { text: "Attention: the lines show from which tokens the chosen one gathers, thicker for more. The card below lays the same weights over the picture. Try the heads.",
      at: ["flow", "look", "head"], go: at(["input", "block0"], () => { block = 0; }) },
    { text: `Each of the ${depth} blocks repeats this on the last one's output, and adds what it finds. Move the block slider and watch where the token looks.`,
      at: ["flow", "look", "block"], go: at(stages.slice(2).map((stage) => stage.key), () => { block = Math.min(1, depth - 1); }) },
    { text: "After the last block only the class token is read: one more linear map turns it into a number per class. Where did it look to decide?",
      at: ["flow", "classes", "look"], go: at([`block${depth - 1}`], () => { block = depth - 1; selected = classPlace; }) },
  ];

  const view = frame(el, {
    title: "A picture through a Vision Transformer, token by token",
    steps,
    free: "Choose a token on the picture or in any column, then a block and a head. Point at a strip to read its numbers.",
    onfree: () => { focus = null; draw(); },
    signal,
    parts: [
      h("div", { class: "vl-controls" }, h("div", { "data-part": "token" }, token.box), classButton, h("div", { "data-part": "block" }, layer.box), h("div", { "data-part": "head" }, chosenHead.box)),
      h("div", { class: "vl-pipeline" },
        h("div", { "data-part": "flow" }, flow),
        h("div", { "data-part": "classes", class: "vl-classes" }, h("div", { class: "vl-head" }, h("b", {}, "classes"), " (class token)"), classes.box)),
      h("div", { class: "vl-cards" },
        h("div", { "data-part": "patch", class: "vl-card" }, patchHead, patchCanvas, patchFoot),
        h("div", { "data-part": "sum", class: "vl-card" }, sumHead, sumCanvas, sumFoot),
        h("div", { "data-part": "look", class: "vl-card" }, lookHead, lookCanvas, lookFoot)),
    ],
  });
  const show = (head_, title, rest) => {
    if (head_.dataset.said === title + rest) return;
    head_.dataset.said = title + rest;
    head_.replaceChildren(h("b", {}, title), ` ${rest}`);
  };

  // ------------------------------------------------------------------------------- drawing
  let places = null; // where picture and columns lie on the flow canvas

  function measure(W, H) {
    const shown = shownStages();
    const top = 34;
    const wide = Math.min(W * 0.25, 220);
    const [px, py, scale] = fit(width, height, 2, top, wide, H - top - 4);
    const gaps = [26, 16, 20, ...Array(shown.length - 3).fill(Math.max(18, W * 0.055))];
    const column = (W - wide - gaps.reduce((a, b) => a + b, 0) - 4) / shown.length;
    let x = 2 + wide;
    const placed = shown.map((stage, i) => {
      x += gaps[i];
      const place = { ...stage, x, width: column };
      x += column;
      return place;
    });
    const rowHeight = (H - top - 8) / M;
    places = { top, px, py: Math.max(top, py), scale, columns: placed, rowHeight, W, H };
  }

  const rowTop = (token_) => places.top + token_ * places.rowHeight;
  const rowMiddle = (token_) => rowTop(token_) + places.rowHeight / 2;
  const cellBox = (token_, x, y, scale) => {
    const cell = cells[patchOf(token_)];
    return [x + (cell % columns) * side * scale, y + Math.floor(cell / columns) * side * scale, side * scale, side * scale];
  };
  const faded = (key) => (focus && !focus.includes(key) ? 0.25 : 1);

  function grid(context, x, y, scale, colour) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 1; i < columns; i++) { context.moveTo(x + i * side * scale, y); context.lineTo(x + i * side * scale, y + height * scale); }
    for (let j = 1; j < rows; j++) { context.moveTo(x, y + j * side * scale); context.lineTo(x + width * scale, y + j * side * scale); }
    context.stroke();
  }

  function drawFlow(colours) {
    const [context, W, H] = pen(flow);
    measure(W, H);
    const now = shownToken();
    const { px, py, scale, rowHeight } = places;
    const font = getComputedStyle(view.root).fontFamily;
    const title = (text, under, x, key) => {
      context.globalAlpha = faded(key);
      context.textAlign = "center";
      context.fillStyle = colours.ink;
      context.font = `600 11px ${font}`;
      context.fillText(text, x, 12);
      context.fillStyle = colours.soft;
      context.font = `10.5px ${font}`;
      context.fillText(under, x, 26);
    };

    title("picture", channels === 1 ? `${height} x ${width}` : `${channels} x ${height} x ${width}`, px + (width * scale) / 2, "picture");
    context.drawImage(photo, px, py, width * scale, height * scale);
    grid(context, px, py, scale, "rgba(150, 150, 150, 0.55)");
    for (const column of places.columns) {
      title(column.width < 56 && column.key === "input" ? "+ pos." : column.title, column.shape, column.x + column.width / 2, column.key);
      const first = column.patchesOnly ? rowTop(classPlace === 0 ? 1 : 0) : places.top;
      const tall = rowHeight * (column.patchesOnly ? N : M);
      context.drawImage(column.sheet, column.x, first, column.width, tall);
      context.strokeStyle = colours.line;
      context.lineWidth = 1;
      context.strokeRect(column.x - 0.5, first - 0.5, column.width + 1, tall + 1);
    }

    // attention of the chosen block: from every token of its input to the chosen token of its output
    const target = places.columns.find((column) => column.block === block);
    const source = places.columns[places.columns.indexOf(target) - 1];
    context.globalAlpha = faded(target.key);
    const weights = look(now);
    const most = Math.max(...weights);
    const [x0, x1] = [source.x + source.width + 1, target.x - 1];
    const bend = (x1 - x0) * 0.5;
    context.strokeStyle = colours.accent;
    for (let j = 0; j < M; j++) {
      const share = weights[j] / most;
      if (share < 0.06) continue;
      context.globalAlpha = faded(target.key) * (0.15 + 0.75 * share);
      context.lineWidth = 0.4 + 3.2 * share;
      context.beginPath();
      context.moveTo(x0, rowMiddle(j));
      context.bezierCurveTo(x0 + bend, rowMiddle(j), x1 - bend, rowMiddle(now), x1, rowMiddle(now));
      context.stroke();
    }

    // the chosen token's path through the stages
    context.strokeStyle = colours.select;
    context.lineWidth = 1.5;
    let from = null;
    if (now !== classPlace) {
      context.globalAlpha = faded("picture");
      const box = cellBox(now, px, py, scale);
      outline(context, ...box, colours.select);
      from = [box[0] + box[2], box[1] + box[3] / 2];
    }
    for (const column of places.columns) {
      if (column.patchesOnly && now === classPlace) continue;
      context.globalAlpha = Math.max(faded(column.key), 0.4);
      if (from && column !== target) {
        context.strokeStyle = colours.select;
        context.lineWidth = 1.2;
        context.beginPath();
        context.moveTo(...from);
        context.bezierCurveTo(from[0] + 10, from[1], column.x - 12, rowMiddle(now), column.x - 2, rowMiddle(now));
        context.stroke();
      }
      const tall = Math.max(rowHeight, 2) + 3;
      outline(context, column.x - 1.5, rowMiddle(now) - tall / 2, column.width + 3, tall, colours.select, 1.2);
      from = [column.x + column.width + 2, rowMiddle(now)];
    }
    context.globalAlpha = 1;
  }

  function drawPatch(colours) {
    const [context, W, H] = pen(patchCanvas);
    const now = shownToken();
    if (now === classPlace) {
      show(patchHead, "Patch", "none");
      context.fillStyle = colours.soft;
      context.font = `13px ${getComputedStyle(view.root).fontFamily}`;
      context.textAlign = "center";
      const lines = ["The class token", "stands for no patch:", "it is learned,", "the same for every picture."];
      lines.forEach((line, i) => context.fillText(line, W / 2, H / 2 - 26 + 20 * i));
      patchFoot.textContent = "";
      return;
    }
    const patch = patchOf(now);
    const cell = cells[patch];
    show(patchHead, `Patch ${patch}`, `row ${Math.floor(cell / columns)}, column ${cell % columns}: ${channels === 1 ? "" : `${channels} x `}${side} x ${side} = ${values} numbers`);
    const strip = channels * 12;
    const [x, y, scale] = fit(side, side, 0, 0, W, H - strip - 14);
    context.drawImage(photo, (cell % columns) * side, Math.floor(cell / columns) * side, side, side, x, y, side * scale, side * scale);
    const numbers = patches.subarray(patch * values, (patch + 1) * values);
    const across = side * side;
    const cellWidth = W / across;
    numbers.forEach((value, i) => {
      const tone = Math.round(grey(value));
      context.fillStyle = `rgb(${tone}, ${tone}, ${tone})`;
      context.fillRect((i % across) * cellWidth, H - strip + Math.floor(i / across) * 12, Math.ceil(cellWidth * 2) / 2, 11);
    });
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.strokeRect(0.5, H - strip - 0.5, W - 1, strip);
    if (number !== null && number < values) {
      const pixel = number % across;
      outline(context, (number % across) * cellWidth, H - strip + Math.floor(number / across) * 12, Math.max(cellWidth, 3), 11, colours.select, 1.5);
      outline(context, x + (pixel % side) * scale, y + Math.floor(pixel / side) * scale, scale, scale, colours.select, 1.5);
      patchFoot.textContent = `number ${number}: ${channels === 1 ? "" : `channel ${Math.floor(number / across)}, `}pixel (${Math.floor(pixel / side)}, ${pixel % side}) = ${numbers[number].toFixed(3)}`;
    } else {
      patchFoot.textContent = "Point at a pixel or at the row of numbers.";
    }
  }

  const LABELS = 102; // pixels for the names of the strips

  function drawSum(colours) {
    const [context, W, H] = pen(sumCanvas);
    const now = shownToken();
    const slice = (all, offset = 0) => all.subarray(offset + now * dim, offset + (now + 1) * dim);
    const after = slice(blocks, block * M * dim);
    const strips = [
      [now === classPlace ? "class token" : "patch x weights", slice(tokens)],
      ["+ position", slice(positions)],
      ["= input", slice(joined)],
      [`after block ${block + 1}`, after],
    ];
    show(sumHead, now === classPlace ? "Class token" : `Token of ${called(now)}`, `${dim} numbers at each stage`);
    const size = reach(strips.slice(0, 3).flatMap(([, numbers]) => Array.from(numbers)));
    const cellWidth = (W - LABELS) / dim;
    const pitch = H / strips.length;
    const font = getComputedStyle(view.root).fontFamily;
    strips.forEach(([label, numbers], i) => {
      const y = i * pitch + 5;
      const most = i < 3 ? size : reach(numbers);
      context.textAlign = "right";
      context.fillStyle = colours.ink;
      context.font = `12px ${font}`;
      context.fillText(label, LABELS - 8, y + pitch / 2);
      const tall = pitch - 12;
      context.drawImage(heat(numbers, 1, dim, most), LABELS, y, W - LABELS - 1, tall);
      context.strokeStyle = colours.line;
      context.lineWidth = 1;
      context.strokeRect(LABELS - 0.5, y - 0.5, W - LABELS, tall + 1);
    });
    if (dimension !== null) {
      outline(context, LABELS + dimension * cellWidth, 3, Math.max(cellWidth, 3), H - 9, colours.select, 1.5);
      const [a, b, c] = strips.map(([, numbers]) => numbers[dimension]);
      sumFoot.textContent = `dimension ${dimension}: ${a.toFixed(3)} ${b < 0 ? "−" : "+"} ${Math.abs(b).toFixed(3)} = ${c.toFixed(3)}; after block ${block + 1}: ${after[dimension].toFixed(3)}`;
    } else {
      sumFoot.textContent = "Point at a strip: one dimension's sum.";
    }
  }

  /** Attention of one head over the picture, and the picture faint under it. */
  function drawLook(context, box, h_, colours, thick) {
    const weights = look(shownToken(), h_);
    const [x, y, scale] = fit(width, height, ...box);
    let most = 1e-9;
    for (let i = 0; i < M; i++) if (i !== classPlace) most = Math.max(most, weights[i]);
    const sheet = h("canvas", { width: columns, height: rows });
    const sheetContext = sheet.getContext("2d");
    const image = sheetContext.createImageData(columns, rows);
    for (let i = 0; i < M; i++) {
      if (i === classPlace) continue;
      image.data.set([...viridis(weights[i] / most), 190], 4 * cells[patchOf(i)]);
    }
    sheetContext.putImageData(image, 0, 0);
    context.drawImage(photo, x, y, width * scale, height * scale);
    context.drawImage(sheet, x, y, width * scale, height * scale);
    if (shownToken() !== classPlace) outline(context, ...cellBox(shownToken(), x, y, scale), colours.select, thick ? 2 : 1);
    return [x, y, scale];
  }

  let thumbs = [];

  function drawLooks(colours) {
    const [context, W, H] = pen(lookCanvas);
    const now = shownToken();
    const weights = look(now);
    show(lookHead, `Where ${now === classPlace ? "the class token" : called(now)} looks`, `block ${block + 1}, head ${headWords(head)}`);
    const aside = heads > 1 ? W * 0.44 : 0;
    drawLook(context, [0, 0, W - aside - (aside ? 12 : 0), H], head, colours, true);
    thumbs = [];
    if (heads > 1) {
      const across = heads > 3 ? Math.ceil(Math.sqrt(heads)) : 1;
      const down = Math.ceil(heads / across);
      for (let i = 0; i < heads; i++) {
        const box = [W - aside + (i % across) * (aside / across), Math.floor(i / across) * (H / down), aside / across - 5, H / down - 5];
        const [x, y, scale] = drawLook(context, box, i, colours, false);
        if (i === head) outline(context, x, y, width * scale, height * scale, colours.accent, 2);
        thumbs.push([x, y, width * scale, height * scale]);
      }
    }
    let best = -1;
    for (let i = 0; i < M; i++) if (i !== classPlace && (best < 0 || weights[i] > weights[best])) best = i;
    const cell = cells[patchOf(best)];
    lookFoot.textContent = `most: patch ${patchOf(best)} (row ${Math.floor(cell / columns)}, column ${cell % columns}) ${percent(weights[best])}; class token ${percent(weights[classPlace])}`;
    return best;
  }

  function draw() {
    if (!flow.clientWidth) return;
    const colours = palette(view.root);
    drawFlow(colours);
    drawPatch(colours);
    drawSum(colours);
    const best = drawLooks(colours);
    const now = shownToken();
    const top = shares.indexOf(Math.max(...shares));
    const weights = look(now);
    view.say(`${now === classPlace ? "The class token" : `Patch ${patchOf(now)}, row ${Math.floor(cells[patchOf(now)] / columns)}, column ${cells[patchOf(now)] % columns},`} `
      + `in block ${block + 1}, head ${headWords(head)}: gives ${percent(weights[best])} of its attention to patch ${patchOf(best)} and ${percent(weights[classPlace])} to the class token. `
      + `The model says ${names[top]}, with ${percent(shares[top])}.`);
  }

  // ------------------------------------------------------------------------------- pointing
  const spot = (target, event) => {
    const bounds = target.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const onPicture = (x, y, [px, py, scale]) => {
    const [i, j] = [Math.floor((x - px) / (side * scale)), Math.floor((y - py) / (side * scale))];
    return i >= 0 && j >= 0 && i < columns && j < rows ? tokenOf(j * columns + i) : null;
  };
  const tokenAt = (x, y) => {
    if (x < places.columns[0].x - 8) return onPicture(x, y, [places.px, places.py, places.scale]);
    const token_ = Math.floor((y - places.top) / places.rowHeight);
    return token_ >= 0 && token_ < M ? token_ : null;
  };
  const choose = (token_) => { selected = token_; hovered = null; token.set(selected); draw(); };
  const set = (name, value) => {
    if (name === "hovered" && value !== hovered) { hovered = value; draw(); }
    if (name === "dimension" && value !== dimension) { dimension = value; drawSum(palette(view.root)); }
    if (name === "number" && value !== number) { number = value; drawPatch(palette(view.root)); }
  };

  flow.addEventListener("pointermove", (event) => { if (places) set("hovered", tokenAt(...spot(flow, event))); });
  flow.addEventListener("pointerleave", () => set("hovered", null));
  flow.addEventListener("click", (event) => {
    const found = tokenAt(...spot(flow, event));
    if (found !== null) choose(found);
  });
  sumCanvas.addEventListener("pointermove", (event) => {
    const d = Math.floor(((spot(sumCanvas, event)[0] - LABELS) / (sumCanvas.clientWidth - LABELS)) * dim);
    set("dimension", d >= 0 && d < dim ? d : null);
  });
  patchCanvas.addEventListener("pointermove", (event) => {
    const [x, y] = spot(patchCanvas, event);
    const [W, H] = [patchCanvas.clientWidth, patchCanvas.clientHeight];
    const strip = channels * 12;
    const [px, py, scale] = fit(side, side, 0, 0, W, H - strip - 14);
    const [i, j] = [Math.floor((x - px) / scale), Math.floor((y - py) / scale)];
    if (y >= H - strip) set("number", Math.min(Math.floor((y - H + strip) / 12), channels - 1) * side * side + Math.floor((x / W) * side * side));
    else set("number", i >= 0 && j >= 0 && i < side && j < side ? j * side + i : null);
  });
  lookCanvas.addEventListener("click", (event) => {
    const [x, y] = spot(lookCanvas, event);
    const found = thumbs.findIndex(([left, top, w, tall]) => x >= left && x < left + w && y >= top && y < top + tall);
    if (found >= 0) { head = found; chosenHead.set(head); draw(); }
  });
  const arrows = (target, steps_, act) => target.addEventListener("keydown", (event) => {
    const step = steps_[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    act(step);
  });
  const wrap = (value, count) => ((value % count) + count) % count;
  arrows(flow, { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }, (step) => choose(wrap(selected + step, M)));
  arrows(sumCanvas, { ArrowLeft: -1, ArrowRight: 1 }, (step) => set("dimension", wrap((dimension ?? -step) + step, dim)));
  arrows(patchCanvas, { ArrowLeft: -1, ArrowRight: 1 }, (step) => set("number", wrap((number ?? -step) + step, values)));
  arrows(lookCanvas, { ArrowLeft: -1, ArrowRight: 1 }, (step) => { head = wrap(head + step, heads); chosenHead.set(head); draw(); });

  view.redrawn(draw);
  view.start();
}

export default { render: guarded(render) };
