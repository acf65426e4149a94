"""Figures of lesson 03: the model with its costs, score matrices to scale, crossing, time, memory, windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from helpers.figures import Picture
from helpers.figures.palette import BLUE, GREY, ORANGE, SERIES
from helpers.models.costs import num_tokens
from helpers.profiling import PowerLaw, power_law


def whole_model(image_size: int | tuple[int, int], patch_size: int, dim: int, depth: int) -> Picture:
    """The whole ViT from left to right, each part as wide as its share of the FLOPs; attention's products stand out.

    image_size: (H, W) in pixels, or one number for a square picture; patch_size: P; dim: width D; depth: blocks
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    patches = num_tokens(height, width, patch_size)
    tokens = 1 + patches
    studied = "QK^T and AV"
    parts = {
        "patch embedding": 2 * patches * 3 * patch_size**2 * dim,
        "q, k, v and output projections": depth * 8 * tokens * dim**2,
        studied: depth * 4 * tokens**2 * dim,
        "MLPs": depth * 16 * tokens * dim**2,
        "head": 2 * dim * 1000,
    }
    total = sum(parts.values())
    figure = Figure(figsize=(10, 1.8), layout="constrained")
    axes = figure.subplots()
    left = 0.0
    for name, flops in parts.items():
        width = 100 * flops / total
        here = name == studied
        axes.barh(0, width, left=left, height=0.8, color=ORANGE if here else "#d8dee4", edgecolor="white", linewidth=2)
        middle, narrow = left + width / 2, width < 9
        text = f"{name}\n{width:.1f}%"
        if narrow:
            low = -0.62
            axes.annotate(
                text,
                (middle, -0.4),
                (min(max(middle, 5), 95), low),
                ha="center",
                va="top",
                fontsize=9,
                fontweight="bold" if here else "normal",
                arrowprops={"arrowstyle": "-", "color": GREY},
            )
        else:
            axes.text(middle, 0, text, ha="center", va="center", fontsize=9, fontweight="bold" if here else "normal")
        left += width
    axes.set(xlim=(0, 100), ylim=(-1.2, 0.55))
    axes.axis("off")
    shares = "; ".join(f"{name} {100 * flops / total:.1f}%" for name, flops in parts.items())
    return Picture(
        figure,
        f"The model from left to right, each part as wide as its share of the FLOPs: {shares}. This lesson is about "
        f"{studied}.",
    )


def score_matrices(image: Tensor, patch_sizes: Sequence[int]) -> Picture:
    """A picture cut into patches of several sizes, and below each the N x N scores of its tokens, all to one scale.

    image: (C, H, W) between 0 and 1; patch_sizes: P in pixels, from coarse to fine, each a divisor of H and W
    """
    _, height, width = image.shape
    counts = [num_tokens(height, width, size) for size in patch_sizes]
    figure = Figure(figsize=(3.3 * len(patch_sizes), 5.6), layout="constrained")
    above, below = figure.subplots(2, len(patch_sizes), height_ratios=(1, 1.25), squeeze=False)
    pixels = image.permute(1, 2, 0).detach().cpu().numpy()  # (C, H, W) -> (H, W, C)
    for axes, size, count in zip(above, patch_sizes, counts, strict=True):
        axes.imshow(pixels)
        for row in range(size, height, size):
            axes.axhline(row - 0.5, color="white", linewidth=0.8)
        for col in range(size, width, size):
            axes.axvline(col - 0.5, color="white", linewidth=0.8)
        axes.set_title(f"P = {size}: N = {count} tokens", fontsize=10)
        axes.axis("off")
    for axes, count in zip(below, counts, strict=True):
        axes.add_patch(Rectangle((0, 0), count, count, color=ORANGE, linewidth=0))
        axes.set(xlim=(0, max(counts)), ylim=(max(counts), 0), aspect="equal")
        axes.set_title(f"{count} x {count} = {count**2:,} scores", fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    words = "; ".join(
        f"patches of {size} pixels give {count} tokens and {count**2:,} scores"
        for size, count in zip(patch_sizes, counts, strict=True)
    )
    return Picture(
        figure,
        f"A picture of {height} by {width} pixels under ever finer grids, and below each a square with a side of N, "
        f"drawn to one scale: {words}. With each halving of the patch the square gets four times as long on a side.",
    )


def crossing(dim: int, patch_size: int = 16, mlp_ratio: float = 4) -> Picture:
    """FLOPs of a block against the number of tokens: the part that grows with N^2 and the part that grows with N.

    dim: width D; patch_size: for the scale of pictures at the top
    """
    meet = (2 + mlp_ratio) * dim
    tokens = np.geomspace(50, 40 * meet, 200)
    squares, lines = 4 * tokens**2 * dim, (8 + 4 * mlp_ratio) * tokens * dim**2
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.loglog(tokens, squares / 1e9, color=ORANGE, linewidth=2.5, label="attention: 4 N² D")
    axes.loglog(
        tokens, lines / 1e9, color=BLUE, linewidth=2.5, label=f"projections and MLP: {8 + 4 * mlp_ratio:g} N D²"
    )
    axes.loglog(tokens, (squares + lines) / 1e9, color="black", linewidth=1, linestyle=":", label="the block")
    axes.axvline(meet, color=GREY, linewidth=1)
    axes.annotate(
        f"N = {meet / dim:g} D = {meet:,.0f}", (meet, 4 * meet**2 * dim / 1e9), (8, -22), textcoords="offset points"
    )
    for side in (224, 512, 2048, 4096):
        count = num_tokens(side, side, patch_size)
        share = count / (count + meet)
        axes.plot(count, 4 * count**2 * dim / 1e9, "o", color=ORANGE)
        axes.annotate(
            f"{side} px: {100 * share:.0f}%",
            (count, 4 * count**2 * dim / 1e9),
            (7, -11) if count < meet else (-9, 4),
            textcoords="offset points",
            ha="left" if count < meet else "right",
            fontsize=9,
            color=ORANGE,
        )
    axes.set(xlabel="tokens N", ylabel="GFLOPs of one block (multiply-add = 2)", title=f"one block of width D = {dim}")
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure,
        f"FLOPs of one block of width {dim} against the number of tokens, both axes logarithmic. Attention rises twice "
        f"as steeply as projections and MLP, and overtakes them at N = {meet:,.0f}. Dots mark square pictures with "
        f"patches of {patch_size} pixels and the share of attention: 4% at 224 pixels, most of the block at 4096.",
    )


def against_tokens(costs: Mapping[str, Mapping[int, Sequence[float] | float]], what: str) -> Picture:
    """Measured costs against the number of tokens on log-log axes, with fitted lines and the slopes' confidence.

    costs: by part, by number of tokens, one cost or those of several rounds; what: the cost and its unit
    """
    if not costs:
        return _nothing_yet()
    figure = Figure(figsize=(8.2, 4.4), layout="constrained")
    axes = figure.subplots()
    words = []
    for style, (name, measured) in zip(SERIES, costs.items(), strict=False):
        law = power_law(measured)
        for size, runs in measured.items():
            runs = np.atleast_1d(runs)
            axes.plot([size] * len(runs), runs, style["marker"], color=style["color"], alpha=0.35, markersize=4)
        sizes = np.array(list(measured))
        fitted = style | {"marker": "", "linewidth": 2}
        axes.plot(sizes, law.factor * sizes**law.slope, **fitted, label=f"{name}: {_slope(law)}")
        words.append(f"{name}: {law}")
    axes.set(xscale="log", yscale="log", xlabel="tokens N", ylabel=what)
    sizes = sorted({size for measured in costs.values() for size in measured})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return Picture(
        figure,
        f"{what[:1].upper()}{what[1:]} against the number of tokens, both axes logarithmic, with fitted lines. "
        f"{'; '.join(words)}.",
    )


def windows(image: Tensor, patch_size: int, window: int, patch: tuple[int, int]) -> Picture:
    """Which patches one patch meets: all of them in full attention, those of its window in windowed attention.

    image: (C, H, W) between 0 and 1; window: side in patches; patch: (row, column) of the one that looks
    """
    _, height, width = image.shape
    rows, cols = height // patch_size, width // patch_size
    row, col = patch
    top, left = row // window * window, col // window * window
    pixels = image.permute(1, 2, 0).detach().cpu().numpy()  # (C, H, W) -> (H, W, C)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    views = {"full attention": (0, 0, rows, cols), "windowed attention": (top, left, window, window)}
    for axes, (title, (first, start, high, wide)) in zip(figure.subplots(1, 2), views.items(), strict=True):
        seen = np.full((height, width, 1), 0.25)
        seen[first * patch_size : (first + high) * patch_size, start * patch_size : (start + wide) * patch_size] = 1
        axes.imshow(pixels * seen)
        for k in range(1, rows):
            axes.axhline(k * patch_size - 0.5, color="white", linewidth=0.4)
        for k in range(1, cols):
            axes.axvline(k * patch_size - 0.5, color="white", linewidth=0.4)
        if title != "full attention":
            for k in range(window, rows, window):
                axes.axhline(k * patch_size - 0.5, color="white", linewidth=2)
            for k in range(window, cols, window):
                axes.axvline(k * patch_size - 0.5, color="white", linewidth=2)
        corner = (col * patch_size - 0.5, row * patch_size - 0.5)
        axes.add_patch(Rectangle(corner, patch_size, patch_size, fill=False, edgecolor=ORANGE, linewidth=3))
        axes.set_title(f"{title}: meets {high * wide} patches", fontsize=10)
        axes.axis("off")
    return Picture(
        figure,
        f"A picture of {rows} by {cols} patches, twice. Left, full attention: the marked patch in row {row}, column "
        f"{col} meets all {rows * cols}. Right: it meets only the {window**2} of its own window of {window} by "
        f"{window}; the rest lies in the dark.",
    )


def _slope(law: PowerLaw) -> str:
    return f"slope {law.slope:.2f}\n(95%: {law.low:.2f} to {law.high:.2f})"


def _nothing_yet() -> Picture:
    figure = Figure(figsize=(6, 0.6))
    figure.text(0.5, 0.5, "nothing measured yet: predict first", ha="center", va="center", color=GREY)
    return Picture(figure, "An empty figure: nothing is measured before the prediction is made.")
