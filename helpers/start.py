"""The start page: how far a student is in the whole course, what comes next, and how long the rest takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from helpers.cards import Card, Link
from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Exercise, LessonInfo, Question, has_check
from helpers.exercises.judge import RIGHT
from helpers.models.conventions import STANDARD, Conventions
from helpers.progress import read_progress


@dataclass(frozen=True)
class Standing:
    """How far a student is in a lesson. done, of: exercises with a check; open: those that are not right yet."""

    lesson: LessonInfo
    done: int
    of: int
    open: tuple[Exercise | Question, ...]

    @property
    def minutes(self) -> int:
        """What the open exercises take, as the lesson says."""
        return sum(item.minutes for item in self.open)


def course() -> Card:
    """The whole course as a card: a row a lesson, and what comes next. Homework is not counted."""
    progress = read_progress()
    standings = [standing(lesson, progress) for lesson in LESSONS]
    done, of = sum(one.done for one in standings), sum(one.of for one in standings)
    minutes = sum(one.minutes for one in standings)
    left = f"about {duration(minutes)} of exercises left" if minutes else "nothing left"
    lines: list[str | Link] = []
    if unfinished := next((one for one in standings if one.open), None):
        word = "Next:" if progress else "Begin with"
        lines.append(_link(unfinished, f"{word} `{unfinished.open[0].id}` in lesson {unfinished.lesson.number}"))
    if when := last_worked(progress):
        lines.append(f"You last checked an answer on {when:%d %B %Y at %H:%M}.".replace(" on 0", " on "))
    lines.append("Answers in your own words, which a person reads, are not counted here.")
    rows = [("lesson", "done", "minutes left", "next"), *map(_row, standings)]
    return Card("note", f"The course: {done} of {of} exercises done, {left}", lines, rows, header=True)


def next_step(lesson: LessonInfo, conventions: Conventions = STANDARD) -> list[str | Link]:
    """The lines of a lesson's own card: its first open exercise, or else the next lesson.

    conventions: of a homework pack, whose progress is kept apart and which has no next lesson.
    """
    varied = conventions.differences()
    one = standing(lesson, read_progress(varied), conventions)
    if one.open:
        return [f"Next: `{one.open[0].id}`"]
    later = [other for other in LESSONS if other.number > lesson.number and not varied]
    return [Link(f"Next: lesson {info.number}, {info.title}", notebook(info)) for info in later[:1]]


def standing(lesson: LessonInfo, progress: Mapping[str, Mapping], conventions: Conventions = STANDARD) -> Standing:
    """How far a student is in one lesson. progress: as `read_progress` gives it."""
    checked = [item for item in items(lesson.number, conventions) if has_check(item)]
    still = tuple(item for item in checked if progress.get(item.id, {}).get("verdict") != RIGHT)
    return Standing(lesson, len(checked) - len(still), len(checked), still)


def last_worked(progress: Mapping[str, Mapping]) -> datetime | None:
    """When an answer was last checked, in local time; None where that is not known."""
    times = []
    for entry in progress.values():
        try:
            times.append(datetime.fromisoformat(entry["when"]).astimezone())
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            continue  # an entry that something else has written
    return max(times, default=None)


def notebook(lesson: LessonInfo, exercise: str = "") -> str:
    """The address of a lesson, seen from another one, in JupyterLab at the cell of an exercise."""
    return f"{lesson.file}.ipynb" + (f"#cell-id={exercise}" if exercise else "")


def duration(minutes: int) -> str:
    """7 min, 1 h, 3 h 20 min."""
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))


def _row(one: Standing) -> tuple[str | Link, ...]:
    lesson = Link(f"{one.lesson.number} · {one.lesson.title}", notebook(one.lesson))
    count = f"{one.done} of {one.of}"
    if not one.open:
        return lesson, f"✓ {count}", "", ""
    return lesson, count, str(one.minutes), _link(one, f"`{one.open[0].id}`")


def _link(one: Standing, words: str) -> Link:
    return Link(words, notebook(one.lesson, one.open[0].id))
