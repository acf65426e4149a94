"""Lesson 01: from patches to tokens to a Vision Transformer."""

from __future__ import annotations

from functools import partial

import torch
from einops import rearrange

from helpers.exercises.definition import Exercise, Item, Mistake
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.patches import patchify
from helpers.runner import Call


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (_patchify(conventions),)


def _patchify(conventions: Conventions) -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 4, 6), 2), group="shape and order"),
            Call((draw(1, 1, 6, 6), 3), group="shape and order"),
            Call((draw(3, 2, 8, 4), 4), group="shape and order"),
            Call((draw(2, 3, 6, 4).float(), 2), gradients=True, group="gradient"),
        ]

    return Exercise(
        id="patchify",
        title="Cut pictures into patches",
        points=3,
        minutes=8,
        difficulty=1,
        cases=cases,
        reference=partial(patchify, conventions=conventions),
        mistakes=(
            Mistake(
                "subsampled pictures",
                "Each of your patches is a thinned-out copy of the whole picture: in `(h p1)` the left factor is the "
                "slow one, so `(p1 h)` takes every h-th pixel. Put the grid first: `(h p1) (w p2)`.",
                lambda images, patch_size: rearrange(
                    images, _swapped_factors(conventions.pattern), p1=patch_size, p2=patch_size
                ),
            ),
        ),
        hints=(
            "Name the axes first: a picture's height is a grid of `h` rows of patches, each `p1` pixels high.",
            "An einops pattern can split and join at once: `(h p1)` on the left, `(h w)` on the right.",
            "The left side is `b c (h p1) (w p2)`; on the right come the two brackets, in the order asked for.",
        ),
    )


def _swapped_factors(pattern: str) -> str:
    return pattern.replace("(h p1) (w p2)", "(p1 h) (p2 w)")
