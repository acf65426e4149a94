"""Grades one hand-in: from notebooks' bytes to a record that holds everything a report says.

The record is data for JSON. What it says of wrong code comes from the check's public inputs, which the notebook's own
check shows as well: no hidden input and no value expected for one stands in it.
"""

from __future__ import annotations

import ast
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.exercises import lesson_info
from helpers.exercises.definition import Exercise, Experiment, Item, Question
from helpers.exercises.judge import CRASHED, NOT_ATTEMPTED, PUBLIC_SEED, RIGHT, WRONG, Verdict, judge
from helpers.exercises.written import FreeText
from helpers.models.conventions import STANDARD, Conventions
from vitlab.course.secret import conventions_of
from vitlab.grading.course import CourseSource
from vitlab.grading.extract import Submission, Unreadable, extract, lesson_of, read_notebook
from vitlab.grading.job import NOT_GRADED, UNREAD, Options
from vitlab.grading.levels import Unsafe, level_named
from vitlab.grading.runner import SECONDS, SandboxRunner
from vitlab.grading.sandbox import Worker
from vitlab.grading.words import bare

OPENED = re.compile(r"^lesson = Lesson\(", re.MULTILINE)
AGREED = re.compile(r"^conventions = (\{[^{}\n]{0,300}\})$", re.MULTILINE)
LONGEST_WORDS = 2_000  # characters of a message or a fact: a shape may have as many axes as it likes
OTHER_CONVENTIONS = "Its first cell names other conventions than it was graded by: is it the notebook that was set?"


def hidden_seed(words: str) -> int:
    """The seed from which a batch draws its hidden inputs."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:7], "big")


class Grader:
    """Grades hand-ins one after the other, with one worker. seconds: of wall clock for one answer."""

    def __init__(self, root: Path, options: Options, worker: Worker | None = None, seconds: float = SECONDS):
        self.options, self.level, self.seconds = options, level_named(options.level), seconds
        conventions = conventions_of(options.secret) if options.secret else STANDARD
        self.worker = worker or Worker(self.level)
        self.course = CourseSource(root, conventions)
        self.seed = hidden_seed(options.seed)
        self.worker.start([]).close()  # raises Unsafe where this level is not to be had
        self.worker.stop()

    def grade(self, student: str, files: Sequence[tuple[str, bytes]], problems: Sequence[str] = ()) -> dict[str, Any]:
        """The record of one hand-in: files (name, content); problems: what could not be read of it."""
        started = time.monotonic()
        problems = list(problems)
        lessons = {}
        for number, (name, cells) in sorted(self._by_lesson(files, problems).items()):
            try:
                lessons[number] = self._lesson(number, name, cells, started + self.options.timeout)
                if agreed(cells) not in (None, self.course.conventions):
                    problems.append(f"{name}: {OTHER_CONVENTIONS}")
                    lessons[number]["other_conventions"] = True
            except Unreadable as error:
                problems.append(f"{name}: {error}")
                lessons[number] = self._lesson(number, name, [], started + self.options.timeout)
        for number in self.options.lessons:
            if number not in lessons:
                problems.append(f"Lesson {number} was not handed in.")
                lessons[number] = self._lesson(number, "", [], started + self.options.timeout)
        return {
            "student": student,
            "files": [name for name, _ in files],
            "level": self.level.name,
            "problems": problems,
            "lessons": [lessons[number] for number in sorted(lessons)],
            "seconds": round(time.monotonic() - started, 3),
        }

    def close(self) -> None:
        """End the worker."""
        self.worker.close()

    def _by_lesson(self, files: Sequence[tuple[str, bytes]], problems: list[str]) -> dict[str, tuple[str, list]]:
        """One notebook for each lesson; of several the last by name counts, and `problems` says so."""
        found: dict[str, tuple[str, list]] = {}
        for name, data in sorted(files, key=lambda file: _order(file[0])):
            try:
                cells = read_notebook(data)
            except Unreadable as error:
                problems.append(f"{name}: {error}")
                continue
            number = lesson_of(cells, name, self.course.items)
            if number is None:
                problems.append(f"{name}: It is no notebook of this course: none of its exercises is in it.")
            elif self.options.lessons and number not in self.options.lessons:
                asked = " and ".join(self.options.lessons)
                problems.append(f"{name}: This is lesson {number}, and what was set is {asked}.")
            else:
                if number in found:
                    problems.append(f"{found[number][0]}: There is another notebook of lesson {number}: {name} counts.")
                found[number] = name, cells
        return found

    def _lesson(self, number: str, file: str, cells: list, until: float) -> dict[str, Any]:
        graded = [item for item in self.course.items(number) if not isinstance(item, Experiment)]
        submission = extract(cells, graded)
        submission.pieces = [*self.course.prelude(number), *submission.pieces]
        entries = [self._exercise_or_excuse(item, submission, until) for item in graded]
        info = lesson_info(number)
        return {"number": number, "name": info.file, "title": info.title, "file": file, "exercises": entries}

    def _exercise_or_excuse(self, item: Exercise | Question, submission: Submission, until: float) -> dict[str, Any]:
        entry = {"id": item.id, "title": item.title, "kind": item.kind, "most": item.points}
        try:
            return entry | self._exercise(item, submission, until)
        except Exception as error:  # ours, not the student's: the other exercises go on and the report says so
            words = f"{type(error).__name__} in the grader itself: a person has to look at it."
            return entry | {"verdict": NOT_GRADED, "points": 0.0, "message": words}

    def _exercise(self, item: Exercise | Question, submission: Submission, until: float) -> dict[str, Any]:
        if isinstance(item, Question) and isinstance(item.answer, FreeText):
            return self._free_text(item, submission)
        started = time.monotonic()
        verdict, too_long = self._judged(item, submission, self.seed, until)
        shown = verdict
        if too_long and verdict.kind != RIGHT:
            shown = Verdict(item, CRASHED, too_long)
        elif verdict is not None and verdict.kind in (WRONG, CRASHED) and isinstance(item, Exercise):
            shown = self._in_public(item, submission, until, verdict)
        elif verdict is not None and verdict.kind == NOT_ATTEMPTED and not verdict.message.startswith(f"`{item.id}`"):
            shown = Verdict(
                item, NOT_ATTEMPTED, f"There is no `{item.id}` in this notebook."
            )  # not a child's own words
        if verdict is None or shown is None:
            words = "The grader's worker stopped twice at this exercise: a person has to look at it."
            return {"verdict": NOT_GRADED, "points": 0.0, "message": words}
        return {
            "verdict": verdict.kind,
            "points": round(item.points * verdict.credit, 2),
            "mistake": shown.mistake,
            "message": shown.message[:LONGEST_WORDS],
            "facts": [[label, text[:LONGEST_WORDS]] for label, text in shown.facts],
            "remarks": [*verdict.remarks, *submission.remarks.get(item.id, [])],
            "passed": verdict.passed,
            "total": verdict.total,
            "given": list(verdict.given),
            "seconds": round(time.monotonic() - started, 3),
        }

    def _in_public(self, item: Exercise, submission: Submission, until: float, hidden: Verdict) -> Verdict | None:
        """The verdict from the inputs of the notebook's own check: what a student may read about a wrong answer."""
        shown, too_long = self._judged(item, submission, PUBLIC_SEED, until)
        if too_long:
            return Verdict(item, CRASHED, too_long)
        if shown is not None and shown.given and shown.kind in (WRONG, CRASHED):
            return _without_findings(shown)
        if shown is None or shown.kind != RIGHT:
            return shown
        words = "It passes the check in the notebook and fails for other inputs of the same kind."
        if hidden.mistake:
            message = next(mistake.message for mistake in item.mistakes if mistake.name == hidden.mistake)
            return Verdict(item, hidden.kind, f"{words} {message}", hidden.mistake)
        return Verdict(item, hidden.kind, f"{words} Does it hold for every size, and for every call anew?")

    def _judged(
        self, item: Exercise | Question, submission: Submission, seed: int, until: float
    ) -> tuple[Verdict | None, str | None]:
        """The verdict, and whether a child ran too long, in words.

        Where a worker is gone, a new one tries once more; the verdict is None where that one goes as well.
        """
        for _ in range(2):
            runner = SandboxRunner(self.worker, submission, self.course, self.seconds, until)
            try:
                return judge(item, runner, seed), runner.timed_out
            except Unsafe:
                self.worker.close()
                self.worker = Worker(self.level)
            finally:
                runner.close()
        return None, None

    def _free_text(self, item: Item, submission: Submission) -> dict[str, Any]:
        text = submission.texts.get(item.id, "") or submission.text_after(self.course.question(item.id))
        text = text.strip()
        if not text or text == self.course.stub(item.id).strip():
            return {"verdict": NOT_ATTEMPTED, "points": 0.0, "message": "There is no answer.", "kind": "free text"}
        return {
            "verdict": UNREAD,
            "points": None,
            "message": "This one is read by a person.",
            "kind": "free text",
            "text": text,
            "of_the_course": bare(text) == bare(self.course.text(item.id)),
            "rubric": list(item.answer.rubric),
        }


def _without_findings(verdict: Verdict) -> Verdict:
    """A verdict from a child that held the course's own pieces: nothing stands in it that the child has said.

    Else it could read their source and carry it out, as its error's message, its result's shape or its values.
    """
    if verdict.mistake:
        return replace(verdict, facts=())
    names = " and ".join(f"`{name}`" for name in verdict.given)
    words = f"It is not right with the course's own {names} either. Mend those first: then this report can say more."
    return replace(verdict, message=words, facts=())


def agreed(cells: Sequence[Mapping[str, Any]]) -> Conventions | None:
    """The conventions that a notebook's setup cell names, none being the course's; None where it has no such cell.

    Nothing is graded by them: they are the student's to change. Others than the grader's show a wrong secret.
    """
    for cell in cells:
        source = cell.get("source")
        if isinstance(source, list):
            source = "".join(line for line in source if isinstance(line, str))
        if cell.get("cell_type") == "code" and isinstance(source, str) and OPENED.search(source):
            said = AGREED.search(source)
            try:
                return Conventions.read(ast.literal_eval(said[1])) if said else STANDARD
            except (ValueError, TypeError, SyntaxError):
                return None
    return None


def _order(name: str) -> tuple:
    """Sorts names as a person does, so that `x-10` comes after `x-2` and both after `x`."""
    stem = re.sub(r"\.ipynb$", "", name, flags=re.IGNORECASE)
    return tuple((int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", stem))
