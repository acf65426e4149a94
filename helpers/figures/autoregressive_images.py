"""Figures of lesson 09: words and codes, masks, what a change reaches, chances, drawn pictures, bits place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from helpers.data import denormalise
from helpers.figures import Picture
from helpers.figures.palette import BLUE, GREY, ORANGE, SERIES
from helpers.models.codes import Codebook

SHOWN = 10  # most likely words that a chart of chances shows


def words_of(codebook: Codebook) -> Picture:
    """All words of a codebook as small pictures, from the brightest to the darkest.

    codebook: words of P*P grey values
    """
    words = codebook.words[codebook.words.mean(dim=1).argsort()]
    cols = 32
    rows = -(-len(words) // cols)
    side, gap = codebook.patch_size, 1
    sheet = torch.full((rows * (side + gap) - gap, cols * (side + gap) - gap), torch.nan)
    for number, word in enumerate(denormalise(words)):
        top, left = number // cols * (side + gap), number % cols * (side + gap)
        sheet[top : top + side, left : left + side] = word.reshape(side, side)
    figure = Figure(figsize=(10, 10 * rows / cols + 0.1), layout="constrained")
    axis = figure.subplots()
    axis.set_facecolor("#ffffff")
    axis.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    axis.axis("off")
    flat = int((denormalise(words).std(dim=1) < 0.05).sum())
    return Picture(
        figure,
        f"The {len(words)} words of the codebook as patches of {side}x{side} pixels, from empty background to full "
        f"black: {flat} nearly even greys, the others edges in all directions and stripes.",
    )


def lines(rows: Mapping[str, Tensor], names: Sequence[str], veil_below: int | None = None) -> Picture:
    """Pictures in lines, one line a title.

    rows: by title, normalised pictures (B, 1, H, W); names: what stands above each of the B columns
    veil_below: pixel row from which on the pictures of the first line are hidden
    """
    count = len(names)
    figure = Figure(figsize=(1.1 * count + 1.6, 1.2 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), count, squeeze=False)
    for number, (line, (title, pictures)) in enumerate(zip(panels, rows.items(), strict=True)):
        for axis, picture in zip(line, denormalise(pictures), strict=True):
            axis.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            if veil_below is not None and number == 0:
                height, width = picture.shape[-2:]
                axis.add_patch(Rectangle((-0.5, veil_below - 0.5), width, height - veil_below, color="#b9c4d0"))
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
    for axis, name in zip(panels[0], names, strict=True):
        axis.set_title(name, fontsize=8)
    hidden = "" if veil_below is None else f" In the first line everything below pixel row {veil_below} is hidden."
    return Picture(figure, f"{', '.join(names)}, in {len(rows)} lines. {'; '.join(_spreads(rows))}.{hidden}")


def _spreads(rows: Mapping[str, Tensor]) -> list[str]:
    """How far the pictures of each line are from one another, and from those of the first line."""
    shown = {title: denormalise(pictures).clamp(0, 1) for title, pictures in rows.items()}  # (B, 1, H, W) each
    first = next(iter(shown.values()))
    told = []
    for title, pictures in shown.items():
        apart = 100 * (pictures - pictures.mean(dim=0)).abs().mean().item()
        words = f"{title}: " + ("all pictures alike" if apart < 0.5 else f"pixels {apart:.0f}% from the mean picture")
        if pictures is not first:
            words += f", {100 * (pictures - first).abs().mean().item():.0f}% from the line at the top"
        told.append(words)
    return told


def numbered(picture: Tensor, codes: Tensor, codebook: Codebook) -> Picture:
    """One picture, the same in words, and the numbers of its words.

    picture: normalised (1, H, W); codes: (N,), raster order
    """
    height, width = picture.shape[-2:]
    side = codebook.patch_size
    cols = width // side
    decoded = codebook.decode(codes[None], (height, width))[0]
    figure = Figure(figsize=(9, 3.1), layout="constrained")
    for axis, image, title in zip(
        figure.subplots(1, 3),
        (picture, decoded, decoded),
        (f"{height * width} pixels", f"{len(codes)} words", "their numbers"),
        strict=True,
    ):
        faint = 0.25 if title == "their numbers" else 1.0
        axis.imshow(denormalise(image)[0], cmap="gray_r", vmin=0, vmax=1, alpha=faint)
        axis.set(xticks=[], yticks=[], title=title)
        if faint < 1:
            for number, code in enumerate(codes.tolist()):
                row, col = divmod(number, cols)
                middle = (col * side + side / 2 - 0.5, row * side + side / 2 - 0.5)
                axis.text(*middle, str(code), ha="center", va="center", fontsize=8)
    common = int(codes.bincount().argmax())
    return Picture(
        figure,
        f"A garment in {height * width} pixels, the same in {len(codes)} words, a little coarser, and the numbers of "
        f"those words: {', '.join(map(str, codes[:7].tolist()))} in the first row. Word {common} is the most common "
        f"one, {int((codes == common).sum())} times.",
    )


def masks(matrices: Mapping[str, Tensor]) -> Picture:
    """Square tables side by side, row i is who looks: truth values, or weights between 0 and 1.

    matrices: by title, (N, N)
    """
    figure = Figure(figsize=(3.1 * len(matrices), 3.1), layout="constrained")
    told = []
    for axis, (title, matrix) in zip(
        figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
    ):
        axis.imshow(matrix.float(), cmap="viridis", vmin=0, vmax=max(1e-9, matrix.float().max().item()))
        axis.set(title=title, xlabel="looks at token", ylabel="token", xticks=range(len(matrix)))
        axis.set_yticks(range(len(matrix)))
        axis.title.set_fontsize(10)
        above = matrix.float().triu(1)
        told.append(f"{title}: {'nothing' if not above.any() else f'up to {above.max():.2f}'} above the diagonal")
    return Picture(figure, f"Tables of who looks where. {'; '.join(told)}.")


def reach(changes: Mapping[str, Tensor]) -> Picture:
    """What changing one token does to every output: row j is the changed token, column i the output.

    changes: by title, (N, N), the largest change of output i when token j is changed
    """
    figure = Figure(figsize=(4.2 * len(changes), 3.6), layout="constrained")
    told = []
    for axis, (title, change) in zip(figure.subplots(1, len(changes), squeeze=False)[0], changes.items(), strict=True):
        shown = change.clone()
        shown[shown == 0] = torch.nan
        axis.set_facecolor("#ffffff")
        axis.imshow(shown.log10(), cmap="viridis")
        axis.set(xlabel="output", ylabel="token that was changed")
        before = change.tril(-1)
        axis.set_title(f"{title}\n(white: not one bit has changed)", fontsize=10)
        told.append(f"{title}: outputs before the changed token change by at most {before.max():.2g}")
    return Picture(figure, f"How far a change of one token reaches. {'; '.join(told)}.")


def chances(distributions: Mapping[str, Tensor], codebook: Codebook) -> Picture:
    """The most likely next words and their chances, one panel a setting.

    distributions: by title, (K,), summing to 1
    """
    figure = Figure(figsize=(2.6 * len(distributions), 2.9), layout="constrained")
    panels = figure.subplots(1, len(distributions), squeeze=False)[0]
    told = []
    side = codebook.patch_size
    for axis, (title, shares) in zip(panels, distributions.items(), strict=True):
        top = shares.topk(SHOWN)
        axis.barh(range(SHOWN), top.values, color=BLUE)
        axis.invert_yaxis()
        axis.set(xlim=(0, 1), title=title, yticks=[])
        axis.title.set_fontsize(10)
        for place, code in enumerate(top.indices.tolist()):
            if shares[code] == 0:
                continue
            small = axis.inset_axes((-0.16, 1 - (place + 0.95) / SHOWN, 0.14, 0.9 / SHOWN))
            small.imshow(denormalise(codebook.words[code]).reshape(side, side), cmap="gray_r", vmin=0, vmax=1)
            small.set(xticks=[], yticks=[])
        possible = int((shares > 0).sum())
        told.append(f"{title}: the first has {top.values[0]:.0%}, {possible} words are possible")
    return Picture(figure, f"The {SHOWN} most likely next words and their chances. {'; '.join(told)}.")


def place_map(bits: Tensor, title: str) -> Picture:
    """Bits of each place of the grid. bits: (rows, cols)."""
    figure = Figure(figsize=(3.7, 3.0), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(bits, cmap="viridis", vmin=0)
    axis.set(xticks=[], yticks=[])
    axis.set_title(f"{title}: {bits.sum():.0f} bits in all", fontsize=10)
    for row in range(bits.shape[0]):
        for col in range(bits.shape[1]):
            light = bits[row, col] < 0.6 * bits.max()
            text = f"{bits[row, col]:.1f}"
            axis.text(col, row, text, ha="center", va="center", fontsize=7, color="white" if light else "black")
    figure.colorbar(image, ax=axis, label="bits", shrink=0.9)
    dearest = divmod(int(bits.argmax()), bits.shape[1])
    return Picture(
        figure,
        f"Bits that each patch costs on average, on the grid, {bits.sum():.0f} in all: {bits.min():.1f} in the "
        f"cheapest place, {bits.max():.1f} in the dearest, in row {dearest[0] + 1} and column {dearest[1] + 1}.",
    )


def stretches(readings: Mapping[str, Tensor], count: int = 7) -> Picture | str:
    """Bits per patch along a reading, averaged over stretches of it.

    readings: by title, bits (N,) in the order of reading; empty: nothing has been measured. count: of the stretches
    """
    if not readings:
        return "Nothing to show yet: make the prediction above and run its experiment."
    figure = Figure(figsize=(7, 2.7), layout="constrained")
    axis = figure.subplots()
    told = []
    for (title, bits), style in zip(readings.items(), SERIES, strict=False):
        means = torch.stack([part.mean() for part in bits.chunk(count)])
        axis.plot(range(1, count + 1), means, **style, label=title)
        told.append(f"{title}: {', '.join(f'{value:.1f}' for value in means.tolist())}")
    axis.set(xlabel=f"stretch of the reading ({len(bits) // count} patches each)", ylabel="bits per patch")
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=9)
    return Picture(figure, f"Bits per patch in each of {count} stretches of the reading. {'; '.join(told)}.")


def rulers(results: Sequence) -> Picture | str:
    """Bits per picture of everything measured: this run as dots, the shipped seeds as bars.

    results: `Result`s in bits; those without a prediction are left out
    """
    rows = {name: (value, result.shipped.get(name, [])) for result in results for name, value in result.values.items()}
    if not rows:
        return "Nothing has been measured yet: make the predictions above and run their experiments."
    figure = Figure(figsize=(7.5, 0.8 + 0.34 * len(rows)), layout="constrained")
    axis = figure.subplots()
    told = []
    for place, (name, (value, seeds)) in enumerate(rows.items()):
        if len(seeds) > 1:
            mean, spread = torch.tensor(seeds).mean().item(), torch.tensor(seeds).std().item()
            colour = ORANGE if name.startswith("words") else BLUE
            axis.barh(place, mean, xerr=spread, color=colour, alpha=0.55, capsize=3)
        axis.plot(value, place, "o", color="black", markersize=5)
        told.append(f"{name} {value:.0f}")
    axis.set_yticks(range(len(rows)), list(rows))
    axis.axvline(392, color=GREY, linestyle="--", linewidth=1)
    axis.set(
        xlim=(0, 410), xlabel="bits per test picture (dot: this run; bar: several seeds; dashed: 49 codes at random)"
    )
    axis.invert_yaxis()
    return Picture(figure, f"Bits per test picture, fewer is better. {'; '.join(told)}. Codes at random: 392.")
