"""Lesson 06: from many tokens to one vector."""

from __future__ import annotations

from helpers.exercises.definition import Item
from helpers.exercises.pooling import averages, head, measured, written
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        averages.class_token_pool(conventions),
        written.gap_y(),
        averages.global_average_pool(),
        written.gap_gradient(),
        averages.mean_of_patches(conventions),
        written.padded_tokens(),
        written.map_y(),
        written.map_type(),
        written.map_weights_shape(),
        written.map_learned(),
        head.map_head(),
        written.map_parameters(),
        written.map_growth(),
        written.zero_query(),
        written.key_bias(),
        measured.predict_same_rate(),
        measured.predict_own_rate(),
        written.pooling_in_words(),
    )
