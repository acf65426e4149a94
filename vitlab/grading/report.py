"""Every report of a batch, from its records and from the marks of its free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vitlab.files import write
from vitlab.grading.escape import plain, show
from vitlab.grading.feedback import feedback_html, feedback_json
from vitlab.grading.free_text import free_text_html
from vitlab.grading.gradebook import gradebook
from vitlab.grading.gradescope import results_json
from vitlab.grading.levels import NO_ISOLATION
from vitlab.grading.marks import MarksError, fitting, marks_as_csv, read_marks, sentences, with_marks
from vitlab.grading.pages import number
from vitlab.grading.store import RUN, Store, StoreError, key
from vitlab.grading.tally import by_lesson, handed_in, mean, most, points, verdicts
from vitlab.grading.team import UNPROVEN, common_mistakes, team_html

STUDENTS, GRADEBOOK, TEAM, FREE_TEXT, MARKS = "students", "gradebook.csv", "team.html", "free_text.html", "marks.csv"
PER_STUDENT: dict[str, Callable[[dict[str, Any]], str]] = {
    "feedback.html": feedback_html,
    "feedback.json": feedback_json,
    "results.json": results_json,
}
SHOWN_PROBLEMS = 10  # at the end of `vitlab grade`


def run_report(grades: Path, marks: Path | None, console: Console) -> None:
    """`vitlab report`: takes marks into a batch's folder and writes its reports anew.

    Marks add to those that are there; for an answer that has some, the new ones count.
    Raises StoreError where there is no batch, MarksError where any line of `marks` cannot be used: then nothing is
    changed.
    """
    if not (grades / RUN).is_file():
        raise StoreError(f"There is no batch in {show(str(grades))}: give the folder that `vitlab grade --out` filled.")
    store = Store(grades)
    with store.locked():
        records = store.records()
        if marks is not None:
            new, complaints = read_marks(marks)
            new, others = fitting(new, records)
            complaints |= others
            if complaints:
                raise MarksError("\n".join([*sentences(complaints), "No mark is taken over: mend this and try again."]))
            there, complaints = read_marks(grades / MARKS) if (grades / MARKS).exists() else ({}, {})
            if complaints:
                raise MarksError("\n".join([f"{show(str(grades / MARKS))} is damaged:", *sentences(complaints)]))
            write(grades / MARKS, marks_as_csv({**there, **new}))
        print_summary(console, *write_reports(grades, records))
    console.print(f"Reports: {show(str(grades))}", markup=False, highlight=False, soft_wrap=True)


def write_reports(grades: Path, records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Write every report; gives the records with the marks in the folder, and sentences on marks that do not fit."""
    marks, said = {}, []
    if (grades / MARKS).exists():
        try:
            read, complaints = read_marks(grades / MARKS)
            marks, others = fitting(read, records)
            said = sentences(complaints | others)
        except MarksError as error:  # the records stay: mended, the marks count at the next `vitlab report`
            said = [str(error)]
    marked = with_marks(records, marks)
    for record in marked:
        for name, made in PER_STUDENT.items():
            write(grades / STUDENTS / key(record["student"]) / name, made(record))
    write(grades / GRADEBOOK, gradebook(marked))
    write(grades / TEAM, team_html(marked))
    write(grades / FREE_TEXT, free_text_html(marked))
    return marked, said


def print_summary(console: Console, records: list[dict[str, Any]], complaints: list[str]) -> None:
    """The table, what is still to be read, and the hand-ins that had problems."""
    console.print(summary_table(records))
    lines = [f"{MARKS}: {complaint}" for complaint in complaints]
    unproven = sum(record["level"] == NO_ISOLATION.name for record in records)
    if unproven:
        lines.insert(0, f"Graded without isolation: {unproven} of {len(records)}. {UNPROVEN}")
    for name, lessons in by_lesson(records).items():
        for mistake in common_mistakes({name: lessons})[:1]:
            said = f"{mistake.exercise}, {mistake.name} ({mistake.count} x)"
            lines.append(f"The commonest mistake of lesson {name}: {said}")
    unread = sum(verdicts(lessons)["unread"] for lessons in by_lesson(records).values())
    if unread:
        lines.append(f"Not yet read, and 0 points for now: {unread} free text{'s' * (unread > 1)}, in {FREE_TEXT}")
    others = sum(bool(lesson.get("other_conventions")) for record in records for lesson in record["lessons"])
    if others:
        named = f"{others} notebooks name" if others > 1 else "1 notebook names"
        lines.append(f"{named} other conventions than those of this grading: is --secret that of the pack handed out?")
    troubled = [f"{record['student']}: {problem}" for record in records for problem in record["problems"]]
    lines += troubled[:SHOWN_PROBLEMS]
    if len(troubled) > SHOWN_PROBLEMS:
        lines.append(f"... and {len(troubled) - SHOWN_PROBLEMS} more, in {TEAM}")
    for line in lines:
        console.print(Text(plain(line)), soft_wrap=True)


def summary_table(records: list[dict[str, Any]]) -> Table:
    """One row a lesson: hand-ins, their mean points, what became of their exercises."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("lesson", no_wrap=True)
    for column in ("hand-ins", "mean points", "right", "wrong", "crashed", "not attempted"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, lessons in by_lesson(records).items():
        mine = handed_in(lessons)
        counts: Counter[str] = verdicts(mine)
        worth = f"{mean(points(lesson) for lesson in mine):.1f} of {number(most(lessons[0]))}" if mine else "-"
        shown = (str(counts[verdict]) for verdict in ("right", "wrong", "crashed", "not attempted"))
        table.add_row(name, str(len(mine)), worth, *shown)
    return table
