"""Notebooks as students hand them in, built for trials."""

from __future__ import annotations

import json
from typing import Any

Cell = dict[str, Any]


def code(source: str, id: str | None = None, **more: Any) -> Cell:
    """A code cell as Jupyter saves it."""
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}
    return cell if id is None else {**cell, "id": id}


def markdown(source: str, id: str | None = None, **more: Any) -> Cell:
    """A markdown cell as Jupyter saves it."""
    cell = {"cell_type": "markdown", "source": source, "metadata": {}, **more}
    return cell if id is None else {**cell, "id": id}


def notebook(*cells: Cell, **more: Any) -> bytes:
    """The bytes of a notebook of format 4. more: fields of the notebook itself, such as metadata."""
    content = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}
    return json.dumps(content).encode()
