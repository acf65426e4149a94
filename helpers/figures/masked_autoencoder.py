"""Figures of lesson 07: the model, masked and painted pictures, cost, the sweep of mask ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

import torch
from matplotlib import pyplot
from matplotlib.patches import FancyBboxPatch
from numpy import ndarray
from torch import Tensor

from helpers.data import denormalise
from helpers.figures import Picture
from helpers.figures.palette import BLUE, ORANGE
from helpers.models.patches import patchify, unpatchify


def whole_model(image: Tensor, patch_size: int, hidden: Tensor) -> Picture:
    """The whole model from picture to painting, what this lesson adds to a ViT in colour.

    image: (1, H, W), normalised; patch_size: P in pixels; hidden: (N,) bool, True where a patch is masked
    """
    figure, axes = pyplot.subplots(figsize=(10, 2.9), layout="constrained")
    axes.set(xlim=(0, 100), ylim=(0, 29))
    axes.axis("off")
    seen = _greyed(image[None], hidden[None], patch_size)[0]
    kept = int((~hidden).sum())
    axes.imshow(_pixels(image), extent=(1, 15, 9, 23), cmap="gray", vmin=0, vmax=1)
    axes.imshow(seen, extent=(20, 34, 9, 23), vmin=0, vmax=1)
    boxes = [
        (39, 9, 13, 14, "encoder\n(a ViT)", "0.92", "black"),
        (57, 9, 13, 14, "mask tokens\njoin, all go\nto their places", ORANGE, "white"),
        (75, 11, 10, 10, "decoder\n(small)", ORANGE, "white"),
    ]
    for x, y, width, height, text, colour, ink in boxes:
        axes.add_patch(
            FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.4", facecolor=colour, edgecolor="0.4")
        )
        axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9, color=ink)
    for start, end in ((15.8, 19.2), (34.8, 38), (53, 56), (71, 74), (86, 89)):
        axes.annotate("", (end, 16), (start, 16), arrowprops={"arrowstyle": "->", "color": "0.3"})
    notes = [
        (8, f"{len(hidden)} patches"),
        (27, f"{kept} kept, at random"),
        (45.5, f"class token\n+ {kept} tokens"),
        (63.5, f"class token\n+ {len(hidden)} tokens"),
        (80, "all patches\npainted"),
        (94, "compared\nonly where\nhidden"),
    ]
    for x, text in notes:
        axes.text(x, 6.5, text, ha="center", va="top", fontsize=9)
    axes.text(94, 16, "masked\nloss", ha="center", va="center", fontsize=10, color=ORANGE, weight="bold")
    axes.set_aspect("equal")
    return Picture(
        figure,
        f"The masked autoencoder from left to right. A picture of {len(hidden)} patches; the same with only {kept} of "
        f"them kept; the encoder, a ViT, reads the class token and these {kept}. In colour what this lesson adds: "
        f"mask tokens join so that all {len(hidden)} places have a token again, a small decoder paints all patches, "
        "and the loss looks only at those that were hidden.",
    )


def masks(images: Tensor, mask: Tensor, patch_size: int) -> Picture:
    """Pictures with their masked patches covered. images: (B, 1, H, W), normalised; mask: (B, N), 1 where masked."""
    hidden = mask.bool()
    figure, row = pyplot.subplots(1, len(images), figsize=(1.7 * len(images), 1.8), layout="constrained", squeeze=False)
    for axes, picture in zip(row[0], _greyed(images, hidden, patch_size), strict=True):
        axes.imshow(picture)
        axes.axis("off")
    counts = sorted({int(count) for count in (~hidden).sum(dim=1)})
    return Picture(
        figure,
        f"{len(images)} pictures under masks of their own: of {hidden.shape[1]} patches each, "
        f"{' or '.join(map(str, counts))} are to be seen, scattered at random, the others are covered in blue-grey.",
    )


def painted_photo(
    image: Tensor, mask: Tensor, painted: Tensor, patch_size: int, denormalise: Callable[[Tensor], Tensor]
) -> Picture:
    """A photograph as the encoder sees it, as the decoder paints it, and as it is.

    image: (3, H, W) in [0, 1]; mask: (N,), 1 where masked; painted: (N, C*P*P), normalised; denormalise: to [0, 1]
    """
    size = tuple(image.shape[-2:])
    hidden = mask.bool()[None, :, None].expand(-1, -1, painted.shape[-1]).float()  # (1, N, C*P*P)
    veil = unpatchify(hidden, patch_size, size)[0]  # (3, H, W)
    whole = denormalise(unpatchify(painted[None], patch_size, size)[0])  # (3, H, W)
    pictures = {
        "the encoder sees": image * (1 - veil) + 0.5 * veil,
        "the decoder paints": image * (1 - veil) + whole * veil,
        "the picture": image,
    }
    figure, row = pyplot.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    for axes, (title, picture) in zip(row, pictures.items(), strict=True):
        axes.imshow(picture.permute(1, 2, 0).numpy())
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    return Picture(
        figure,
        f"A photograph three times: with {mask.float().mean():.0%} of its patches covered, with those as the "
        "published model paints them, and as it is.",
    )


def paintings(
    images: Tensor, mask: Tensor, painted: Mapping[str, Tensor], patch_size: int, names: Sequence[str] = ()
) -> Picture:
    """Pictures as the encoder sees them, as each decoder paints them, and as they are.

    images: (B, 1, H, W), normalised; mask: (B, N), 1 where masked; painted: (B, N, P*P) by the name of its model;
    names: a title for each picture
    """
    hidden, size = mask.bool(), tuple(images.shape[-2:])
    truth = patchify(images, patch_size)  # (B, N, P*P)
    rows = {"seen": _greyed(images, hidden, patch_size)}
    errors = []
    for name, patches in painted.items():
        filled = torch.where(hidden[:, :, None], patches.detach(), truth)  # (B, N, P*P)
        rows[name] = [_pixels(one) for one in unpatchify(filled, patch_size, size)]
        error = (patches.detach() - truth).square().mean(-1)[hidden].mean()
        errors.append(f"{name}: mean squared error {error:.2f} on the hidden patches")
    rows["the picture"] = [_pixels(one) for one in images]
    figure, grid = pyplot.subplots(
        len(rows), len(images), figsize=(1.2 * len(images) + 1.6, 1.25 * len(rows) + 0.2), squeeze=False
    )
    for line, (label, pictures) in zip(grid, rows.items(), strict=True):
        for axes, picture in zip(line, pictures, strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(label, fontsize=10)
    for axes, name in zip(grid[0], names, strict=False):
        axes.set_title(name, fontsize=9)
    figure.tight_layout(pad=0.4)
    return Picture(
        figure,
        f"{len(images)} pictures in {len(rows)} rows: what the encoder sees, with {hidden.float().mean():.0%} of the "
        "patches hidden (blue-grey); the same with the hidden patches painted by each model; the pictures themselves. "
        + "; ".join(errors) + ".",
    )  # fmt: skip


def speed(counted: Mapping[str, float], measured: Mapping[str, float]) -> Picture:
    """How many times as fast the encoder is, by what it reads, over reading all patches.

    counted, measured: factor by name, the same names; measured is empty before the experiment has run
    """
    figure, axes = pyplot.subplots(figsize=(6.4, 2.4), layout="constrained")
    places = range(len(counted))
    axes.barh([y - 0.2 for y in places], list(counted.values()), 0.36, color=BLUE, label="operations, counted")
    if measured:
        times = [measured[name] for name in counted]
        axes.barh([y + 0.2 for y in places], times, 0.36, color=ORANGE, label="time, measured")
    axes.set(xlabel="times as fast as with all patches", yticks=list(places), yticklabels=list(counted))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    told = "; ".join(
        f"{name}: {factor:.1f} by operations" + (f", {measured[name]:.1f} measured" if measured else "")
        for name, factor in counted.items()
    )
    return Picture(
        figure,
        f"How many times as fast the encoder is as with all patches. {told}."
        + ("" if measured else " The time has not been measured yet."),
    )


def ratio_sweep(values: Mapping[str, float], shipped: Mapping[str, Sequence[float]]) -> Picture:
    """Probe accuracy against the mask ratio: this run, and mean and spread of the shipped seeds.

    values: accuracy in percent by variant, named such as "75% hidden", or anything else for one without pre-training,
    which becomes a line; shipped: one number a seed, same names
    """
    figure, axes = pyplot.subplots(figsize=(6.4, 3), layout="constrained")
    known = {name: numbers for name, numbers in shipped.items() if len(numbers) > 1}
    if known:
        spread = {name: (statistics.mean(numbers), statistics.stdev(numbers)) for name, numbers in known.items()}
        ratios = [name for name in known if _ratio(name) is not None]
        means, deviations = zip(*(spread[name] for name in ratios), strict=True)
        marks = dict(fmt="s-", capsize=4, color=BLUE, label="shipped seeds")
        axes.errorbar([_ratio(name) for name in ratios], means, deviations, **marks)
        for name in sorted(known.keys() - set(ratios)):
            axes.axhline(spread[name][0], color="0.4", linestyle="--", label=f"{name}, shipped seeds")
    drawn = {name: value for name, value in values.items() if _ratio(name) is not None}
    if drawn:
        axes.plot([_ratio(name) for name in drawn], list(drawn.values()), "o", color=ORANGE, label="this run")
    if known or drawn:
        axes.legend(frameon=False, fontsize=9, loc="lower left")
    axes.set(xlabel="mask ratio (%)", ylabel="linear probe (%)", xlim=(0, 100))
    axes.spines[["top", "right"]].set_visible(False)
    told = "; ".join(f"{name}: {value:.1f}%" for name, value in values.items()) or "not measured yet"
    over_seeds = "; ".join(
        f"{name}: {statistics.mean(numbers):.1f} ± {statistics.stdev(numbers):.1f}%" for name, numbers in known.items()
    )
    return Picture(
        figure,
        f"Accuracy of a linear probe against the share of patches hidden in pre-training. This run: {told}."
        + (f" Over the shipped seeds: {over_seeds}." if over_seeds else ""),
    )


def _ratio(name: str) -> float | None:
    """The percentage that a variant's name begins with, if it does."""
    number, percent, _ = name.partition("%")
    return float(number) if percent else None


def _pixels(image: Tensor) -> ndarray:
    """A normalised picture (1, H, W) as (H, W) between 0 and 1."""
    return denormalise(image.detach().cpu())[0].numpy()


def _greyed(images: Tensor, hidden: Tensor, patch_size: int) -> list[ndarray]:
    """Pictures (B, 1, H, W) as (H, W, 3), their hidden patches (B, N) in one colour."""
    size = tuple(images.shape[-2:])
    veil = hidden[:, :, None].expand(-1, -1, patch_size**2).float()  # (B, N) -> (B, N, P*P)
    veil = unpatchify(veil, patch_size, size)[:, 0, :, :, None]  # (B, H, W, 1)
    pixels = denormalise(images.detach().cpu())[:, 0, :, :, None].expand(-1, -1, -1, 3)  # (B, H, W, 3)
    return list((pixels * (1 - veil) + veil * torch.tensor([0.42, 0.49, 0.58])).numpy())
