"""What `vitlab build`, `vitlab homework` and `vitlab export` show on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vitlab.course import build as course_build
from vitlab.course import nbgrader
from vitlab.course.errors import BuildError
from vitlab.course.pack import write_pack
from vitlab.course.secret import conventions_of
from vitlab.project import ProjectError


def build(root: Path, lessons: Sequence[str], execute: bool | None) -> bool:
    """Builds the lessons and lists what was written; False after a sentence that says why nothing more was."""
    course = course_build.standard_course(root)
    _known(course, lessons)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def executing(name: str, cells: int) -> Callable[[], None]:
            task = progress.add_task(f"running {name}", total=cells)
            return lambda: progress.advance(task)

        try:
            written = course_build.build(course, lessons, run=execute, executing=executing)
        except BuildError as error:
            return _fail([str(error)])
    for path in written:
        print(f"wrote {course.shown(path)}")
    if not written:
        print("nothing to do: every notebook is up to date")
    return True


def check(root: Path, lessons: Sequence[str], execute: bool | None) -> bool:
    """Lists what differs from what would be built; False where anything does. Runs nothing."""
    if execute is not None:
        raise ProjectError("vitlab build --check runs no lesson: leave --execute and --no-execute out.")
    course = course_build.standard_course(root)
    _known(course, lessons)
    problems = course_build.check(course, lessons)
    if problems:
        return _fail(problems)
    print(f"lessons checked: {len(course.select(lessons))}; every notebook is what would be built, no solution leaks")
    return True


def homework(root: Path, lessons: Sequence[str], secret: str, folder: Path) -> bool:
    """Writes a homework pack and lists what was written; False after a sentence that says why nothing was."""
    course = course_build.standard_course(root, conventions_of(secret))
    _known(course, lessons)
    try:
        written = write_pack(course, folder, lessons)
    except BuildError as error:
        return _fail([str(error)])
    for path in written:
        print(f"wrote {path}")
    if not written:
        print("nothing to do: the pack is up to date")
    print(f"for the students: {folder / 'student'}; for the staff alone: {folder / 'staff'}")
    return True


def export_nbgrader(root: Path, out: Path, lessons: Sequence[str]) -> bool:
    """Lays out an nbgrader course and lists what was written; False after a sentence that says why none was."""
    return _export(root, lessons, lambda course: nbgrader.export(course, out, lessons))


def export_notes(root: Path, out: Path, lessons: Sequence[str]) -> bool:
    """Writes the TA notes as pages and lists them; False after a sentence that says why none was written."""
    from vitlab.course.editions.notes import write_notes

    return _export(root, lessons, lambda course: write_notes(course, out, lessons))


def export_slides(root: Path, out: Path, lessons: Sequence[str]) -> bool:
    """Writes decks of slides and lists them; False after a sentence that says why none was written."""
    from vitlab.course.editions.slides.page import export_slides as write_decks

    return _export(root, lessons, lambda course: write_decks(course, out, lessons))


def export_worksheets(root: Path, out: Path, lessons: Sequence[str], papers: Sequence[str]) -> bool:
    """Writes worksheets and keys, of every lesson also all in one, and lists them as they are written.

    False after a sentence that says why nothing more was.
    """
    from vitlab.course.editions.worksheet import export_worksheets as write_sheets

    return _export(root, lessons, lambda course: write_sheets(course, out, lessons, papers))


def _export(root: Path, lessons: Sequence[str], write: Callable[[course_build.Course], Iterable[Path]]) -> bool:
    """Lists what `write` writes of the course; False after a sentence that says why it stopped."""
    course = course_build.standard_course(root)
    _known(course, lessons)
    try:
        for path in write(course):
            print(f"wrote {path}")
    except BuildError as error:
        return _fail([str(error)])
    return True


def _known(course: course_build.Course, lessons: Sequence[str]) -> None:
    try:
        course.select(lessons)
    except ValueError as error:
        raise ProjectError(str(error)) from None


def _fail(problems: Sequence[str]) -> bool:
    for problem in problems:
        Console(stderr=True).print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    return False
