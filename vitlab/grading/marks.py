"""Marks of free text: read from and written to CSV, checked against the records, put into them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitlab.grading.escape import cell, from_cell, show
from vitlab.grading.job import MARKED, UNREAD
from vitlab.project import ProjectError

COLUMNS = ("student", "exercise", "points", "comment")
NUMBER = re.compile(r"\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}", re.ASCII)


class MarksError(ProjectError):
    """Marks that cannot be used; the message says which and why, a sentence each."""


@dataclass(frozen=True)
class Mark:
    """What a person gave an answer."""

    points: float
    comment: str = ""


Marks = dict[tuple[str, str], Mark]  # by student and exercise


def read_marks(path: Path, records: list[dict[str, Any]]) -> tuple[Marks, list[str]]:
    """The marks in a file, and a sentence for each line that is none. Raises MarksError for no file of marks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "no such file")
        raise MarksError(f"{show(str(path))} cannot be read: {why}.") from None
    readable = {
        (record["student"], exercise["id"]): exercise["most"]
        for record in records
        for lesson in record["lessons"]
        for exercise in lesson["exercises"]
        if exercise["verdict"] in (UNREAD, MARKED)
    }
    students, exercises = ({key[i] for key in readable} for i in (0, 1))
    every = {record["student"] for record in records}
    marks: Marks = {}
    complaints = []
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise MarksError(f"{show(str(path))} holds no marks: its first line has to be {','.join(COLUMNS)}.")
        for row in reader:
            student, exercise, points, comment = (from_cell(row[column] or "") for column in COLUMNS)
            key, points = (student, exercise), points.strip()
            if student not in every:
                why = f"there is no student {show(student)!r} in this batch"
            elif exercise not in exercises:
                why = f"there is no free text {show(exercise)!r} in this batch"
            elif student not in students or key not in readable:
                why = f"{show(student)} has no answer to {show(exercise)} that a person reads"
            elif not NUMBER.fullmatch(points):
                why = f"the points have to be a number from 0 to {readable[key]:g}, and they are {show(points)!r}"
            elif float(points) > readable[key]:
                why = f"{show(points)} points are more than the {readable[key]:g} that {show(exercise)} is worth"
            elif key in marks:
                why = f"{show(student)}'s {show(exercise)} has its marks in an earlier line"
            else:
                marks[key] = Mark(float(points), comment.strip())
                continue
            complaints.append(f"Line {reader.line_num}: {why}.")
    except csv.Error as error:
        raise MarksError(f"{show(str(path))} is no CSV, near line {reader.line_num}: {error}.") from None
    return marks, complaints


def marks_as_csv(marks: Mapping[tuple[str, str], Mark]) -> str:
    """A file of marks, as `read_marks` reads it."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (student, exercise), mark in sorted(marks.items()):
        writer.writerow([cell(student), exercise, f"{mark.points:g}", cell(mark.comment)])
    return file.getvalue()


def with_marks(records: list[dict[str, Any]], marks: Marks) -> list[dict[str, Any]]:
    """The records, with the marks of those free texts that have any; the others stay unread."""

    def marked(student: str, exercise: dict[str, Any]) -> dict[str, Any]:
        mark = marks.get((student, exercise["id"]))
        if mark is None or exercise["verdict"] != UNREAD:
            return exercise
        words = "A person has read this one."
        return {**exercise, "verdict": MARKED, "points": mark.points, "comment": mark.comment, "message": words}

    return [
        {
            **record,
            "lessons": [
                {**lesson, "exercises": [marked(record["student"], exercise) for exercise in lesson["exercises"]]}
                for lesson in record["lessons"]
            ],
        }
        for record in records
    ]
