"""Lines of a lesson that hold under some conventions only: one source, a solution for every homework.

    x = torch.cat([class_token, tokens], dim=1)  ### class_token: first
    x = torch.cat([tokens, class_token], dim=1)  ### class_token: last

Several conventions are separated by commas. In code, a condition alone on its line speaks of the line below it, where
that one is too long to carry it; in markdown that would be a heading. Conditional lines that follow each other are
alternatives: between them there must be a line for every value, so that no convention is forgotten.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from helpers.models.conventions import CHOICES, Conventions
from vitlab.course.blocks import Fail

CONDITION = re.compile(r"(?P<line>.*?)\s*###\s*(?P<said>\w+\s*:.*)")


@dataclass(frozen=True)
class Conditional:
    """A line with its condition. row: of the line itself, from 0; said: convention -> value, as text."""

    row: int
    line: str
    said: Mapping[str, str]

    def holds(self, chosen: Mapping[str, str]) -> bool:
        return all(chosen[name] == value for name, value in self.said.items())


@dataclass(frozen=True)
class Kept:
    """What is left of a cell. lines: with their rows in the cell, from 0; varied: conventions that it depends on."""

    lines: tuple[tuple[int, str], ...]
    varied: tuple[str, ...]


def keep(source: str, conventions: Conventions, fail: Fail, code: bool = True) -> Kept:
    """The lines of a cell that hold under the conventions, their conditions taken off.

    Calls fail(row, sentence), which raises a BuildError, for a condition that cannot be read, names no convention or
    leaves one of its values without a line.
    """
    chosen = _as_text(conventions)
    kept: list[tuple[int, str]] = []
    varied: set[str] = set()
    alternatives: list[Conditional] = []
    lines = enumerate(source.splitlines())
    for row, line in lines:
        match = CONDITION.fullmatch(line)
        if match is None or not (code or match["line"]):
            _check_complete(alternatives, fail)
            alternatives = []
            kept.append((row, line))
            continue
        said, text = _read(match["said"], row, fail), match["line"]
        if not text.strip():
            row, text = next(lines, (row, ""))
            if not text.strip() or CONDITION.fullmatch(text):
                fail(row, "a condition alone on its line speaks of the line below it, and there is none.")
        varied |= said.keys()
        alternatives.append(Conditional(row, text, said))
        if alternatives[-1].holds(chosen):
            kept.append((row, text))
    _check_complete(alternatives, fail)
    return Kept(tuple(kept), tuple(name for name in CHOICES if name in varied))


def _as_text(conventions: Conventions) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(conventions).items()}


def _read(text: str, row: int, fail: Fail) -> dict[str, str]:
    said: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition(":"))
        if name not in CHOICES:
            fail(row, f"{name!r} is no convention: write ### and one of {', '.join(CHOICES)}, a colon, and its value.")
        values = [str(choice) for choice in CHOICES[name]]
        if value not in values:
            fail(row, f"{name} is {' or '.join(values)}, never {value!r}.")
        if name in said:
            fail(row, f"{name} twice in one condition: leave one out.")
        said[name] = value
    return said


def _check_complete(alternatives: list[Conditional], fail: Fail) -> None:
    """Among alternatives there is a line for every value of every convention that one of them names."""
    names = sorted({name for line in alternatives for name in line.said}, key=list(CHOICES).index)
    for values in itertools.product(*([str(choice) for choice in CHOICES[name]] for name in names)):
        chosen = dict(zip(names, values, strict=True))
        if alternatives and not any(line.holds(chosen) for line in alternatives):
            missing = ", ".join(f"{name}: {value}" for name, value in chosen.items())
            fail(alternatives[0].row, f"no line stands here for {missing}: add one beside this one.")
