"""Attacks by whole hand-ins: each lies in a folder between two honest students', which is graded as a batch is."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

from vitlab.attacks.attack import Outcome, Range
from vitlab.attacks.caught import caught_by
from vitlab.attacks.notebook import code, notebook
from vitlab.grading.batch import read
from vitlab.grading.collect import collect
from vitlab.grading.report import points

HONEST = "inverse_permutation"
WITHIN = 10.0  # seconds of the grader's processor for a folder: what takes longer keeps a class waiting


@dataclass(frozen=True)
class FileAttack:
    """A hand-in that is none. put: writes it into the folder of submissions."""

    name: str
    group: str
    put: Callable[[Path], None]


def read_file_attacks(folder: Path) -> list[FileAttack]:
    """Every attack by a whole hand-in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the zip with one name twice
        modules = [run_path(str(path)) for path in sorted(folder.glob("[a-z]*.py"))]
    return [FileAttack(name, data["GROUP"], put) for data in modules for name, put in data.get("FILES", {}).items()]


def attempt(attack: FileAttack, grounds: Range) -> Outcome:
    """Grade the folder; whether the honest are right, the attacker earns nothing, and all have a record."""
    complaints, obtained, said = [], 0.0, ""
    with tempfile.TemporaryDirectory() as place:
        submissions = Path(place)
        good = notebook(code(f"def {HONEST}(order):\n    return order.argsort()  # {grounds.canary}\n", HONEST))
        for student in ("anna", "zoe"):
            (submissions / student).mkdir()
            (submissions / student / "02_patch_order.ipynb").write_bytes(good)
        attack.put(submissions)
        started = time.process_time()  # a busy machine is no attack; answers that wait have limits of their own
        records = [
            grounds.grader.grade(job.student, job.files, job.problems) for job in map(read, collect(submissions))
        ]
        seconds = time.process_time() - started
    earned = {record["student"]: sum(map(points, record["lessons"])) for record in records}
    honest = {name: sum(earned[student] for student in earned if student.startswith(name)) for name in ("anna", "zoe")}
    for name in honest:
        if honest[name] != 2.0:
            complaints.append(f"{name} earned {honest[name]} of 2 points")
    theirs = [record for record in records if not record["student"].startswith(("anna", "zoe"))]
    if not theirs:
        complaints.append("there is no record of it")
    for record in theirs:
        obtained += earned[record["student"]]
        words = [*record["problems"], *(e["message"] for le in record["lessons"] for e in le["exercises"])]
        said = next((word for word in words if word), "")
        if not record["lessons"] and not record["problems"]:
            complaints.append("its record says nothing")
        if record.get("failed"):
            complaints.append(f"the grader stopped at it: {record['problems']}")
        if grounds.canary in json.dumps(record):
            complaints.append("its record holds another's answer")
    if obtained > 0:
        complaints.append(f"it earned {obtained} points")
    if seconds > WITHIN:
        complaints.append(f"it took {seconds:.0f} s")
    return Outcome(attack.name, attack.group, 0.0, obtained, caught_by("unread", said), next(iter(complaints), None))
