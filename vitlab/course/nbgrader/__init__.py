"""`vitlab export nbgrader`: a course that nbgrader's own commands release, grade and export."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from vitlab.course.build import Course, parsed
from vitlab.course.notebooks import dumps, nbgrader_notebook
from vitlab.project import ProjectError

HERE = Path(__file__).parent
SETTINGS = "nbgrader_config.py"
LAID_DOWN = (SETTINGS, "README.md")


def export(course: Course, folder: Path, lessons: Sequence[str] = ()) -> list[Path]:
    """Lays lessons out as assignments of an nbgrader course; returns the files written.

    folder: empty, new, or a former export, whose settings and named lessons are written anew; everything else in it
    (gradebook, submissions, other lessons) is left alone. lessons: "01" or "01_patches_to_tokens", all where none is.
    Raises ValueError for an unknown lesson, BuildError for a lesson that cannot be built, ProjectError for a folder
    that holds something else.
    """
    chosen = parsed(course, course.select(lessons))
    _make_room(folder)
    written = []
    for name in LAID_DOWN:
        shutil.copyfile(HERE / name, folder / name)
        written.append(folder / name)
    for lesson in chosen:
        path = folder / "source" / lesson.name / f"{lesson.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dumps(nbgrader_notebook(lesson)))
        written.append(path)
    return written


def _make_room(folder: Path) -> None:
    """Makes the folder, or makes sure that what it holds is ours to write over."""
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file: name a folder for the nbgrader course.")
    if folder.is_dir() and any(folder.iterdir()) and not _is_export(folder):
        raise ProjectError(
            f"{folder} is not empty and no former export (its {SETTINGS} would say so): name another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)


def _is_export(folder: Path) -> bool:
    """Whether the folder's settings begin as ours do."""
    ours = (HERE / SETTINGS).read_text(encoding="utf-8").splitlines()[0]
    try:
        return (folder / SETTINGS).read_text(encoding="utf-8").startswith(ours + "\n")
    except (OSError, UnicodeDecodeError):
        return False
