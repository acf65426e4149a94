"""A solved lesson as the teaching editions read it: its cells, in their parts, with what they showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import nbformat
from nbformat import NotebookNode

from vitlab.course.build import Course, parsed
from vitlab.course.notebooks import code_cells, named, same_code, solved_notebook
from vitlab.course.parse import Cell, SourceLesson
from vitlab.course.text import Part, headings, read_part
from vitlab.course.widgets import Explorer, saved_explorer
from vitlab.project import ProjectError


class EditionError(ProjectError):
    """An edition cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class Output:
    """Something that a cell showed.

    kind: "html" (a card, a table or a picture with its text), "text" (printed, or a plain value) or "explorer".
    content: the HTML or the text; of an explorer, the sentence that stands for it where nothing can be dragged.
    explorer: its module, style and values, for kind "explorer".
    """

    kind: Literal["html", "text", "explorer"]
    content: str
    explorer: Explorer | None = None


@dataclass(frozen=True)
class Shown:
    """A cell and what it showed. name: its id in the notebooks; part: the part it is in, None before the first."""

    cell: Cell
    name: str
    outputs: tuple[Output, ...]
    part: Part | None


@dataclass(frozen=True)
class Solved:
    """A solved lesson: its source, parsed, and its cells with what they showed, in order."""

    lesson: SourceLesson
    cells: tuple[Shown, ...]

    @property
    def explorer(self) -> Shown:
        """The cell that shows the lesson's explorer."""
        return next(shown for shown in self.cells if any(output.kind == "explorer" for output in shown.outputs))


def read_solved(course: Course, lessons: Sequence[str] = ()) -> list[Solved]:
    """The lessons named ("01" or "01_patches_to_tokens"; none: all), with the outputs of their executed notebooks.

    Raises EditionError where a lesson was not executed since its code changed, ValueError for one that there is not,
    BuildError for a source that cannot be parsed.
    """
    return [_solved(course, lesson) for lesson in parsed(course, course.select(lessons))]


def _solved(course: Course, lesson: SourceLesson) -> Solved:
    file = course.solved_file(lesson.path)
    try:
        notebook = nbformat.reads(file.read_text(encoding="utf-8"), as_version=4)
    except OSError:
        raise EditionError(f"{course.shown(file)} is missing: run `vitlab build {lesson.number}` first.") from None
    if not same_code(notebook, solved_notebook(lesson)):
        raise EditionError(f"{course.shown(file)} is older than its source: run `vitlab build {lesson.number}` first.")
    executed = {cell.id: cell for cell in code_cells(notebook)}
    part, shown = None, []
    for cell, name in named(lesson):
        if cell.kind == "markdown" and "ta-note" not in cell.tags:
            for row, heading in headings(cell.solved):
                part = read_part(heading, row, _never) or part
        outputs = executed[name].outputs if cell.kind == "code" else []
        shown.append(Shown(cell, name, tuple(_output(notebook, output) for output in outputs), part))
    return Solved(lesson, tuple(shown))


def _output(notebook: NotebookNode, output: NotebookNode) -> Output:
    if output.output_type == "stream":
        return Output("text", output.text)
    data = output.data
    if explorer := saved_explorer(notebook, output):
        return Output("explorer", data["text/plain"], explorer)
    if "text/html" in data:
        return Output("html", data["text/html"])
    if "image/png" in data:
        raise EditionError("A picture without alternative text: show it as a helpers.figures.Picture.")
    return Output("text", data["text/plain"])


def _never(row: int, message: str) -> None:
    raise AssertionError(f"the parser let through: {message}")
