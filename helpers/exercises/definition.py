"""What an exercise is: one definition that the instant check, grading and the zoo of wrong answers all use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from helpers.exercises.written import Answer, FreeText
from helpers.papers import Finding
from helpers.runner import Call, Reply


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer.

    name: what teachers call it; message: what the student who makes it should read; answer: a small implementation,
    recognised because the student's results equal its results.
    """

    name: str
    message: str
    answer: Callable


@dataclass(frozen=True)
class Exercise:
    """Code to write. Its id is the name that the student defines.

    cases: draws the calls from a generator (non-square pictures, a batch of one, odd sizes, float32 and float64);
    reference: the course's own answer; needs: ids of earlier exercises that an answer may use;
    compare(call, expected, found): what is wrong with a reply, in a sentence, or None (by default values are compared);
    hints: from a nudge to nearly the answer; difficulty: 1 to 3.
    """

    id: str
    title: str
    points: int
    minutes: int
    difficulty: int
    cases: Callable[[torch.Generator], Sequence[Call]]
    reference: Callable
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    needs: tuple[str, ...] = ()
    compare: Callable[[Call, Reply, Reply], str | None] | None = None
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Question:
    """A written answer. Its id is the variable that the student sets; `answer` knows what is right and wrong."""

    id: str
    title: str
    points: int
    minutes: int
    difficulty: int
    answer: Answer
    hints: tuple[str, ...]
    kind: ClassVar[str] = "written"


@dataclass(frozen=True)
class Claim:
    """What an experiment is expected to show: left ">" or "<" right, or "=" for no difference beyond the spread.

    over_seeds: judged by the mean difference over the shipped seeds, where it is smaller than the luck of one run;
    published: the relation that the cited paper found, where ours is another.
    """

    left: str
    relation: str
    right: str
    over_seeds: bool = False
    published: str | None = None


@dataclass(frozen=True)
class Experiment:
    """Predict, then measure. Its id is the variable that holds the prediction.

    options: what one may predict, by letter; outcome: the letter that holds where every claim does;
    published: findings of papers that stand beside the measurement; unit: of the measured number.
    """

    id: str
    title: str
    question: str
    options: dict[str, str]
    outcome: str
    claims: tuple[Claim, ...]
    published: tuple[Finding, ...]
    unit: str = "% test accuracy"
    points: ClassVar[int] = 0
    kind: ClassVar[str] = "prediction"


Item = Exercise | Question | Experiment


def has_check(item: Item) -> bool:
    """Whether a check can say that it is right: not of a prediction, nor of a text, which a person reads."""
    return not isinstance(item, Experiment) and not isinstance(getattr(item, "answer", None), FreeText)


@dataclass(frozen=True)
class LessonInfo:
    """One row of the lesson table."""

    number: str
    name: str
    title: str

    @property
    def file(self) -> str:
        """Stem of the lesson's files, such as 01_patches_to_tokens."""
        return f"{self.number}_{self.name}"


def tensor_facts(value: Any) -> str:
    """A value in a few words: shape and dtype of a tensor, the value itself where it is short."""
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, tuple | list) and any(isinstance(item, torch.Tensor) for item in value):
        return f"{type(value).__name__} of " + ", ".join(tensor_facts(item) for item in value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
