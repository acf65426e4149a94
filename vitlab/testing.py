"""`vitlab test`: every test of the course, in four steps, with one table at the end."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from vitlab.project import ProjectError

NEEDED = ("pytest", "xdist", "nbval", "ruff", "pytest_timeout")
# Two processes with one thread each keep two cores busy from the first test to the last, and meet no other's threads.
WORKERS, THREADS = 2, 1
CELL_SECONDS = 240


@dataclass(frozen=True)
class Result:
    """What a step said: counts of its tests, its seconds, and whether it is to be trusted as passed."""

    step: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    ok: bool


def run_tests(root: Path, arguments: Sequence[str] = ()) -> bool:
    """Runs every step, prints a table, and says whether all passed.

    root: the project's folder. arguments: for pytest; with any, only `pytest ARGUMENTS` runs, in the same surroundings.
    Raises ProjectError where the test tools are not installed.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ProjectError(f"The tests need {', '.join(missing)}: install them with pip install -e '.[test]'.")
    steps = {"pytest": pytest_command(*arguments)} if arguments else all_steps()
    results = []
    for name, command in steps.items():
        print(f"\n=== {name}", flush=True)
        results.append(run_step(name, command, root))
    _report(results)
    return all(result.ok for result in results)


def all_steps() -> dict[str, list[str]]:
    """The steps by name, each a command."""
    spread = ("-n", str(WORKERS), "--dist", "loadfile")
    notebooks = (*spread, f"--nbval-cell-timeout={CELL_SECONDS}", "--nbval-sanitize-with=tests/nbval_sanitize.cfg")
    return {
        "ruff": [sys.executable, "-m", "ruff", "check", "."],
        "tests": pytest_command("tests", *spread),
        "solved lessons": pytest_command("--nbval", "--nbval-current-env", "solutions", *notebooks),
        "student notebooks": pytest_command("--nbval-lax", "--nbval-current-env", "notebooks", *notebooks),
    }


def pytest_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


def surroundings(command: Sequence[str], home: str) -> dict[str, str]:
    """A step's environment: a student's progress goes to `home`, one thread a process; notebooks download nothing."""
    own = {"VITLAB_HOME": home, "OMP_NUM_THREADS": str(THREADS)}
    if any(argument.startswith("--nbval") for argument in command):
        own |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return {**os.environ, **own}


def run_step(name: str, command: Sequence[str], root: Path) -> Result:
    """Runs one step; a pytest step is counted by its JUnit report, any other as one test."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="vitlab-") as folder:
        report = Path(folder) / "report.xml"
        counted = [*command, f"--junitxml={report}"] if "pytest" in command else command
        code = subprocess.run(counted, cwd=root, env=surroundings(command, folder), check=False).returncode
        passed, failed, skipped = _counts(report) if report.exists() else (int(code == 0), 0, 0)
    if code != 0 and not failed:  # ruff's findings; a crash or an empty collection of pytest
        failed = 1
    return Result(name, passed, failed, skipped, time.perf_counter() - start, code == 0)


def _counts(report: Path) -> tuple[int, int, int]:
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    total, failures, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    return total - failures - errors - skipped, failures + errors, skipped


def _report(results: Sequence[Result]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("step", "verdict", "passed", "failed", "skipped", "seconds", title="vitlab test")
    for column in table.columns[2:]:
        column.justify = "right"
    for result in results:
        verdict = "[green]passed" if result.ok else "[red]failed"
        numbers = (result.passed, result.failed, result.skipped)
        table.add_row(result.step, verdict, *map(str, numbers), f"{result.seconds:.1f}")
    Console().print(table)
    passed, failed, skipped = (sum(getattr(r, key) for r in results) for key in ("passed", "failed", "skipped"))
    seconds = sum(result.seconds for result in results)
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1f}s", flush=True)
