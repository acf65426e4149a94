"""`vitlab experiments`: every seed once, in a process of its own, kept and shipped."""

import json
import subprocess
from types import SimpleNamespace

import pytest
import torch

from vitlab.experiments import FOOTER, ExperimentError, measure_lesson, run_experiments, script, summary, write

LESSON = """
from helpers.exercises.definition import Experiment
from helpers.experiment import measure

experiment = Experiment("predict_toy", "A toy", "?", {"a": "up"}, "a", (), ())
measure(experiment, "99_toy", "a", {"ten": lambda seed: 10 + seed, "twenty": lambda seed: 20 + seed / 3})
"""


def cell(source, *tags, kind="code"):
    return SimpleNamespace(kind=kind, tags=tags, solved=source)


def write_toy_lesson(project):
    (project / "solutions").mkdir()
    source = f'# %% [markdown]\n# # 99 · A toy\n\n# %% tags=["experiment"]\n{LESSON}'
    (project / "solutions" / "99_toy.py").write_text(source, encoding="utf-8")


def test_each_seed_is_measured_and_recorded(tmp_path):
    records = measure_lesson("99_toy", LESSON, tmp_path, range(2), threads=1)
    assert [record["values"]["ten"] for seed in records for record in records[seed]] == [10.0, 11.0]


def test_an_interrupted_run_goes_on_with_the_seed_that_is_missing(tmp_path):
    ran = []

    def run(path, environment):
        seed = environment["VITLAB_SEED"]
        ran.append(seed)
        if ran == ["0", "1"]:
            raise KeyboardInterrupt
        with open(environment["VITLAB_RECORD"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"id": "x", "seed": int(seed), "values": {"v": 1.0}, "seconds": {"v": 0.0}}) + "\n")

    with pytest.raises(KeyboardInterrupt):
        measure_lesson("99_toy", "pass", tmp_path, range(3), threads=1, run=run)
    records = measure_lesson("99_toy", "pass", tmp_path, range(3), threads=1, run=run)
    assert ran == ["0", "1", "1", "2"]
    assert sorted(records) == [0, 1, 2]


def test_a_changed_lesson_is_measured_anew(tmp_path):
    before = measure_lesson("99_toy", LESSON, tmp_path, range(1), threads=1)
    after = measure_lesson("99_toy", LESSON.replace("10 + seed", "30 + seed"), tmp_path, range(1), threads=1)
    assert (before[0][0]["values"]["ten"], after[0][0]["values"]["ten"]) == (10.0, 30.0)


def test_a_lesson_that_stops_is_named_with_its_seed_and_its_error(tmp_path):
    with pytest.raises(ExperimentError, match=r"99_toy stopped at seed 0:[\s\S]*ZeroDivisionError"):
        measure_lesson("99_toy", "1 / 0", tmp_path, range(1), threads=1)


def test_a_seed_that_failed_leaves_nothing_that_counts_as_done(tmp_path):
    def run(path, environment):
        with open(environment["VITLAB_RECORD"], "w", encoding="utf-8") as file:
            file.write("half a rec")
        raise subprocess.CalledProcessError(1, "python", stderr="boom")

    with pytest.raises(ExperimentError, match="boom"):
        measure_lesson("99_toy", "pass", tmp_path, range(1), threads=1, run=run)
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_a_lesson_without_predictions_is_told_so(tmp_path):
    with pytest.raises(ExperimentError, match="measured nothing at seed 0"):
        measure_lesson("99_toy", FOOTER, tmp_path, range(1), threads=1)


def test_the_provenance_tells_what_the_runs_themselves_were_made_with(tmp_path):
    records = measure_lesson("99_toy", LESSON + FOOTER, tmp_path, range(1), threads=1)
    told = summary(records, "vitlab experiments --lesson 99 --seeds 1")["provenance"]
    assert (told["threads"], told["torch"]) == ("1", torch.__version__)
    assert told["command"] == "vitlab experiments --lesson 99 --seeds 1"


def test_checks_and_explorers_are_left_out_of_the_script():
    cells = [
        cell("a = 1", "setup"),
        cell("lesson.check('x')", "check"),
        cell("text", kind="markdown"),
        cell("explore()", "explorer"),
        cell("measure()", "experiment"),
    ]
    assert script(cells).startswith("a = 1\n\nmeasure()\n\nimport json")


def test_a_lesson_without_experiments_has_no_script():
    assert script([cell("a = 1", "setup")]) is None


def test_the_shipped_numbers_are_per_variant_one_a_seed():
    records = {
        seed: [{"id": "p", "seed": seed, "values": {"v": 70.0 + seed}, "seconds": {"v": 1.04}}] for seed in (1, 0)
    }
    shipped = summary(records, "vitlab experiments")
    assert shipped["experiments"] == {"p": {"v": [70.0, 71.0]}}
    assert shipped["seconds"] == {"p": {"v": [1.0, 1.0]}}
    assert shipped["provenance"]["seeds"] == [0, 1]


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    write(tmp_path / "a.json", {"b": 1, "a": {"d": 2, "c": "±"}})
    write(tmp_path / "b.json", {"a": {"c": "±", "d": 2}, "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_measuring_a_lesson_writes_its_json_under_the_project(tmp_path):
    write_toy_lesson(tmp_path)
    [path] = run_experiments(tmp_path, "99", seeds=2, threads=1)
    assert path == tmp_path / "helpers" / "measured" / "99_toy.json"
    assert json.loads(path.read_text(encoding="utf-8"))["experiments"]["predict_toy"]["ten"] == [10.0, 11.0]


def test_a_lesson_that_does_not_exist_is_said_so(tmp_path):
    with pytest.raises(ExperimentError, match="There is no lesson 77"):
        run_experiments(tmp_path, "77")


def test_a_lesson_without_experiments_is_said_so(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "98_none.py").write_text("# %% [markdown]\n# # 98 · None\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"no experiment in 98_none\.py"):
        run_experiments(tmp_path, "98")


def test_a_full_run_forgets_what_was_finished(tmp_path):
    write_toy_lesson(tmp_path)
    run_experiments(tmp_path, "99", seeds=2, threads=1)
    [record] = (tmp_path / "build" / "experiments" / "99_toy").rglob("seed_0.jsonl")
    record.write_text(record.read_text().replace("10.0", "99.0"))
    for full, first in ((False, 99.0), (True, 10.0)):
        [path] = run_experiments(tmp_path, "99", seeds=2, threads=1, full=full)
        assert json.loads(path.read_text(encoding="utf-8"))["experiments"]["predict_toy"]["ten"][0] == first
