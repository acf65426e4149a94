"""The cell that installs the course on Google Colab, and does nothing anywhere else: the same in every notebook."""

from __future__ import annotations

from dataclasses import replace

from vitlab.course.parse import Cell, SourceLesson

TAG = "colab"
METADATA = {
    "cellView": "form",  # Colab shows the title alone
    "jupyter": {"source_hidden": True},  # JupyterLab shows the first line, folded
    "slideshow": {"slide_type": "skip"},
}
# It stands where nothing of the course can be imported yet: Python's own modules, and all of it in one function, which
# leaves one name behind. A file in the folder comes before the release: whoever put it there wants it, and it helps
# where the release cannot be reached.
SOURCE = """\
# @title Google Colab: run this cell first. Anywhere else it does nothing.
def install_on_colab(release):
    try:
        from google.colab import files
    except ImportError:
        return
    import subprocess
    import sys
    from glob import glob
    from importlib.util import find_spec

    try:
        if find_spec("helpers") is None:
            archive = max(glob("vitlab*.zip"), default=release) or next(iter(files.upload()))
            print("Installing the course. This takes up to a minute ...")
            pip = [sys.executable, "-m", "pip", "install", "--no-deps", archive]
            subprocess.run(pip, check=True, capture_output=True)
        from helpers.colab import make_ready

        print(make_ready())
    except Exception:
        print("The course is not installed. Put its archive, vitlab.zip, among the files on the left,")
        print("and run this cell again. If one is there already, it is damaged: delete it first.")


install_on_colab(release={release!r})"""


def source(release: str) -> str:
    """The cell's code. release: the address of the course's archive; empty where there is none."""
    return SOURCE.replace("{release!r}", f'"{release}"')


def with_colab_cell(lesson: SourceLesson, release: str) -> SourceLesson:
    """The lesson with that cell before the one that sets up, and before the text which leads to it.

    release: see `source`. A lesson without a cell tagged setup stays as it is.
    """
    place = next((place for place, cell in enumerate(lesson.cells) if "setup" in cell.tags), None)
    if place is None:
        return lesson
    at = place - 1 if place > 1 and lesson.cells[place - 1].kind == "markdown" else place
    cells = (*lesson.cells[:at], _cell(release, lesson.cells[place].line), *lesson.cells[at:])
    return replace(lesson, cells=cells)


def _cell(release: str, line: int) -> Cell:
    code = source(release)
    return Cell("code", (TAG,), None, None, TAG, code, code, code, line, dict(METADATA))
