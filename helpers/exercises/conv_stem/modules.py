"""Exercises: ConvStem, depthwise_on_grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from helpers.exercises.definition import Exercise, Mistake
from helpers.models import conv_places
from helpers.models.conventions import Conventions
from helpers.models.stems import ConvStem
from helpers.runner import Call

ORDERS = {"row-major": "(h w)", "column-major": "(w h)"}
OTHER = {"row-major": "column-major", "column-major": "row-major"}


def conv_stem(conventions: Conventions) -> Exercise:
    """The module from pictures to tokens."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(batch, height, width, build, dtype=torch.float64, **more) -> Call:
            images = draw(batch, build[0], height, width).to(dtype)
            return Call((images,), build=build, state=_drawn(ConvStem(*build), generator, dtype), **more)

        return [
            call(2, 8, 16, (3, 6, 4), group="values"),
            call(1, 16, 8, (1, 8, 8), group="values"),
            call(3, 6, 4, (2, 5, 2), group="values"),
            call(2, 12, 8, (2, 4, 4), torch.float32, gradients=True, group="gradient"),
            Call((torch.zeros(0, 3, 24, 48),), build=(3, 8, 6), group="a patch of 6"),  # no picture: only shapes count
        ]

    order, wrong_order = ORDERS[conventions.sequence], ORDERS[OTHER[conventions.sequence]]
    words = conventions.words()["sequence_words"]
    mistakes = (
        Mistake(
            "no norm",
            "The norms are never used: `self.norms` has one for each 3x3 convolution, between it and the ReLU. "
            "Without them the feature maps grow or shrink from layer to layer, and training gets touchy.",
            _stem(norm=lambda norm, x: x),
        ),
        Mistake(
            "statistics of the batch at test time",
            "The norms use the mean and spread of the batch at hand even in evaluation mode, so a token depends on "
            "which other pictures are in the batch. Call the `nn.BatchNorm2d` itself: it knows its mode.",
            _stem(norm=lambda norm, x: F.batch_norm(x, None, None, norm.weight, norm.bias, training=True)),
        ),
        Mistake(
            "no ReLU",
            "There is no ReLU: convolutions in a row, and norms that only scale and shift, are one linear map, such "
            "as patchify has, only dearer.",
            _stem(activate=lambda x: x),
        ),
        Mistake(
            "ReLU before the norm",
            "ReLU and norm have changed places. The order is convolution, norm, ReLU: the norm centres the values, so "
            "that the ReLU has something to cut off.",
            _stem(relu_first=True),
        ),
        Mistake(
            "GELU in place of ReLU",
            "The stem uses ReLU, as the convolutional networks do that it is taken from; GELU is for the blocks.",
            _stem(activate=F.gelu),
        ),
        Mistake(
            "ReLU after the 1x1 convolution",
            "Your tokens are never negative: there is a ReLU after the 1x1 convolution. It is the linear map at the "
            "end, nothing follows it.",
            _stem(at_the_end=F.relu),
        ),
        Mistake(
            "no ReLU before the 1x1 convolution",
            "The last 3x3 convolution has no ReLU. Each of them has one, the last included; only the 1x1 has none.",
            _stem(last_activated=False),
        ),
        Mistake(
            "no norm before the 1x1 convolution",
            "The last 3x3 convolution has no norm. Each of them has one, the last included; only the 1x1 has none.",
            _stem(last_normed=False),
        ),
        Mistake(
            "no 1x1 convolution",
            "`self.proj` is never used: your tokens are what the last ReLU gave, and so never negative. The 1x1 "
            "convolution comes last.",
            _stem(project=False),
        ),
        Mistake(
            "padding 0",
            "There are too few tokens: without padding a 3x3 convolution loses a line at the border, each time. With "
            "`padding=1` a stride of 2 halves the sides exactly.",
            _stem(padding=0),
        ),
        Mistake(
            "no stride",
            "There are far too many tokens, one for each pixel: each 3x3 convolution has to halve both sides with "
            "`stride=2`.",
            _stem(strides=lambda patch, number: 1),
        ),
        Mistake(
            "the whole stride in the first convolution",
            "The first convolution takes all of the stride: it looks at 3x3 pixels, skips the rest of each patch, and "
            "those pixels are never seen. Each 3x3 convolution has stride 2.",
            _stem(strides=lambda patch, number: patch if number == 0 else 1),
        ),
        Mistake(
            "the whole stride at the end",
            "All convolutions but the last keep the full resolution, and a large stride at the end, in the last 3x3 or "
            "in the 1x1, throws most of their work away. Each 3x3 convolution has stride 2, the 1x1 has stride 1.",
            _stem(strides=lambda patch, number: 1, last_stride=lambda patch: patch),
        ),
        Mistake(
            "no stride in the first convolution",
            "The first convolution has stride 1, so every side comes out twice as long: it has stride 2 like the "
            "others.",
            _stem(strides=lambda patch, number: 1 if number == 0 else 2),
        ),
        Mistake(
            "a stride of 2 in the 1x1 convolution, too",
            "There are too few tokens: the 1x1 convolution has stride 2 as well. log2(P) halvings are all there is.",
            _stem(last_stride=lambda patch: 2),
        ),
        Mistake(
            "max pooling in place of strides",
            "The sides are halved by max pooling after convolutions of stride 1. Here the convolution itself has "
            "stride 2, which costs a quarter.",
            _stem(strides=lambda patch, number: 1, pool=lambda x: F.max_pool2d(x, 2)),
        ),
        Mistake(
            "(B, D, N)",
            "You return (B, dim, N): after flattening the grid the features still come first. A token is a row, so N "
            "comes before dim.",
            _stem(tokens=f"b d h w -> b d {order}"),
        ),
        Mistake(
            "grid kept",
            "You return the (B, dim, H/P, W/P) of the last convolution. The Transformer reads a sequence: (B, N, dim).",
            _stem(tokens="b d h w -> b d h w"),
        ),
        Mistake(
            "grid kept, features last",
            "You return (B, H/P, W/P, dim): the features are last, as they should be, and the grid is not flattened "
            "yet. The Transformer reads a sequence: (B, N, dim).",
            _stem(tokens="b d h w -> b h w d"),
        ),
        Mistake(
            "grid transposed",
            f"The tokens come in the other order over the grid: they are wanted {words}, as in patchify.",
            _stem(tokens=f"b d h w -> b {wrong_order} d"),
        ),
        Mistake(
            "view without permute",
            "The shape is right, but a bare `reshape` of (B, dim, h, w) mixes features of different places into one "
            "token. Move the feature axis to the end.",
            _stem(tokens=lambda x: x.reshape(len(x), -1, x.shape[1])),
        ),
        Mistake(
            "a patch of 6 accepted",
            "A patch of 6 pixels is let through, with two convolutions that halve twice: its tokens stand for 4x4 "
            "pixels. Strides of 2 give powers of two only, so raise a ValueError for all others.",
            _LetsThrough,
        ),
    )
    return Exercise(
        id="ConvStem",
        title="A convolutional stem",
        points=4,
        minutes=12,
        difficulty=3,
        cases=cases,
        reference=partial(ConvStem, conventions=conventions),
        mistakes=tuple(
            replace(mistake, answer=partial(mistake.answer, conventions=conventions)) for mistake in mistakes
        ),
        hints=(
            "How often must sides be halved until one place stands for P pixels? One 3x3 convolution for each time.",
            "Write the channels down as a list first: it starts with `in_channels`, ends with `dim` and doubles in "
            "between; neighbours in the list are the two channel numbers of a convolution. `nn.ModuleList` keeps them.",
            "`F.relu(norm(conv(x)))` in a loop over both lists, with `kernel_size=3, stride=2, padding=1, bias=False`; "
            f"then `self.proj`, and `b d h w -> b {order} d`. A power of two has one bit: `patch_size & (patch_size - "
            "1)` is 0.",
        ),
    )


class _LetsThrough(ConvStem):
    """A ConvStem that takes the next smaller power of two for its patches."""

    def __init__(self, in_channels: int, dim: int, patch_size: int, conventions: Conventions):
        super().__init__(in_channels, dim, 2 ** (patch_size.bit_length() - 1), conventions)


def _stem(
    norm: Callable = lambda norm, x: norm(x),
    activate: Callable = F.relu,
    relu_first: bool = False,
    last_activated: bool = True,
    last_normed: bool = True,
    project: bool = True,
    padding: int = 1,
    strides: Callable = lambda patch, number: 2,
    last_stride: Callable = lambda patch: 1,
    pool: Callable = lambda x: x,
    at_the_end: Callable = lambda x: x,
    tokens: str | Callable | None = None,
) -> type[ConvStem]:
    """A ConvStem with something done otherwise.

    norm: from the norm and what it gets; activate: the activation; relu_first: before the norm; last_activated,
    last_normed: whether the last 3x3 convolution has them; project: whether the 1x1 convolution is used; padding,
    strides, last_stride: of the 3x3 convolutions and of the 1x1; pool: after each activation; at_the_end: after the 1x1
    convolution; tokens: pattern or function from the grid to what is returned.
    """

    def forward(m: ConvStem, images: Tensor) -> Tensor:
        x, last = images, len(m.convs) - 1
        for number, (conv, batch_norm) in enumerate(zip(m.convs, m.norms, strict=True)):
            x = F.conv2d(x, conv.weight, stride=strides(m.patch_size, number), padding=padding)
            normed = (lambda y, n=batch_norm: norm(n, y)) if number < last or last_normed else (lambda y: y)
            activated = activate if number < last or last_activated else (lambda y: y)
            x = pool(normed(activated(x)) if relu_first else activated(normed(x)))
        if project:
            x = F.conv2d(x, m.proj.weight, m.proj.bias, stride=last_stride(m.patch_size))
        x = at_the_end(x)
        if callable(tokens):
            return tokens(x)
        return rearrange(x, tokens or f"b d h w -> b {ORDERS[m.conventions.sequence]} d")

    return type("ConvStem", (ConvStem,), {"forward": forward})


def _drawn(model: nn.Module, generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights and running statistics drawn anew: each of them shows in the result."""
    state = {}
    for name, value in model.state_dict().items():
        drawn = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("running_var"):
            drawn = drawn.square() + 0.5
        elif name.startswith("norms") and name.endswith("weight"):
            drawn = 1 + 0.3 * drawn
        elif value.ndim > 1:
            drawn = 1.5 * drawn / value[0].numel() ** 0.5
        state[name] = drawn.to(dtype)
    return state


# --------------------------------------------------------------------------------------------------- depthwise_on_grid


def depthwise_on_grid(conventions: Conventions) -> Exercise:
    """A 3x3 depthwise convolution over the grid of the tokens."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(batch, dim, grid, dtype=torch.float64, **more) -> Call:
            tokens, weight = draw(batch, grid[0] * grid[1], dim).to(dtype), draw(dim, 1, 3, 3).to(dtype)
            return Call((tokens, weight, grid), **more)

        return [
            call(2, 4, (3, 5), group="values"),
            call(1, 6, (4, 2), group="values"),
            call(3, 1, (2, 6), group="values"),
            call(2, 3, (5, 3), torch.float32, gradients=True, group="gradient"),
        ]

    order, wrong_order = ORDERS[conventions.sequence], ORDERS[OTHER[conventions.sequence]]

    def on_grid(tokens, rows, cols, pattern=order):
        return rearrange(tokens, f"b {pattern} d -> b d h w", h=rows, w=cols)

    def answer(
        enter: Callable = on_grid,
        convolve: Callable = lambda maps, weight: F.conv2d(maps, weight, padding=1, groups=len(weight)),
        leave: Callable = lambda maps: rearrange(maps, f"b d h w -> b {order} d"),
    ) -> Callable:
        def mistaken(tokens, weight, grid):
            return leave(convolve(enter(tokens, *grid), weight))

        return mistaken

    def padded(how: str) -> Callable:
        return lambda maps, weight: F.conv2d(F.pad(maps, (1, 1, 1, 1), how), weight, groups=len(weight))

    def kernel(change: Callable) -> Callable:
        return lambda maps, weight: F.conv2d(maps, change(weight), padding=1, groups=len(weight))

    mistakes = (
        Mistake(
            "grid transposed",
            "The tokens are laid out on the grid in the other order: they come "
            f"{conventions.words()['sequence_words']}. As it is, a token's neighbours are others than in the picture.",
            answer(
                enter=partial(on_grid, pattern=wrong_order),
                leave=lambda maps: rearrange(maps, f"b d h w -> b {wrong_order} d"),
            ),
        ),
        Mistake(
            "read out in the other order",
            "The tokens go onto the grid in the right order and come off it in the other one, so each result belongs "
            "to another patch.",
            answer(leave=lambda maps: rearrange(maps, f"b d h w -> b {wrong_order} d")),
        ),
        Mistake(
            "rows and columns swapped",
            "`grid` is (rows, columns), and you take it for (columns, rows): lines of the wrong length. On a square "
            "grid nobody would notice.",
            answer(enter=lambda tokens, rows, cols: on_grid(tokens, cols, rows)),
        ),
        Mistake(
            "view without permute",
            "A bare `reshape` of (B, N, D) to (B, D, rows, cols) puts features of different tokens into one map. Move "
            "the feature axis in front of the grid first.",
            answer(enter=lambda tokens, rows, cols: tokens.reshape(len(tokens), -1, rows, cols)),
        ),
        Mistake(
            "view without permute, both ways",
            "The shapes fit on the way in and out, but a bare `reshape` scrambles features and tokens both times: the "
            "feature axis has to be moved.",
            answer(
                enter=lambda tokens, rows, cols: tokens.reshape(len(tokens), -1, rows, cols),
                leave=lambda maps: maps.reshape(len(maps), -1, maps.shape[1]),
            ),
        ),
        Mistake(
            "view without permute on the way back",
            "The convolution is right. The way back is not: `reshape` of (B, D, rows, cols) to (B, N, D) mixes "
            "features of different places into one token.",
            answer(leave=lambda maps: maps.reshape(len(maps), -1, maps.shape[1])),
        ),
        Mistake(
            "no padding",
            "There are fewer tokens than there were: without `padding=1` the border of the grid is lost.",
            answer(convolve=lambda maps, weight: F.conv2d(maps, weight, groups=len(weight))),
        ),
        Mistake(
            "border repeated",
            "Beyond the border you repeat the last tokens. There should be zeros: they are what tells a token that it "
            "stands at the border.",
            answer(convolve=padded("replicate")),
        ),
        Mistake(
            "the grid wrapped round",
            "Beyond the border you take the tokens of the other side, as if the picture were rolled up. There should "
            "be zeros.",
            answer(convolve=padded("circular")),
        ),
        Mistake(
            "kernel turned round",
            "The kernel is turned by 180 degrees, as mathematicians define a convolution. In deep learning it is not "
            "turned: `F.conv2d` does what is asked for.",
            answer(convolve=kernel(lambda weight: weight.flip(-1, -2))),
        ),
        Mistake(
            "kernel transposed",
            "Rows and columns of the kernel are swapped: its first axis runs down the picture.",
            answer(convolve=kernel(lambda weight: weight.mT)),
        ),
        Mistake(
            "one kernel for all features",
            "Every feature is convolved with the first kernel. Depthwise means that each has a kernel of its own: "
            "`groups=D`.",
            answer(convolve=kernel(lambda weight: weight[:1].expand_as(weight))),
        ),
        Mistake(
            "features summed",
            "The features are mixed: every output sums over all of them. Depthwise means that each stays by itself: "
            "`groups=D`.",
            answer(convolve=lambda maps, weight: F.conv2d(maps, weight.expand(-1, len(weight), -1, -1), padding=1)),
        ),
        Mistake(
            "the token added",
            "The result has the token itself added to it. Here only the convolution is asked for; the sum stands in "
            "the modules that use it.",
            lambda tokens, weight, grid: tokens + conv_places.depthwise_on_grid(tokens, weight, grid, conventions),
        ),
        Mistake(
            "grid kept",
            "You return the maps (B, D, rows, cols). The block after it reads tokens: (B, N, D).",
            answer(leave=lambda maps: maps),
        ),
        Mistake(
            "(B, D, N)",
            "You return (B, D, N): a token is a row, so N comes before D.",
            answer(leave=lambda maps: rearrange(maps, f"b d h w -> b d {order}")),
        ),
    )
    return Exercise(
        id="depthwise_on_grid",
        title="A convolution among tokens",
        points=2,
        minutes=6,
        difficulty=2,
        cases=cases,
        reference=partial(conv_places.depthwise_on_grid, conventions=conventions),
        mistakes=mistakes,
        hints=(
            "Three steps: the tokens back onto their grid, a convolution that leaves each feature by itself, and the "
            "grid back to a sequence.",
            f"On the way in: `b {order} d -> b d h w`. On the way out: the same turned round.",
            "`F.conv2d(maps, weight, padding=1, groups=...)`: with as many groups as features each has its own kernel.",
        ),
    )
