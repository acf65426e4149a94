"""`vitlab export notes`: for each lesson a page that a teaching assistant holds in the section, on a tablet or paper.

Nothing is written here by hand: the plan and the notes come from the lesson's source, the known wrong answers from
helpers/exercises, the seconds from helpers/measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from helpers.exercises.definition import Exercise, Experiment, Item, Question
from helpers.exercises.written import Choice, FreeText, Growth, Number, Shape
from helpers.experiment import load_shipped
from vitlab.course.build import Course, parsed
from vitlab.course.editions.page import page
from vitlab.course.parse import Cell, SourceLesson
from vitlab.course.ta_notes import Slot, TANote, plan
from vitlab.course.text import PART, headings
from vitlab.files import write


@dataclass(frozen=True)
class Task:
    """An exercise, question or prediction, with what a TA wants to know of it.

    answers: what is right, a line each; none for code. wrong: known wrong answers (what it is, what the card says).
    seconds: that its experiment takes; None where there is none.
    """

    item: Item
    answers: tuple[str, ...]
    wrong: tuple[tuple[str, str], ...]
    seconds: float | None


@dataclass(frozen=True)
class Section:
    """A part with its note and its tasks. slot: its place in the plan, None outside the section."""

    note: TANote
    slot: Slot | None
    tasks: tuple[Task, ...]


def write_notes(course: Course, out: Path, lessons: Sequence[str] = ()) -> list[Path]:
    """Writes OUT/NN_name_ta_notes.html for the lessons named, all where none is; returns the files.

    Raises BuildError where a lesson's source or its plan is not as it should be, ValueError for an unknown lesson.
    """
    made = {out / f"{lesson.name}_ta_notes.html": notes_page(course, lesson) for lesson in _lessons(course, lessons)}
    for path, content in made.items():
        write(path, content)
    return list(made)


def notes_page(course: Course, lesson: SourceLesson) -> str:
    """The page of one lesson. Raises BuildError where its opening or a part of its section has no note."""
    slots = plan(lesson)
    by_part = {slot.note.part.number: slot for slot in slots if slot.note}
    cells = _cells_of_parts(lesson)
    sections = [
        Section(
            note,
            by_part.get(note.part.number),
            tuple(_task(course, lesson, cell) for cell in cells[note.part.number] if cell.task),
        )
        for note in lesson.notes.parts
    ]
    return page(
        "notes.html.j2",
        lesson=lesson,
        goals=goals(lesson),
        plan=slots,
        inside=[section for section in sections if section.slot],
        outside=[section for section in sections if not section.slot],
        threads=load_shipped(lesson.name, "provenance").get("threads"),
        everything=sum(task.seconds or 0 for section in sections for task in section.tasks),
    )


def goals(lesson: SourceLesson) -> list[str]:
    """What they can do after the whole lesson: the list of the lesson's first cell, a line of Markdown each."""
    items = re.findall(r"^- (.*(?:\n {2}.*)*)", lesson.cells[0].solved, re.MULTILINE)
    return [" ".join(item.split()).rstrip(",.") for item in items]


def _lessons(course: Course, lessons: Sequence[str]) -> list[SourceLesson]:
    return parsed(course, course.select(lessons))


def _cells_of_parts(lesson: SourceLesson) -> dict[int, list[Cell]]:
    found: dict[int, list[Cell]] = {part.number: [] for part in lesson.parts}
    number = None
    for cell in lesson.cells:
        if cell.kind == "markdown" and cell.student is not None:
            for _, heading in headings(cell.solved):
                match = PART.fullmatch(heading)
                number = int(match[1]) if match else number
        if number is not None:
            found[number].append(cell)
    return found


def _task(course: Course, lesson: SourceLesson, cell: Cell) -> Task:
    item = course.find(cell.exercise)
    if isinstance(item, Exercise):
        wrong = dict.fromkeys((mistake.name, mistake.message) for mistake in item.mistakes)  # some come several times
        return Task(item, (), tuple(wrong), None)
    if isinstance(item, Experiment):
        measured = load_shipped(lesson.name, "seconds").get(item.id)
        seconds = sum(median(runs) for runs in measured.values()) if measured else None
        return Task(item, (_option(item.outcome, item.options),), (), seconds)
    return Task(item, *_written(item), None)


def _written(question: Question) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The right answer of a question and its known wrong ones."""
    match question.answer:
        case Choice(options=options, right=right, wrong=wrong):
            return (_option(right, options),), tuple((_option(key, options), said) for key, said in wrong.items())
        case Number(value=value, unit=unit, wrong=wrong):
            return (f"{value:,.10g} {unit}".strip(),), tuple((f"{key:,.10g}", said) for key, said in wrong.items())
        case Shape(value=value, wrong=wrong) | Growth(value=value, wrong=wrong):
            return (str(value),), tuple((str(key), said) for key, said in wrong.items())
        case FreeText(rubric=rubric):
            return rubric, ()


def _option(letter: str, options) -> str:
    return f"{letter}) {options[letter]}"
