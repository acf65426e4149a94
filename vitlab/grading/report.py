"""Every report of a batch, from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table


def points(lesson: dict[str, Any]) -> float:
    """Points earned in a lesson; free text that nobody has marked yet earns none."""
    return round(sum(exercise["points"] or 0.0 for exercise in lesson["exercises"]), 2)


def most(lesson: dict[str, Any]) -> float:
    """Points that a lesson is worth."""
    return sum(exercise["most"] for exercise in lesson["exercises"])


def summary_table(records: list[dict[str, Any]]) -> Table:
    """One row a lesson: how many, points, exercises right, wrong, crashed, not attempted."""
    table = Table()
    for column in ("lesson", "hand-ins", "points, mean"):
        table.add_column(column)
    numbers = sorted({lesson["number"] for record in records for lesson in record["lessons"]})
    for number in numbers:
        mine = [lesson for record in records for lesson in record["lessons"] if lesson["number"] == number]
        mean = sum(points(lesson) for lesson in mine) / len(mine)
        table.add_row(number, str(len(mine)), f"{mean:.1f} of {most(mine[0]):g}")
    return table


def write_reports(grades: Path, records: list[dict[str, Any]]) -> None:
    """Write every report."""
