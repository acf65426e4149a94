"""Predict, then measure: runs the variants of an experiment and sets prediction, measurement and paper side by side."""

from __future__ import annotations

import json
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.cards import Card
from helpers.exercises.definition import Claim, Experiment

MEASURED = Path(__file__).parent / "measured"  # one JSON a lesson, written by `vitlab experiments`
SEED = "VITLAB_SEED"  # set by `vitlab experiments`; a student's run uses seed 0
RECORD = "VITLAB_RECORD"  # file to which `vitlab experiments` has each experiment append its numbers
LEAST_DIFFERENCE = 1.0  # in the unit of the experiment: less than that is never called a difference
RELATIONS = {"=": "no difference beyond the spread between {} and {}", ">": "{} is above {}", "<": "{} is below {}"}
SPREADS = 2.0  # a difference counts beyond so many standard deviations of it


@dataclass(frozen=True)
class Result:
    """What one run of an experiment gave. values and seconds: by variant; both empty before the prediction is made."""

    experiment: Experiment
    predicted: str | None
    values: Mapping[str, float]
    seconds: Mapping[str, float]
    shipped: Mapping[str, list[float]]

    @property
    def conclusion(self) -> str:
        """What the run shows, in words: one line a claim."""
        if not self.values:
            return "Not measured yet: predict first."
        return "\n".join(self._sentence(claim) for claim in self.experiment.claims)

    def holds(self, claim: Claim) -> bool:
        """Whether this run bears the claim out, given the spread over the shipped seeds."""
        return self._relation(claim) == claim.relation

    def holds_published(self, claim: Claim) -> bool:
        """Whether this run bears out what the cited paper found, or what was expected where none is cited."""
        return self._relation(claim) == (claim.published or claim.relation)

    def _relation(self, claim: Claim) -> str:
        difference = self.values[claim.left] - self.values[claim.right]
        limit = max(LEAST_DIFFERENCE, SPREADS * math.hypot(self._spread(claim.left), self._spread(claim.right)))
        if claim.over_seeds:
            differences = self._differences(claim)
            difference = statistics.mean(differences)
            limit = SPREADS * statistics.stdev(differences) / math.sqrt(len(differences))  # of the mean
        if abs(difference) <= limit:
            return "="
        return ">" if difference > 0 else "<"

    def _differences(self, claim: Claim) -> list[float]:
        """Left minus right, seed by seed; before anything was shipped this run stands for all seeds."""
        pairs = zip(self.shipped.get(claim.left, []), self.shipped.get(claim.right, []), strict=True)
        return [left - right for left, right in pairs] or 2 * [self.values[claim.left] - self.values[claim.right]]

    def _spread(self, variant: str) -> float:
        values = self.shipped.get(variant, [])
        return statistics.stdev(values) if len(values) > 1 else LEAST_DIFFERENCE / SPREADS

    def _sentence(self, claim: Claim) -> str:
        found = RELATIONS[self._relation(claim)].format(claim.left, claim.right)
        if claim.over_seeds:
            found = f"over {len(self._differences(claim))} seeds: {found}"
        if not self.holds(claim):
            return found + " (NOT as expected: see the table above)"
        return found + (" (as measured before; the paper found otherwise)" if claim.published else " (as expected)")

    def __repr__(self) -> str:
        return repr(self._card())

    def _repr_html_(self) -> str:
        return self._card()._repr_html_()

    def _card(self) -> Card:
        if not self.values:
            letters = [f'"{letter}": {text}' for letter, text in self.experiment.options.items()]
            ask = f"Set `{self.experiment.id}` to one of these letters, run its cell, then run this one again:"
            return Card(
                "not attempted", f"{self.experiment.title}: predict first", (self.experiment.question, ask, *letters)
            )
        seeds = max((len(values) for values in self.shipped.values()), default=0)
        header = ("variant", "this run", f"mean ± spread over {seeds} seeds", "seconds")
        rows = [
            (name, f"{value:.1f}", mean_and_spread(self.shipped.get(name, [])), f"{self.seconds[name]:.0f}")
            for name, value in self.values.items()
        ]
        options = self.experiment.options
        borne_out = all(self.holds(claim) for claim in self.experiment.claims)
        lines = [f"In {self.experiment.unit}.", f"You predicted {self.predicted}) {options[self.predicted]}."]
        if borne_out:
            outcome = self.experiment.outcome
            verdict = "just as you predicted" if outcome == self.predicted else "not what you predicted: why?"
            lines.append(f"Measured: {outcome}) {options[outcome]} – {verdict}")
        lines += self.conclusion.splitlines()
        lines += [f"Published: {finding.says} ({finding.source})" for finding in self.experiment.published]
        return Card("note", self.experiment.title, lines, (header, *rows), header=True)


def measure(
    experiment: Experiment, lesson_file: str, predicted: object, variants: Mapping[str, Callable[[int], float]]
) -> Result:
    """Run every variant once, provided that a prediction was made.

    lesson_file: stem of the lesson's files, which names the shipped spreads; predicted: the student's letter;
    variants: by name, a function from a seed to the measured number.
    """
    shipped = load_shipped(lesson_file).get(experiment.id, {})
    letter = predicted.strip().lower() if type(predicted) is str else None
    if letter not in experiment.options:
        return Result(experiment, None, {}, {}, shipped)
    seed = int(os.environ.get(SEED, "0"))
    values, seconds = {}, {}
    for number, (name, run) in enumerate(variants.items(), 1):
        print(f"{name} ({number} of {len(variants)})", flush=True)
        started = time.perf_counter()
        values[name] = float(run(seed))
        seconds[name] = time.perf_counter() - started
    if os.environ.get(RECORD):
        with open(os.environ[RECORD], "a", encoding="utf-8") as file:
            file.write(json.dumps({"id": experiment.id, "seed": seed, "values": values, "seconds": seconds}) + "\n")
    return Result(experiment, letter, values, seconds, shipped)


def shipped_result(experiment: Experiment, lesson_file: str) -> Result:
    """The shipped means as if they were one run; without values where nothing was shipped."""
    values, seconds = (load_shipped(lesson_file, kind).get(experiment.id, {}) for kind in ("experiments", "seconds"))
    means = ({name: statistics.mean(numbers) for name, numbers in kind.items()} for kind in (values, seconds))
    return Result(experiment, experiment.outcome, *means, values)


def load_shipped(lesson_file: str, kind: str = "experiments") -> dict[str, dict[str, list[float]]]:
    """Shipped numbers of a lesson: experiment -> variant -> one number a seed; empty before they were measured.

    kind: "experiments" for what was measured, "seconds" for how long it took
    """
    path = MEASURED / f"{lesson_file}.json"
    return json.loads(path.read_text(encoding="utf-8"))[kind] if path.exists() else {}


def mean_and_spread(values: list[float]) -> str:
    if len(values) < 2:
        return "–"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
