"""The lesson table, and where every exercise is found."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from helpers.exercises.definition import Item, LessonInfo
from helpers.models.conventions import STANDARD, Conventions

LESSONS = (
    LessonInfo("00", "einops", "einops: reshaping that reads like a sentence"),
    LessonInfo("01", "patches_to_tokens", "From patches to tokens to a Vision Transformer"),
    LessonInfo("02", "patch_order", "Does the order of the patches matter?"),
    LessonInfo("03", "attention_cost", "What attention costs"),
    LessonInfo("04", "receptive_field", "What one token can see"),
    LessonInfo("05", "positional_encodings", "Where am I? Positional encodings"),
    LessonInfo("06", "pooling", "From many tokens to one vector"),
    LessonInfo("07", "masked_autoencoder", "Learning without labels: the masked autoencoder"),
    LessonInfo("08", "conv_stem", "A few convolutions at the start"),
    LessonInfo("09", "autoregressive_images", "Drawing patch by patch: autoregressive images"),
)


def lesson_info(number: str) -> LessonInfo:
    """The row of a lesson, by its number such as "01". Raises KeyError with the numbers there are."""
    for info in LESSONS:
        if info.number == number:
            return info
    raise KeyError(f"there is no lesson {number!r}; there are {', '.join(info.number for info in LESSONS)}")


@cache
def items(number: str, conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The exercises, questions and experiments of one lesson, in the order in which they come up."""
    module = import_module(f"helpers.exercises.{lesson_info(number).name}")
    return module.items(conventions)


def find(identifier: str, conventions: Conventions = STANDARD) -> Item:
    """The item of that id, from whichever lesson. Raises KeyError with the ids of all lessons."""
    known = []
    for info in LESSONS:
        for item in items(info.number, conventions):
            if item.id == identifier:
                return item
            known.append(item.id)
    raise KeyError(f"there is no exercise {identifier!r}; there are {', '.join(known)}")
