"""Figures of lesson 06: the whole model, where the query looks, how sharply, accuracies by rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from helpers.cards import Card
from helpers.data import denormalise
from helpers.figures import Picture
from helpers.figures.palette import GREY, SERIES


def looks(images: Tensor, weights: Tensor, grid: tuple[int, int], names: Sequence[str]) -> Picture:
    """Where the heads of a MAP query look, over pictures: one line a picture, one column a head, and their mean.

    images: (B, 1, H, W), normalised; weights: (B, heads, N), patches row by row; names: what each picture shows
    """
    count, heads = weights.shape[:2]
    mean = weights.mean(1, keepdim=True)
    shown = torch.cat([weights, mean], dim=1).unflatten(-1, grid)  # (B, heads + 1, rows, cols)
    figure = Figure(figsize=(1.45 * (heads + 2), 1.5 * count), layout="constrained")
    panels = figure.subplots(count, heads + 2, squeeze=False)
    height, width = images.shape[-2:]
    for line, picture, maps, name in zip(panels, denormalise(images), shown, names, strict=True):
        for axis in line:
            axis.imshow(picture[0].numpy(), cmap="gray_r", vmin=0, vmax=1, extent=(0, width, height, 0))
            axis.set(xticks=[], yticks=[])
        for axis, attention in zip(line[1:], maps, strict=True):
            axis.imshow(attention.numpy(), cmap="viridis", vmin=0, alpha=0.75, extent=(0, width, height, 0))
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    for axis, title in zip(panels[0], ["picture", *(f"head {head + 1}" for head in range(heads)), "mean"], strict=True):
        axis.set_title(title, fontsize=9)
    told = []
    for name, attention in zip(names, mean[:, 0], strict=True):
        row, col = divmod(attention.argmax().item(), grid[1])
        told.append(f"{name}: row {row}, column {col} ({100 * attention.max().item():.0f}%)")
    return Picture(
        figure,
        f"Where {heads} heads of the query look on {count} pictures, each head by itself and their mean, bright where "
        f"the weight is large. The patch looked at most, by the mean: {'; '.join(told)}. Evenly spread would be "
        f"{100 / weights.shape[-1]:.1f}% each.",
    )


def query_strength(scores: Tensor, strengths: Sequence[float]) -> Picture:
    """The sorted weights of one head when its query is made longer or shorter.

    scores: (N,), the scores of the query as it was trained; strengths: factors on the query
    """
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    axis = figure.subplots()
    told = []
    for strength, style in zip(strengths, SERIES, strict=False):
        weights = F.softmax(strength * scores.detach(), dim=0).sort(descending=True).values
        axis.plot(range(1, len(weights) + 1), weights, **style, markersize=3, label=f"query x {strength:g}")
        told.append(f"x {strength:g}: {100 * weights[0].item():.0f}%")
    axis.axhline(1 / len(scores), color=GREY, linestyle="--", linewidth=1, label="1/N")
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200) if tick < len(scores)] + [len(scores)]
    axis.set(xscale="log", xlabel="patches, most looked at first", ylabel="weight", ylim=(0, None))
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.minorticks_off()
    axis.legend(fontsize=8)
    return Picture(
        figure,
        f"Weights of {len(scores)} patches, sorted, for a query made shorter or longer. The largest weight: "
        f"{', '.join(told)}. A query of length zero gives all patches 1/{len(scores)}.",
    )


def by_rate(runs: Mapping[str, Mapping[float, float]]) -> Picture | Card:
    """Test accuracy against the learning rate, one line a way to pool.

    runs: by name of the pooling, the accuracy in percent at each learning rate
    Returns the picture, or a card that says so where nothing has been measured yet.
    """
    if not any(runs.values()):
        return Card("note", "Nothing has been measured yet", ["Make the predictions above and run their experiments."])
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    axis = figure.subplots()
    told = []
    for (name, found), style in zip(runs.items(), SERIES, strict=False):
        rates = sorted(found)
        axis.plot(rates, [found[rate] for rate in rates], **style, label=name)
        told.append(f"{name} " + ", ".join(f"{found[rate]:.1f}% at {rate:g}" for rate in rates))
    measured = sorted({rate for found in runs.values() for rate in found})
    axis.set(xscale="log", xlabel="learning rate", ylabel="% test accuracy")
    axis.set_xticks(measured, [f"{rate:g}" for rate in measured])
    axis.minorticks_off()
    axis.legend(fontsize=9)
    return Picture(figure, f"Test accuracy against the learning rate in this run: {'; '.join(told)}.")
