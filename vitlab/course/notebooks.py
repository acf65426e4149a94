"""A parsed lesson as notebooks: the student's and the solved one, the same bytes each time."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

import nbformat
from nbformat import NotebookNode

from vitlab.course import colab
from vitlab.course.parse import Cell, SourceLesson

COMPARED = ("check", "compare")  # tags of cells whose outputs nbval compares
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}


def student_notebook(lesson: SourceLesson, edition: str = "student") -> NotebookNode:
    """The student edition: stubs in place of solutions, no hidden tests, no TA notes, no outputs.

    edition: what the notebook's metadata calls it.
    """
    cells = [_cell(cell, name, cell.student) for cell, name in named(lesson) if cell.student]
    return _notebook(lesson, edition, cells)


def solved_notebook(lesson: SourceLesson, before: NotebookNode | None = None, edition: str = "solved") -> NotebookNode:
    """The solved edition: every cell, with the outputs of `before` on the cells whose sources are unchanged.

    edition: what the notebook's metadata calls it.
    """
    notebook = _notebook(lesson, edition, [_cell(cell, name, cell.solved) for cell, name in named(lesson)])
    if before is None:
        return notebook
    if "widgets" in before.metadata:  # the state of the explorers among the outputs
        notebook.metadata["widgets"] = before.metadata.widgets
    new, old = _run_here(notebook), _run_here(before)
    if same_code(notebook, before):
        kept = zip(new, old, strict=True)
    else:
        executed = {(cell.get("id"), cell.source): cell for cell in old}
        kept = [(cell, executed[cell.id, cell.source]) for cell in new if (cell.id, cell.source) in executed]
    for cell, was in kept:
        cell.outputs, cell.execution_count = was.outputs, was.execution_count
    if any(cell.execution_count for cell in new):
        for cell in code_cells(notebook):
            cell.execution_count = 1 if _is_for_colab(cell) else cell.execution_count  # as if run: it does nothing here
    return notebook


def nbgrader_notebook(lesson: SourceLesson) -> NotebookNode:
    """What nbgrader makes the student edition from: the same cells, with delimiters, solutions, stubs, hidden tests."""
    return _notebook(
        lesson, "nbgrader", [_cell(cell, name, cell.written) for cell, name in named(lesson) if cell.student]
    )


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """A notebook's code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def same_code(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two notebooks run the same code in the same order; the cell for Colab runs nothing here."""
    return [cell.source for cell in _run_here(one)] == [cell.source for cell in _run_here(other)]


def _run_here(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in code_cells(notebook) if not _is_for_colab(cell)]


def _is_for_colab(cell: NotebookNode) -> bool:
    return colab.TAG in cell.metadata.get("tags", [])


def dumps(notebook: NotebookNode) -> bytes:
    """A valid notebook as the bytes of its file: keys sorted, indent 1, LF, UTF-8. Raises where it is not valid."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, sort_keys=True, indent=1, ensure_ascii=False).rstrip("\n") + "\n").encode()


def _notebook(lesson: SourceLesson, edition: str, cells: list[NotebookNode]) -> NotebookNode:
    metadata = {
        "kernelspec": KERNEL,
        "language_info": LANGUAGE,
        "vitlab": {"edition": edition, "lesson": lesson.number},
    }
    notebook = nbformat.from_dict({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    notebook.cells = cells
    return notebook


def _cell(cell: Cell, name: str, source: str) -> NotebookNode:
    content: dict[str, Any] = {"cell_type": cell.kind, "id": name, "metadata": _metadata(cell, name), "source": source}
    if cell.kind == "code":
        content |= {"execution_count": None, "outputs": []}
    return nbformat.from_dict(content)


def _metadata(cell: Cell, name: str) -> dict[str, Any]:
    metadata = dict(cell.metadata)
    tags = list(cell.tags)
    if cell.kind == "code" and not any(tag in COMPARED for tag in tags):
        tags.append("nbval-ignore-output")
    if tags:
        metadata["tags"] = tags
    if cell.exercise:
        metadata["exercise"] = cell.exercise
        metadata["nbgrader"] = _nbgrader(cell, name)
    return metadata


def _nbgrader(cell: Cell, name: str) -> dict[str, Any]:
    """nbgrader's cell metadata, schema 3: what a student writes, what is graded, what is locked."""
    metadata = {
        "grade": cell.points is not None,
        "grade_id": name,
        "locked": cell.is_check,
        "schema_version": 3,
        "solution": cell.task is not None,
        "task": False,
    }
    return metadata if cell.points is None else {**metadata, "points": cell.points}


def named(lesson: SourceLesson) -> list[tuple[Cell, str]]:
    """The cells with their ids: an exercise's id, its check's `id-check`, else the nearest heading with a counter.

    TA notes count on their own, so that both editions give a cell the same id, and a new note changes no other id.
    """
    counters: Counter[str] = Counter()
    named = []
    for cell in lesson.cells:
        if cell.task:
            name = cell.exercise
        elif cell.is_check:
            name = f"{cell.exercise}-check"
        else:
            slug = _slug(cell.heading) + ("-note" if cell.student is None else "")
            counters[slug] += 1
            name = f"{slug}-{counters[slug]}"
        named.append((cell, name))
    return named


def _slug(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-") or "cell"
