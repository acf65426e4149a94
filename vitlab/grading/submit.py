"""`vitlab submit`: a student's notebooks in one zip, after a look at whether they can be graded. Runs no code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from helpers.exercises.definition import Experiment, Item, Question
from helpers.exercises.written import FreeText
from helpers.models.conventions import STANDARD
from vitlab.files import write
from vitlab.grading.course import CourseSource
from vitlab.grading.escape import show
from vitlab.grading.extract import Submission, Unreadable, extract, lesson_of, read_notebook
from vitlab.grading.grade import agreed
from vitlab.grading.pieces import pieces
from vitlab.project import ProjectError
from vitlab.zips import zipped


class SubmitError(ProjectError):
    """Nothing that could be handed in; the message says why and what to do."""


@dataclass
class Look:
    """What a notebook holds. answered, asked: exercises; problems: what would earn nothing as it is, in sentences."""

    path: Path
    lesson: str
    answered: int
    asked: int
    problems: list[str] = field(default_factory=list)


def submit(root: Path, notebooks: Sequence[Path], out: Path) -> list[Look]:
    """Looks at the notebooks, writes them into one zip and says what is in it.

    notebooks: files; none: those of the project's own in which something is answered. Raises SubmitError where there is
    nothing to hand in, a file that no grader could read, or where the zip cannot be written.
    """
    chosen = list(notebooks) or sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    looks = [one for one in (look(root, path) for path in chosen) if notebooks or one.answered]
    if not looks:
        raise SubmitError("Nothing is answered in any notebook yet. (Did you save? Ctrl+S in JupyterLab.)")
    names = [one.path.name for one in looks]
    if len(set(names)) < len(names):
        raise SubmitError("Two of these files have the same name: rename one, with the lesson's number kept in front.")
    try:
        write(out, zipped({one.path.name: one.path.read_bytes() for one in looks}))
    except OSError as error:
        raise SubmitError(f"{show(str(out))} cannot be written: {error.strerror}.") from None
    _tell(looks, out)
    return looks


def look(root: Path, path: Path) -> Look:
    """What a notebook holds, read as the grader reads it. Raises SubmitError where it cannot be read."""
    try:
        cells = read_notebook(path.read_bytes())
        course = CourseSource(root, agreed(cells) or STANDARD)
        number = lesson_of(cells, path.name, course.items)
        if number is None:
            raise Unreadable("It is no notebook of this course: none of its exercises is in it.")
        items = [item for item in course.items(number) if not isinstance(item, Experiment)]
        submission = extract(cells, items)
    except OSError as error:
        raise SubmitError(f"{show(str(path))}: it cannot be read: {error.strerror}.") from None
    except Unreadable as error:
        raise SubmitError(f"{show(str(path))}: {error}") from None
    problems = [f"`{name}` would earn nothing: {why}" for name, why in submission.broken.items()]
    answered = sum(_answered(item, course.stub(item.id), submission) for item in items)
    return Look(path, number, answered, len(items), problems)


def _answered(item: Item, stub: str, submission: Submission) -> bool:
    """Whether more than the stub is there."""
    if isinstance(item, Question) and isinstance(item.answer, FreeText):
        text = submission.texts.get(item.id, stub)
        return text.strip() not in ("", stub.strip())
    untouched = {piece.source for piece in pieces(stub)}
    return any(item.id in piece.defines and piece.source not in untouched for piece in submission.pieces)


def _tell(looks: Sequence[Look], out: Path) -> None:
    console = Console()
    table = Table("lesson", "file", "answered")
    for one in looks:
        table.add_row(one.lesson, show(one.path.name), f"{one.answered} of {one.asked}")
    console.print(table)
    for one in looks:
        for problem in one.problems:
            console.print(f"{show(one.path.name)}: {show(problem)}", markup=False, highlight=False)
    console.print(f"Wrote {show(str(out))}: hand in this one file.", markup=False, highlight=False)
