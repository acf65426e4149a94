"""Figures of lesson 00: pictures with their shapes, small tables of numbers, a race."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from helpers.data import photo
from helpers.figures import Picture
from helpers.figures.palette import AMBER, GREEN, LEMON, ORANGE, PINK, SKY

HEIGHT, WIDTH = 96, 128  # of the six pictures; not square, so that a swap of the two shows
# photograph, top, left and height of the crop in pixels, what is to be seen
CROPS = (
    ("chelsea", 40, 70, 90, "a cat's eye"),
    ("astronaut", 0, 36, 93, "an astronaut's face"),
    ("coffee", 0, 76, 141, "a cup of coffee"),
    ("chelsea", 120, 110, 96, "the cat's nose"),
    ("astronaut", 128, 96, 96, "the astronaut's helmet"),
    ("coffee", 116, 156, 84, "a spoon"),
)
SUBJECTS = tuple(crop[-1] for crop in CROPS)
# light enough for black digits
COLOURS = (SKY, AMBER, GREEN, LEMON, PINK, ORANGE)
GAP = 0.4  # between the groups of a table, in cells
INCH = 110  # pixels of a picture that one inch of a figure shows at most


def six_pictures() -> Tensor:
    """Six crops of the course's photographs: float32 (6, 3, 96, 128) between 0 and 1."""
    crops = []
    for name, top, left, height, _ in CROPS:
        crop = photo(name)[:, top : top + height, left : left + height * WIDTH // HEIGHT]  # (3, height, width)
        crops.append(F.interpolate(crop[None], (HEIGHT, WIDTH), mode="bilinear", antialias=True)[0])  # (3, 96, 128)
    return torch.stack(crops).clamp(0, 1)  # (6, 3, 96, 128)


def show(pictures: Tensor | Mapping[str, Tensor], what: str) -> Picture:
    """Pictures side by side at one scale, each with its shape.

    pictures: one picture (C, H, W) or (H, W, C), a batch (B, C, H, W), or several pictures by title; 1 or 3 channels,
    values between 0 and 1; what: what is to be seen, in a sentence, for the alternative text.
    Raises ValueError for another shape.
    """
    if isinstance(pictures, Mapping):
        titles = {f"{title}\n{tuple(picture.shape)}": picture for title, picture in pictures.items()}
    elif pictures.ndim == 4:
        titles = {f"picture {i}": picture for i, picture in enumerate(pictures)}
    else:
        titles = {str(tuple(pictures.shape)): pictures}
    panels = {title: _pixels(picture) for title, picture in titles.items()}
    widths = [panel.shape[1] for panel in panels.values()]
    tallest = max(panel.shape[0] for panel in panels.values())
    inch = max(INCH, sum(widths) / 11)  # the figure is at most 11 inches wide
    width = max(sum(widths) / inch, 1.6 * len(panels)) + 0.5 * len(panels)
    figure = Figure(figsize=(width, tallest / inch + 1), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=[max(w, 1.6 * inch) for w in widths])[0]
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        _draw(axis, panel, title)
    shapes = ", ".join(title.replace("\n", " ") for title in titles)
    if isinstance(pictures, Tensor) and pictures.ndim == 4:
        figure.suptitle(str(tuple(pictures.shape)), fontsize=14)
        shapes = f"a batch of shape {tuple(pictures.shape)}"
    return Picture(figure, f"{what.rstrip('.')}. Shown: {shapes}.")


def tables(numbers: Mapping[str, Tensor], owner: Sequence[int] | Tensor, what: str) -> Picture:
    """Small tables of whole numbers, each number in the colour of what it belongs to.

    numbers: by title, (rows, cols) or (groups, rows, cols); owner: for each number 0, 1, 2, … the index of its colour;
    what: what is to be seen, in a sentence, for the alternative text.
    """
    figure = Figure(layout="constrained")
    axis = figure.subplots()
    left = deepest = 0.0
    for title, table in numbers.items():
        groups = table if table.ndim == 3 else table[None]  # (groups, rows, cols)
        _, rows, cols = groups.shape
        width = max(cols, 4)  # room for the title
        axis.text(left + width / 2, -0.25, f"{title}\n{tuple(table.shape)}", ha="center", va="bottom", fontsize=10)
        for index in itertools.product(*map(range, groups.shape)):
            group, row, col = index
            top = group * (rows + GAP) + row
            number = int(groups[index])
            _cell(axis, left + (width - cols) / 2 + col, top, number, COLOURS[int(owner[number]) % len(COLOURS)])
            deepest = max(deepest, top + 1)
        left += width + 3 * GAP
    axis.set(xlim=(-0.05, left - 3 * GAP + 0.05), ylim=(deepest + 0.05, -1.6), aspect="equal")
    axis.axis("off")
    figure.set_size_inches(0.4 * left, 0.4 * (deepest + 1.6))
    rows = "; ".join(f"{title}: {table.tolist()}" for title, table in numbers.items())
    return Picture(figure, f"{what.rstrip('.')}. {rows}.")


def race(seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> Picture:
    """Times of several ways to do the same: a dot a run, a bar at the median.

    seconds: for each task, by title, the seconds of the runs of each way.
    """
    count = max(len(ways) for ways in seconds.values())
    figure = Figure(figsize=(4.6 * len(seconds), 0.5 * count + 1.1), layout="constrained")
    axes = figure.subplots(1, len(seconds), squeeze=False)[0]
    words = []
    for axis, (task, ways) in zip(axes, seconds.items(), strict=True):
        longest = max(statistics.median(runs) for runs in ways.values())
        unit, factor = ("ms", 1e3) if longest >= 1e-3 else ("µs", 1e6)
        for i, (way, runs) in enumerate(ways.items()):
            low, middle, high = (factor * quartile for quartile in statistics.quantiles(runs, n=4))
            axis.scatter([factor * run for run in runs], [i] * len(runs), s=14, color=COLOURS[i], alpha=0.35, lw=0)
            axis.plot([middle, middle], [i - 0.32, i + 0.32], color="black", lw=2)
            words.append(f"{task}, {way}: median {middle:.3g} {unit}, half of the runs from {low:.3g} to {high:.3g}")
        axis.set(title=task, xlabel=f"{unit} a call", xlim=(0, 2 * longest * factor))
        axis.set_yticks(range(len(ways)), list(ways))
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
    return Picture(figure, "Times as dots, a bar at the median. " + "; ".join(words) + ".")


def _pixels(picture: Tensor) -> Tensor:
    """(H, W, 3) between 0 and 1, from either order of axes."""
    if picture.ndim == 3 and picture.shape[0] in (1, 3):
        picture = picture.permute(1, 2, 0)  # (C, H, W) -> (H, W, C)
    if picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise ValueError(
            f"A picture has shape (C, H, W) or (H, W, C) with 1 or 3 channels, but {tuple(picture.shape)} came."
        )
    return picture.detach().expand(-1, -1, 3).clamp(0, 1)  # (H, W, 3)


def _draw(axis: Axes, panel: Tensor, title: str) -> None:
    axis.imshow(panel.numpy(), interpolation="nearest")
    axis.set_title(title, fontsize=12)
    axis.set_xticks([-0.5, panel.shape[1] - 0.5], ["0", str(panel.shape[1])])
    axis.set_yticks([-0.5, panel.shape[0] - 0.5], ["0", str(panel.shape[0])])
    axis.tick_params(labelsize=11, length=2)


def _cell(axis: Axes, x: float, y: float, number: int, colour: str) -> None:
    axis.fill([x, x + 1, x + 1, x], [y, y, y + 1, y + 1], facecolor=colour, edgecolor="white", lw=1.5)
    axis.text(x + 0.5, y + 0.5, str(number), ha="center", va="center", fontsize=10)
