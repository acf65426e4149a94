"""TA notes: how a teaching assistant runs each part of a lesson, and the plan of the 50-minute section.

A note is a markdown cell tagged "ta-note". One opens the lesson, and one closes each part:

    # **TA, opening.** What to ask before the first cell is run.

    # **TA, 8 minutes.** How to run this part.
    # - **They get wrong:** what one sees and hears, in words that can be said aloud.
    # - **Ask next:** a question to the room? (Its answer.)
    # - **Run live:** `exercise_id`, `first words of a line`: what to point at.

A part without ★ has "**TA, not in the section.**" in place of the minutes, and no "Run live". Where a still says more
than a running cell, "Run live" says "nothing: " and why. A known wrong answer stands in *italics*, by its name in
helpers/exercises. The first words of a line may end in "…", for the reader. There is no LaTeX: a note is read aloud,
printed and shown beside slides.

For a lesson that `vitlab.course.parse` has read, `lesson.notes` holds the notes, and `plan(lesson)` the section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from vitlab.course.blocks import Fail
from vitlab.course.errors import BuildError
from vitlab.course.text import PART, SECTION_MINUTES, Part, headings, read_part

if TYPE_CHECKING:
    from vitlab.course.parse import Cell, SourceLesson

TAG = "ta-note"
OPENING = 3  # minutes before the first part of the section: what it is about, the first vote, worksheets handed out
CLOSING = 2  # minutes that its parts must leave at the end, at least
HEAD = re.compile(r"\*\*TA, (?:(?P<minutes>\d+) minutes|(?P<else>opening|not in the section))\.\*\* (?P<text>\S.*)")
POINT = re.compile(r"- \*\*([^*]+):\*\* (\S.*)")
POINTS = ("They get wrong", "Ask next", "Run live")
LIVE = re.compile(r"(?P<targets>`[^`]+`(?:(?:,| and|, then) `[^`]+`)*): \S.*|nothing: \S.*")
FORM = "**TA, 8 minutes.** …, **TA, not in the section.** … or **TA, opening.** …"


@dataclass(frozen=True)
class TANote:
    """How to run one part. All texts are inline markdown (`code`, *name of a known wrong answer*), a line each.

    minutes: that the part takes in the section; None outside it. text: how to run it. wrong: what they get wrong.
    ask: what to ask next, with the answer in parentheses. live: what to run in front of the class, None outside the
    section. targets: the words by which `live` names cells of the part; cells: these cells; line: of the note.
    """

    part: Part
    minutes: int | None
    text: str
    wrong: str
    ask: str
    live: str | None
    targets: tuple[str, ...]
    cells: tuple[Cell, ...]
    line: int


@dataclass(frozen=True)
class Notes:
    """The notes of a lesson. opening: what to ask before the first part, None where the lesson has no such note."""

    opening: str | None
    parts: tuple[TANote, ...]


@dataclass(frozen=True)
class Slot:
    """A row of the section's plan. start: in minutes from the beginning; note: None for opening and closing."""

    start: int
    minutes: int
    title: str
    note: TANote | None

    @property
    def clock(self) -> str:
        """When it begins, as "0:08" (hours, minutes)."""
        return f"{self.start // 60}:{self.start % 60:02d}"


def plan(lesson: SourceLesson) -> tuple[Slot, ...]:
    """The 50-minute section: opening, every part marked ★ for as long as its note says, closing. They add up to 50.

    Raises BuildError where the opening or a part of the section has no note.
    """
    if lesson.notes.opening is None:
        raise BuildError(lesson.path, 1, "the lesson has no opening note: write one before part 1, **TA, opening.** …")
    notes = {note.part.number: note for note in lesson.notes.parts}
    slots, now = [Slot(0, OPENING, "Opening", None)], OPENING
    for part in lesson.parts:
        if not part.section:
            continue
        if part.number not in notes:
            message = f"part {part.number} · {part.title} is in the section and has no TA note: {FORM}"
            raise BuildError(lesson.path, 1, message)
        note = notes[part.number]
        slots.append(Slot(now, note.minutes, f"{part.number} · {part.title}", note))
        now += note.minutes
    return (*slots, Slot(now, SECTION_MINUTES - now, "Closing", None))


def read_notes(cells: Iterable[tuple[Cell, Fail]]) -> Notes:
    """The notes of a lesson's cells. Each cell comes with what stops the build at one of its lines, counted from 0.

    Stops the build at a note that is not of the form above, that stands in the wrong place, that names a cell which its
    part does not have, or with which the section takes too long.
    """
    opening, notes, spent = None, [], OPENING + CLOSING
    part, here, begun = None, [], False
    for cell, fail in cells:
        if TAG in cell.tags:
            note = _read(cell, fail, part, here, begun)
            if isinstance(note, str):
                if opening is not None:
                    fail(0, "a second opening note: a lesson has one.")
                opening = note
                continue
            if notes and notes[-1].part == part:
                fail(0, f"a second note for part {part.number}: merge it with the one in line {notes[-1].line}.")
            spent += note.minutes or 0
            if spent > SECTION_MINUTES:
                most = SECTION_MINUTES - OPENING - CLOSING
                fail(
                    0,
                    f"up to here the notes take {spent - OPENING - CLOSING} minutes: the section's parts have {most}.",
                )
            notes.append(note)
            continue
        if (cell.task or cell.is_check) and notes and notes[-1].part == part:
            fail(0, f"{cell.exercise!r} comes after its part's note (line {notes[-1].line}), which closes the part.")
        for row, heading in headings(cell.solved) if cell.kind == "markdown" else ():
            if heading.startswith("## "):
                part, here, begun = (read_part(heading, row, fail) if PART.fullmatch(heading) else None), [], True
        here.append(cell)
    return Notes(opening, tuple(notes))


def _read(cell: Cell, fail: Fail, part: Part | None, before: Sequence[Cell], begun: bool) -> TANote | str:
    """One note; of an opening note its text. before: the cells of its part so far. begun: the opening is over."""
    if cell.kind != "markdown":
        fail(0, "a TA note is markdown.")
    if "$" in cell.solved:
        row = next(row for row, line in enumerate(cell.solved.splitlines()) if "$" in line)
        fail(row, "LaTeX in a TA note: write N², not $N^2$; a note is read aloud and printed.")
    items = _items(cell.solved, fail)
    head = HEAD.fullmatch(items[0][1])
    if not head:
        fail(0, f"a TA note begins with {FORM}")
    if head["else"] == "opening":
        if begun:
            fail(0, "the opening note stands before part 1.")
        if len(items) > 1:
            fail(items[1][0], "the opening note is one paragraph.")
        return head["text"]
    if part is None:
        fail(0, "a TA note closes a part, and this one stands in none.")
    minutes = _minutes(head, part, fail)
    points = dict.fromkeys(POINTS)
    wanted = POINTS if part.section else POINTS[:-1]
    for (row, item), name in zip(items[1:], wanted, strict=False):
        match = POINT.fullmatch(item)
        if not match or match[1] != name:
            fail(row, f"'- **{name}:** …' is expected here.")
        points[name] = match[2]
        if name == "Ask next" and not re.search(r"\? \(.+\)$", match[2]):
            fail(row, "'Ask next' is a question with its answer behind it: … ? (…)")
    if len(items) - 1 != len(wanted):
        row = items[min(len(items) - 1, len(wanted) + 1)][0]
        fail(row, f"the note has {len(items) - 1} points; {', '.join(wanted)} are expected, in this order.")
    wrong, ask, live = points.values()
    targets = _targets(live, lambda message: fail(items[-1][0], message)) if live else ()
    cells = tuple(_cell(target, before, lambda message: fail(items[-1][0], message)) for target in targets)
    return TANote(part, minutes, head["text"], wrong, ask, live, targets, cells, cell.line)


def _items(source: str, fail: Fail) -> list[tuple[int, str]]:
    """The first paragraph and the points of a list, each with its first row and as one line."""
    items: list[tuple[int, str]] = []
    for row, line in enumerate(source.splitlines()):
        if row == 0 or line.startswith("- "):
            items.append((row, line.strip()))
        elif line.strip() and line.startswith("  ") == (len(items) > 1):
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}")
        else:
            fail(row, "a TA note is a paragraph and a list; each point's further lines are indented by two spaces.")
    return items


def _minutes(head: re.Match, part: Part, fail: Fail) -> int | None:
    minutes = int(head["minutes"]) if head["minutes"] else None
    if part.section and minutes is None:
        fail(0, f"part {part.number} is in the section (★): its note says how long it takes, **TA, 8 minutes.**")
    if not part.section and minutes is not None:
        fail(0, f"part {part.number} has no ★: its note begins with **TA, not in the section.**")
    if minutes is not None and not 1 <= minutes <= part.minutes:
        fail(0, f"part {part.number} takes {part.minutes} minutes in all, so its note cannot say {minutes}.")
    return minutes


def _targets(live: str, fail: Callable[[str], NoReturn]) -> tuple[str, ...]:
    """The words by which "Run live" names cells."""
    match = LIVE.fullmatch(live)
    if not match:
        fail("'Run live' is '`exercise_id`, `first words of a line`: what to point at', or 'nothing: why not'.")
    return tuple(re.findall(r"`([^`]+)`", match["targets"] or ""))


def _cell(target: str, part: Sequence[Cell], fail: Callable[[str], NoReturn]) -> Cell:
    """The one cell of a part that a target names."""
    code, begins = [cell for cell in part if cell.kind == "code"], target.removesuffix("…").rstrip()
    found = [cell for cell in code if cell.task and cell.exercise == target] or [
        cell for cell in code if any(line.lstrip().startswith(begins) for line in cell.solved.splitlines())
    ]
    if len(found) != 1:
        how = "no cell" if not found else f"{len(found)} cells"
        fail(f"{how} of this part match `{target}`: name an exercise of the part, or the first words of a code line.")
    return found[0]
