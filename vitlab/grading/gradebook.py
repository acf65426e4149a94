"""gradebook.csv, with the columns of nbgrader's own export."""

from __future__ import annotations

import csv
import io
from typing import Any

from vitlab.grading.escape import cell
from vitlab.grading.tally import by_lesson, most, points

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


def gradebook(records: list[dict[str, Any]]) -> str:
    """One row a lesson and student, as text. Who has not handed a lesson in has 0 points in it."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for number, lessons in by_lesson(records).items():
        for record in records:
            mine = next((lesson for lesson in record["lessons"] if lesson["number"] == number), None)
            score = points(mine) if mine else 0.0
            writer.writerow(
                {
                    "assignment": lessons[0]["name"],
                    "student_id": cell(record["student"]),
                    "raw_score": score,
                    "late_submission_penalty": 0.0,
                    "score": score,
                    "max_score": float(most(lessons[0])),
                }
            )
    return file.getvalue()
