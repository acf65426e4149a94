"""Measures the experiments of solved lessons over several seeds and ships the numbers as helpers/measured/NN_name.json.

A lesson's code cells run as a plain script, once a seed, each time in a process of its own. What a seed gave is kept in
build/experiments, so that an interrupted run goes on where it stopped; a changed lesson is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.experiment import MEASURED, RECORD, SEED
from vitlab import files
from vitlab.project import ProjectError

SEEDS = 5
THREADS = 2
SKIPPED = ("check", "explorer", "optional")  # cells that no experiment depends on
LAST_LINES = 12  # of a failed run's output
FOOTER = """
import json, os, platform, torch

with open(os.environ["VITLAB_RECORD"], "a", encoding="utf-8") as file:
    made_with = {"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()}
    file.write(json.dumps({"made_with": made_with}) + "\\n")
"""  # what the run itself was made with: it may be resumed from another environment


class ExperimentError(ProjectError):
    """A lesson's experiments could not be measured; the message says which lesson and seed, and why."""


def run_experiments(
    project: Path, lesson: str | None = None, seeds: int = SEEDS, threads: int = THREADS, *, full: bool = False
) -> list[Path]:
    """Measure a lesson's experiments, or those of every lesson, and write one JSON each.

    project:  the project's folder
    lesson:   number such as "02"; None: every lesson that has an experiment
    seeds:    how many seeds, from 0
    threads:  of each run
    full:     start afresh: forget the seeds that an earlier run has finished
    Returns the files written. Raises ExperimentError where there is nothing to measure or a run fails.
    """
    from helpers.exercises import find
    from helpers.models.conventions import STANDARD
    from vitlab.course.parse import parse

    sources = sorted((project / "solutions").glob(f"{lesson or '[0-9][0-9]'}_*.py"))
    if not sources:
        raise ExperimentError(f"There is no lesson {lesson or 'at all'} in {project / 'solutions'}.")
    written = []
    for source in sources:
        code = script(parse(source, find=find, words=STANDARD.words()).cells)
        if code is None:
            continue
        state = project / "build" / "experiments" / source.stem
        if full:
            shutil.rmtree(state, ignore_errors=True)
        records = measure_lesson(source.stem, code, state, range(seeds), threads=threads)
        path = project / "helpers" / MEASURED.name / f"{source.stem}.json"
        write(path, summary(records, command(source.stem[:2], seeds)))
        written.append(path)
    if not written:
        raise ExperimentError(f"There is no experiment in {', '.join(source.name for source in sources)}.")
    return written


def script(cells: Any) -> str | None:
    """The code of a parsed lesson's cells as one script, or None where no cell is an experiment."""
    if not any("experiment" in cell.tags for cell in cells):
        return None
    wanted = (cell.solved for cell in cells if cell.kind == "code" and not set(cell.tags) & set(SKIPPED))
    return "\n\n".join(wanted) + "\n" + FOOTER


def measure_lesson(
    name: str, code: str, state: Path, seeds: range, *, threads: int, run: Callable[..., None] | None = None
) -> dict[int, list[dict]]:
    """Run a lesson's script once for each seed that the state does not hold yet.

    name: of the lesson, for messages; code: the script; state: folder of the records, one file a seed;
    run(script, environment): runs it (default: in a fresh Python process).
    Returns for each seed its records, as `helpers.experiment.measure` wrote them.
    """
    run = run or run_script
    folder = state / hashlib.sha256(f"{threads} {code}".encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    for seed in tqdm(seeds, desc=name, unit="seed"):
        done = folder / f"seed_{seed}.jsonl"
        if done.exists():
            continue
        unfinished = done.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as home:
            environment = {
                **os.environ,
                SEED: str(seed),
                RECORD: str(unfinished),
                "VITLAB_HOME": home,
                "MPLBACKEND": "Agg",
                "OMP_NUM_THREADS": str(threads),
            }
            try:
                run(path, environment)
            except subprocess.CalledProcessError as error:
                last = "\n".join((error.stderr or "").splitlines()[-LAST_LINES:])
                raise ExperimentError(f"Lesson {name} stopped at seed {seed}:\n{last}") from None
        if not any("values" in record for record in _read(unfinished)):
            raise ExperimentError(f"Lesson {name} measured nothing at seed {seed}: are its predictions made?")
        os.replace(unfinished, done)  # whole or not at all
    return {seed: _read(folder / f"seed_{seed}.jsonl") for seed in seeds}


def run_script(path: Path, environment: Mapping[str, str]) -> None:
    """Run a script in a Python process of its own, in the script's folder; CalledProcessError where it fails."""
    subprocess.run(
        [sys.executable, path.name], cwd=path.parent, env=environment, check=True, capture_output=True, text=True
    )


def summary(records: Mapping[int, list[dict]], how: str) -> dict:
    """What is shipped: per experiment and variant one number a seed, seconds alike, and where it all comes from."""
    shipped: dict[str, Any] = {"experiments": {}, "seconds": {}}
    made_with: dict[str, set] = {}
    for seed in sorted(records):
        for record in records[seed]:
            for name, value in record.get("made_with", {}).items():
                made_with.setdefault(name, set()).add(str(value))
            if "made_with" in record:
                continue
            for kind, key, digits in (("experiments", "values", 4), ("seconds", "seconds", 1)):
                for variant, number in record[key].items():
                    per_seed = shipped[kind].setdefault(record["id"], {}).setdefault(variant, [])
                    per_seed.append(round(number, digits))
    shipped["provenance"] = {
        "command": how,
        "date": date.today().isoformat(),
        "seeds": sorted(records),
        **{name: ", ".join(sorted(values)) for name, values in made_with.items()},
    }
    return shipped


def write(path: Path, shipped: dict) -> None:
    """The JSON, sorted, so that the same numbers give the same bytes; whole or not at all."""
    files.write(path, json.dumps(shipped, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def command(lesson: str, seeds: int) -> str:
    """The command that measures this again."""
    return f"vitlab experiments --lesson {lesson} --seeds {seeds}"


def _read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
