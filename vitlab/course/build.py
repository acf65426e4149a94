"""`vitlab build`: writes every edition of the lessons, or says what committed editions differ in."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from helpers.models.conventions import STANDARD, Conventions
from vitlab.course import colab
from vitlab.course.errors import BuildError
from vitlab.course.execute import ExecutionError, execute, normalise
from vitlab.course.leaks import Leak, find_leaks, read_secrets
from vitlab.course.notebooks import COMPARED, code_cells, dumps, same_code, solved_notebook, student_notebook
from vitlab.course.parse import SourceLesson, parse
from vitlab.files import write_changed
from vitlab.project import release_address


@dataclass(frozen=True)
class Course:
    """Where the lessons are and what they may refer to.

    root: the project's folder. find: exercise id -> its definition (.points, .kind), KeyError where there is none.
    words: what {{word}} stands for. names: the course's table of lessons, "01_patches_to_tokens"; None: any.
    conventions: which of the lines that carry a condition are kept.
    release: the address from which Google Colab gets the course; empty where there is none, and students upload it.
    """

    root: Path
    find: Callable[[str], Any]
    words: Mapping[str, str] = field(default_factory=dict)
    names: Collection[str] | None = None
    conventions: Conventions = STANDARD
    release: str = ""

    def sources(self) -> list[Path]:
        """The sources of all lessons, in order."""
        return sorted((self.root / "solutions").glob("[0-9][0-9]_*.py"))

    def select(self, wanted: Sequence[str]) -> list[Path]:
        """The sources of the lessons named ("01" or "01_patches_to_tokens"), all where none is or for "all".

        Raises ValueError for a name that no source has.
        """
        sources = self.sources()
        if list(wanted) == ["all"]:
            return sources
        for name in wanted:
            if not any(Path(name).stem in (source.stem, source.stem[:2]) for source in sources):
                known = ", ".join(source.stem for source in sources) or "none"
                raise ValueError(f"There is no lesson {name!r} in {self.root / 'solutions'}. It has: {known}.")
        chosen = {Path(name).stem for name in wanted}
        return [source for source in sources if not chosen or chosen & {source.stem, source.stem[:2]}]

    def student_file(self, source: Path) -> Path:
        return self.root / "notebooks" / f"{source.stem}.ipynb"

    def solved_file(self, source: Path) -> Path:
        return source.with_suffix(".ipynb")

    def shown(self, path: Path) -> str:
        """A path as a person reads it: from the project's folder on, with slashes."""
        return path.relative_to(self.root).as_posix()


def standard_course(root: Path, conventions: Conventions = STANDARD) -> Course:
    """The course as it is published, its own exercises and the standard conventions; or under those of a homework."""
    from helpers.exercises import LESSONS, find

    names = [lesson.file for lesson in LESSONS]
    finding = partial(find, conventions=conventions)
    return Course(root, finding, conventions.words(), names, conventions, release_address(root))


def build(
    course: Course,
    lessons: Sequence[str] = (),
    *,
    run: bool | None = None,
    executing: Callable[[str, int], Callable[[], None]] = lambda name, cells: lambda: None,
) -> list[Path]:
    """Builds lessons and writes what changed; returns the files written.

    run: whether solved lessons are executed; None: where their code changed or they hold no outputs.
    executing: called with a lesson's name and its number of code cells before it runs, gives what to call a cell.
    Every lesson is parsed, built and searched for leaks before any is run, and a lesson is run before anything of it is
    written. Raises BuildError.
    """
    made = [(lesson, *_editions(course, lesson)) for lesson in parsed(course, course.select(lessons))]
    written = []
    for lesson, student, solved, before in made:
        if run or (run is None and not (before and same_code(solved, before) and _was_run(before))):
            solved = _run(lesson, solved, executing(lesson.name, len(code_cells(solved))))
        editions = {course.student_file(lesson.path): dumps(student), course.solved_file(lesson.path): dumps(solved)}
        written += [path for path, content in editions.items() if write_changed(path, content)]
    return written


def check(course: Course, lessons: Sequence[str] = ()) -> list[str]:
    """What is wrong with the committed editions, a line each; empty where they are what would be built.

    Student editions are compared byte by byte. Of solved ones everything but the outputs is compared; these must be
    there (on every check and compared cell), without errors and in their normal form.
    """
    problems = []
    for source in course.select(lessons):
        try:
            (lesson,) = parsed(course, [source])
            student, solved, before = _editions(course, lesson)
        except BuildError as error:
            problems.append(str(error))
            continue
        problems += _compare(course, course.student_file(source), student)
        problems += _compare(course, course.solved_file(source), solved)
        if before is not None:
            name = course.shown(course.solved_file(source))
            problems += [f"{name}: {problem}" for problem in _missing_outputs(before)]
        if course.student_file(source).exists():
            committed = _json(course.student_file(source))
            name = course.shown(course.student_file(source))
            problems += [str(leak) for leak in leaks(course, lesson, committed, name)]
    return problems + strays(course)


def strays(course: Course) -> list[str]:
    """Notebooks that no source makes, a line each."""
    made = {path for source in course.sources() for path in (course.student_file(source), course.solved_file(source))}
    found = [path for folder in ("notebooks", "solutions") for path in sorted((course.root / folder).glob("*.ipynb"))]
    return [f"{course.shown(path)}: no lesson in solutions/ makes it" for path in found if path not in made]


def parsed(course: Course, sources: Sequence[Path]) -> list[SourceLesson]:
    """The lessons of these sources, under the course's conventions and ready for Colab. Raises BuildError."""
    lessons = []
    for source in sources:
        if course.names is not None and source.stem not in course.names:
            raise BuildError(source, 1, f"the table of lessons has no {source.stem!r}: add it in helpers/exercises.")
        lesson = parse(source, find=course.find, words=course.words, conventions=course.conventions)
        lessons.append(colab.with_colab_cell(lesson, course.release))
    return lessons


def _editions(course: Course, lesson: SourceLesson) -> tuple[NotebookNode, NotebookNode, NotebookNode | None]:
    """The student edition, the solved one with the outputs it has, and the solved one on disk."""
    student = student_notebook(lesson)
    for leak in leaks(course, lesson, student, course.shown(course.student_file(lesson.path))):
        message = f"this line of a solution stands in the student edition of {lesson.name}: {leak.text!r}"
        raise BuildError(leak.file, leak.line, message)
    before = _read(course.solved_file(lesson.path))
    solved = normalise(solved_notebook(lesson, before), course.root)
    return student, solved, before


def leaks(
    course: Course, lesson: SourceLesson, notebook: Any, name: str, shown: Collection[int] | None = None
) -> list[Leak]:
    """The lines of solutions in a student's notebook of a lesson.

    name: what to call the notebook. shown: the lines on which its cells begin in the source; None: all of them.
    """
    held = course.conventions
    others = [read_secrets(other, course.words, held) for other in course.sources() if other != lesson.path]
    own = read_secrets(lesson.path, lesson.words, held, shown)
    own = replace(own, public=(*own.public, *colab.source(course.release).splitlines()))
    return find_leaks(notebook, name, own, tuple(others))


def _run(lesson: SourceLesson, solved: NotebookNode, executed: Callable[[], None]) -> NotebookNode:
    try:
        return execute(solved, lesson.path.parent, executed=executed)
    except ExecutionError as error:
        raise BuildError(lesson.path, lesson.cells[error.cell].line, f"this cell failed: {error.message}") from None


def _was_run(notebook: NotebookNode) -> bool:
    cells = code_cells(notebook)
    return any(cell.outputs for cell in cells) and all(cell.execution_count is not None for cell in cells)


def _missing_outputs(notebook: NotebookNode) -> list[str]:
    problems = []
    for cell in code_cells(notebook):
        if cell.execution_count is None:
            problems.append(f"cell {cell.get('id')!r} was never executed: vitlab build --execute")
        elif not cell.outputs and any(tag in COMPARED for tag in cell.metadata.get("tags", [])):
            problems.append(f"cell {cell.get('id')!r} holds no output, so that no test compares it")
        if any(output.output_type == "error" for output in cell.outputs):
            problems.append(f"cell {cell.get('id')!r} holds an error")
    return problems


def _compare(course: Course, path: Path, built: NotebookNode) -> list[str]:
    if not path.exists():
        return [f"{course.shown(path)}: missing"]
    if path.read_bytes() == dumps(built):
        return []
    committed = _read(path)
    difference = "not a notebook" if committed is None else _difference(built, committed)
    return [f"{course.shown(path)}: differs from what would be built: {difference}"]


def _difference(built: NotebookNode, committed: NotebookNode) -> str:
    """The first thing in which two notebooks differ."""
    if built.metadata != committed.metadata:
        return "the notebook's metadata"
    for new, old in zip(built.cells, committed.cells, strict=False):
        if new.id != old.get("id"):
            return f"a cell {old.get('id')!r} where {new.id!r} is expected"
        for key in ("cell_type", "source", "metadata", "execution_count", "outputs", "attachments"):
            if new.get(key) != old.get(key):
                return f"cell {new.id!r}, its {key.replace('_', ' ')}"
    if len(built.cells) != len(committed.cells):
        return f"{len(committed.cells)} cells where {len(built.cells)} are expected"
    return "its form as a file (order of keys, indent, line ends)"


def _read(path: Path) -> NotebookNode | None:
    """A notebook on disk; None where there is none or it cannot be read."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError, AttributeError, KeyError, nbformat.ValidationError):
        return None


def _json(path: Path) -> Any:
    """A file's JSON as it stands; where it is none, its text."""
    content = path.read_text(encoding="utf-8", errors="replace")
    try:
        return json.loads(content)
    except ValueError:
        return content
