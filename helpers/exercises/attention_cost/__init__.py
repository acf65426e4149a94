"""Lesson 03: what attention costs."""

from __future__ import annotations

from helpers.exercises.attention_cost import code, measured, written
from helpers.exercises.definition import Item
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments: a cost depends on none of the conventions."""
    return (
        written.flops_of_product(),
        code.num_tokens(),
        written.growth_in_tokens(),
        code.attention_flops(),
        written.growth_in_pixels(),
        written.double_resolution(),
        written.halve_patch(),
        written.growth_of_projections(),
        code.block_flops(),
        written.crossing_tokens(),
        written.crossing_side(),
        code.vit_flops(),
        written.published_gflops(),
        written.share_b16(),
        measured.predict_time(),
        written.memory_of_weights(),
        measured.predict_memory(),
        written.fused_saves(),
        written.growth_windowed(),
        code.windowed_attention_flops(),
        written.double_resolution_windowed(),
        written.price_of_windows(),
        written.large_pictures(),
    )
