"""What a student calls in a notebook: verdicts, hints, progress, and the course's own pieces where needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from helpers.cards import LOOKS, Card
from helpers.exercises import find, items, lesson_info
from helpers.exercises.definition import Exercise, Experiment, Item, Question, has_check
from helpers.exercises.judge import CRASHED, RIGHT, Verdict, judge
from helpers.experiment import Result, measure
from helpers.models.conventions import STANDARD, Conventions
from helpers.progress import NBGRADER, read_progress, record
from helpers.runner import LocalRunner
from helpers.start import next_step


class Lesson:
    """One open lesson, tied to the namespace of its notebook: `lesson = Lesson("01", globals())`.

    conventions: those of a homework pack, such as {"class_token": "last"} (what it leaves out is as in the course);
    every check, hint and piece then follows them, and progress is kept apart.
    Raises ValueError with a sentence for a convention that there is not.
    """

    def __init__(self, number: str, namespace: dict[str, Any], conventions: Conventions | Mapping[str, Any] = STANDARD):
        self.info = lesson_info(number)
        self.conventions = conventions if isinstance(conventions, Conventions) else Conventions.read(conventions)
        self._namespace = namespace
        self._runner = LocalRunner(namespace, lambda name: find(name, self.conventions).reference)
        self._hints_shown: dict[str, int] = {}

    def check(self, identifier: str = "") -> Card | None:
        """Judge the answer of that name as it stands in the notebook now.

        Returns the verdict's card. Under nbgrader shows it and returns nothing; raises AssertionError where the answer
        is not right.
        """
        if (item := self._item(identifier)) is None:
            return self._unknown(identifier)
        if isinstance(item, Experiment):
            return Card("note", f"`{identifier}` is a prediction: nothing to check, run the experiment below it.")
        verdict = self._judge(item)
        record(identifier, verdict.kind, self.conventions.differences())
        if os.environ.get(NBGRADER):
            return _tell_nbgrader(verdict)
        return verdict_card(verdict)

    def hint(self, identifier: str = "", tier: int | None = None) -> Card:
        """The next hint for an exercise, or the one of that tier (1 is the gentlest)."""
        if (item := self._item(identifier)) is None:
            return self._unknown(identifier)
        hints = () if isinstance(item, Experiment) else item.hints
        if not hints:
            return Card("note", f"There are no hints for `{identifier}`.")
        if tier is None:
            tier = self._hints_shown.get(identifier, 0) + 1
        tier = min(max(int(tier), 1), len(hints))
        self._hints_shown[identifier] = tier
        last = ("That was the last hint.",) if tier == len(hints) else ()
        return Card("note", f"Hint {tier} of {len(hints)} for `{identifier}`", (hints[tier - 1], *last))

    def piece(self, identifier: str) -> Any:
        """The student's own answer once it is right with what it builds on, else the course's own; says which."""
        item = self._known(identifier)
        if not isinstance(item, Exercise):
            raise ValueError(f"`{identifier}` is a written answer: only code can be used as a piece.")
        verdict = self._judge(item)
        if verdict.kind == RIGHT and not verdict.given:
            print(f"{identifier}: yours")
            return self._namespace[identifier]
        print(f"{identifier}: the course's own, until yours is right")
        return item.reference

    def experiment(self, identifier: str, variants: Mapping[str, Callable[[int], float]]) -> Result:
        """Measure every variant (a function from a seed to a number) once a prediction has been made."""
        item = self._known(identifier)
        if not isinstance(item, Experiment):
            raise ValueError(f"`{identifier}` is an exercise, not an experiment.")
        return measure(item, self.info.file, self._namespace.get(identifier), variants)

    def _item(self, identifier: str) -> Item | None:
        try:
            return find(identifier, self.conventions)
        except KeyError:
            return None

    def _known(self, identifier: str) -> Item:
        try:
            return find(identifier, self.conventions)
        except KeyError as error:
            raise ValueError(error.args[0]) from None

    def _unknown(self, identifier: str) -> Card:
        """What a misspelt id gets: this lesson's nearest ones, or all of them."""
        mine = [item.id for item in items(self.info.number, self.conventions)]
        near = get_close_matches(str(identifier), mine, n=3) or mine
        names = ", ".join(f"`{name}`" for name in near)
        question = "Did you mean one of these?" if len(near) > 1 else "Did you mean this?"
        title = f"There is no exercise `{identifier}` in lesson {self.info.number}" if identifier else "Which exercise?"
        return Card("note", title, (question, names))

    def _judge(self, item: Exercise | Question) -> Verdict:
        try:
            return judge(item, self._runner)
        except Exception as error:  # what a student has done to the process must never show as our traceback
            sentence = "The check itself could not run: restart the kernel, run the lesson from the top, and try again."
            return Verdict(item, CRASHED, f"{sentence} ({type(error).__name__}: {error})")
        except KeyboardInterrupt:
            return Verdict(item, CRASHED, "You stopped the check before it was done.")

    def __repr__(self) -> str:
        return repr(self._card())

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()

    def _card(self) -> Card:
        varied = self.conventions.differences()
        progress = read_progress(varied)
        rows = []
        for item in items(self.info.number, self.conventions):
            if isinstance(item, Experiment):
                continue
            kind = progress.get(item.id, {}).get("verdict", "not attempted")
            sign, _ = LOOKS.get(kind, LOOKS["not attempted"])
            verdict = f"{sign} {kind}" if has_check(item) else "– a person reads it"
            rows.append((verdict, f"`{item.id}`", item.title, f"{item.minutes} min", _points(item)))
        done = sum(row[0].endswith(RIGHT) for row in rows)
        checked = sum(has_check(item) for item in items(self.info.number, self.conventions))
        title = f"{'Homework' if varied else 'Lesson'} {self.info.number}: {self.info.title} – {done} of {checked} done"
        return Card("note", title, next_step(self.info, self.conventions), rows)


def verdict_card(verdict: Verdict) -> Card:
    """A verdict as a card: verdict and exercise, what is wrong, the failing input, and how to get a hint."""
    exercise = verdict.exercise
    title = f"{verdict.kind} · `{exercise.id}`"
    if verdict.mistake:
        title += f" · {verdict.mistake}"
    if verdict.kind == RIGHT:
        title += f" · {_points(exercise)}"
    lines = [verdict.message, *verdict.remarks]
    if verdict.total > 1 and verdict.kind != RIGHT:
        lines.append(f"{verdict.passed} of {verdict.total} cases pass; the first that fails:")
    folded = []
    if verdict.kind != RIGHT:
        folded = [(f"Hint {i + 1} of {len(exercise.hints)}", hint) for i, hint in enumerate(exercise.hints)]
    return Card(verdict.kind, title, lines, verdict.facts, folded=folded)


def _tell_nbgrader(verdict: Verdict) -> None:
    """nbgrader reads points off a cell: an exception earns none, a value is partial credit, nothing earns all."""
    from IPython.display import display

    display(verdict_card(verdict))
    if verdict.kind != RIGHT:
        raise AssertionError(f"{verdict.exercise.id}: {verdict.message}")


def _points(item: Exercise | Question) -> str:
    return "1 point" if item.points == 1 else f"{item.points} points"
