"""How long a check takes to answer: the right answer, and the slowest of the known wrong ones, each exercise a row."""

import argparse
import statistics
import time

from rich.console import Console
from rich.table import Table

from helpers.exercises import LESSONS, find, items
from helpers.exercises.definition import Exercise
from helpers.exercises.judge import judge
from helpers.runner import LocalRunner

GOAL = 0.5  # seconds


def seconds(item: Exercise, answer: object, rounds: int) -> float:
    """Median time of one check."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        judge(item, LocalRunner({item.id: answer}, lambda name: find(name).reference))
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    table = Table(title=f"Seconds a check takes (medians of {rounds}; goal: under {GOAL})")
    for column in ("lesson", "exercise", "right answer", "slowest wrong answer", "which"):
        table.add_column(column)
    for info in LESSONS:
        for item in items(info.number):
            if isinstance(item, Exercise):
                right = seconds(item, item.reference, rounds)
                slow = max((seconds(item, mistake.answer, rounds), mistake.name) for mistake in item.mistakes)
                table.add_row(info.number, item.id, f"{right:.3f}", f"{slow[0]:.3f}", slow[1])
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
