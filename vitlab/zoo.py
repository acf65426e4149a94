"""The zoo: each known wrong answer is caught by its own name, each correct variant accepted, each stub seen as one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from runpy import run_path
from typing import Any
from unittest.mock import patch

from helpers.exercises import LESSONS, find, items
from helpers.exercises.definition import Exercise, Experiment, Item, LessonInfo, Question
from helpers.exercises.judge import NOT_ATTEMPTED, RIGHT, WRONG, Verdict, judge
from helpers.exercises.written import FreeText
from helpers.models.conventions import STANDARD
from helpers.progress import HOME
from helpers.runner import LocalRunner
from vitlab.course.parse import SourceLesson, parse
from vitlab.project import find_project

LEAST_VARIANTS = 3  # independent correct answers that each exercise must have in the zoo


@dataclass(frozen=True)
class Specimen:
    """One answer in the zoo. kind: "mistake", "variant" or "stub"; complaint: what went wrong, None if nothing."""

    exercise: str
    kind: str
    name: str
    complaint: str | None


def run_zoo() -> bool:
    """Print one row an exercise; whether every cell of the table is full."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="The zoo: exercises x answers")
    for column in ("lesson", "exercise", "wrong answers caught by name", "correct variants accepted", "stub seen"):
        table.add_column(column, justify="left" if column in ("lesson", "exercise") else "right")
    specimens: list[Specimen] = []
    for info in LESSONS:
        found = list(lesson_zoo(info))
        specimens += found
        for item in _checked(info):
            mine = [specimen for specimen in found if specimen.exercise == item.id]
            table.add_row(info.number, item.id, *(_share(mine, kind) for kind in ("mistake", "variant", "stub")))
    table.add_section()
    table.add_row("", "all", *(_share(specimens, kind) for kind in ("mistake", "variant", "stub")))
    console = Console(width=110)
    console.print(table)
    for specimen in specimens:
        if specimen.complaint:
            console.print(f"{specimen.exercise}, {specimen.kind} {specimen.name!r}: {specimen.complaint}", markup=False)
    return bool(specimens) and not any(specimen.complaint for specimen in specimens)


def lesson_zoo(info: LessonInfo) -> Iterator[Specimen]:
    """Every specimen of one lesson."""
    folder = find_project()
    variants: Mapping[str, Mapping[str, Any]] = run_path(str(folder / "tests" / "zoo" / f"{info.name}.py"))["CORRECT"]
    lesson = parse(folder / "solutions" / f"{info.file}.py", find=find, words=STANDARD.words())
    stubs = stub_namespace(lesson)
    for item in _checked(info):
        yield from mistakes(item)
        yield from _variants(item, variants.get(item.id, {}))
        verdict = judge(item, LocalRunner(stubs, _course))
        yield Specimen(item.id, "stub", "stub", _expect(verdict, NOT_ATTEMPTED))


def mistakes(item: Exercise | Question) -> Iterator[Specimen]:
    """Every known wrong answer of one exercise, judged."""
    if isinstance(item, Exercise):
        for mistake in item.mistakes:
            verdict = judge(item, LocalRunner({item.id: mistake.answer}, _course))
            complaint = _expect(verdict, WRONG)
            if not complaint and verdict.mistake != mistake.name:
                complaint = f"taken for {verdict.mistake!r}: {verdict.message}"
            yield Specimen(item.id, "mistake", mistake.name, complaint)
    else:
        for value, message in item.answer.wrong.items():
            verdict = judge(item, LocalRunner({item.id: value}, _course))
            complaint = _expect(verdict, WRONG)
            if not complaint and verdict.message != message:
                complaint = f"was told: {verdict.message}"
            yield Specimen(item.id, "mistake", repr(value), complaint)


def stub_namespace(lesson: SourceLesson) -> dict[str, Any]:
    """The namespace of a student's notebook after its set-up and untouched exercise cells have run."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {HOME: home}):
        for cell in lesson.cells:
            if cell.kind == "code" and cell.student is not None and (cell.task or "setup" in cell.tags):
                exec(compile(cell.student, f"{lesson.path.name}:{cell.line}", "exec"), namespace)
    return namespace


def _variants(item: Exercise | Question, variants: Mapping[str, Any]) -> Iterator[Specimen]:
    for name, answer in variants.items():
        verdict = judge(item, LocalRunner({item.id: answer}, _course))
        yield Specimen(item.id, "variant", name, _expect(verdict, RIGHT))
    if len(variants) < LEAST_VARIANTS:
        complaint = f"the zoo holds {len(variants)} correct variants, and {LEAST_VARIANTS} are asked for"
        yield Specimen(item.id, "variant", "too few", complaint)


def _expect(verdict: Verdict, kind: str) -> str | None:
    return None if verdict.kind == kind else f"judged {verdict.kind}: {verdict.message}"


def _checked(info: LessonInfo) -> list[Exercise | Question]:
    """What a check can judge: neither predictions nor free text."""
    return [item for item in items(info.number) if not _unchecked(item)]


def _unchecked(item: Item) -> bool:
    return isinstance(item, Experiment) or (isinstance(item, Question) and isinstance(item.answer, FreeText))


def _share(specimens: list[Specimen], kind: str) -> str:
    mine = [specimen for specimen in specimens if specimen.kind == kind]
    well = sum(specimen.complaint is None for specimen in mine)
    return f"{well}/{len(mine)} ({100 * well // max(len(mine), 1)}%)"


def _course(name: str) -> Any:
    return find(name).reference
