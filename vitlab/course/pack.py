"""A homework pack on disk: what goes to the students, and beside it what stays with the staff."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from helpers.exercises.written import FreeText
from vitlab.course.build import Course, leaks
from vitlab.course.errors import BuildError
from vitlab.course.homework import depending, homework_lessons, points
from vitlab.course.notebooks import dumps, solved_notebook, student_notebook
from vitlab.course.parse import SourceLesson
from vitlab.files import write_changed
from vitlab.project import ProjectError

EDITIONS = {"student": "homework", "staff": "homework-solved"}  # folder -> what the notebooks in it are called
KEY = "staff/key.md"
FOLDERS = tuple(name for edition in EDITIONS for name in (edition, f"{edition}/notebooks"))


class PackError(ProjectError):
    """A homework pack cannot be written where it should be."""


def write_pack(course: Course, folder: Path, lessons: Sequence[str] = ()) -> list[Path]:
    """Writes the homework of these lessons (all where none is named) into a folder; returns the files that changed.

    The folder is new or empty, or holds an earlier pack of the same conventions: that becomes this one, file by file.
    Raises BuildError, PackError where something else is in the folder or it cannot be written, ValueError for a lesson
    that there is not.
    """
    before = _earlier(folder)
    if KEY in before and _conventions(course) not in (folder / KEY).read_text(encoding="utf-8", errors="replace"):
        raise PackError(f"{folder} holds the pack of another secret, which may be handed out: name another folder.")
    files = pack_files(course, lessons)
    try:
        changed = [folder / name for name, content in files.items() if write_changed(folder / name, content)]
        for name in before - files.keys():
            (folder / name).unlink()
    except OSError as error:
        raise PackError(f"The homework pack cannot be written to {folder}: {error.strerror}.") from None
    return changed


def pack_files(course: Course, lessons: Sequence[str] = ()) -> dict[str, bytes]:
    """The files of a pack: name within it -> content, the same bytes each time. Raises BuildError where one leaks."""
    made = homework_lessons(course, lessons)
    files = {
        "student/README.md": _student_readme(made).encode(),
        KEY: _key(course, made).encode(),
    }
    for lesson in made:
        name = f"notebooks/{lesson.name}.ipynb"
        student = student_notebook(lesson, EDITIONS["student"])
        for leak in leaks(course, lesson, student, name, shown={cell.line for cell in lesson.cells}):
            raise BuildError(leak.file, leak.line, f"this line of a solution stands in the homework: {leak.text!r}")
        files[f"student/{name}"] = dumps(student)
        files[f"staff/{name}"] = dumps(solved_notebook(lesson, edition=EDITIONS["staff"]))
    return files


def _earlier(folder: Path) -> set[str]:
    """The files of an earlier pack in a folder. Raises PackError for whatever else is there."""
    if not folder.exists():
        return set()
    if not folder.is_dir():
        raise PackError(f"{folder} is a file: name a folder for the homework pack.")
    found, strange = set(), []
    for place in (folder, *(folder / name for name in FOLDERS)):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            name = path.relative_to(folder).as_posix()
            if path.is_dir() and not path.is_symlink():
                strange += [name] if name not in FOLDERS else []
            elif _is_ours(folder, name):
                found.add(name)
            else:
                strange.append(name)
    if strange:
        raise PackError(f"{folder} holds {strange[0]!r}, which no homework pack has: name a new or an empty folder.")
    return found


def _is_ours(folder: Path, name: str) -> bool:
    if name in ("student/README.md", KEY):
        return True
    edition = EDITIONS.get(name.partition("/")[0])
    if edition is None or not name.endswith(".ipynb"):
        return False
    try:
        return json.loads((folder / name).read_bytes())["metadata"]["vitlab"]["edition"] == edition
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _student_readme(lessons: Sequence[SourceLesson]) -> str:
    rows = [(f"`notebooks/{lesson.name}.ipynb`", lesson.title, f"{points(lesson):g}") for lesson in lessons]
    return f"""# Homework

{_table(("notebook", "homework", "points"), rows)}

The notebooks need the course installed, as its own README says: `make lab` on Linux and macOS, conda anywhere else.
Then open this folder with the course's JupyterLab. With the environment of `make lab`, whose folder is `.venv` in the
clone of the course:

    path/to/the/course/.venv/bin/jupyter lab notebooks

With conda:

    conda activate vitlab
    jupyter lab notebooks

Each notebook begins with the conventions that hold in it. **They need not be those of the lessons**, and every check
follows them. Checks need no network. A text is read by a person: it has no check, and does not count in the table at
the top. The table keeps the best verdict that you ever had; what you hand in is graded as it stands. Hand in
the notebooks, under the names that they have.
"""


def _key(course: Course, lessons: Sequence[SourceLesson]) -> str:
    varied = course.conventions.differences()
    numbers = " ".join(f"--lesson {lesson.number}" for lesson in lessons)
    parts = [
        "# Key of this homework",
        "For the staff: not to be handed out. The solved notebooks stand beside it; they are not executed. "
        "These conventions follow from the secret of this pack, which is written nowhere here, and grading needs it:",
        f"    vitlab grade SUBMISSIONS --out GRADES --secret '...' {numbers}",
        _conventions(course),
        "An exercise marked *varies* has another answer than in the public lessons: the public solution does not pass.",
    ]
    for lesson in lessons:
        parts.append(f"## {lesson.title} ({points(lesson):g} points)")
        parts.append(_table(("task", "kind", "points", "depends on", ""), _tasks(course, lesson, varied)))
    total = sum(points(lesson) for lesson in lessons)
    return "\n\n".join([*parts, f"**In all: {total:g} points.**"]) + "\n"


def _conventions(course: Course) -> str:
    varied = course.conventions.differences()
    rows = [
        (name, str(value), "not as in the lessons" if name in varied else "as in the lessons")
        for name, value in asdict(course.conventions).items()
    ]
    return _table(("convention", "here", ""), rows)


def _tasks(course: Course, lesson: SourceLesson, varied: Mapping[str, object]) -> list[tuple[str, ...]]:
    rows = []
    for exercise, names in depending(course, lesson).items():
        item = course.find(exercise)
        mark = "*varies*" if varied.keys() & {*names} else ""
        kind = "free text, read by a person" if isinstance(getattr(item, "answer", None), FreeText) else item.kind
        rows.append((f"`{exercise}`", kind, f"{item.points:g}", ", ".join(names), mark))
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
