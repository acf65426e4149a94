"""Exercises: patchify, unpatchify, linear_to_conv, PatchEmbed."""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import axes, other, variant, weights
from helpers.models import patches as course
from helpers.models.conventions import Conventions
from helpers.models.vit import PatchEmbed
from helpers.runner import Call


def patchify(conventions: Conventions) -> Exercise:
    """Pictures to a sequence of flattened patches."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 4, 6), 2), group="shape and order"),
            Call((draw(1, 1, 6, 6), 3), group="shape and order"),
            Call((draw(3, 2, 8, 4), 4), group="shape and order"),
            Call((draw(2, 3, 6, 4).float(), 2), gradients=True, group="gradient"),
        ]

    pattern = conventions.pattern
    sequence, patch = axes(conventions)
    grid_words, wrong_grid_words = _grid_words(conventions), _grid_words(other(conventions, "sequence"))

    def cut(pattern: str, **lengths: int):
        return lambda images, patch_size: rearrange(images, pattern, p1=patch_size, p2=patch_size, **lengths)

    def patches_by_loops(images, patch_size):
        side = images.shape[2] // patch_size
        starts = [i * patch_size for i in range(side)]
        corners = [(y, x) for y in starts for x in starts]
        if conventions.sequence == "column-major":
            corners = [(y, x) for x, y in corners]
        found = [images[:, :, y : y + patch_size, x : x + patch_size] for y, x in corners]
        return torch.stack([rearrange(one, f"b c p1 p2 -> b {patch}") for one in found], dim=1)

    mistakes = (
        Mistake(
            "subsampled pictures",
            "Each of your patches is a thinned-out copy of the whole picture. In a bracket the left factor is the slow "
            "one, so `(p1 h)` takes every h-th pixel, and a patch should hold neighbouring pixels. Which factor of the "
            "height is the slow one?",
            cut(_subsampled(pattern)),
        ),
        Mistake(
            "grid transposed",
            f"Your sequence walks through the grid {wrong_grid_words}, and {grid_words} was asked for. Look at the "
            "order of h and w in the bracket of the sequence.",
            cut(other(conventions, "sequence").pattern),
        ),
        Mistake(
            "another order within a patch",
            f"The patches come in the right order; within each of them the numbers do not. The convention here is "
            f"`{patch}`, and yours is `{axes(other(conventions, 'patch'))[1]}`: both are in use, so a text has to say "
            "which, and this one does.",
            cut(other(conventions, "patch").pattern),
        ),
        Mistake(
            "two orders swapped",
            f"Both orders are the other way round: the sequence should be `{sequence}` and a patch `{patch}`.",
            cut(other(conventions, "sequence", "patch").pattern),
        ),
        Mistake(
            "every patch transposed",
            "Within each patch rows and columns are swapped: as a picture, each of your patches is mirrored on its "
            "diagonal. The row p1 is the slow axis, the column p2 the fast one.",
            cut(pattern.replace("p1 p2", "p2 p1")),
        ),
        Mistake(
            "view without permute",
            "The shape is right, but `reshape` (or `view`) only cuts the numbers as they lie in memory: your first "
            "patch is the start of the first row of pixels. Axes have to be split, moved and joined again.",
            lambda images, patch_size: images.reshape(
                images.shape[0], images.shape[2] * images.shape[3] // patch_size**2, -1
            ),
        ),
        Mistake(
            "windows joined across channels",
            "The windows are cut correctly; then a bare `reshape` joins them with the channels still in front of "
            "the grid, so a token holds several patches of one channel. Bring the grid in front of the channels "
            "first.",
            lambda images, patch_size: rearrange(
                images, "b c (h p1) (w p2) -> b (c h w p1 p2)", p1=patch_size, p2=patch_size
            ).reshape(len(images), -1, images.shape[1] * patch_size**2),
        ),
        Mistake(
            "a grid of patch_size x patch_size patches",
            "You cut each picture into patch_size x patch_size patches. `patch_size` is the side of one patch in "
            'pixels: in "16x16 words" the 16 counts pixels, and the size of the grid follows from the picture.',
            lambda images, patch_size: rearrange(images, pattern, h=patch_size, w=patch_size),
        ),
        Mistake(
            "only square pictures",
            "It works for square pictures only: the number of patches in a row is taken from the height. Rows come "
            "from the height, columns from the width.",
            lambda images, patch_size: cut(pattern, h=images.shape[2] // patch_size, w=images.shape[2] // patch_size)(
                images, patch_size
            ),
        ),
        Mistake(
            "only the left square",
            "Your loops run over as many columns as there are rows, so a wide picture loses its right side and a tall "
            "one runs over its edge. Count the columns from the width.",
            patches_by_loops,
        ),
        Mistake(
            "patches not flattened",
            "The patches are cut correctly and still have the shape (B, N, C, P, P): a token is one vector, so the "
            "last three axes belong into one.",
            cut(pattern.replace(patch, patch.strip("()"))),
        ),
        Mistake(
            "axes N and C*P*P swapped",
            "Sequence and content have changed places: you return (B, C*P*P, N), as `F.unfold` does. A Transformer "
            "reads (batch, tokens, width).",
            cut(pattern.replace(f"{sequence} {patch}", f"{patch} {sequence}")),
        ),
        Mistake(
            "each channel its own patch",
            "You have C times too many tokens: each channel became a token of its own. A token holds all channels "
            "of its piece of the picture.",
            cut(f"b c (h p1) (w p2) -> b (c {sequence.strip('()')}) (p1 p2)"),
        ),
        Mistake(
            "the batch joined into the sequence",
            "The patches of all pictures stand in one long sequence. The batch axis stays as it is: each picture "
            "has its own N patches.",
            cut(pattern.replace(f"-> b {sequence}", f"-> (b {sequence.strip('()')})")),
        ),
        Mistake(
            "overlapping patches",
            "Your patches overlap: the window moves on by one pixel. It should move on by a whole patch, so that each "
            "pixel belongs to exactly one token.",
            lambda images, patch_size: F.unfold(images, patch_size).transpose(1, 2),
        ),
    )
    return Exercise(
        id="patchify",
        title="Cut pictures into patches",
        points=3,
        minutes=7,
        difficulty=1,
        cases=cases,
        reference=partial(course.patchify, conventions=conventions),
        mistakes=mistakes,
        hints=(
            "Name the axes first: the height of a picture is a grid of `h` rows of patches, each `p1` pixels high.",
            "An einops pattern can split and join at once: brackets on the left split the height into two axes, "
            "brackets on the right join axes into one. In each bracket the left factor is the slow one.",
            "On the left stands `b c (h p1) (w p2)`. On the right come b and two brackets: first the grid, then the "
            "content of a patch, both in the order that the text asks for. einops has to be told p1 and p2.",
        ),
    )


def unpatchify(conventions: Conventions) -> Exercise:
    """Flattened patches back to pictures."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 6, 12), 2, (4, 6)), group="shape and order"),
            Call((draw(1, 4, 9), 3, (6, 6)), group="shape and order"),
            Call((draw(3, 2, 32), 4, (8, 4)), group="shape and order"),
            Call((draw(1, 16, 8), 2, (4, 16)), group="shape and order"),
            Call((draw(2, 6, 12).float(), 2, (6, 4)), gradients=True, group="gradient"),
        ]

    def joined(forward: str):
        left, right = forward.split(" -> ")

        def join(patches, patch_size, image_size):
            rows, cols = image_size[0] // patch_size, image_size[1] // patch_size
            return rearrange(patches, f"{right} -> {left}", h=rows, w=cols, p1=patch_size, p2=patch_size)

        return join

    correct = joined(conventions.pattern)

    def width_first(patches, patch_size, image_size):
        return correct(patches, patch_size, image_size[::-1])

    def width_first_reshaped(patches, patch_size, image_size):
        return width_first(patches, patch_size, image_size).reshape(len(patches), -1, *image_size)

    def square_only(patches, patch_size, image_size):
        side = math.isqrt(patches.shape[1]) * patch_size
        return correct(patches, patch_size, (side, side))

    def three_channels(patches, patch_size, image_size):
        images = correct(patches, patch_size, image_size)
        return images.reshape(len(patches), 3, *image_size)

    mistakes = (
        Mistake(
            "undoes subsampling",
            "This undoes a patchify that thins the picture out: neighbouring pixels of a patch end up far apart. "
            "With such a patchify the round trip would succeed, and both would be wrong. Which factor of the height "
            "is slow?",
            joined(_subsampled(conventions.pattern)),
        ),
        Mistake(
            "grid transposed",
            f"You lay the patches out {_grid_words(other(conventions, 'sequence'))}, and the sequence runs "
            f"{_grid_words(conventions)}. If your round trip works, patchify has the same fault.",
            joined(other(conventions, "sequence").pattern),
        ),
        Mistake(
            "another order within a patch",
            f"Each patch lands in its place with its numbers mixed up: they are stored as `{axes(conventions)[1]}`, "
            f"and you read them as `{axes(other(conventions, 'patch'))[1]}`.",
            joined(other(conventions, "patch").pattern),
        ),
        Mistake(
            "two orders swapped",
            f"Both orders are the other way round: the sequence is `{axes(conventions)[0]}` and a patch "
            f"`{axes(conventions)[1]}`. If your round trip works, patchify has the same fault.",
            joined(other(conventions, "sequence", "patch").pattern),
        ),
        Mistake(
            "every patch transposed",
            "Every patch lands in its place, mirrored on its diagonal: within a patch p1 (the row) is the slow axis.",
            joined(conventions.pattern.replace("p1 p2", "p2 p1")),
        ),
        Mistake(
            "view without permute",
            "The shape is right, but a bare `reshape` puts the first patch's numbers side by side into the first "
            "rows of pixels. Split the axes, move them, then join them.",
            lambda patches, patch_size, image_size: patches.reshape(len(patches), -1, *image_size),
        ),
        Mistake(
            "width before height",
            "Height and width have changed places: `image_size` is (H, W), height first, as in the shape of a "
            "tensor of pictures (and not as in Pillow's `size`).",
            width_first,
        ),
        Mistake(
            "width before height, then reshaped",
            "The shape is right because of a reshape at the end; inside, the grid has H/P columns and W/P rows. "
            "`image_size` is (H, W).",
            width_first_reshaped,
        ),
        Mistake(
            "only square grids",
            "You take the side of the grid as the root of the number of patches, which holds for square pictures only. "
            "`image_size` is there to tell you.",
            square_only,
        ),
        Mistake(
            "three channels assumed",
            "It works for pictures with three channels only. How many there are follows from the length of a patch.",
            three_channels,
        ),
    )
    return Exercise(
        id="unpatchify",
        title="Put the pictures together again",
        points=2,
        minutes=5,
        difficulty=1,
        cases=cases,
        reference=partial(course.unpatchify, conventions=conventions),
        mistakes=mistakes,
        hints=(
            "An einops pattern read from right to left undoes itself.",
            "einops cannot guess how N splits into rows and columns: tell it h and w, which follow from image_size and "
            "patch_size.",
            "Swap the two sides of patchify's pattern, and pass h, w, p1 and p2. The number of channels is what is "
            "left.",
        ),
    )


def linear_to_conv(conventions: Conventions) -> Exercise:
    """The weight of a linear layer on patches as the kernel of a stride-P convolution."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(5, 3 * 4), 3, 2), group="values"),
            Call((draw(2, 1 * 9), 1, 3), group="values"),
            Call((draw(4, 2 * 4), 2, 2), group="values"),
            Call((draw(3, 2 * 9).float(), 2, 3), gradients=True, group="gradient"),
        ]

    _, patch = axes(conventions)

    def kernel(flat: str, result: str = "d c p1 p2"):
        def convert(weight, channels, patch_size):
            return rearrange(weight, f"d {flat} -> {result}", c=channels, p1=patch_size, p2=patch_size)

        return convert

    correct = kernel(patch)
    mistakes = (
        Mistake(
            "another order within a patch",
            f"You read a row of the weight as `{axes(other(conventions, 'patch'))[1]}`; patchify flattens a patch as "
            f"`{patch}`, and the weight has to be unfolded in that same order.",
            kernel(axes(other(conventions, "patch"))[1]),
        ),
        Mistake(
            "kernel transposed",
            "Rows and columns of the kernel are swapped: within a patch p1 (the row) is the slow axis, and a Conv2d "
            "kernel has the shape (D, C, rows, columns).",
            kernel(patch.replace("p1 p2", "p2 p1")),
        ),
        Mistake(
            "channels last in the kernel",
            "You return (D, P, P, C). PyTorch keeps the kernel of a Conv2d as (out channels, in channels, rows, "
            "columns).",
            kernel(patch, "d p1 p2 c"),
        ),
        Mistake(
            "kernel flipped",
            "You have mirrored the kernel, as the convolution of mathematics does. `Conv2d` is a cross-correlation: it "
            "multiplies pixel by pixel without mirroring, just as the linear layer does.",
            lambda *args: correct(*args).flip(-1, -2),
        ),
        Mistake(
            "in and out channels swapped",
            "You return (C, D, P, P), which is the layout of a transposed convolution. A Conv2d kernel has its D "
            "outputs first.",
            kernel(patch, "c d p1 p2"),
        ),
        Mistake(
            "weight transposed first",
            "The values are scrambled: `nn.Linear` keeps its weight as (out, in), one row per output, so there is "
            "nothing to transpose before the rows are unfolded.",
            lambda weight, channels, patch_size: weight.T.reshape(len(weight), channels, patch_size, patch_size),
        ),
    )
    return Exercise(
        id="linear_to_conv",
        title="A linear layer on patches is a convolution",
        points=2,
        minutes=5,
        difficulty=2,
        cases=cases,
        reference=partial(course.linear_to_conv, conventions=conventions),
        mistakes=mistakes,
        hints=(
            "Nothing is computed here: each output of the linear layer has one number per pixel and channel of a "
            "patch, and so has each output of the convolution.",
            "Row d of the weight is one flattened patch. Which order did patchify flatten it in?",
            f"Unfold the second axis as `{patch}` and bring the parts into the order (D, C, P, P).",
        ),
    )


def patch_embed(conventions: Conventions) -> Exercise:
    """The module from pictures to patch tokens."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(batch, channels, height, width, patch_size, dim, dtype=torch.float64, **more) -> Call:
            state = weights(PatchEmbed(patch_size, channels, dim), generator, dtype)
            images = draw(batch, channels, height, width).to(dtype)
            return Call((images,), build=(patch_size, channels, dim), state=state, **more)

        return [
            call(2, 3, 4, 6, 2, 5, group="values"),
            call(1, 1, 6, 6, 3, 4, group="values"),
            call(3, 2, 8, 4, 4, 3, group="values"),
            call(2, 3, 6, 4, 2, 5, torch.float32, gradients=True, group="gradient"),
        ]

    sequence, _ = axes(conventions)
    wrong_sequence, _ = axes(other(conventions, "sequence"))

    def tokens(features, order=sequence):
        return rearrange(features, f"b d h w -> b {order} d")

    mistakes = (
        Mistake(
            "channels where tokens belong",
            "You return (B, D, N): after flattening the grid the channels still come first. A token is a row, so N "
            "comes before D.",
            variant(PatchEmbed, lambda m, images: rearrange(m.proj(images), f"b d h w -> b d {sequence}")),
        ),
        Mistake(
            "grid transposed",
            f"The tokens come {_grid_words(other(conventions, 'sequence'))}, and {_grid_words(conventions)} was asked "
            "for, as in patchify.",
            variant(PatchEmbed, lambda m, images: tokens(m.proj(images), wrong_sequence)),
        ),
        Mistake(
            "view without permute",
            "The shape is right, but a bare `reshape` of (B, D, h, w) mixes features of different patches into one "
            "token. Move the channel axis to the end.",
            variant(PatchEmbed, lambda m, images: _reshaped(m.proj(images))),
        ),
        Mistake(
            "overlapping patches",
            "Far too many tokens: without `stride` the convolution moves on by one pixel. A patch embedding moves "
            "on by a whole patch.",
            variant(PatchEmbed, lambda m, images: tokens(F.conv2d(images, m.proj.weight, m.proj.bias))),
        ),
        Mistake(
            "grid kept",
            "You return the (B, D, h, w) of the convolution. The Transformer reads a sequence: (B, N, D).",
            variant(PatchEmbed, lambda m, images: m.proj(images)),
        ),
        Mistake(
            "bias forgotten",
            "Every token is off by the same vector: the bias of the projection is missing.",
            variant(PatchEmbed, lambda m, images: tokens(F.conv2d(images, m.proj.weight, stride=m.patch_size))),
        ),
        Mistake(
            "activation after the projection",
            "Negative values are gone: there is an activation behind the projection. The patch embedding is linear, "
            "nothing else (equation 1 of the paper).",
            variant(PatchEmbed, lambda m, images: tokens(m.proj(images)).relu()),
        ),
    )
    return Exercise(
        id="PatchEmbed",
        title="Pictures to tokens, as a module",
        points=2,
        minutes=5,
        difficulty=1,
        cases=cases,
        reference=partial(PatchEmbed, conventions=conventions),
        mistakes=tuple(_under_conventions(mistake, conventions) for mistake in mistakes),
        hints=(
            "One `nn.Conv2d` cuts and projects at once: which kernel size and which stride make it look at each patch "
            "once?",
            "It gives (B, D, H/P, W/P): one vector of D numbers for each place of the grid. Flatten the grid, and "
            "put D last.",
            f"`self.proj` is the convolution; then rearrange `b d h w` to `b {sequence} d`.",
        ),
    )


def _under_conventions(mistake: Mistake, conventions: Conventions) -> Mistake:
    return Mistake(mistake.name, mistake.message, partial(mistake.answer, conventions=conventions))


def _reshaped(features):
    batch, dim, rows, cols = features.shape
    return features.reshape(batch, rows * cols, dim)


def _subsampled(pattern: str) -> str:
    return pattern.replace("(h p1) (w p2)", "(p1 h) (p2 w)")


def _grid_words(conventions: Conventions) -> str:
    return conventions.words()["sequence_words"]
