"""What a check says, shown on an answer that nobody handed in: for the first minutes of lesson 00."""

from __future__ import annotations

from collections.abc import Callable

from helpers.cards import Card
from helpers.check import verdict_card
from helpers.exercises import find
from helpers.exercises.judge import judge
from helpers.runner import LocalRunner


def verdict_on(identifier: str, answer: Callable) -> Card:
    """The verdict on `answer` as if it were the student's; nothing is noted as progress.

    identifier: of a code exercise that builds on no other.
    Raises KeyError where the course has no such exercise.
    """
    return verdict_card(judge(find(identifier), LocalRunner({identifier: answer}, lambda name: find(name).reference)))
