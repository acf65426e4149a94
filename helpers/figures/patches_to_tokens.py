"""Figures of lesson 01: patches, kernels, parameters, learning curves, predictions, attention of the class token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib import pyplot
from torch import Tensor

from helpers.figures import Picture, pixels
from helpers.figures.palette import BLUE, GREEN, ORANGE, SERIES
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.patches import unpatchify
from helpers.train import History


def cut_apart(image: Tensor, patches: Tensor, patch_size: int, conventions: Conventions = STANDARD) -> Picture:
    """A picture with its grid, and its patches in the order of the sequence.

    image: (C, H, W) in [0, 1]; patches: (N, C*P*P), what patchify made of it; patch_size: P in pixels
    """
    rows, cols = image.shape[1] // patch_size, image.shape[2] // patch_size
    pieces = unpatchify(patches[:, None], patch_size, (patch_size, patch_size), conventions)  # (N, C, P, P)
    again = rearrange(pieces, "(h w) c p1 p2 -> c (h p1) (w p2)", h=rows)
    same = torch.equal(again, image)
    figure = pyplot.figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15))
    axes = left.subplots()
    axes.imshow(pixels(image))
    for k in range(1, rows):
        axes.axhline(k * patch_size - 0.5, color="white", linewidth=1.5)
    for k in range(1, cols):
        axes.axvline(k * patch_size - 0.5, color="white", linewidth=1.5)
    axes.set_title(f"a picture of {image.shape[1]} x {image.shape[2]} pixels, {rows} x {cols} patches", fontsize=10)
    axes.axis("off")
    for number, axes in enumerate(right.subplots(rows, cols).flatten()):
        if number < len(pieces):
            axes.imshow(pixels(pieces[number]))
            axes.set_title(str(number), fontsize=9, pad=2)
        axes.axis("off")
    right.suptitle("the rows of patchify's result, numbered", fontsize=10)
    return Picture(
        figure,
        f"Left: a picture of {image.shape[1]} by {image.shape[2]} pixels under a grid of {rows} rows and {cols} "
        f"columns. Right: the {len(patches)} rows that patchify returned, each drawn as a patch of {patch_size} by "
        f"{patch_size} pixels and numbered from 0, {cols} to a line. Read line by line they "
        f"{'show the picture again' if same else 'do not show the picture'}.",
    )


def kernels(weight: Tensor) -> Picture:
    """The kernels of a patch embedding, each as a small picture. weight: (D, C, P, P)."""
    shown = weight.detach().cpu().mean(dim=1)  # (D, C, P, P) -> (D, P, P)
    cols = min(16, len(shown))
    rows = -(-len(shown) // cols)
    figure, grid = pyplot.subplots(rows, cols, figsize=(10, 0.68 * rows + 0.4), layout="constrained", squeeze=False)
    limit = shown.abs().max().item() or 1.0
    for number, axes in enumerate(grid.flatten()):
        if number < len(shown):
            axes.imshow(shown[number].numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.axis("off")
    across = (shown.diff(dim=-1).abs().mean() + shown.diff(dim=-2).abs().mean()) / 2
    return Picture(
        figure,
        f"{len(shown)} kernels of {shown.shape[1]} by {shown.shape[2]} pixels, one for each feature of a token; red "
        f"weighs bright pixels up, blue weighs them down. Neighbouring weights differ by {across / shown.std():.1f} "
        "standard deviations on average (1.1 for pure noise).",
    )


def parameters(parts: Mapping[str, int]) -> Picture:
    """How many parameters each part of a model has. parts: by name."""
    total = sum(parts.values())
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(parts) + 0.7), layout="constrained")
    names = list(parts)
    bars = axes.barh(names, [parts[name] / 1e6 for name in names], color=BLUE)
    axes.bar_label(bars, [f"{parts[name]:,}" for name in names], padding=4, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("million parameters")
    axes.margins(x=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    words = ", ".join(f"{name} {count:,} ({100 * count / total:.1f}%)" for name, count in parts.items())
    return Picture(figure, f"Bars of the parameters of each part: {words}; {total:,} in all.")


def learning_curves(histories: Mapping[str, History]) -> Picture:
    """Loss of every step (smoothed) and accuracy after every epoch. histories: by the model's name; may be empty."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    said = []
    for style, (name, history) in zip(SERIES, histories.items(), strict=False):
        left.plot(_smoothed(history.loss), **style | {"marker": ""}, label=name)
        if history.accuracy:
            epochs = range(1, len(history.accuracy) + 1)
            right.plot(epochs, history.accuracy, **style, label=name, markersize=4)
            said.append(
                f"{name} goes from {history.accuracy[0]:.0f}% after the first epoch to {history.accuracy[-1]:.0f}% "
                f"after {len(history.accuracy)}, its loss from {history.loss[0]:.2f} to "
                f"{_smoothed(history.loss)[-1]:.2f}"
            )
    left.set(xlabel="step", ylabel="training loss (mean of 20 steps)", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="test accuracy in %", ylim=(0, 100))
    right.axhline(10, color="grey", linestyle=":", label="chance")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    right.legend(frameon=False)
    return Picture(figure, f"Learning curves: {'; '.join(said) or 'nothing is trained yet: predict first'}.")


def predictions(images: Tensor, labels: Tensor, logits: Tensor, names: Sequence[str]) -> Picture:
    """Pictures with what a model takes them for. images: (B, 1, H, W) in [0, 1]; labels: (B,); logits: (B, classes)."""
    found = logits.detach().cpu().softmax(dim=-1).max(dim=-1)
    figure, row = pyplot.subplots(1, len(images), figsize=(1.35 * len(images), 2), layout="constrained", squeeze=False)
    said = []
    for axes, image, label, guess, share in zip(row[0], images, labels, found.indices, found.values, strict=True):
        right = bool(label == guess)
        axes.imshow(image[0].cpu().numpy(), cmap="gray_r")
        sign = "✓" if right else f"✗ is {names[label]}"
        axes.set_title(f"{names[guess]} {100 * share:.0f}%\n{sign}", fontsize=8, color=GREEN if right else ORANGE)
        axes.axis("off")
        said.append(names[guess] if right else f"{names[guess]} (it is {names[label]})")
    return Picture(figure, f"{len(images)} test pictures and what the model takes them for: {', '.join(said)}.")


def class_attention(image: Tensor, attention: Tensor, grid: tuple[int, int]) -> Picture:
    """Where the class token looks, one map a head, laid over the picture.

    image: (1, H, W) in [0, 1]; attention: (heads, N), the class token's weights on the patches; grid: (rows, cols)
    """
    maps = attention.detach().cpu().unflatten(1, grid)  # (heads, N) -> (heads, rows, cols)
    figure, row = pyplot.subplots(1, len(maps) + 1, figsize=(2 * len(maps) + 2, 2.3), layout="constrained")
    row[0].imshow(image[0].cpu().numpy(), cmap="gray_r")
    row[0].set_title("picture", fontsize=9)
    said = []
    for number, (axes, weights) in enumerate(zip(row[1:], maps, strict=True)):
        large = F.interpolate(weights[None, None], tuple(image.shape[1:]), mode="nearest")[0, 0]
        axes.imshow(image[0].cpu().numpy(), cmap="gray_r", alpha=0.45)
        axes.imshow(large.numpy(), cmap="viridis", alpha=0.6, vmin=0)
        axes.set_title(f"head {number}", fontsize=9)
        y, x = divmod(weights.argmax().item(), grid[1])
        share = 100 * weights.max() / weights.sum()
        said.append(f"head {number} most at row {y}, column {x} ({share:.0f}%)")
    for axes in row:
        axes.axis("off")
    return Picture(figure, f"Where the class token looks in the last block: {'; '.join(said)}.")


def _smoothed(values: Sequence[float], window: int = 20) -> list[float]:
    window = min(window, len(values))
    return [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)] if values else []
