"""Lesson 09: drawing patch by patch, autoregressive images."""

from __future__ import annotations

from helpers.exercises.autoregressive_images import causal, drawing, tokens, written
from helpers.exercises.definition import Item
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments; no convention enters into them."""
    return (
        written.chain_rule(),
        written.factors_fashion(),
        written.why_codes(),
        tokens.nearest_code(),
        written.uniform_bits(),
        causal.causal_mask(),
        causal.masked_attention(),
        written.without_mask(),
        tokens.shift_right(),
        written.first_reads(),
        causal.image_gpt(),
        tokens.bits_per_picture(),
        written.predict_bits(),
        written.class_worth(),
        drawing.next_probabilities(),
        drawing.sample(),
        written.cold_and_hot(),
        written.order_now(),
        written.predict_order(),
        written.cost_again(),
        written.cost_cached(),
        causal.cached_attention(),
        written.predict_cache(),
        written.how_to_draw(),
    )
