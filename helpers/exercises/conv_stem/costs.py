"""Exercises: conv_stem_flops, blocks_to_drop."""

from __future__ import annotations

from collections.abc import Callable

import torch

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import whole
from helpers.models import stems
from helpers.models.stems import channel_plan, patchify_flops
from helpers.runner import Call


def _sizes(generator: torch.Generator) -> tuple[int, int, int, tuple[int, int]]:
    """Channels, width, patch of 8 and a picture that is not square."""
    rows = whole(generator, 3, 9)
    return whole(generator, 2, 6), 4 * whole(generator, 5, 20), 8, (8 * rows, 8 * (rows + whole(generator, 2, 6)))


def _wide(generator: torch.Generator, patch: int) -> tuple[int, int, int, tuple[int, int]]:
    """As `_sizes`, with patches so large and a model so wide that the stem costs more than one block."""
    rows = whole(generator, 3, 9)
    picture = patch * rows, patch * (rows + whole(generator, 2, 6))
    return whole(generator, 1, 3), patch**2 * whole(generator, 4, 9), patch, picture


# ---------------------------------------------------------------------------------------------------- conv_stem_flops


def conv_stem_flops() -> Exercise:
    """What the convolutions of a stem cost."""

    def cases(generator: torch.Generator) -> list[Call]:
        sizes = [
            (3, 384, 16, (224, 224)),
            (1, 64, 4, (28, 28)),
            (3, 48, 8, (32, 64)),
            (2, 10, 2, (6, 4)),
            _sizes(generator),
        ]
        return [Call(args=size, group=f"stem {i}") for i, size in enumerate(sizes)]

    mistakes = (
        Mistake(
            "half",
            "Half of what was expected, in every case: a multiply-add counts 2 here, one multiplication and one "
            "addition (papers often count it once, as Xiao et al. do).",
            _count(factor=1),
        ),
        Mistake(
            "no 1x1 convolution",
            "The 1x1 convolution at the end is missing: each of the N places goes through a dim x dim matrix.",
            _count(last=False),
        ),
        Mistake(
            "the 1x1 convolution counted as 3x3",
            "The last convolution is counted with nine pixels; its kernel has one.",
            _count(last_taps=9),
        ),
        Mistake(
            "at the resolution of the input",
            "You count each convolution at the resolution of what it reads. It is computed once for each place that "
            "it *gives*: with stride 2 a quarter as many.",
            _count(sides=lambda size, before: size * 2),
        ),
        Mistake(
            "at the resolution of the picture",
            "You count every convolution at the full resolution of the picture. The sides halve each time.",
            _count(resolution=lambda height, width, patch, k: height * width),
        ),
        Mistake(
            "at the resolution of the tokens",
            "You count every convolution once for each token. Only the last one runs at that resolution; the first "
            "gives H/2 x W/2 places.",
            _count(resolution=lambda height, width, patch, k: (height // patch) * (width // patch)),
        ),
        Mistake(
            "three in place of nine pixels",
            "A 3x3 kernel reads nine pixels of each channel, and you count three.",
            _count(taps=3),
        ),
        Mistake(
            "a kernel of one pixel",
            "The nine pixels of the 3x3 kernels are missing from the count.",
            _count(taps=1),
        ),
        Mistake(
            "channels that come in forgotten",
            "Each output sums over all channels that come in, and you count only one of them.",
            _count(below=lambda channels: 1),
        ),
        Mistake(
            "channels that come in forgotten in the 3x3",
            "Each output of a 3x3 convolution sums over nine pixels of *all* channels that come in, and you count only "
            "one of them.",
            _one_channel_in,
        ),
        Mistake(
            "dim channels everywhere",
            "You count every convolution with dim channels. They double on the way and reach dim only with the last "
            "3x3 convolution.",
            _count(plan=lambda dim, patch: [dim] * (patch.bit_length() - 1)),
        ),
        Mistake(
            "channels stop at dim/2",
            "Your channels start one halving too low: the last 3x3 convolution gives dim channels, not dim/2.",
            _count(plan=lambda dim, patch: [width // 2 for width in channel_plan(dim, patch)]),
        ),
        Mistake(
            "one convolution too few",
            "The first 3x3 convolution, the one that reads the picture, is missing from your sum.",
            _count(first=1),
        ),
        Mistake(
            "rows used twice",
            "The places of a grid are rows times columns; you use the rows twice. On a square picture nobody would "
            "notice.",
            _count(resolution=lambda height, width, patch, k: (height // 2**k) ** 2),
        ),
        Mistake(
            "columns used twice",
            "The places of a grid are rows times columns; you use the columns twice. On a square picture nobody would "
            "notice.",
            _count(resolution=lambda height, width, patch, k: (width // 2**k) ** 2),
        ),
        Mistake(
            "strides of 2 halve the area",
            "You let each convolution halve the number of places. It halves both sides: a quarter is left.",
            _count(resolution=lambda height, width, patch, k: height * width // 2**k),
        ),
    )
    return Exercise(
        id="conv_stem_flops",
        title="What the stem costs",
        points=3,
        minutes=8,
        difficulty=2,
        cases=cases,
        reference=stems.conv_stem_flops,
        mistakes=mistakes,
        hints=(
            "One convolution: how many numbers does it give, and how many multiplications and additions does each of "
            "them need?",
            "Convolution k gives (H/2^k) * (W/2^k) places with c_k numbers each, and each number sums over 9 * c_(k-1) "
            "products.",
            "Add `2 * height * width * 9 * below * above` in a loop over the channels (halve the sides first), then "
            "`2 * height * width * dim * dim` for the 1x1 convolution.",
        ),
    )


def _one_channel_in(in_channels, dim, patch_size, image_size):
    only_3x3 = _count(below=lambda channels: 1, last=False)(in_channels, dim, patch_size, image_size)
    return only_3x3 + 2 * (image_size[0] // patch_size) * (image_size[1] // patch_size) * dim * dim


def _count(
    factor: int = 2,
    taps: int = 9,
    last: bool = True,
    last_taps: int = 1,
    first: int = 0,
    plan: Callable = channel_plan,
    below: Callable = lambda channels: channels,
    resolution: Callable | None = None,
    sides: Callable = lambda size, before: size,
) -> Callable:
    """conv_stem_flops with something counted otherwise.

    factor: of a multiply-add; taps, last_taps: pixels of the kernels; last: whether the 1x1 counts; first: number of
    the first convolution that counts; plan: channels; below: channels that come in; resolution: places that
    convolution k (from 1) is computed at; sides: of the grid that a 3x3 convolution is counted at.
    """

    def answer(in_channels, dim, patch_size, image_size):
        height, width = image_size
        channels = [in_channels, *plan(dim, patch_size)]
        total, last_k = 0, len(channels) - 1
        for k in range(1, last_k + 1):
            rows, cols = sides(height // 2**k, height), sides(width // 2**k, width)
            places = rows * cols if resolution is None else resolution(height, width, patch_size, k)
            if k > first:
                total += factor * places * taps * below(channels[k - 1]) * channels[k]
        grid = height // patch_size * (width // patch_size)
        places = grid if resolution is None else resolution(height, width, patch_size, last_k)
        return total + (factor * places * last_taps * below(channels[-1]) * dim if last else 0)

    return answer


# ----------------------------------------------------------------------------------------------------- blocks_to_drop


def blocks_to_drop() -> Exercise:
    """How many blocks pay for the stem."""

    def cases(generator: torch.Generator) -> list[Call]:
        sizes = [
            (3, 384, 16, (224, 224)),
            (1, 64, 4, (28, 28)),
            (1, 384, 16, (32, 48)),  # here one block suffices only with its attention
            (3, 256, 16, (112, 112)),
            (1, 96, 16, (48, 32)),  # here one block suffices only with its class token
            (1, 16, 8, (16, 24)),  # two blocks without their MLP
            (8, 8, 16, (32, 48)),  # the stem is the cheaper one
            (10, 28, 8, (32, 32)),  # stem and patchify cost the same
            (3, 96, 16, (16, 32)),
            _sizes(generator),
            _wide(generator, 2 ** whole(generator, 5, 7)),  # two blocks; in all above it is one, or none
            _wide(generator, 2 ** whole(generator, 8, 11)),  # three or four
        ]
        # one group for all with a price: "one block" is right of most, whoever says it
        return [
            Call(args=size, group="the price" if stems.blocks_to_drop(*size) else "nothing to pay") for size in sizes
        ]

    mistakes = (
        Mistake(
            "rounded to the nearest",
            "You round to the nearest whole number, so the new model may still cost more than the old one. It must "
            "not: round up.",
            _drop(whole=lambda share: max(0, round(share))),
        ),
        Mistake(
            "rounded down",
            "You round down, so the blocks that go do not pay for all of the stem. Round up.",
            _drop(whole=lambda share: max(0, int(share))),
        ),
        Mistake(
            "one more than rounded down",
            "One too many where nothing has to be paid at all: `int(...) + 1` rounds up only what is positive and no "
            "whole number.",
            _drop(whole=lambda share: max(1, int(share) + 1)),
        ),
        Mistake(
            "one more where nothing is left over",
            "`extra // block + 1` is one too many where the stem costs a whole number of blocks, 0 among them: look at "
            "a stem that costs just as much as patchify.",
            _drop(whole=lambda share: max(0, int(share // 1) + 1)),
        ),
        Mistake(
            "the difference without its sign",
            "Where the stem is cheaper than patchify you still let blocks go: keep the sign of the difference.",
            _drop(whole=lambda share: -int(-abs(share) // 1)),
        ),
        Mistake(
            "not rounded",
            "That is a fraction of a block. Blocks come whole: the smallest whole number that pays for the stem.",
            _drop(whole=lambda share: share),
        ),
        Mistake(
            "a negative number of blocks",
            "Where the stem is cheaper than patchify you ask for a negative number of blocks. Nothing has to go then: "
            "the answer is 0.",
            _drop(whole=lambda share: -int(-share // 1)),
        ),
        Mistake(
            "patchify not taken off",
            "You pay for the whole stem. What it replaces, the linear map of the patches, is saved: only the "
            "difference has to be paid.",
            _drop(saved=lambda *sizes: 0),
        ),
        Mistake(
            "a block that counts half",
            "Your block costs half of what it does: a multiply-add counts 2 in the stem, so in the block too.",
            _drop(block=lambda tokens, dim: _block(tokens, dim) / 2),
        ),
        Mistake(
            "a block without its MLP",
            "Your block holds attention only. Two thirds of the matrix products with weights are in its MLP.",
            _drop(block=lambda tokens, dim: 8 * tokens * dim**2 + 4 * tokens**2 * dim),
        ),
        Mistake(
            "a block without its projections",
            "Your block has no q, k, v and output projections: 8 M D^2.",
            _drop(block=lambda tokens, dim: 16 * tokens * dim**2 + 4 * tokens**2 * dim),
        ),
        Mistake(
            "a block without its attention",
            "Your block leaves out the two products of attention, 4 M^2 D.",
            _drop(block=lambda tokens, dim: 24 * tokens * dim**2),
        ),
        Mistake(
            "no class token",
            "Your block sees N tokens. There is a class token as well: M = N + 1.",
            _drop(extra_tokens=0),
        ),
    )
    return Exercise(
        id="blocks_to_drop",
        title="Blocks that pay for the stem",
        points=2,
        minutes=6,
        difficulty=2,
        cases=cases,
        reference=stems.blocks_to_drop,
        mistakes=mistakes,
        needs=("conv_stem_flops",),
        hints=(
            "What does the new model cost more at its start, and what does one block cost?",
            "More at the start: `conv_stem_flops(...)` minus 2 N C P^2 D. One block: 24 M D^2 + 4 M^2 D, M = N + 1.",
            "`math.ceil(extra / block)`, and 0 where `extra` is negative.",
        ),
    )


def _block(tokens: float, dim: int) -> float:
    return 24 * tokens * dim**2 + 4 * tokens**2 * dim


def _drop(
    whole: Callable = lambda share: max(0, -int(-share // 1)),
    saved: Callable = patchify_flops,
    block: Callable = _block,
    extra_tokens: int = 1,
) -> Callable:
    """blocks_to_drop with something done otherwise.

    whole: from the share of a block to what is returned; saved: FLOPs taken off; block: FLOPs of one; extra_tokens:
    tokens of the sequence that are no patches.
    """

    def answer(in_channels, dim, patch_size, image_size):
        height, width = image_size
        sizes = (in_channels, dim, patch_size, image_size)
        tokens = (height // patch_size) * (width // patch_size) + extra_tokens
        return whole((stems.conv_stem_flops(*sizes) - saved(*sizes)) / block(tokens, dim))

    return answer
