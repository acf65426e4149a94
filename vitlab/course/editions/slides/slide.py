"""One slide of a deck."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitlab.course.editions.typeset import line
from vitlab.course.text import Part
from vitlab.course.widgets import Explorer

LABELS = {
    "question": "Question",
    "vote": "Vote",
    "exercise": "Exercise",
    "solution": "Solution",
    "measured": "Measured",
}


@dataclass
class Slide:
    """One slide.

    kind: what it is, a class of its section; title: in Markdown; body: HTML, one piece after the other; notes: HTML for
    the presenter; part: where it belongs; explorer: what it draws, with the sentence that stands for it in print.
    """

    kind: str
    title: str
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    part: Part | None = None
    explorer: tuple[Explorer, str] | None = None

    @property
    def title_html(self) -> str:
        return str(line(self.title))

    @property
    def label(self) -> str:
        """What the corner of the slide says that it is, "" for nothing."""
        return LABELS.get(self.kind, "")
