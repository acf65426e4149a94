"""A deck as one HTML file: reveal.js, the course's look, figures and explorers inside, nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from vitlab.course.build import Course
from vitlab.course.editions.live import SCRIPT, payload
from vitlab.course.editions.slides.deck import make_deck
from vitlab.course.editions.solved import EditionError, Solved, read_solved
from vitlab.course.ta_notes import plan
from vitlab.course.text import SECTION_MINUTES
from vitlab.files import write
from vitlab.templates import templates

HERE = Path(__file__).parent
REVEAL = HERE.parent / "vendor" / "reveal"


def export_slides(course: Course, out: Path, lessons: Sequence[str] = ()) -> list[Path]:
    """Writes a deck for each lesson named (none: all) into a folder, as NN_name.html; gives the files.

    Raises EditionError where a lesson was not executed, or where `out` is a file; BuildError where a source is not as
    it should be; ValueError for a lesson that there is not.
    """
    if out.exists() and not out.is_dir():
        raise EditionError(f"{out} is a file: give a folder for the decks.")
    written = []
    for solved in read_solved(course, lessons):
        path = out / f"{solved.lesson.name}.html"
        write(path, deck_html(solved))
        written.append(path)
    return written


def deck_html(solved: Solved) -> str:
    """A lesson's deck as an HTML document that works from disk and without a network."""
    deck = make_deck(solved)
    return (
        templates(HERE)
        .get_template("page.html.j2")
        .render(
            deck=deck,
            lesson=solved.lesson,
            minutes=SECTION_MINUTES,
            today=[slot.note for slot in plan(solved.lesson) if slot.note],
            styles=Markup("\n".join(map(_style, (REVEAL / "reset.css", REVEAL / "reveal.css", HERE / "page.css")))),
            scripts=[Markup(_script(path)) for path in (REVEAL / "reveal.js", REVEAL / "notes.js", HERE / "page.js")],
            live=Markup(SCRIPT),
            frame=Markup(_script(HERE / "frame.js")),
            payload=lambda explorer: Markup(payload(explorer)),
            html=Markup,
        )
    )


def _style(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _script(path: Path) -> str:
    text = re.sub(r"//# sourceMappingURL=\S+", "", path.read_text(encoding="utf-8"))
    return text.replace("</script", "<\\/script")
