"""Lesson 01: from patches to tokens to a Vision Transformer."""

from __future__ import annotations

from helpers.exercises.definition import Item
from helpers.exercises.patches_to_tokens import attention, patches, transformer, written
from helpers.models.conventions import STANDARD, Conventions


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        patches.patchify(conventions),
        written.tokens_b16(),
        written.patch_pixels_256(),
        written.picture_pixels_256(),
        patches.unpatchify(conventions),
        written.round_trip(),
        patches.linear_to_conv(conventions),
        patches.patch_embed(conventions),
        written.class_token_start(),
        attention.attention(),
        written.why_scale(),
        attention.multi_head(),
        written.fewer_heads(),
        transformer.encoder_block(),
        transformer.vit(conventions),
        written.sequence_b16(),
        written.shape_patches(),
        written.shape_attention(),
        written.shape_hidden(),
        written.shape_read(),
        written.parameters_tokens(),
        written.parameters_block(),
        written.parameters_b16(),
        written.predict_learning(),
    )
