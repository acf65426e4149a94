"""The `worksheet` cell of a lesson's source: what stands on the page for the section, and what only its key says.

Its first paragraph is the question of the hour. Below it stands a heading for each task: the id of a question or a
prediction of the lesson, in backticks, whose words and answers come from where they are defined; or a title of a
task that only paper has. Then what paper says beforehand, and as a quotation (`> `) what the key says.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from vitlab.course.blocks import Fail

HEADING = re.compile(r"### (?:`(?P<exercise>\w+)`|(?P<title>[^`()]*[^`() ]))(?: \((?P<room>\d+) mm\))?")
KEY = re.compile(r"> ?(.*)")


@dataclass(frozen=True)
class Task:
    """A task of the page.

    exercise: the id of the lesson's question or prediction; None for a task of the page's own, which has a title.
    lead: Markdown that stands before the question, or is the whole task. key: Markdown for the key alone: the answer
    of an own task, else the reason. room: millimetres to write in; None for what suits the kind of answer.
    """

    exercise: str | None
    title: str | None
    lead: str
    key: str
    room: int | None


@dataclass(frozen=True)
class Sheet:
    """A lesson's page: the question of the hour (Markdown), and the tasks in order."""

    question: str
    tasks: tuple[Task, ...]


def read_sheet(source: str, questions: Collection[str], fail: Fail) -> Sheet:
    """Reads a worksheet cell. questions: ids of the lesson's questions and predictions, in the lesson's order."""
    lines = source.splitlines()
    starts = [row for row, line in enumerate(lines) if line.startswith("### ")]
    if not starts:
        fail(0, "a worksheet without a task: write '### `id of a question`', and below it what paper has to say.")
    question = "\n".join(lines[: starts[0]]).strip()
    if not question:
        fail(0, "a worksheet begins with the question of the hour, before its first task.")
    ends = [*starts[1:], len(lines)]
    tasks = [_task(lines[start:end], start, fail) for start, end in zip(starts, ends, strict=True)]
    places = []
    for start, task in zip(starts, tasks, strict=True):
        if task.exercise is None:
            continue
        if task.exercise not in questions:
            fail(start, f"{task.exercise!r} is no question or prediction of this lesson.")
        places.append(list(questions).index(task.exercise))
        if places[-1] != max(places) or places.count(places[-1]) > 1:
            fail(start, f"{task.exercise!r} comes earlier in the lesson: keep its order, each question once.")
    return Sheet(question, tuple(tasks))


def _task(lines: list[str], row: int, fail: Fail) -> Task:
    heading = HEADING.fullmatch(lines[0].rstrip())
    if heading is None:
        _misread(lines[0], row, fail)
    quoted = [KEY.fullmatch(line) for line in lines[1:]]
    lead = "\n".join(line for line, mark in zip(lines[1:], quoted, strict=True) if not mark).strip()
    key = "\n".join(mark[1] for mark in quoted if mark).strip()
    if not key:
        fail(row, "a task without a key: say why in one or two sentences, each line with '> ' before it.")
    if heading["title"] and not lead:
        fail(row, "a task of the page's own needs its words below the heading.")
    return Task(heading["exercise"], heading["title"], lead, key, int(heading["room"]) if heading["room"] else None)


def _misread(line: str, row: int, fail: Fail) -> NoReturn:
    fail(row, f"{line!r} is not of the form '### `id of a question`' or '### A title (30 mm)'.")
