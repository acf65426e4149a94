"""Figures of lesson 05: garments in corners, bags of patches, waves, similarity of positions, what each kind gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from helpers.data import denormalise
from helpers.figures import Picture
from helpers.figures.palette import BLUE, GREY, ORANGE, SERIES
from helpers.models.corners import CORNERS
from helpers.models.patches import patchify


def corners(pictures: Tensor, name: str, patch_size: int) -> Picture:
    """One garment in each of the four corners, with the grid of patches.

    pictures: (4, 1, H, W), normalised, in the order of CORNERS; name: of the garment
    """
    figure = Figure(figsize=(9, 2.5), layout="constrained")
    height, width = pictures.shape[-2:]
    for axis, picture, corner in zip(figure.subplots(1, 4), denormalise(pictures), CORNERS, strict=True):
        axis.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
        for line in range(0, height + 1, patch_size):
            axis.axhline(line - 0.5, color=BLUE, linewidth=0.5)
        for line in range(0, width + 1, patch_size):
            axis.axvline(line - 0.5, color=BLUE, linewidth=0.5)
        axis.set(xticks=[], yticks=[])
        axis.set_title(corner, fontsize=10)
    return Picture(
        figure,
        f"The same small {name} four times on an empty picture of {height}x{width} pixels: {', '.join(CORNERS)}. Thin "
        f"lines show the patches of {patch_size}x{patch_size}; they cut the garment at the same lines each time.",
    )


def bags(pictures: Tensor, patch_size: int, titles: Sequence[str]) -> Picture:
    """Pictures as sequences of patches, and below each the same patches sorted by brightness: the bag.

    pictures: (B, 1, H, W), normalised; titles: one for each
    """
    patches = patchify(denormalise(pictures), patch_size)  # (B, N, P*P)
    # sorted by brightness, ties by the rest of the patch: the same order for the same bag
    bagged = [torch.stack(sorted(bag, key=lambda patch: [patch.sum().item(), *patch.tolist()])) for bag in patches]
    figure = Figure(figsize=(10, 0.8 * len(pictures) + 0.2), layout="constrained")
    panels = figure.subplots(2 * len(pictures), 1)
    lines = [(f"{title}: sequence", line) for title, line in zip(titles, patches, strict=True)]
    lines += [(f"{title}: bag", line) for title, line in zip(titles, bagged, strict=True)]
    for axis, (title, line) in zip(panels, lines, strict=True):
        frame = line.reshape(-1, patch_size, patch_size)
        frame = torch.nn.functional.pad(frame, (1, 0), value=0.35)  # a grey line between patches
        axis.imshow(frame.permute(1, 0, 2).flatten(1), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        axis.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
    same = all(torch.equal(bagged[0], other) for other in bagged[1:])
    return Picture(
        figure,
        f"{' and '.join(titles)}, each as a sequence of {patches.shape[1]} patches: the garment's patches stand in "
        f"other places. Sorted by brightness the lines are {'the same to the pixel' if same else 'not the same'}.",
    )


def logit_changes(changes: Mapping[str, Tensor], names: Sequence[str]) -> Picture:
    """By how much the logits of one garment in each corner differ from others, one panel each.

    changes: by title, (4, classes), in the order of CORNERS; names: of the classes
    """
    figure = Figure(figsize=(4.5 * len(changes) + 0.8, 2.4), layout="constrained")
    panels = figure.subplots(1, len(changes), squeeze=False)[0]
    limit = max(values.abs().max().item() for values in changes.values()) or 1.0
    told = []
    for axis, (title, values) in zip(panels, changes.items(), strict=True):
        shown = axis.imshow(values.detach(), cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
        axis.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize=8)
        axis.set_yticks(range(4), CORNERS, fontsize=8)
        axis.set_title(title, fontsize=10)
        largest = values.abs().max().item()
        told.append(f"{title}: {'none' if largest < 1e-9 else f'up to {largest:.1g}'}")
    figure.colorbar(shown, ax=panels, label="change of a logit")
    return Picture(figure, f"Changes of the logits of one garment, a line for each corner. {'; '.join(told)}.")


def waves(table: Tensor) -> Picture:
    """A table of sine-cosine codes, and four of its waves. table: (length, dim)"""
    length, dim = table.shape
    figure = Figure(figsize=(10, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = left.imshow(table, cmap="PuOr", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    left.set(xlabel=f"entry: {dim // 2} sines, then {dim // 2} cosines", ylabel="place", title="one row a place")
    figure.colorbar(shown, ax=left)
    picked = [0, dim // 8, dim // 4, dim // 2 - 1]
    for number, entry in enumerate(picked):
        right.plot(table[:, entry], **SERIES[number] | {"marker": ""}, label=f"entry {entry}")
    right.set(xlabel="place", title="four of the columns", ylim=(-1.1, 1.1))
    right.legend(fontsize=8, loc="lower left")
    turns = (table[:, 0].sign().diff() != 0).sum().item() // 2
    return Picture(
        figure,
        f"Left, the codes of {length} places as rows of {dim} numbers between -1 and 1: sines left, cosines right, "
        f"each half from fast waves to slow ones. Right, four columns as curves: the first turns about {turns} times "
        "over the places, the last hardly moves.",
    )


def similarity_of(table: Tensor, place: int) -> Tensor:
    """Cosine of one row of a table (N, D) with every row: (N,)."""
    return torch.cosine_similarity(table[place][None], table, dim=1)


def similarity(tables: Mapping[str, Tensor], grid: tuple[int, int], place: tuple[int, int]) -> Picture:
    """How similar the code of one place is to all others, one map for each table.

    tables: by name, (rows*cols, D), row by row; grid: (rows, cols); place: (row, col)
    """
    rows, cols = grid
    index = place[0] * cols + place[1]
    figure = Figure(figsize=(2.5 * len(tables) + 0.6, 2.8), layout="constrained")
    panels = figure.subplots(1, len(tables), squeeze=False)[0]
    told = []
    for axis, (name, table) in zip(panels, tables.items(), strict=True):
        near = similarity_of(table.detach(), index).reshape(rows, cols)
        shown = axis.imshow(near, cmap="viridis", vmin=-0.2, vmax=1)
        axis.add_patch(Rectangle((place[1] - 0.5, place[0] - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2))
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=10)
        beside = _mean(near, place, [(0, -1), (0, 1)])
        below = _mean(near, place, [(-1, 0), (1, 0)])
        told.append(f"{name}: {beside:.2f} with the places beside, {below:.2f} with those above and below")
    figure.colorbar(shown, ax=panels, label="cosine")
    return Picture(
        figure,
        f"Cosine of the code at row {place[0]}, column {place[1]} of a {rows}x{cols} grid with all codes. "
        f"{'; '.join(told)}.",
    )


def _mean(near: Tensor, place: tuple[int, int], steps: Sequence[tuple[int, int]]) -> float:
    cells = [(place[0] + down, place[1] + right) for down, right in steps]
    rows, cols = near.shape
    return torch.stack([near[r, c] for r, c in cells if 0 <= r < rows and 0 <= c < cols]).mean().item()


def all_similarities(table: Tensor, grid: tuple[int, int]) -> Picture:
    """For every place a small map of its similarity with all others, as in ViT's figure 7.

    table: (rows*cols, D), row by row; grid: (rows, cols)
    """
    rows, cols = grid
    table = table.detach()
    near = torch.cosine_similarity(table[:, None], table[None], dim=2)  # (N, N)
    figure = Figure(figsize=(0.62 * cols + 1, 0.62 * rows), layout="constrained")
    panels = figure.subplots(rows, cols, squeeze=False)
    for index, axis in enumerate(panels.flat):
        shown = axis.imshow(near[index].reshape(rows, cols), cmap="viridis", vmin=-0.2, vmax=1)
        axis.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=panels, label="cosine")
    row, col = torch.arange(rows * cols) // cols, torch.arange(rows * cols) % cols
    down, right = (row[:, None] - row).abs(), (col[:, None] - col).abs()
    touching, far = near[(down + right) == 1].mean().item(), near[(down + right) >= 4].mean().item()
    return Picture(
        figure,
        f"{rows * cols} small maps in a grid of {rows} by {cols}: each shows how similar one place's row of the table "
        f"is to all others. Around each place lies a bright spot: touching places have a cosine of {touching:.2f} on "
        f"average, places four or more steps apart {far:.2f}.",
    )


def beside_the_paper(result, published: Mapping[str, float]) -> Picture | str:
    """What each kind of positions gains over none, in points: this lesson's models beside ViT's table.

    result: the experiment's Result, with a variant "none"; published: accuracies by kind, with "none"
    Returns the picture, or a sentence where nothing has been measured yet.
    """
    if not result.values:
        return "Nothing has been measured yet: make the prediction above and run its experiment."
    ours = {name: value - result.values["none"] for name, value in result.values.items() if name != "none"}
    theirs = {name: value - published["none"] for name, value in published.items() if name != "none"}
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    told = []
    for axis, gains, title, colour in zip(
        figure.subplots(1, 2),
        (ours, theirs),
        ("here: ten garments, a small ViT, a short training", "ViT-B/16: 5-shot ImageNet (table 8)"),
        (BLUE, GREY),
        strict=True,
    ):
        bars = axis.barh(list(gains), list(gains.values()), color=colour)
        axis.bar_label(bars, fmt="%+.1f", padding=3, fontsize=8)
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("points above no positions")
        told.append(f"{title}: " + ", ".join(f"{name} {gain:+.1f}" for name, gain in gains.items()))
    return Picture(figure, f"Points of accuracy gained over no positions. {'. '.join(told)}.")


def scores(maps: Mapping[str, Tensor], places: Sequence[tuple[int, int]]) -> Picture:
    """How a query at some place scores keys everywhere, one map each; an orange frame marks the query's place.

    maps: by title, (rows, cols); places: (row, col) of each map's query
    """
    figure = Figure(figsize=(2.7 * len(maps) + 0.6, 2.8), layout="constrained")
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    low = min(values.min().item() for values in maps.values())
    high = max(values.max().item() for values in maps.values())
    told = []
    for axis, (title, values), place in zip(panels, maps.items(), places, strict=True):
        shown = axis.imshow(values.detach(), cmap="viridis", vmin=low, vmax=high)
        axis.add_patch(Rectangle((place[1] - 0.5, place[0] - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=2))
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=10)
        best = divmod(values.argmax().item(), values.shape[1])
        told.append(f"{title}: highest at row {best[0]}, column {best[1]}")
    figure.colorbar(shown, ax=panels, label="score")
    return Picture(figure, f"Scores of one query with the same key at every place. {'; '.join(told)}.")
