"""What is shipped as measured: enough seeds, and the lessons say of it what it says."""

import pytest

from helpers.exercises.definition import Claim, Experiment
from helpers.experiment import Result
from helpers.papers import VIT_NO_POSITIONS
from vitlab.results import print_results, results, row

LEAST_SEEDS = 3
SHIPPED = [pytest.param(info, result, id=result.experiment.id) for info, result in results()]


@pytest.mark.parametrize(("info", "result"), SHIPPED)
def test_every_variant_was_measured_with_at_least_three_seeds(info, result):
    assert result.values, f"vitlab experiments --lesson {info.number}"
    assert min(len(numbers) for numbers in result.shipped.values()) >= LEAST_SEEDS
    assert {len(numbers) for numbers in result.shipped.values()} == {len(next(iter(result.shipped.values())))}


@pytest.mark.parametrize(("info", "result"), SHIPPED)
def test_the_lesson_claims_what_the_shipped_numbers_show(info, result):
    for claim in result.experiment.claims:
        assert result.holds(claim), f"lesson {info.number}: {claim} against {dict(result.values)}"


def toy(*claims):
    experiment = Experiment(
        "predict_toy", "A toy", "?", {"a": "up"}, "a", claims=claims, published=(VIT_NO_POSITIONS,), unit="points"
    )
    shipped = {"one": [70.0, 71.0, 72.0], "two": [50.0, 51.0, 52.0]}
    return Result(experiment, "a", {"one": 71.0, "two": 51.0}, {"one": 12.4, "two": 3.0}, shipped)


def test_a_row_says_measured_expected_and_published():
    title, measured, expected, published = row(toy(Claim("one", ">", "two")))
    assert title == "A toy (points, 3 seeds)"
    assert measured.splitlines() == ["one: 71.0 ± 1.0, 12 s", "two: 51.0 ± 1.0, 3 s"]
    assert expected == "held: one is above two"
    assert VIT_NO_POSITIONS.says in published


def test_a_paper_that_found_otherwise_did_not_hold_here():
    result = toy(Claim("one", ">", "two", published="<"))
    assert row(result)[2] == "DID NOT HOLD: one is below two"
    assert result.conclusion == "one is above two (as measured before; the paper found otherwise)"


def test_the_table_has_a_row_for_every_experiment(capsys):
    print_results()
    printed = " ".join(capsys.readouterr().out.split())
    for _, result in results():
        assert result.experiment.title.split()[0] in printed
