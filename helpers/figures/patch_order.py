"""Figures of lesson 02: walks through a grid, shuffled pictures, attention in another order, gaps and accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from helpers.data import denormalise
from helpers.figures import Picture
from helpers.figures.palette import AMBER, BLACK, BLUE, GREEN, GREY, LEMON, ORANGE, PINK, SKY

ROUNDING = 1e-9  # of float64: below it two results are the same


def walks(rows: int, cols: int, orders: Mapping[str, Tensor]) -> Picture:
    """Orders of a grid as walks: a line from patch to patch, green where it starts, orange where it ends.

    orders: by name, (rows*cols,) long, the raster index of the k-th patch visited
    """
    figure = Figure(figsize=(2.3 * len(orders), 0.3 + 2.3 * rows / cols), layout="constrained")
    panels = figure.subplots(1, len(orders), squeeze=False)[0]
    jumps = {}
    for axis, (name, order) in zip(panels, orders.items(), strict=True):
        row, col = order // cols, order % cols
        steps = (row.diff().abs() + col.diff().abs()).tolist()
        jumps[name] = sum(step > 1 for step in steps)
        axis.pcolormesh(torch.full((rows, cols), 0.95), cmap="gray", vmin=0, vmax=1, edgecolors="white", linewidth=2)
        axis.plot(col + 0.5, row + 0.5, color=BLUE, linewidth=1.5, zorder=2)
        axis.scatter(col[:1] + 0.5, row[:1] + 0.5, color=GREEN, s=45, zorder=3)
        axis.scatter(col[-1:] + 0.5, row[-1:] + 0.5, color=ORANGE, s=45, marker="s", zorder=3)
        axis.set_title(f"{name}\n{jumps[name]} {'jump' if jumps[name] == 1 else 'jumps'}", fontsize=10)
        axis.set(xlim=(0, cols), ylim=(rows, 0), aspect="equal", xticks=[], yticks=[])
    told = ", ".join(f"{name} {count}" for name, count in jumps.items())
    return Picture(
        figure,
        f"Walks through a grid of {rows} rows and {cols} columns, each as a line from a green dot to an orange square. "
        f"Steps to a patch that is no neighbour: {told}.",
    )


def garments(rows: Mapping[str, Tensor], names: Sequence[str]) -> Picture:
    """The same pictures in one line for each treatment.

    rows: by title, normalised pictures (B, 1, H, W); names: what each of the B pictures shows
    """
    count = len(names)
    figure = Figure(figsize=(1.15 * count + 1.6, 1.25 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), count, squeeze=False)
    for line, (title, pictures) in zip(panels, rows.items(), strict=True):
        for axis, picture in zip(line, denormalise(pictures), strict=True):
            axis.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
    for axis, name in zip(panels[0], names, strict=True):
        axis.set_title(name, fontsize=8)
    return Picture(figure, f"{', '.join(names)}, in {len(rows)} lines. {'; '.join(_edges(rows))}.")


def _edges(rows: Mapping[str, Tensor]) -> list[str]:
    """How smooth each line of pictures is: patches in a strange order meet at edges that no garment has."""
    told = []
    for title, pictures in rows.items():
        shown = denormalise(pictures).clamp(0, 1)  # (B, 1, H, W)
        step = (shown.diff(dim=-1).abs().mean() + shown.diff(dim=-2).abs().mean()).item() / 2
        told.append(f"{title}: neighbouring pixels differ by {100 * step:.0f}% of the grey scale on average")
    return told


def attention_in_two_orders(weights: Tensor, order: Tensor) -> Picture:
    """Attention weights of some tokens in their first order, and those of the same tokens shuffled.

    weights: (2, N, N), first for the tokens in order, then for the shuffled ones; order: (N,), long
    """
    before, after = weights.detach()
    put_back = after[order.argsort()][:, order.argsort()]
    gap = (put_back - before).abs().max().item()
    figure = Figure(figsize=(8.5, 3), layout="constrained")
    titles = ("tokens in order", f"tokens shuffled: {order.tolist()}", "shuffled, rows and columns put back")
    for axis, matrix, title, labels in zip(
        figure.subplots(1, 3),
        (before, after, put_back),
        titles,
        (range(len(order)), order.tolist(), range(len(order))),
        strict=True,
    ):
        axis.imshow(matrix, cmap="viridis", vmin=0, vmax=before.max().item())
        axis.set_title(title, fontsize=9)
        axis.set_xticks(range(len(order)), labels, fontsize=8)
        axis.set_yticks(range(len(order)), labels, fontsize=8)
        axis.set(xlabel="looks at token", ylabel="token")
    return Picture(
        figure,
        f"Three attention matrices of {len(order)} tokens. The second, for shuffled tokens, has the same values "
        f"with rows and columns shuffled alike; put back (third) it differs from the first by at most {gap:.0e}.",
    )


def gaps(values: Mapping[str, float], title: str) -> Picture:
    """Permutation gaps as bars on a logarithmic axis, with the line below which float64 calls them rounding.

    values: by name, the gap
    """
    shown = [max(value, 1e-17) for value in values.values()]
    figure = Figure(figsize=(7.5, 0.6 + 0.38 * len(values)), layout="constrained")
    axis = figure.subplots()
    axis.barh(list(values), shown, left=1e-17, color=[GREEN if value < ROUNDING else ORANGE for value in shown])
    axis.axvline(ROUNDING, color=GREY, linestyle="--", linewidth=1)
    axis.set(xscale="log", xlim=(1e-17, 1e3 * max(1.0, *shown)), xlabel=f"{title} (float64; dashed: 1e-9)")
    axis.invert_yaxis()
    for place, value in enumerate(values.values()):
        axis.annotate(f" {value:.1e}", (shown[place], place), va="center", fontsize=8)
    same = [name for name, value in values.items() if value < ROUNDING]
    other = [f"{name} ({value:.1g})" for name, value in values.items() if value >= ROUNDING]
    return Picture(
        figure,
        f"{title}. Nothing but rounding, below 1e-9: {', '.join(same) or 'none'}. "
        f"Far above: {', '.join(other) or 'none'}.",
    )


def twin_runs(losses: Mapping[str, Sequence[float]]) -> Picture:
    """Loss curves of runs that should agree, drawn over one another, from the widest line to the thinnest.

    losses: by name, the loss of each step
    """
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    axis = figure.subplots()
    colours = (BLACK, AMBER, SKY, GREEN, LEMON, PINK, ORANGE)
    for number, (name, curve) in enumerate(losses.items()):
        width = 14 * (1 - number / len(losses)) + 1
        axis.plot(range(1, len(curve) + 1), curve, linewidth=width, color=colours[number % 7], label=name)
    axis.set(xlabel="training step", ylabel="loss", xticks=range(0, len(curve) + 1, 5))
    legend = axis.legend(fontsize=8, ncols=2)
    for line in legend.get_lines():
        line.set_linewidth(4)
    first, *others = losses.values()
    apart = max(abs(a - b) for other in others for a, b in zip(first, other, strict=True))
    return Picture(
        figure,
        f"Losses over {len(first)} steps for {', '.join(losses)}: from {first[0]:.2f} to {first[-1]:.2f}, all curves "
        f"on top of one another, nowhere more than {apart:.0e} apart.",
    )


def accuracies(results: Sequence) -> Picture | str:
    """What all experiments of the lesson measured: this run as dots, the shipped seeds as bars with their spread.

    results: `Result`s in the order of the lesson; those without a prediction are left out
    Returns the picture, or a sentence where nothing has been measured yet.
    """
    rows = [(name, value, result.shipped.get(name, [])) for result in results for name, value in result.values.items()]
    if not rows:
        return "Nothing has been measured yet: make the predictions above and run their experiments."
    figure = Figure(figsize=(7.5, 0.7 + 0.34 * len(rows)), layout="constrained")
    axis = figure.subplots()
    told = []
    for place, (name, value, seeds) in enumerate(rows):
        if len(seeds) > 1:
            mean, spread = torch.tensor(seeds).mean().item(), torch.tensor(seeds).std().item()
            axis.barh(place, mean, xerr=spread, color=BLUE if "CNN" not in name else ORANGE, alpha=0.55, capsize=3)
        axis.plot(value, place, "o", color="black", markersize=5)
        told.append(f"{name} {value:.1f}%")
    axis.axvline(10, color=GREY, linestyle="--", linewidth=1)
    axis.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axis.set(
        xlim=(0, 100),
        xlabel="% test accuracy (dot: this run; bar: mean ± spread over seeds; dashed: chance)",
    )
    axis.invert_yaxis()
    return Picture(figure, f"Test accuracy of this run: {', '.join(told)}; chance is 10%.")
