"""Attacks by an answer: each is handed in beside an honest answer, at one level, with secrets planted around it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path
from typing import Any

import psutil
import torch

from helpers.exercises import LESSONS, find, items
from helpers.exercises.judge import PUBLIC_SEED, RIGHT, examination
from vitlab.attacks.caught import caught_by
from vitlab.attacks.notebook import code, notebook
from vitlab.grading.grade import Grader, hidden_seed
from vitlab.grading.job import NOT_GRADED, Options
from vitlab.grading.levels import Level
from vitlab.project import find_project

SECONDS = 1.2  # that an answer may take: attacks that never end are many
SEEDS = ("a first secret seed", "a second secret seed")
ENVIRONMENT = "VITLAB_ATTACKED"  # a variable of the grader's that no child may see
HIDDEN = "carry hidden inputs out"  # the class of attacks that are graded from two seeds
PLAIN = {  # honest wrong answers: an attack may earn what these earn
    "inverse_permutation": "def inverse_permutation(order):\n    return order",
    "scan_order": "import torch\ndef scan_order(rows, cols, kind):\n    return torch.arange(rows * cols)",
    "patchify": "def patchify(images, patch_size):\n    return images",
    "MultiHeadSelfAttention": "from torch import nn\nclass MultiHeadSelfAttention(nn.Module):\n    pass",
    "measured_receptive_field": "def measured_receptive_field(model, image, unit):\n    return image[0, 0] != 0",
    "cnn_receptive_field": "def cnn_receptive_field(layers):\n    return 1",
    "tokens_b16": "tokens_b16 = 1",
    "shape_patches": "shape_patches = (1,)",
    "why_scale": "why_scale = 'a'",
    "growth_in_tokens": "growth_in_tokens = 'N'",
    "blocks_to_drop": "def blocks_to_drop(in_channels, dim, patch_size, image_size):\n    return -1",
    "random_masking": "def random_masking(x, keep_length, ids_shuffle):\n    return x, x, ids_shuffle",
}
BESIDE = {
    **{"01": "linear_to_conv", "02": "permutation_gap", "03": "num_tokens", "04": "attention_distance"},
    **{"07": "masked_loss", "08": "conv_stem_flops"},
}


@dataclass(frozen=True)
class Attack:
    """An answer that is none.

    cell: the whole cell; @others, @home, @project in it stand for folders with a secret; walls: whether it runs against
    the walls of a level, so that it is tried at every one.
    """

    name: str
    group: str
    exercise: str
    cell: str
    walls: bool


@dataclass(frozen=True)
class Outcome:
    """What a trial gave. complaint: what is not as it should be, None where all is."""

    name: str
    group: str
    honest: float
    obtained: float
    caught: str
    complaint: str | None


def read_attacks(folder: Path) -> list[Attack]:
    """Every attack by an answer: BODIES of inverse_permutation, and CELLS with the exercise that they attack."""
    found = []
    for path in sorted(folder.glob("[a-z]*.py")):
        data = run_path(str(path))
        walls = data.get("WALLS", False)
        for name, body in data.get("BODIES", {}).items():
            cell = f"def inverse_permutation(order):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
            found.append(Attack(name, data["GROUP"], "inverse_permutation", cell, walls))
        for name, (exercise, cell) in data.get("CELLS", {}).items():
            found.append(Attack(name, data["GROUP"], exercise, textwrap.dedent(cell), walls))
    return found


class Range:
    """A grader at one level, with secrets around it that must not come out. Use as a context manager."""

    def __init__(self, level: Level):
        self.level, self.canary = level, f"canary{secrets.token_hex(8)}"
        self._earned: dict[str, float] = {}
        self._places: dict[str, str] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Range:
        for name, parent in (("@others", None), ("@home", Path.home()), ("@project", find_project())):
            folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix=".attacked-", dir=parent))
            Path(folder, "secret.ipynb").write_text(self.canary, encoding="utf-8")
            self._places[name] = folder
        os.environ[ENVIRONMENT] = self.canary
        self._open.callback(os.environ.pop, ENVIRONMENT, None)
        self.grader = Grader(find_project(), Options(SEEDS[0], self.level.name), seconds=SECONDS)
        self._open.callback(self.grader.close)
        self._running, self._untouched = self._processes(), self._files()
        if complaint := self._next():  # a student was here before the first attack
            raise RuntimeError(complaint)
        return self

    def __exit__(self, *reason: object) -> None:
        self._open.close()

    def attempt(self, attack: Attack) -> Outcome:
        """Hand an attack in, with an honest answer beside it and an honest submission after it."""
        honest = self._honest(attack.exercise)
        cell = attack.cell
        for place, folder in self._places.items():
            cell = cell.replace(place, folder)
        entry, complaints = self._graded(attack.exercise, cell)
        if entry["points"] > honest:
            complaints.append(f"it earned {entry['points']} points, an honest wrong answer {honest}")
        if entry["verdict"] in (RIGHT, NOT_GRADED):
            complaints.append(f"it was judged {entry['verdict']}: {entry['message']}")
        if attack.group == HIDDEN:
            complaints += self._differences(attack.exercise, cell, entry)
        complaints += filter(None, (self._left(), self._next()))
        if self._files() != self._untouched:
            complaints.append("files of others are not as they were")
            self._untouched = self._files()
        caught = caught_by(entry["verdict"], entry["message"], self.level.layers)
        return Outcome(attack.name, attack.group, honest, entry["points"], caught, next(iter(complaints), None))

    def _graded(self, exercise: str, cell: str) -> tuple[dict[str, Any], list[str]]:
        """What the report says of an attack, and what is wrong with the report."""
        beside = BESIDE[lesson_of(exercise)]
        cells = [code(cell, exercise), code(self.grader.course.piece(beside), beside)]
        record = self.grader.grade("attacker", [("attack.ipynb", notebook(*cells))])
        written, other = json.dumps(record), entry_of(record, beside)
        complaints = []
        if any(secret in written for secret in (self.canary, *SEEDS)):
            complaints.append(f"a secret stands in the record: {entry_of(record, exercise)['message']}")
        if other["verdict"] != RIGHT:
            complaints.append(f"the answer beside it was judged {other['verdict']}: {other['message']}")
        return entry_of(record, exercise), complaints

    def _differences(self, exercise: str, cell: str, entry: dict[str, Any]) -> list[str]:
        """What the report says must not depend on the hidden inputs, nor hold one of them."""
        self.grader.seed = hidden_seed(SEEDS[1])
        again, _ = self._graded(exercise, cell)
        self.grader.seed = hidden_seed(SEEDS[0])
        told = ("verdict", "mistake", "message", "facts", "remarks")
        found = [
            f"its {n} tells of hidden inputs: {entry[n]}; {again[n]}" for n in told if entry.get(n) != again.get(n)
        ]
        return found + [
            f"its message holds a hidden input: {h}" for h in self._hidden(exercise) if h in entry["message"]
        ]

    def _hidden(self, exercise: str) -> set[str]:
        """The hidden inputs, as a message would show them, without those that the notebook's own check has."""
        shown = []
        for seed in (self.grader.seed, PUBLIC_SEED):
            calls = examination(find(exercise), seed).cases
            shown.append({str(arg.tolist()) for call in calls for arg in call.args if isinstance(arg, torch.Tensor)})
        return shown[0] - shown[1]

    def _next(self) -> str | None:
        """Grade an honest submission that holds a secret of its own; what went wrong with it."""
        source = f"def inverse_permutation(order):\n    return order.argsort()  # {self.canary}"
        record = self.grader.grade("honest", [("honest.ipynb", notebook(code(source, "inverse_permutation")))])
        entry = entry_of(record, "inverse_permutation")
        return None if entry["verdict"] == RIGHT else f"the next one was judged {entry['verdict']}: {entry['message']}"

    def _left(self) -> str | None:
        left = self._processes() - self._running
        return f"{left} processes are left" if left > 0 else None

    def _files(self) -> list[tuple]:
        """The state of what lies in the places with secrets."""
        paths = [path for place in self._places.values() for path in (Path(place), *Path(place).rglob("*"))]
        states = [(str(path), path.stat(), os.listxattr(path)) for path in sorted(paths)]
        return [(name, s.st_mode, s.st_uid, s.st_size, s.st_mtime_ns, s.st_nlink, more) for name, s, more in states]

    def _processes(self) -> int:
        """How many processes run of the worker: their command lines name its folder, whoever their parent is."""
        folder = next(re.finditer(r"vitlab-kit-\w+", " ".join(psutil.Process(self.grader.worker.pid).cmdline())))[0]
        return sum(
            any(folder in word for word in process.info["cmdline"] or ())
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
        )

    def _honest(self, exercise: str) -> float:
        if exercise not in self._earned:
            record = self.grader.grade("honest", [("plain.ipynb", notebook(code(PLAIN[exercise], exercise)))])
            self._earned[exercise] = entry_of(record, exercise)["points"]
        return self._earned[exercise]


def lesson_of(exercise: str) -> str:
    """The number of the lesson in which an exercise stands."""
    return next(info.number for info in LESSONS if exercise in {item.id for item in items(info.number)})


def entry_of(record: dict[str, Any], exercise: str) -> dict[str, Any]:
    """What a record says of one exercise."""
    return next(e for lesson in record["lessons"] for e in lesson["exercises"] if e["id"] == exercise)
