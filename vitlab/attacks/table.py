"""`vitlab attacks`: two tables, of what must fail and of what must pass."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from vitlab.attacks.attack import Outcome, Range, read_attacks
from vitlab.attacks.files import attempt, read_file_attacks
from vitlab.attacks.honest import Marks, mark, read_honest
from vitlab.grading.grade import Grader
from vitlab.grading.job import Options
from vitlab.grading.levels import LEVELS, Level, Unsafe, possible_levels
from vitlab.project import find_project


def run_attacks() -> bool:
    """Print both tables; whether every attack earned nothing and every honest hand-in got full marks.

    At the best level of this machine everything is tried, at each other one what runs against its walls.
    Raises Unsafe where this machine gives no level at all.
    """
    console = Console(width=150)
    reasons = possible_levels()
    levels = [level for level in LEVELS if reasons[level.name] is None]
    if not levels:
        raise Unsafe(f"This machine gives no isolation to attack: {reasons}")
    started = time.monotonic()
    attacks = [_attacked(level, best=level is levels[0], console=console) for level in levels]
    marks = _marked(levels[0], console)
    console.print(attack_table(levels, attacks))
    for number, level in enumerate(levels, 1):
        console.print(f"{number}: {level.name}", highlight=False)
    for name, reason in reasons.items():
        if reason is not None:
            console.print(f"not tried: {name} ({reason})", highlight=False, markup=False)
    console.print(honest_table(marks))
    complaints = [
        *(
            f"level {n}: {o.group}, {o.name}: {o.complaint}"
            for n, of in enumerate(attacks, 1)
            for o in of
            if o.complaint
        ),
        *(f"honest: {m.group}, {m.name}: {m.complaint}" for m in marks if m.complaint),
    ]
    for complaint in complaints:
        console.print(Text(complaint, style="red"))
    tried = ", ".join(f"{len(outcomes)} at level {n}" for n, outcomes in enumerate(attacks, 1))
    console.print(
        f"Attacks: {tried}. Honest hand-ins: {len(marks)}. Not as it should be: {len(complaints)}. "
        f"{time.monotonic() - started:.0f} s.",
        highlight=False,
    )
    return not complaints


def attack_table(levels: list[Level], attacks: list[list[Outcome]]) -> Table:
    """One row an attack: honest points, and at each level the points obtained and why no more."""
    table = Table(title="Attacks: points, and what they were caught by")
    for column in ("class", "attack"):
        table.add_column(column)
    table.add_column("honest", justify="right")
    for number, _ in enumerate(levels, 1):
        table.add_column(f"level {number}")
    others = [{(outcome.group, outcome.name): outcome for outcome in outcomes} for outcomes in attacks]
    before = None
    for outcome in attacks[0]:
        if before not in (None, outcome.group):
            table.add_section()
        found = [of.get((outcome.group, outcome.name)) for of in others]
        cells = (f"{o.obtained:g}  {o.caught}" if o else "-" for o in found)
        table.add_row(outcome.group if outcome.group != before else "", outcome.name, f"{outcome.honest:g}", *cells)
        before = outcome.group
    return table


def honest_table(marks: list[Marks]) -> Table:
    """One row an honest hand-in: the points expected and obtained."""
    table = Table(title="Honest hand-ins: points")
    for column in ("kind", "hand-in"):
        table.add_column(column)
    for column in ("expected", "obtained"):
        table.add_column(column, justify="right")
    before = None
    for one in marks:
        if before not in (None, one.group):
            table.add_section()
        kind = one.group if one.group != before else ""
        table.add_row(kind, Text(one.name.replace("\n", " ")), f"{one.expected:g}", f"{one.obtained:g}")
        before = one.group
    return table


def _attacked(level: Level, best: bool, console: Console) -> list[Outcome]:
    folder = _data("attacks")
    chosen = [attack for attack in read_attacks(folder) if best or attack.walls]
    with Range(level) as grounds:
        told = f"attacks, {level.name}"
        outcomes = [grounds.attempt(attack) for attack in track(chosen, told, console=console, transient=True)]
        if best:
            files = track(read_file_attacks(folder), "hand-ins that are none", console=console, transient=True)
            outcomes += [attempt(attack, grounds) for attack in files]
    return outcomes


def _marked(level: Level, console: Console) -> list[Marks]:
    grader = Grader(find_project(), Options("honest", level.name))
    try:
        hand_ins = track(read_honest(_data("honest")), "honest hand-ins", console=console, transient=True)
        return [mark(honest, grader) for honest in hand_ins]
    finally:
        grader.close()


def _data(name: str) -> Path:
    return find_project() / "tests" / name
