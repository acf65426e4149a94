"""Marks of free text: read from and written to CSV, checked against the records, put into them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vitlab.grading.escape import cell, from_cell, show
from vitlab.grading.job import MARKED, UNREAD
from vitlab.project import ProjectError

NEEDED = ("student", "exercise", "points", "comment")
COLUMNS = (*NEEDED, "answer")  # the last: which text was marked, as `text_key` names it; it may be missing
NUMBER = re.compile(r"\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}", re.ASCII)


class MarksError(ProjectError):
    """Marks that cannot be used; the message says which and why, a sentence each."""


@dataclass(frozen=True)
class Mark:
    """What a person gave an answer. line: where it stands in the file; answer: the text it is for, "" for any."""

    points: float
    comment: str = ""
    line: int = 0
    answer: str = ""


Marks = dict[tuple[str, str], Mark]  # by student and exercise


Complaints = dict[int, str]  # by line: what is wrong with it


def text_key(student: str, exercise: str, text: str) -> str:
    """Names an answer's text in 24 letters: another text, another name."""
    return hashlib.sha256(repr((student, exercise, text)).encode(errors="surrogatepass")).hexdigest()[:24]


def read_marks(path: Path) -> tuple[Marks, Complaints]:
    """The marks in a file, and what is wrong with its other lines. Raises MarksError for no file of marks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise MarksError(f"{show(str(path))} cannot be read: {why}.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    marks: Marks = {}
    complaints: Complaints = {}
    try:
        if not set(NEEDED) <= set(reader.fieldnames or ()):
            raise MarksError(f"{show(str(path))} holds no marks: its first line has to be {','.join(NEEDED)}.")
        for row in reader:
            student, exercise, points, comment = (from_cell(row[column] or "") for column in NEEDED)
            if None in row:  # as of a decimal comma: the points would lose what comes after it
                complaints[reader.line_num] = "it has more cells than the first line"
            elif not NUMBER.fullmatch(points.strip()):
                complaints[reader.line_num] = f"{show(points)!r} is no number of points"
            elif (before := marks.get((student, exercise))) is not None:
                complaints[reader.line_num] = f"line {before.line} marks the same answer"
            else:
                marks[student, exercise] = Mark(
                    float(points), comment.strip(), reader.line_num, (row.get("answer") or "").strip()
                )
    except csv.Error as error:
        raise MarksError(f"{show(str(path))} is no CSV: {error}.") from None
    return marks, complaints


def fitting(marks: Marks, records: list[dict[str, Any]]) -> tuple[Marks, Complaints]:
    """The marks that belong to answers of these records, and what is wrong with the others."""
    asked = {
        (record["student"], exercise["id"]): exercise
        for record in records
        for lesson in record["lessons"]
        for exercise in lesson["exercises"]
        if exercise["verdict"] == UNREAD
    }
    students, exercises = {record["student"] for record in records}, {exercise for _, exercise in asked}
    fit: Marks = {}
    complaints: Complaints = {}
    for (student, exercise), mark in marks.items():
        given = asked.get((student, exercise))
        if student not in students:
            why = f"there is no student {show(student)!r} in this batch"
        elif exercise not in exercises:
            why = f"there is no free text {show(exercise)!r} to be read in this batch"
        elif given is None:
            why = f"{show(student)} has given no answer to {exercise}"
        elif mark.points > given["most"]:
            why = f"{mark.points:g} points are more than {exercise} is worth: {given['most']:g}"
        elif mark.answer not in ("", text_key(student, exercise, given["text"])):
            why = f"{show(student)} has since handed in another text for {exercise}: read it and mark it anew"
        else:
            fit[student, exercise] = replace(mark, answer=text_key(student, exercise, given["text"]))
            continue
        complaints[mark.line] = why
    return fit, complaints


def sentences(complaints: Complaints) -> list[str]:
    """A sentence for each line with which something is wrong."""
    return [f"Line {line}: {why}." for line, why in sorted(complaints.items())]


def marks_as_csv(marks: Mapping[tuple[str, str], Mark]) -> str:
    """A file of marks, as `read_marks` reads it."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (student, exercise), mark in sorted(marks.items()):
        writer.writerow([cell(student), exercise, f"{mark.points:g}", cell(mark.comment), mark.answer])
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
