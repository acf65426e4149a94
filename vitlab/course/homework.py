"""A lesson as homework: its exercises and written questions, without experiments, explorers, figures and slides."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from vitlab.course import text
from vitlab.course.agreed import TITLE, conventions_text
from vitlab.course.build import Course, parsed
from vitlab.course.colab import with_colab_cell
from vitlab.course.errors import BuildError
from vitlab.course.imports import imports_for, names_defined, names_needed
from vitlab.course.parse import Cell, SourceLesson

SECTION = "★"  # of the 50-minute path: no matter for homework


def homework_lessons(course: Course, lessons: Sequence[str] = ()) -> list[SourceLesson]:
    """The lessons named (all where none is) as homework, under the course's conventions.

    Each is a lesson of its own: title, a cell for Colab, setup, conventions, then every exercise and written question
    with the text that leads to it and its check. Raises BuildError, and ValueError for a lesson that there is not.
    """
    return [_homework(course, lesson) for lesson in parsed(course, course.select(lessons))]


def depending(course: Course, lesson: SourceLesson) -> dict[str, tuple[str, ...]]:
    """Exercise id -> the conventions on which its answer depends, by its own lines or by what it builds on."""
    own = {cell.exercise: cell.varied for cell in lesson.cells if cell.task}
    found: dict[str, tuple[str, ...]] = {}
    for exercise, varied in own.items():
        needed = (name for piece in getattr(course.find(exercise), "needs", ()) for name in found.get(piece, ()))
        found[exercise] = tuple(dict.fromkeys([*varied, *needed]))
    return found


def points(lesson: SourceLesson) -> float:
    """All points of a homework."""
    return sum(cell.points or 0 for cell in lesson.cells)


def _homework(course: Course, lesson: SourceLesson) -> SourceLesson:
    cells = _tasks(lesson)
    setup = _setup(course, lesson, cells)
    name = f"Homework {lesson.title}"
    agreed = conventions_text(course.conventions, depending(course, lesson))
    whole = replace(lesson, title=name, cells=tuple(cells), parts=())
    front = [_text(_title(name, whole), name, setup.line), setup, _text(agreed, TITLE, setup.line)]
    return with_colab_cell(replace(whole, cells=(*front, *cells)), course.release)


def _title(name: str, lesson: SourceLesson) -> str:
    tasks = sum(bool(cell.task) for cell in lesson.cells)
    return f"""# {name}

**{tasks} tasks, {points(lesson):g} points.** Write your answers into the cells below, run the check under each, save,
and hand in this notebook, `{lesson.name}.ipynb`, as your course asks. Cells of your own do no harm, and what you
change elsewhere counts for nothing: graded are your answers, with other inputs than here.

Lesson {lesson.number} of the course explains what is used here; where a text speaks of a part or of something shown, it
means the lesson's."""


def _setup(course: Course, lesson: SourceLesson, cells: Sequence[Cell]) -> Cell:
    """The lesson's setup cell with no more than what the exercises use, and with the conventions."""
    known = {"lesson", "Lesson"}
    needed: dict[str, Cell] = {}
    for cell in cells:
        if cell.kind == "code":
            for source in (cell.solved, cell.student):
                needed |= {name: needed.get(name, cell) for name in names_needed(source) - known}
            known |= names_defined(cell.solved)
    every = [cell.solved for cell in lesson.cells if cell.kind == "code"]
    imports, bound = imports_for({*needed, "Lesson", "torch"}, every)
    for name, cell in needed.items():
        if name not in bound:
            message = f"{cell.exercise!r} uses {name!r}, which no import brings: a homework has no other cells."
            raise BuildError(lesson.path, cell.line, message)
    varied = json.dumps(course.conventions.differences())  # strings and numbers: also how Python writes them
    opened = f'conventions = {varied}\nlesson = Lesson("{lesson.number}", globals(), conventions=conventions)'
    source = f"{imports}\n\n{opened}\nlesson"
    setup = next(cell for cell in lesson.cells if "setup" in cell.tags)
    return replace(setup, solved=source, student=source, heading="setup", metadata={})


def _tasks(lesson: SourceLesson) -> list[Cell]:
    """Every exercise and question with its check and the text that leads to it."""
    chosen: list[Cell] = []
    before: list[Cell] = []  # text and other cells since the last task, check or TA note
    shown = part = None  # headings
    for cell in lesson.cells:
        part = _part(cell) or part
        if cell.task and cell.task != "predict":
            leading = _leading(before)
            if part != shown and not any(_part(one) for one in leading):
                chosen.append(_text(f"## {part}", part, cell.line))
            shown = part
            chosen += [_plain(one) for one in leading]
        if (cell.task and cell.task != "predict") or cell.is_check:
            chosen.append(replace(cell, metadata={}))
        if cell.task or cell.is_check or cell.student is None or {"experiment", "explorer"} & {*cell.tags}:
            before = []
        else:
            before.append(cell)
    return [cell for cell in chosen if cell.student]


def _leading(before: list[Cell]) -> list[Cell]:
    """The text that leads to a task, of all that stands since the last one.

    The text that opens the part, and what stands directly before the task. Of several texts the first one speaks of
    what was shown or answered above it, which is no matter for homework.
    """
    code = max((place for place, cell in enumerate(before) if cell.kind == "code"), default=-1)
    direct = before[code + 1 :]
    opening = [place for place, cell in enumerate(before) if _part(cell)]
    if not opening:
        return direct[1:] if len(direct) > 1 else direct
    if opening[-1] > code:
        return before[opening[-1] :]
    return [before[opening[-1]], *(direct[1:] if len(direct) > 1 else direct)]


def _part(cell: Cell) -> str | None:
    """The name of the part that a text opens, if it opens one."""
    if cell.kind != "markdown" or cell.task or cell.student is None:
        return None
    found = [text.heading_name(line) for _, line in text.headings(cell.student) if line.startswith("## ")]
    return found[-1] if found else None


def _plain(cell: Cell) -> Cell:
    """A text without minutes, numbers of parts, and paragraphs on the 50-minute path."""
    source = re.sub(text.PART.pattern, lambda match: f"## {match[2]}", cell.student)
    source = "\n\n".join(paragraph for paragraph in source.split("\n\n") if SECTION not in paragraph)
    return replace(cell, solved=source, student=source, metadata={})


def _text(source: str, heading: str, line: int) -> Cell:
    return Cell("markdown", (), None, None, heading, source, source, source, line)
