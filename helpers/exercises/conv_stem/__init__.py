"""Lesson 08: a few convolutions at the start."""

from __future__ import annotations

from helpers.exercises.conv_stem import costs, modules, written
from helpers.exercises.definition import Item
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        written.hybrid_patch(),
        modules.conv_stem(conventions),
        written.token_sees_stem(),
        written.stem_norm_mixes(),
        costs.conv_stem_flops(),
        costs.blocks_to_drop(),
        written.parameters_conv_stem(),
        written.predict_adamw(),
        written.what_adamw_divides(),
        written.predict_sgd(),
        written.predict_range(),
        modules.depthwise_on_grid(conventions),
        written.which_convolution_places(),
        written.where_convolutions(),
    )
