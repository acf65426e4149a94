"""`vitlab grade` beside `nbgrader autograde` and `otter run`: submissions a minute, peak memory, first result.

The same submissions of lessons 01, 02 and 07 for each, in turns, on as many cores as the table says. They are cut to
the cells that are graded: no experiment, no figure, no explorer. This favours the other two, which run whole notebooks;
`vitlab grade` runs the answers alone, whatever else a notebook holds.

The other two are installed into environments of their own (a few minutes, kept where --venvs says). Linux only.

    pip install -e ".[test]" && python benchmarks/grading.py --venvs ~/.cache/vitlab-graders
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from graders import ROOT, Grader, Nbgrader, Otter, Ours, surroundings
from rich.console import Console
from rich.table import Table
from submissions import Submission, submissions

GOALS = "goals: 50 times the faster other on as many cores; linear to 1,000; 1,500 MB on two cores; first result in 6 s"
LARGE_CLASS = 100_000
LOOK, WEIGH = 0.05, 0.5  # seconds between looks at the results, and at the memory


@dataclass(frozen=True)
class Run:
    """One grader on one batch.

    seconds, first: on the clock, to the last result and to the first; processor: seconds that all processes used;
    peak: MB of memory; points: the sum of those given, by which one sees whether all judge alike.
    """

    seconds: float
    first: float
    processor: float
    peak: float
    points: float


def measure(grader: Grader, batch: Sequence[Submission]) -> Run:
    """Grades a batch in a fresh folder. Raises SystemExit where a command fails or a result is missing."""
    with tempfile.TemporaryDirectory(prefix="vitlab-grading-") as name:
        folder = Path(name)
        grader.prepare(folder, batch)
        peak, processor, first = 0.0, 0.0, None
        started = time.perf_counter()
        for command in grader.commands(folder):
            used, looked = [0.0], 0.0
            with (folder / "log").open("w") as log:
                process = _start(command, folder, log, grader.cores)
                while process.poll() is None:
                    if first is None and grader.results(folder):
                        first = time.perf_counter() - started
                    if time.perf_counter() - looked > WEIGH:
                        looked = time.perf_counter()
                        memory, seconds = _weigh(process.pid)
                        peak = max(peak, memory)
                        used.append(seconds)
                    time.sleep(LOOK)
            if process.returncode:
                raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'log').read_text()[-2000:]}")
            processor += max(used)
        seconds = time.perf_counter() - started
        if grader.results(folder) != len(batch):
            raise SystemExit(f"{grader.name} gave {grader.results(folder)} results for {len(batch)} submissions.")
        return Run(seconds, first or seconds, processor, peak, grader.points(folder))


def _start(command: Sequence[str], folder: Path, log, cores: int) -> subprocess.Popen:
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=surroundings(command, folder),
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: os.sched_setaffinity(0, chosen),
    )


def _weigh(pid: int) -> tuple[float, float]:
    """MB and processor seconds of a process and all below it. Memory that several of them share counts once.

    The seconds are asked of each process as it lives: those of a sandbox that is killed reach no parent's account.
    """
    memory = seconds = 0.0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    for process in family:
        try:
            memory += process.memory_full_info().pss / 1e6
            seconds += sum(process.cpu_times()[:4])  # of its own, and of its children that have ended
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return memory, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[10, 100, 1000], help="submissions of a batch")
    parser.add_argument("--others", type=int, default=10, help="the largest batch that the other two get")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the table gives medians")
    parser.add_argument("--venvs", type=Path, help="where the other two are installed (default: a temporary folder)")
    asked = parser.parse_args()
    runs: dict[tuple[int, Grader], list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="vitlab-graders-") as name:
        folder = Path(name)
        venvs = (asked.venvs or folder / "venvs").resolve()
        ours = [Ours(1), Ours(2)]
        others = [Nbgrader(venvs, folder / "course"), Otter(venvs, folder / "otter", list(submissions(ROOT, 3)))]
        for count in asked.count:
            batch = list(submissions(ROOT, count))
            for number in range(asked.rounds):
                for grader in [*ours, *(others if count <= asked.others else [])]:
                    runs.setdefault((count, grader), []).append(measure(grader, batch))
                    print(f"round {number + 1}, {count} submissions, {grader.name}, {grader.cores} core(s)", flush=True)
    console = Console(width=130)
    console.print(_table(runs))
    console.print(_on_paper(runs))


def _table(runs: dict[tuple[int, Grader], list[Run]]) -> Table:
    """A row for each batch and grader. "x faster other": submissions a minute and core, beside the faster other's."""

    def median(key: tuple[int, Grader], what: str) -> float:
        return statistics.median(getattr(run, what) for run in runs[key])

    def rate(key: tuple[int, Grader]) -> float:
        return 60 * key[0] / median(key, "seconds")

    fastest = max((rate(key) for key in runs if not isinstance(key[1], Ours)), default=None)
    table = Table(title="Notebooks of lessons 01, 02 and 07, cut to what is graded", caption=GOALS)
    for column in (
        "grader",
        "cores",
        "submissions",
        "seconds",
        "a minute",
        "x faster other",
        "first, s",
    ):
        table.add_column(column, justify="left" if column == "grader" else "right")
    for column in ("processor s", "peak MB", "points"):
        table.add_column(column, justify="right")
    for key in runs:
        count, grader = key
        table.add_row(
            grader.name,
            str(grader.cores),
            str(count),
            f"{median(key, 'seconds'):.1f}",
            f"{rate(key):.1f}",
            f"{rate(key) / fastest / grader.cores:.1f}" if fastest else "–",
            f"{median(key, 'first'):.1f}",
            f"{median(key, 'processor'):.1f}",
            f"{max(run.peak for run in runs[key]):.0f}",
            f"{runs[key][-1].points:g}",
        )
    return table


def _on_paper(runs: dict[tuple[int, Grader], list[Run]]) -> str:
    """What a very large class would need, by what one more submission costs between our smallest and largest batch."""
    mine = {key[0]: statistics.median(run.processor for run in runs[key]) for key in runs if isinstance(key[1], Ours)}
    few, many = min(mine), max(mine)
    if few == many:
        return ""
    each = (mine[many] - mine[few]) / (many - few)
    hours = LARGE_CLASS * each / 3600
    return (
        f"On paper: {each:.2f} processor seconds for one more submission, so {LARGE_CLASS:,} take {hours:.0f} hours of "
        f"one core: {60 * hours / 16:.0f} minutes on a machine of 16 cores, {60 * hours / 160:.0f} on a cluster of ten "
        "(--scheduler), if the scheduler keeps them busy."
    )


if __name__ == "__main__":
    main()
