"""A lesson's slides: what each cell of it becomes.

- A heading opens a part; the text below it explains, on as many slides as it needs.
- A question has a slide of its own: context, question, options, and the right one at a press. A prediction has no
  answer; its experiment's result, on the slide after it, is one.
- An exercise is its task with the student's stub, then a slide with the solution, where that can be read aloud.
- A figure, a table of results, an explorer has a slide of its own. The sentence before it is the slide's title, the one
  after it comes at a press; what is longer than two sentences goes into the presenter's notes, whole.
- Code is on a slide where its cell has a slide tag of its own: it teaches. Checks, set-up and cells that show nothing
  are left out.

Tags of `slideshow.slide_type`: "slide" and "subslide" begin a slide; "skip" leaves a cell out; "notes" puts text into
the notes; "fragment" puts a code cell, with what it shows, on the slide that its text began.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vitlab.course.editions import typeset
from vitlab.course.editions.markdown import blocks
from vitlab.course.editions.slides import room
from vitlab.course.editions.slides.maker import Maker, slide_type
from vitlab.course.editions.slides.slide import Slide
from vitlab.course.editions.solved import EditionError, Shown, Solved
from vitlab.course.ta_notes import plan
from vitlab.course.text import Part

SAY_NOW = re.compile(r"(?:## |\*\*)What you can say now\.?(?:\*\*)?")
NO_KEYS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Deck:
    """A lesson's deck: opening slides, the parts of the section, the others, and what one can say at the end."""

    opening: tuple[Slide, ...]
    section: tuple[tuple[Slide, ...], ...]
    extra: tuple[tuple[Slide, ...], ...]
    closing: tuple[Slide, ...]


def make_deck(solved: Solved) -> Deck:
    """The slides of a solved lesson.

    Raises EditionError where it has no "What you can say now", BuildError where a part of its section has no TA note.
    """
    closing = next((shown for shown in reversed(solved.cells) if SAY_NOW.match(shown.cell.solved)), None)
    if closing is None:
        raise EditionError(f"{solved.lesson.name}: a deck ends on a cell that begins with '**What you can say now.**'.")
    cells = [shown for shown in solved.cells if shown is not closing]
    clocks = {slot.note.part: slot.clock for slot in plan(solved.lesson) if slot.note}
    sheet = solved.lesson.sheet
    keys = {task.exercise: task.key for task in sheet.tasks if task.exercise and task.key} if sheet else {}
    parts = {
        part: _slides([shown for shown in cells if shown.part == part], part, keys, clocks.get(part, ""))
        for part in solved.lesson.parts
    }
    return Deck(
        tuple(_opening(solved, [shown for shown in cells if shown.part is None])),
        tuple(tuple(slides) for part, slides in parts.items() if part.section),
        tuple(tuple(slides) for part, slides in parts.items() if not part.section),
        tuple(_closing(closing)),
    )


def note_html(cells: Iterable[Shown], clock: str = "") -> list[str]:
    """The TA notes among some cells, as the presenter reads them. clock: when the part begins, such as "0:08"."""
    begins = [f"<p><strong>Begins at {clock}.</strong></p>"] if clock else []
    return begins + [typeset.text(shown.cell.solved) for shown in cells if "ta-note" in shown.cell.tags]


def _opening(solved: Solved, cells: Sequence[Shown]) -> list[Slide]:
    """The title with what is asked today, what one can do afterwards, and what stands before the first part."""
    first, *rest = cells
    found = [block for block in blocks(first.cell.solved) if block[0] != "heading"]
    table = next((place for place, (kind, _) in enumerate(found) if kind == "table"), len(found))
    goals = next((place for place, (kind, _) in enumerate(found) if kind == "list"), None)
    intro = [source for kind, source in found[: table if goals is None else goals] if kind == "paragraph"]
    text = room.sentences(" ".join(intro))
    promise = text.pop() if goals is not None and len(text) > 1 else ""
    title = Slide(
        "title", solved.lesson.title, [f'<p class="intro">{typeset.line(room.short(" ".join(text), 330))}</p>']
    )
    title.notes = [f"<p>{typeset.line(' '.join(text))}</p>", *note_html(cells)]
    slides = [title]
    if goals is not None:
        slides.append(Slide("text", promise.rstrip(".:") or "Afterwards you can", [typeset.text(found[goals][1])]))
    return slides + [slide for slide in _slides(rest, None) if slide.body]


def _closing(shown: Shown) -> list[Slide]:
    found = blocks(shown.cell.solved)
    list_ = next((place for place, (kind, _) in enumerate(found) if kind in ("list", "table")), None)
    if list_ is None:
        raise EditionError("'What you can say now' is a list, one sentence a point, or a table.")
    rest = [source for place, (kind, source) in enumerate(found) if place > list_ and kind != "heading"]
    return [
        Slide("closing", "What you can say now", [typeset.text(found[list_][1])], [typeset.text("\n\n".join(rest))])
    ]


def _slides(
    cells: Sequence[Shown], part: Part | None, keys: Mapping[str, str] = NO_KEYS, clock: str = ""
) -> list[Slide]:
    maker = Maker(part, keys)
    told = [shown for shown in cells if "ta-note" not in shown.cell.tags]
    for place, shown in enumerate(told):
        following = told[place + 1] if place + 1 < len(told) else None
        if slide_type(shown) != "skip":
            maker.add(shown, following)
    maker.flush()
    if part is not None and maker.slides:
        maker.slides[0].notes[:0] = note_html(cells, clock)
    for slide in maker.slides:
        slide.part = part
    return maker.slides
