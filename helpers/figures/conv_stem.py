"""Figures of lesson 08: the four places, feature maps, what pays for what, sweeps of learning rates, borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from helpers.figures import Picture
from helpers.figures.palette import BLUE, GREY, ORANGE
from helpers.sweeps import decades_that_work

MAPS = 8  # feature maps drawn of a stage


def whole_model() -> Picture:
    """The whole model, with the four places at which convolutions can enter."""
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    axis = figure.subplots()
    boxes = [
        (0.0, "picture", None),
        (1.55, "backbone", 4),
        (3.1, "stem\n(patchify)", 1),
        (4.65, "positions\nadded", 3),
        (6.2, "attention", None),
        (7.75, "MLP", 2),
        (9.4, "head", None),
    ]
    for left, text, door in boxes:
        colour = ORANGE if door else GREY
        style = "dashed" if door == 4 else "solid"
        width = 1.0
        axis.add_patch(
            FancyBboxPatch(
                (left, 0), width, 1, boxstyle="round,pad=0.06", fill=False, edgecolor=colour, linewidth=2, ls=style
            )
        )
        axis.text(left + width / 2, 0.5, text, ha="center", va="center", fontsize=9)
        if door:
            axis.text(
                left + width / 2, 1.42, str(door), ha="center", va="center", fontsize=15, color=ORANGE, weight="bold"
            )
    for (left, *_), (right, *_) in pairwise(boxes):
        axis.annotate("", (right - 0.08, 0.5), (left + 1.08, 0.5), arrowprops={"arrowstyle": "->", "color": GREY})
    axis.add_patch(
        FancyBboxPatch((6.05, -0.22), 2.85, 1.44, boxstyle="round,pad=0.05", fill=False, edgecolor=GREY, ls="dotted")
    )
    axis.text(7.48, -0.56, "a block, many times", ha="center", fontsize=8, color=GREY)
    words = "1 in place of patchify     2 inside the blocks     3 as positions     4 a backbone before the ViT"
    axis.text(5.2, -1.0, words, ha="center", fontsize=9)
    axis.set(xlim=(-0.2, 10.6), ylim=(-1.2, 1.7))
    axis.axis("off")
    return Picture(
        figure,
        "A ViT from picture to head as boxes. Four are marked as places for convolutions: 1 the stem, in place of "
        "patchify; 2 the MLP inside the blocks; 3 where positions are added; 4 a backbone before the stem, dashed.",
    )


def feature_maps(stages: Sequence[Tensor]) -> Picture:
    """The first maps of every stage of a stem, each stage in a line of its own.

    stages: of one picture, (1, C, H, W), first the picture itself
    """
    figure = Figure(figsize=(8.5, 1.15 * len(stages)), layout="constrained")
    panels = figure.subplots(len(stages), MAPS, squeeze=False)
    told = []
    for line, maps in zip(panels, stages, strict=True):
        channels, height, width = maps.shape[1:]
        told.append(f"{channels} of {height}x{width}")
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.axis("off")
        for axis, values in zip(line, maps[0].detach(), strict=False):
            axis.imshow(values, cmap="gray_r" if channels <= 3 else "viridis")
            axis.axis("on")
        line[0].set_ylabel(f"{channels} x\n{height}x{width}", rotation=0, ha="right", va="center", fontsize=9)
    return Picture(
        figure,
        f"What becomes of a picture in the stem, up to {MAPS} maps of each stage: {', then '.join(told)}. Each stage "
        "has half the sides and more maps; edges of the garment stand out in some, areas in others.",
    )


def flops(models: Mapping[str, Mapping[str, float]]) -> Picture:
    """FLOPs of models as stacked bars. models: by name, FLOPs of the parts by name, in order."""
    figure = Figure(figsize=(7.5, 0.7 + 0.5 * len(models)), layout="constrained")
    axis = figure.subplots()
    colours = {"stem": ORANGE, "blocks": BLUE, "head": GREY}
    whole = [sum(parts.values()) for parts in models.values()]
    for place, parts in enumerate(models.values()):
        left = 0.0
        for name, value in parts.items():
            axis.barh(place, value / 1e6, left=left / 1e6, color=colours[name], label=name if place == 0 else None)
            left += value
    axis.set_yticks(range(len(models)), list(models))
    axis.invert_yaxis()
    axis.set(xlabel="million FLOPs a picture (a multiply-add counts 2)")
    axis.legend(fontsize=8, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    told = [
        f"{name} {total / 1e6:,.1f} million, of which stem {parts['stem'] / total:.0%}"
        for (name, parts), total in zip(models.items(), whole, strict=True)
    ]
    return Picture(figure, f"FLOPs of {len(models)} models as bars: {'; '.join(told)}.")


def sweeps(found: Mapping[str, Mapping[str, Mapping[float, float]]], points: float = 4.0) -> Picture | str:
    """Test accuracy against the learning rate, one panel an optimizer; bold where within `points` of a curve's best.

    found: by optimizer, then by stem, percent by learning rate; empty where nothing was measured
    Returns the picture, or a sentence where there is nothing to draw.
    """
    found = {optimizer: stems for optimizer, stems in found.items() if stems}
    if not found:
        return "Nothing has been measured yet: make the predictions above and run their experiments."
    figure = Figure(figsize=(4.2 * len(found), 3.1), layout="constrained")
    told = []
    for axis, (optimizer, stems) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for (stem, curve), colour, marker in zip(stems.items(), (BLUE, ORANGE), "os", strict=False):
            rates, values = zip(*sorted(curve.items()), strict=True)
            best = max(values)
            axis.plot(rates, values, color=colour, marker=marker, linewidth=1.2, alpha=0.8, label=stem)
            works = [(rate, value) for rate, value in zip(rates, values, strict=True) if best - value <= points]
            axis.plot(*zip(*works, strict=True), color=colour, marker=marker, linewidth=3, markersize=8)
            axis.axhspan(best - points, best, color=colour, alpha=0.08)
            rate = rates[values.index(best)]
            told.append(
                f"{optimizer}, {stem}: best {best:.1f}% at {rate:g}, within {points:g} points over "
                f"{decades_that_work(curve, points):.1f} decades"
            )
        axis.set(xscale="log", xlabel="learning rate", ylabel="% test accuracy", title=optimizer, ylim=(0, 85))
        axis.legend(fontsize=8, loc="lower left")
    return Picture(figure, f"Accuracy against the learning rate. {'; '.join(told)}.")


def relative_gradients(models: Mapping[str, Mapping[str, float]]) -> Picture:
    """How large the gradient of each weight is beside the weight itself, on a logarithmic axis, a line a model.

    models: by name, the ratio by name of the weight
    """
    figure = Figure(figsize=(8.5, 0.9 + 0.55 * len(models)), layout="constrained")
    axis = figure.subplots()
    told = []
    for place, (name, ratios) in enumerate(models.items()):
        for weight, ratio in ratios.items():
            in_stem = weight.startswith("patch_embed")
            axis.plot(
                ratio, place, "D" if in_stem else "o", color=ORANGE if in_stem else BLUE, alpha=0.75, markersize=7
            )
        low, high = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
        told.append(f"{name}: from {ratios[low]:.2g} ({low}) to {ratios[high]:.2g} ({high})")
    axis.set_yticks(range(len(models)), list(models))
    axis.set(xscale="log", xlabel="size of the gradient / size of the weight", ylim=(len(models) - 0.5, -0.5))
    axis.plot([], [], "D", color=ORANGE, label="stem")
    axis.plot([], [], "o", color=BLUE, label="all other weights")
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Picture(figure, f"Gradients of an untrained model beside the size of their weights. {'; '.join(told)}.")


def borders(grids: Mapping[str, Tensor]) -> Picture:
    """What a layer adds to each token where all tokens are the same. grids: by name, (rows, cols), not negative."""
    figure = Figure(figsize=(2.6 * len(grids) + 0.8, 2.5), layout="constrained")
    told = []
    for axis, (name, values) in zip(figure.subplots(1, len(grids), squeeze=False)[0], grids.items(), strict=True):
        axis.imshow(values, cmap="viridis", vmin=0)
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=10)
        kinds = len(torch.unique((values / values.abs().max().clamp_min(1e-9)).round(decimals=4)))
        told.append(f"{name}: {kinds} different {'value' if kinds == 1 else 'values'}")
    return Picture(figure, f"The same token everywhere on the grid, and how large what is added is. {'; '.join(told)}.")
