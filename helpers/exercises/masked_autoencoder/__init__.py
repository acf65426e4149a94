"""Lesson 07: learning without labels, the masked autoencoder."""

from __future__ import annotations

from helpers.exercises.definition import Item
from helpers.exercises.masked_autoencoder import masking, model, written
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        written.what_to_hide(),
        written.what_to_predict(),
        written.why_mostly_hidden(),
        masking.random_masking(conventions),
        masking.restore_masked(),
        masking.masked_loss(conventions),
        written.tokens_encoded(),
        written.why_decoder(),
        model.masked_autoencoder(conventions),
        written.bert_for_pictures(),
        written.predict_painting(),
        written.attention_share(),
        written.layer_share(),
        written.predict_encoder_time(),
        written.tokens_afterwards(),
        written.predict_probe(),
        written.predict_few_labels(),
        written.predict_mask_ratio(),
        written.predict_mask_tokens(),
    )
