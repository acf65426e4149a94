"""A step of `nbgrader generate_assignment`: the course's own stubs in place of nbgrader's one stub for all."""

from __future__ import annotations

from typing import NoReturn

from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from nbgrader.utils import is_solution

from vitlab.course.blocks import split_code, split_text


class ClearToStubs(ClearSolutions):
    """Puts what `vitlab build` shows the student in place of each solution: the explicit stub where there is one."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, cell_index: int) -> tuple[NotebookNode, dict]:
        """Clears one cell. Raises ValueError, with the cell's id and line, for delimiters that are not clear."""

        def fail(row: int, message: str) -> NoReturn:
            raise ValueError(f"cell {cell.get('id', cell_index)!r}, line {row + 1}: {message}")

        if is_solution(cell):
            split = split_code if cell.cell_type == "code" else split_text
            cell.source = split(cell.source, fail).student
        return cell, resources
