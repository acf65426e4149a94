"""Reads a lesson's source, `solutions/NN_name.py` (jupytext py:percent), and refuses everything that is not clear."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from helpers.models.conventions import STANDARD, Conventions
from vitlab.course import text
from vitlab.course.blocks import Editions, split_code, split_text
from vitlab.course.conditions import keep
from vitlab.course.errors import BuildError
from vitlab.course.sheet import Sheet, read_sheet
from vitlab.course.ta_notes import Notes, read_notes

__all__ = ["BuildError", "Cell", "SourceCell", "SourceLesson", "parse", "source_cells"]

TASKS = {"exercise": "code", "answer": "written", "predict": "prediction"}  # tag -> the kind it must have in the course
TAGS = (*TASKS, "check", "setup", "experiment", "explorer", "ta-note", "optional", "compare", "progress", "worksheet")
NO_EXERCISE = ("ta-note", "worksheet")  # roles of cells that are for the staff and belong to no exercise
METADATA = ("tags", "exercise", "slideshow", "jupyter")
JUPYTEXT_OWN = (
    "lines_to_next_cell",
    "lines_to_end_of_cell_marker",
    "region_name",
)
MARKER = re.compile(r"# ?%%")


@dataclass(frozen=True)
class SourceCell:
    """A cell as it stands in the file. line: of its marker; rows: of each line of its source (all from 1).

    varied: the conventions on which lines of it depend.
    """

    kind: str
    source: str
    metadata: dict[str, Any]
    line: int
    rows: Sequence[int]
    varied: tuple[str, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("tags", ()))


@dataclass(frozen=True)
class Cell:
    """A cell of a parsed lesson.

    kind: "markdown" or "code". task: None, "exercise", "answer" or "predict". exercise: the id that the cell belongs to
    (tasks and checks). points: on the cell that is graded. heading: the nearest heading's words.
    written: its text as the author wrote it, {{words}} filled in: delimiters, solutions and stubs. solved: its text in
    the solved edition. student: in the student's; None where the student has no such cell.
    varied: the conventions on which lines of it depend.
    """

    kind: str
    tags: tuple[str, ...]
    exercise: str | None
    points: float | None
    heading: str
    written: str
    solved: str
    student: str | None
    line: int
    metadata: dict[str, Any] = field(default_factory=dict)
    varied: tuple[str, ...] = ()

    @property
    def task(self) -> str | None:
        return next((tag for tag in self.tags if tag in TASKS), None)

    @property
    def is_check(self) -> bool:
        return "check" in self.tags

    @property
    def is_free_text(self) -> bool:
        """An answer in markdown: read by a person, so it has no check and carries the points itself."""
        return self.task == "answer" and self.kind == "markdown"


@dataclass(frozen=True)
class SourceLesson:
    """A parsed lesson: number "01", name "01_patches_to_tokens", its cells, parts, words ({{…}}) and TA notes.

    sheet: its page for the section, where the source has one; no notebook holds it.
    """

    path: Path
    number: str
    name: str
    title: str
    cells: tuple[Cell, ...]
    parts: tuple[text.Part, ...]
    words: Mapping[str, str]
    notes: Notes
    sheet: Sheet | None = None


def parse(
    path: str | Path, *, find: Callable[[str], Any], words: Mapping[str, str], conventions: Conventions = STANDARD
) -> SourceLesson:
    """Parses a lesson's source.

    path: the file, NN_name.py. find: exercise id -> object with .points and .kind ("code", "written", "prediction"),
    KeyError where the course has no such exercise. words: what {{word}} stands for, besides {{contents}}.
    conventions: which of the lines that carry a condition are kept.
    Raises BuildError with file and line for whatever is not clear.
    """
    path = Path(path)
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem):
        raise BuildError(path, 1, f"{path.name} is not named like 01_patches_to_tokens.py.")
    cells = source_cells(path)
    for cell in cells:
        _check_metadata(cell, path)
    cells = [_under(conventions, cell, path) for cell in cells]
    paper = [cell for cell in cells if "worksheet" in cell.tags]
    cells = [cell for cell in cells if "worksheet" not in cell.tags]
    title = _title(cells[0], path)
    parts = _parts(cells, path)
    words = {**words, text.CONTENTS: text.contents(parts)}
    heading, parsed = title, []
    for cell in cells:
        own = text.headings(cell.source) if cell.kind == "markdown" and "ta-note" not in cell.tags else []
        heading = text.heading_name(own[0][1]) if own else heading
        parsed.append(_cell(cell, heading, path, find, words))
        heading = text.heading_name(own[-1][1]) if own else heading
    _check_pairs(parsed, path)
    notes = read_notes((cell, _fail_in(source, path)) for cell, source in zip(parsed, cells, strict=True))
    sheet = _sheet(paper, parsed, path, words)
    return SourceLesson(path, path.stem[:2], path.stem, title, tuple(parsed), parts, words, notes, sheet)


def source_cells(path: str | Path) -> list[SourceCell]:
    """The cells of a py:percent file, split by jupytext, with the lines at which they stand."""
    import jupytext

    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BuildError(path, 1, f"the file is not UTF-8 (byte {error.start}).") from None
    lines = content.splitlines()
    marks = [number for number, line in enumerate(lines, 1) if MARKER.match(line)]
    if not marks:
        raise BuildError(path, 1, "no cell: a lesson is py:percent text whose cells begin with '# %%'.")
    for number in marks:
        if re.search(r"\btags=(?!\[)", lines[number - 1]):
            raise BuildError(path, number, 'tags must be a list of strings, such as tags=["check"].')
    form = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    cells = jupytext.reads(content, fmt=form).cells
    # what stands before the first marker is jupytext's own header or a cell without a marker
    if len(cells) > len(marks):
        raise BuildError(
            path, 1, "text before the first '# %%': begin the file with the title cell, '# %% [markdown]'."
        )
    if len(cells) < len(marks):
        raise BuildError(path, _marker_in_string(lines, marks), "a line inside a string begins with '# %%': indent it.")
    found = []
    for cell, line in zip(cells, marks, strict=True):
        if "cell_marker" in cell.metadata:
            raise BuildError(path, line, "markdown in quotes: write each line as a comment, '# ' before it.")
        head = cell.source.partition("\n")[0].strip()
        first = line + 1
        while head and first < len(lines) and head not in (lines[first - 1].strip(), lines[first - 1][1:].strip()):
            first += 1  # blank lines
        rows = range(first, first + cell.source.count("\n") + 1)
        metadata = {key: value for key, value in cell.metadata.items() if key not in JUPYTEXT_OWN}
        found.append(SourceCell(cell.cell_type, cell.source, metadata, line, rows))
    return found


def _under(conventions: Conventions, cell: SourceCell, path: Path) -> SourceCell:
    """The cell without the lines that hold under other conventions."""
    kept = keep(cell.source, conventions, _fail_in(cell, path), code=cell.kind == "code")
    source, rows = "\n".join(line for _, line in kept.lines), [cell.rows[row] for row, _ in kept.lines]
    return replace(cell, source=source, rows=rows, varied=kept.varied)


def _marker_in_string(lines: list[str], marks: list[int]) -> int:
    """The first marker up to which the file's last cell is not whole."""
    for before, after in itertools.pairwise(marks):
        try:
            ast.parse("\n".join(lines[before : after - 1]))
        except SyntaxError:
            return after
    return marks[-1]


def _check_metadata(cell: SourceCell, path: Path) -> None:
    if cell.kind not in ("markdown", "code"):
        raise BuildError(path, cell.line, f"a {cell.kind} cell: a lesson has markdown and code cells.")
    if not cell.source.strip():
        raise BuildError(path, cell.line, "an empty cell: write something in it or take it out.")
    if said := cell.metadata.get("title") or cell.metadata.get("incorrectly_encoded_metadata"):
        raise BuildError(path, cell.line, f'cannot read {said!r} after # %%: write tags=["check"] exercise="patchify".')
    if unknown := [key for key in cell.metadata if key not in METADATA]:
        known = ", ".join(METADATA)
        raise BuildError(path, cell.line, f"unknown metadata {unknown[0]!r}: a cell may have {known}.")
    tags = cell.metadata.get("tags", [])
    if unknown := [tag for tag in tags if tag not in TAGS]:
        raise BuildError(path, cell.line, f"unknown tag {unknown[0]!r}: the known ones are {', '.join(sorted(TAGS))}.")
    roles = [tag for tag in tags if tag in TASKS or tag in ("check", *NO_EXERCISE)]
    if len(roles) > 1 or len(set(tags)) < len(tags):
        raise BuildError(path, cell.line, f"a cell has one role, not {' and '.join(map(repr, roles or tags))}.")
    exercise = cell.metadata.get("exercise")
    if roles and roles[0] not in NO_EXERCISE:
        if exercise is None:
            raise BuildError(path, cell.line, f'a cell tagged {roles[0]!r} must say which: exercise="its id".')
        if (
            not isinstance(exercise, str)
            or not exercise.isidentifier()
            or not re.fullmatch(r"\w{1,58}", exercise, re.A)
        ):
            raise BuildError(
                path, cell.line, f"an exercise's id is a Python name of at most 58 letters, not {exercise!r}."
            )
    elif exercise is not None:
        known = ", ".join([*TASKS, "check"])
        raise BuildError(path, cell.line, f"exercise={exercise!r} on a cell that has none of the tags {known}.")


def _title(cell: SourceCell, path: Path) -> str:
    heads = text.headings(cell.source) if cell.kind == "markdown" else []
    if not heads or heads[0][0] != 0 or not heads[0][1].startswith("# "):
        raise BuildError(path, cell.line, "the first cell must be the title: markdown that begins with '# '.")
    return heads[0][1][2:].strip()


def _parts(cells: list[SourceCell], path: Path) -> tuple[text.Part, ...]:
    parts: list[text.Part] = []
    for cell in cells:
        if cell.kind != "markdown" or "ta-note" in cell.tags:
            continue
        for row, heading in text.headings(cell.source):
            part = text.read_part(heading, row, _fail_in(cell, path))
            if part is None:
                continue
            if parts and part.number != parts[-1].number + 1:
                _fail_in(cell, path)(
                    row, f"part {part.number} comes after part {parts[-1].number}: number them in order."
                )
            parts.append(part)
            if sum(p.minutes for p in parts if p.section) > text.SECTION_MINUTES:
                _fail_in(cell, path)(row, f"up to here the parts marked ★ take over {text.SECTION_MINUTES} minutes.")
    return tuple(parts)


def _sheet(paper: list[SourceCell], cells: list[Cell], path: Path, words: Mapping[str, str]) -> Sheet | None:
    if not paper:
        return None
    if len(paper) > 1:
        raise BuildError(path, paper[1].line, f"a second worksheet: the first is in line {paper[0].line}.")
    (cell,) = paper
    if cell.kind != "markdown":
        raise BuildError(path, cell.line, "a worksheet is a markdown cell.")
    fail = _fail_in(cell, path)
    questions = [other.exercise for other in cells if other.task in ("answer", "predict")]
    return read_sheet(text.fill_text(cell.source, words, fail), questions, fail)


def _cell(cell: SourceCell, heading: str, path: Path, find: Callable, words: Mapping[str, str]) -> Cell:
    fail = _fail_in(cell, path)
    task = next((tag for tag in cell.tags if tag in TASKS), None)
    exercise, points = cell.metadata.get("exercise"), None
    if cell.kind == "code":
        split_code(cell.source, fail)  # before words are filled in: columns and lines are the author's
        written = text.fill_code(cell.source, words, fail)
        editions = split_code(written, fail)
        _check_calls(cell, fail)
    else:
        written = text.fill_text(cell.source, words, fail)
        editions = split_text(written, fail)
    if task is None and editions.solutions:
        known = ", ".join(TASKS)
        raise BuildError(path, cell.line, f"a solution in a cell that has none of the tags {known}.")
    if task is not None:
        points = _points(cell, task, path, find)
        _check_task(cell, task, editions, path)
    if "check" in cell.tags:
        if cell.kind != "code":
            raise BuildError(path, cell.line, "a check is a code cell.")
        points = _points(cell, None, path, find)
    graded = "check" in cell.tags or (task == "answer" and cell.kind == "markdown")
    return Cell(
        kind=cell.kind,
        tags=cell.tags,
        exercise=exercise,
        points=points if graded else None,
        heading=heading,
        written=written.strip("\n"),
        solved=editions.solved,
        student=None if "ta-note" in cell.tags else editions.student,
        line=cell.line,
        metadata={key: cell.metadata[key] for key in ("slideshow", "jupyter") if key in cell.metadata},
        varied=cell.varied,
    )


def _points(cell: SourceCell, task: str | None, path: Path, find: Callable) -> float:
    exercise = cell.metadata["exercise"]
    try:
        info = find(exercise)
    except KeyError:
        raise BuildError(path, cell.line, f"the course has no exercise {exercise!r}: see helpers/exercises.") from None
    if task is not None and info.kind != TASKS[task]:
        message = (
            f"{exercise!r} is tagged {task!r}, but the course defines it as {info.kind!r} ({TASKS[task]!r} expected)."
        )
        raise BuildError(path, cell.line, message)
    return info.points


def _check_task(cell: SourceCell, task: str, editions: Editions, path: Path) -> None:
    exercise = cell.metadata["exercise"]
    if not editions.solutions:
        raise BuildError(path, cell.line, f"{exercise!r} has no solution: add ### BEGIN SOLUTION and ### END SOLUTION.")
    if cell.kind == "markdown":
        if task != "answer":
            raise BuildError(
                path, cell.line, f"a cell tagged {task!r} is a code cell; only an answer may be free text."
            )
        return
    for edition, name in ((editions.solved, "solution"), (editions.student, "student's stub")):
        if exercise not in _defined(edition):
            raise BuildError(path, cell.line, f"the {name} of {exercise!r} defines nothing of that name.")


def _defined(source: str) -> set[str]:
    """The names that a cell defines at its top level."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


def _check_calls(cell: SourceCell, fail: Callable[[int, str], NoReturn]) -> None:
    """`lesson.check(...)` stands in cells tagged check, and names the exercise that the cell's metadata names."""
    calls = [
        node
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lesson.check"
    ]
    if "check" not in cell.tags:
        for call in calls:
            fail(call.lineno - 1, 'lesson.check(...) in a cell that is not tagged: tags=["check"] exercise="its id".')
        return
    exercise = cell.metadata["exercise"]
    if not calls:
        fail(0, f'this check cell never calls lesson.check("{exercise}").')
    for call in calls:
        said = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        if said != exercise:
            fail(call.lineno - 1, f"this cell's metadata says exercise={exercise!r}, its code checks {said!r}.")


def _check_pairs(cells: list[Cell], path: Path) -> None:
    """Each exercise once, with one check after it; no check of what is not there."""
    tasks: dict[str, Cell] = {}
    checked: dict[str, Cell] = {}
    for cell in cells:
        if cell.task:
            if cell.exercise in tasks:
                where = tasks[cell.exercise].line
                raise BuildError(path, cell.line, f"exercise {cell.exercise!r} is given twice: first in line {where}.")
            tasks[cell.exercise] = cell
        elif cell.is_check:
            if cell.exercise not in tasks:
                here = ", ".join(tasks) or "none yet"
                raise BuildError(
                    path, cell.line, f"a check of {cell.exercise!r}, which is not given before it ({here})."
                )
            if cell.exercise in checked:
                where = checked[cell.exercise].line
                raise BuildError(
                    path, cell.line, f"{cell.exercise!r} has a second check: the first is in line {where}."
                )
            if tasks[cell.exercise].is_free_text:
                raise BuildError(path, cell.line, f"{cell.exercise!r} is free text, which a person reads: no check.")
            checked[cell.exercise] = cell
    for exercise, cell in tasks.items():
        if cell.task != "predict" and not cell.is_free_text and exercise not in checked:
            raise BuildError(path, cell.line, f"{exercise!r} has no check: add a cell tagged check after it.")


def _fail_in(cell: SourceCell, path: Path) -> Callable[[int, str], NoReturn]:
    def fail(row: int, message: str) -> NoReturn:
        raise BuildError(path, cell.rows[min(row, len(cell.rows) - 1)], message)

    return fail
