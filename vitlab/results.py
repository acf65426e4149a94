"""The table of everything that the course measured: experiment, measured, expected, held or not, the paper's figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Experiment, LessonInfo
from helpers.experiment import RELATIONS, Result, mean_and_spread, shipped_result

COLUMNS = ("experiment", "measured: mean ± spread, seconds", "expected, and whether it held", "published")


def results(lessons: Iterable[LessonInfo] = LESSONS) -> Iterator[tuple[LessonInfo, Result]]:
    """Every experiment of the lessons with its shipped means."""
    for info in lessons:
        for item in items(info.number):
            if isinstance(item, Experiment):
                yield info, shipped_result(item, info.file)


def row(result: Result) -> tuple[str, ...]:
    """One experiment as the table's cells; a line a variant, a claim, a finding."""
    experiment = result.experiment
    if not result.values:
        return (experiment.title, "not measured yet", "", "")
    measured = [
        f"{name}: {mean_and_spread(numbers)}, {result.seconds[name]:.0f} s" for name, numbers in result.shipped.items()
    ]
    expected = [
        f"{'held' if result.holds_published(claim) else 'DID NOT HOLD'}: "
        + RELATIONS[claim.published or claim.relation].format(claim.left, claim.right)
        for claim in experiment.claims
    ]
    seeds = min(len(numbers) for numbers in result.shipped.values())
    return (
        f"{experiment.title} ({experiment.unit}, {seeds} seeds)",
        "\n".join(measured),
        "\n".join(expected),
        "\n".join(f"{finding.says} ({finding.source})" for finding in experiment.published),
    )


def print_results(lessons: Iterable[LessonInfo] = LESSONS) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What the course measured", show_lines=True)
    table.add_column("lesson")
    for column in COLUMNS:
        table.add_column(column)
    for info, result in results(lessons):
        table.add_row(info.number, *row(result))
    Console(width=200).print(table)
