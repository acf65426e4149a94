"""Figures of lesson 04: fields on pictures, how they grow, how strongly pixels count, how far heads look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from helpers.figures import Picture, pixels
from helpers.figures.palette import BLUE, GREY, ORANGE, PALE
from helpers.models.receptive_field import cnn_receptive_field, effective_side, gaussian_fit


def growth(layers: Sequence[tuple[int, int, int]], vit: bool = False, width: int = 25) -> Picture:
    """One row of pixels, the units above it, and every path to one unit at the top of a CNN.

    layers: (kernel, stride, dilation) of the CNN, from the input up; vit: one block of a ViT beside it; width: pixels
    """
    columns = 2 if vit else 1
    figure, panels = pyplot.subplots(1, columns, figsize=(5.5 * columns, 2.9), layout="constrained", squeeze=False)
    panels = panels[0]
    left = panels[0]
    read = [{0}]  # places of units that count, layer by layer from the top, and where they lie in pixels
    for kernel, stride, dilation in reversed(layers):
        read.append({p * stride + (k - (kernel - 1) / 2) * dilation for p in read[-1] for k in range(kernel)})
    steps = [1]
    for _, stride, _ in layers:
        steps.append(steps[-1] * stride)
    for level, step in enumerate(steps):
        units = [p * step for p in read[len(layers) - level]]
        reach = width // 2 // step
        grid = [(units[0] % step) + step * k for k in range(-reach, reach + 1)]
        left.plot(grid, [level] * len(grid), "o", color=PALE, markersize=5, zorder=1)
        left.plot(units, [level] * len(units), "o", color=BLUE, markersize=6, zorder=3)
        if level:
            kernel, _, dilation = layers[level - 1]
            for unit in units:
                for k in range(kernel):
                    below = unit + (k - (kernel - 1) / 2) * dilation * steps[level - 1]
                    left.plot([below, unit], [level - 1, level], color=BLUE, linewidth=0.7, zorder=2)
    side = cnn_receptive_field(layers)
    left.set_title(f"a CNN: one unit after {len(layers)} layers sees {side} pixels of the row", fontsize=10)
    labels = ["pixels", *(f"{k} wide, stride {s}, dilation {d}" for k, s, d in layers)]
    left.set_yticks(range(len(labels)), labels, fontsize=8)

    alt = (
        f"A row of {width} pixels under {len(layers)} layers of a CNN; lines run from one unit at the top down to "
        f"{len(read[-1])} of the {side} pixels that its field spans."
    )
    if vit:
        alt += " Beside it: " + _one_block(panels[1], width)
    for axes in panels:
        axes.set(xlim=(-width / 2 - 0.5, width / 2 + 0.5), xticks=[])
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return Picture(figure, alt)


def _one_block(axes: Axes, width: int) -> str:
    """The row of pixels in patches, and every path to one token after one block of attention; says so."""
    patch, count = 5, width // 5
    middles = [patch * i + (patch - 1) / 2 - width // 2 for i in range(count)]
    pixels = range(-(width // 2), width // 2 + 1)
    axes.plot(pixels, [0] * width, "o", color=BLUE, markersize=6)
    for level in (1, 2):
        one = level == 2
        axes.plot(middles, [level] * count, "s", color=PALE if one else BLUE, markersize=8, zorder=3)
    chosen = count // 2
    axes.plot(middles[chosen], 2, "s", color=BLUE, markersize=8, zorder=4)
    for i, middle in enumerate(middles):
        for pixel in range(patch):
            axes.plot([patch * i + pixel - width // 2, middle], [0, 1], color=BLUE, linewidth=0.7)
        axes.plot([middle, middles[chosen]], [1, 2], color=BLUE, linewidth=1)
    axes.set_title(f"a ViT: one token after one block sees all {width} pixels", fontsize=10)
    axes.set_yticks(range(3), ["pixels", "tokens", "after block 1"], fontsize=8)
    return (
        f"the same row cut into {count} patches; after one block of attention lines run from one token to all {width} "
        "pixels."
    )


def fields(image: Tensor, masks: Mapping[str, Tensor]) -> Picture:
    """Fields on a picture: what a unit sees stays bright, the rest is dimmed.

    image: (C, H, W) in [0, 1]; masks: by title, bool (H, W)
    """
    figure, row = pyplot.subplots(
        1, len(masks), figsize=(10, 10 / len(masks) * 0.72 + 0.3), layout="constrained", squeeze=False
    )
    said = []
    for axes, (title, mask) in zip(row[0], masks.items(), strict=True):
        mask = mask.cpu()
        axes.imshow(pixels(image * (0.25 + 0.75 * mask)), cmap="gray", vmin=0, vmax=1)
        _outline(axes, mask)
        share = 100 * mask.float().mean().item()
        axes.set_title(f"{title}\n{int(mask.sum()):,} of {mask.numel():,} pixels", fontsize=9)
        axes.axis("off")
        said.append(f"{title}: {_extent(mask)}, {share:.3g}% of the picture")
    return Picture(figure, f"A picture, bright where one unit sees it and dimmed elsewhere. {'; '.join(said)}.")


def reactions(maps: Mapping[str, tuple[Tensor, int]]) -> Picture:
    """How strongly a unit reacts to each pixel, and the profile beside a Gaussian.

    maps: by title, the reaction (H, W), not negative, and the side of the theoretical field in pixels
    """
    figure, rows = pyplot.subplots(
        2, len(maps), figsize=(10, 5.2), layout="constrained", height_ratios=(3, 2), squeeze=False
    )
    said = []
    for (top, bottom), (title, (reaction, side)) in zip(rows.T, maps.items(), strict=True):
        height, width = reaction.shape
        effective = effective_side(reaction)
        top.imshow(reaction.cpu() / reaction.max(), cmap="viridis", vmin=0, vmax=1)
        for length, colour in ((side, "white"), (effective, ORANGE)):
            corner = ((width - length) / 2 - 0.5, (height - length) / 2 - 0.5)
            top.add_patch(Rectangle(corner, length, length, fill=False, edgecolor=colour, linewidth=1.5))
        top.set_title(f"{title}\nfield {side}, effective {effective:.0f} ({100 * effective / side:.0f}%)", fontsize=9)
        top.axis("off")
        profile, bell, explained = gaussian_fit(reaction)
        bottom.plot(profile, color=BLUE, label="measured")
        bottom.plot(bell, "--", color=ORANGE, label="Gaussian of the same width")
        bottom.set_title(f"the Gaussian explains {100 * explained:.1f}%", fontsize=9)
        bottom.set(yticks=[])
        bottom.spines[["top", "right", "left"]].set_visible(False)
        said.append(
            f"{title}: the field is {side} pixels wide, the effective one {effective:.0f} "
            f"({100 * effective / side:.0f}%), a Gaussian explains {100 * explained:.1f}% of its profile"
        )
    rows[1, 0].set_xlabel("row of the picture")
    rows[1, -1].legend(frameon=False, fontsize=8)
    return Picture(
        figure,
        "Above, how strongly the unit in the middle reacts to each pixel: a bright spot that fades outwards; the white "
        "square is the theoretical field, the orange one as large as the effective field. Below, its profile beside a "
        f"Gaussian. {'; '.join(said)}.",
    )


def token_reactions(image: Tensor, maps: Mapping[str, Tensor], patch: tuple[int, int, int]) -> Picture:
    """How strongly one token of a ViT reacts to each pixel, stage by stage.

    image: (1, H, W) in [0, 1]; maps: by title, (H, W), not negative; patch: its first row, first column, and side
    """
    figure, row = pyplot.subplots(1, len(maps) + 1, figsize=(10, 2.7), layout="constrained")
    top, left, side = patch
    row[0].imshow(image[0].cpu(), cmap="gray")
    row[0].set_title("picture and patch", fontsize=9)
    said = []
    for axes, (title, reaction) in zip(row[1:], maps.items(), strict=True):
        energy = reaction.square().cpu()
        share = 100 * (energy[top : top + side, left : left + side].sum() / energy.sum()).item()
        count = int((reaction > 0).sum())
        axes.imshow((reaction / reaction.max()).sqrt().cpu(), cmap="viridis", vmin=0, vmax=1)
        axes.set_title(f"{title}\n{count} pixels; own patch {share:.0f}%", fontsize=9)
        said.append(
            f"{title}: {count} of {reaction.numel()} pixels have a gradient, {share:.0f}% of its square lies "
            "on its own patch"
        )
    for axes in row:
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=ORANGE, linewidth=1.5))
        axes.axis("off")
    return Picture(
        figure, f"A picture with one patch marked, and how strongly its token reacts to each pixel. {'; '.join(said)}."
    )


def head_distances(blocks: Sequence[Tensor], everywhere: float, window: float) -> Picture:
    """Mean attention distance of every head, block by block, as the ViT paper's figure 7 (right) shows it.

    blocks: one (heads,) a block, in patches; everywhere: of a head that looks at all patches alike; window: of one
    that looks at its 3x3 neighbourhood
    """
    figure, axes = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
    for number, heads in enumerate(blocks, 1):
        heads = heads.detach().cpu()
        axes.plot([number] * len(heads), heads, "o", color=BLUE, alpha=0.8, label="a head" if number == 1 else None)
        axes.plot(number, heads.mean(), "_", color=ORANGE, markersize=28, label="their mean" if number == 1 else None)
    for value, style, label in ((everywhere, ":", "looks everywhere alike"), (window, "--", "looks at 3x3 patches")):
        axes.axhline(value, color=GREY, linestyle=style, linewidth=1, label=label)
    axes.set(xlabel="block", ylabel="attention distance in patches", ylim=(0, None))
    axes.set_xticks(range(1, len(blocks) + 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    said = "; ".join(
        f"block {number}: heads from {heads.min():.2f} to {heads.max():.2f}, mean {heads.mean():.2f}"
        for number, heads in enumerate(blocks, 1)
    )
    return Picture(
        figure,
        f"Attention distance in patches, a dot for each head. {said}. A head that looks everywhere alike would have "
        f"{everywhere:.2f}, one that looks at its 3x3 neighbourhood {window:.2f}.",
    )


def marks(images: Tensor, labels: Tensor) -> Picture:
    """Pictures with two marks each, and whether they are alike. images: (B, 1, H, W); labels: (B,), 1 for alike."""
    figure, row = pyplot.subplots(1, len(images), figsize=(10, 10 / len(images) + 0.35), layout="constrained")
    words = ["alike" if label else "not alike" for label in labels]
    for axes, image, word in zip(row, images, words, strict=True):
        axes.imshow(image[0].cpu(), cmap="gray")
        axes.set_title(word, fontsize=9)
        axes.axis("off")
    return Picture(
        figure,
        f"{len(images)} dark pictures with a small bright mark near the left edge and one near the right edge; the two "
        f"marks are, from left to right: {', '.join(words)}.",
    )


def _outline(axes, mask: Tensor) -> None:
    rows, cols = mask.any(1).nonzero(), mask.any(0).nonzero()
    if len(rows):
        top, left = int(rows.min()), int(cols.min())
        size = (int(cols.max()) + 1 - left, int(rows.max()) + 1 - top)
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), *size, fill=False, edgecolor=ORANGE, linewidth=1.5))


def _extent(mask: Tensor) -> str:
    rows, cols = mask.any(1).nonzero(), mask.any(0).nonzero()
    if not len(rows):
        return "nothing"
    return f"{int(rows.max() - rows.min()) + 1} by {int(cols.max() - cols.min()) + 1} pixels"
