"""`vitlab grade` and the two graders in common use, behind one interface for the benchmark beside them."""

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import nbformat
from nbformat import NotebookNode
from submissions import LESSONS, Submission, cut

from vitlab.course.build import standard_course
from vitlab.course.nbgrader import export
from vitlab.grading.report import points

ROOT = Path(__file__).resolve().parent.parent


class Grader(Protocol):
    """A grader at work in a folder of its own.

    name, cores: how it stands in the table. prepare: what is there before the clock starts. commands: run one after
    the other, in the folder. results: how many submissions have their result. points: the sum of those given.
    """

    name: str
    cores: int

    def prepare(self, folder: Path, submissions: Sequence[Submission]) -> None: ...

    def commands(self, folder: Path) -> list[list[str]]: ...

    def results(self, folder: Path) -> int: ...

    def points(self, folder: Path) -> float: ...


class Ours:
    """`vitlab grade`, with one process for each core."""

    name = "vitlab grade"

    def __init__(self, cores: int):
        self.cores = cores

    def prepare(self, folder: Path, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            _write(submission.notebook, folder / "submissions" / submission.student / f"{submission.lesson}.ipynb")

    def commands(self, folder: Path) -> list[list[str]]:
        vitlab = [sys.executable, "-m", "vitlab", "grade", "submissions", "--out", "grades"]
        return [[*vitlab, "--jobs", str(self.cores)]]

    def results(self, folder: Path) -> int:
        return len(list(folder.glob("grades/records/*.json")))

    def points(self, folder: Path) -> float:
        records = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("grades/records/*.json")]
        return sum(points(lesson) for record in records for lesson in record["lessons"])


class Nbgrader:
    """`nbgrader autograde`, once for each lesson, on a course cut to what the submissions hold."""

    name, cores = "nbgrader autograde", 1

    def __init__(self, venvs: Path, course: Path):
        self.program = _venv(venvs / "nbgrader", "nbgrader") / "nbgrader"
        self.course = course
        for path in export(standard_course(ROOT), course, LESSONS):
            if path.suffix == ".ipynb":
                _write(cut(nbformat.read(path, as_version=4)), path)
                run([self.program, "generate_assignment", path.stem], course)

    def prepare(self, folder: Path, submissions: Sequence[Submission]) -> None:
        shutil.copytree(self.course, folder, dirs_exist_ok=True)
        for submission in submissions:
            place = folder / "submitted" / submission.student / submission.lesson
            _write(submission.notebook, place / f"{submission.lesson}.ipynb")

    def commands(self, folder: Path) -> list[list[str]]:
        lessons = sorted({path.name for path in folder.glob("submitted/*/*")})
        return [[str(self.program), "autograde", lesson] for lesson in lessons]

    def results(self, folder: Path) -> int:  # nbgrader takes the right to write away when it is done with a notebook
        written = folder.glob("autograded/*/*/*.ipynb")
        return sum(not path.stat().st_mode & stat.S_IWUSR for path in written)

    def points(self, folder: Path) -> float:
        run([self.program, "export"], folder)
        with (folder / "grades.csv").open(encoding="utf-8") as file:
            return sum(float(row["score"]) for row in csv.DictReader(file))


class Otter:
    """`otter run`, once for each submission. Its tests call the lesson's checks, which are cut from the notebooks."""

    name, cores = "otter run", 1

    def __init__(self, venvs: Path, folder: Path, submissions: Sequence[Submission]):
        self.program = _venv(venvs / "otter", "otter-grader") / "otter"
        self.folder = folder
        for submission in submissions:
            self._make_autograder(submission)

    def _make_autograder(self, submission: Submission) -> None:
        tests, autograder = self.folder / submission.lesson, self._autograder(submission.lesson)
        if autograder.exists():
            return
        tests.mkdir(parents=True)
        for cell in submission.notebook.cells:
            if "check" in cell.metadata.tags:
                case = f">>> assert repr({cell.source}).startswith('✓')"
                suite = {"cases": [{"code": case, "hidden": False, "locked": False}], "scored": True, "type": "doctest"}
                test = {"name": cell.metadata.exercise, "points": cell.metadata.nbgrader.points, "suites": [suite]}
                text = f"OK_FORMAT = True\n\ntest = {test!r}\n"
                (tests / f"{cell.metadata.exercise}.py").write_text(text, encoding="utf-8")
        plain = ["--no-config", "--no-environment", "--no-requirements"]
        run([self.program, "generate", "-t", tests, "-o", autograder, *plain], self.folder)

    def _autograder(self, lesson: str) -> Path:
        return self.folder / f"{lesson}.zip"

    def prepare(self, folder: Path, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            cells = [cell for cell in submission.notebook.cells if "check" not in cell.metadata.tags]
            notebook = NotebookNode({**submission.notebook, "cells": cells})
            _write(notebook, folder / submission.student / f"{submission.lesson}.ipynb")

    def commands(self, folder: Path) -> list[list[str]]:
        commands = []
        for path in sorted(folder.glob("*/*.ipynb")):
            otter = [self.program, "run", "-a", self._autograder(path.stem), "-o", path.parent, "--no-logo", path]
            commands.append([str(part) for part in otter])
        return commands

    def results(self, folder: Path) -> int:
        return len(list(folder.glob("*/results.json")))

    def points(self, folder: Path) -> float:
        results = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/results.json")]
        return sum(test.get("score") or 0 for result in results for test in result["tests"])


def surroundings(command: Sequence[object], home: Path) -> dict[str, str]:
    """A command's environment: one thread a process, progress kept in `home`, and the programs that lie beside it.

    nbgrader calls the others of its virtual environment by their names.
    """
    path = f"{Path(str(command[0])).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "VITLAB_HOME": str(home)}


def run(command: Sequence[object], folder: Path) -> None:
    """Runs a command that is not timed. Raises SystemExit with its last words where it fails."""
    environment = surroundings(command, folder)
    texts = [str(part) for part in command]
    done = subprocess.run(texts, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")


def _venv(folder: Path, package: str) -> Path:
    """Where the programs of a virtual environment are that holds the course and a package; made where it is missing."""
    ready = folder / "ready"
    if not ready.exists():
        print(f"making the environment of {package}", flush=True)
        run([sys.executable, "-m", "venv", "--clear", folder], ROOT)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "-c", "constraints.txt"]
        run([*pip, "-e", ".", package], ROOT)
        ready.touch()
    return folder / "bin"


def _write(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
