"""Honest answers in odd shapes: each must get full marks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from runpy import run_path
from typing import Any

from helpers.exercises import LESSONS, items, lesson_info
from helpers.exercises.definition import Exercise, Experiment, Question
from helpers.exercises.judge import RIGHT
from helpers.exercises.written import FreeText
from vitlab.attacks.attack import entry_of, lesson_of
from vitlab.attacks.notebook import code, notebook
from vitlab.grading.batch import read
from vitlab.grading.collect import collect
from vitlab.grading.grade import Grader
from vitlab.project import find_project

BASE = "02"  # the lesson whose solved notebook is made odd
NAME = "02_patch_order.ipynb"


@dataclass(frozen=True)
class Honest:
    """A hand-in that is right. put: writes it into a folder of submissions; exercises: those that it answers."""

    name: str
    group: str
    lesson: str
    exercises: tuple[str, ...]
    put: Callable[[Path], object]


@dataclass(frozen=True)
class Marks:
    """What an honest hand-in got. complaint: what was marked down and why, None where nothing was."""

    name: str
    group: str
    expected: float
    obtained: float
    complaint: str | None


def read_honest(folder: Path) -> list[Honest]:
    """Every honest hand-in: those of tests/honest, the solved lessons, and the zoo's right answers as source."""
    return [*_solved(), *_odd(folder), *_zoo(folder.parent / "zoo")]


def mark(honest: Honest, grader: Grader) -> Marks:
    """Grade a hand-in; whether each of its exercises got full marks, by what the student wrote alone."""
    with tempfile.TemporaryDirectory() as place:
        honest.put(Path(place))
        records = [grader.grade(job.student, job.files, job.problems) for job in map(read, collect(Path(place)))]
    points = {item.id: item.points for item in items(honest.lesson)}
    expected = float(sum(points[name] for name in honest.exercises))
    if len(records) != 1 or [lesson["number"] for lesson in records[0]["lessons"]] != [honest.lesson]:
        return Marks(honest.name, honest.group, expected, 0.0, f"it gave these records: {records}"[:500])
    entries = [entry_of(records[0], name) for name in honest.exercises]
    complaints = [f"{e['id']} was judged {e['verdict']}: {e['message']}" for e in entries if e["verdict"] != RIGHT]
    complaints += [f"{e['id']} needed the course's own {e['given']}" for e in entries if e.get("given")]
    return Marks(honest.name, honest.group, expected, sum(e["points"] for e in entries), next(iter(complaints), None))


def _solved() -> Iterator[Honest]:
    """Every lesson as the course solves it."""
    for info in LESSONS:
        data = (find_project() / "solutions" / f"{info.file}.ipynb").read_bytes()
        yield Honest(
            info.file, "solved lessons", info.number, _gradable(info.number), _writer(f"anna/{info.file}.ipynb", data)
        )


def _odd(folder: Path) -> Iterator[Honest]:
    for path in sorted(folder.glob("[a-z]*.py")):
        data = run_path(str(path))
        for name, (exercise, cell) in data.get("CELLS", {}).items():
            yield _one_cell(name, data["GROUP"], exercise, cell)
        for name, change in data.get("NOTEBOOKS", {}).items():
            put = _late(f"anna/{NAME}", change)
            yield Honest(name, data["GROUP"], BASE, _gradable(BASE), put)
        for name, put in data.get("HAND_INS", {}).items():
            yield Honest(name, data["GROUP"], BASE, _gradable(BASE), lambda place, put=put: put(place, _base_bytes()))


def _zoo(folder: Path) -> Iterator[Honest]:
    """The zoo's right answers that have a name of their own: the whole file is the cell, the last line says which."""
    for info in LESSONS:
        path = folder / f"{info.name}.py"
        data, source = run_path(str(path)), path.read_text(encoding="utf-8")
        for exercise, variants in data["CORRECT"].items():
            for name, answer in variants.items():
                own = getattr(answer, "__name__", "")
                if data.get(own) is answer:
                    cell = source.partition("\nCORRECT = ")[0] + f"\n{exercise} = {own}\n"
                    yield _one_cell(f"{exercise}: {name}", "the zoo's variants", exercise, cell)


def _one_cell(name: str, group: str, exercise: str, cell: str) -> Honest:
    data = notebook(code(cell, exercise))
    return Honest(name, group, lesson_of(exercise), (exercise,), _writer("anna/homework.ipynb", data))


def _writer(name: str, data: bytes) -> Callable[[Path], object]:
    return _late(name, lambda cells: data)


def _late(name: str, change: Callable[[list[dict[str, Any]]], bytes]) -> Callable[[Path], object]:
    """Writes the solved lesson, changed, when it is asked for."""

    def put(place: Path) -> None:
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(change(json.loads(_base_bytes())["cells"]))

    return put


@cache
def _base_bytes() -> bytes:
    return (find_project() / "solutions" / f"{lesson_info(BASE).file}.ipynb").read_bytes()


def _gradable(number: str) -> tuple[str, ...]:
    """What a grader judges by itself."""
    return tuple(
        item.id
        for item in items(number)
        if not isinstance(item, Experiment)
        and (isinstance(item, Exercise) or not (isinstance(item, Question) and isinstance(item.answer, FreeText)))
    )
