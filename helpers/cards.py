"""Cards: what a check, a hint or an experiment says, as HTML for notebooks and as plain text for everything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# The colour of a card's edge: Okabe-Ito's, three of them shifted until each stands out 3:1 (WCAG 1.4.11) both from
# white and from the dark pages of JupyterLab, VS Code and Colab. A card never speaks by colour alone: sign and word say
# the same, in the page's own text colour.
LOOKS = {
    "right": ("✓", "#009E73"),
    "wrong": ("✗", "#D55E00"),
    "crashed": ("⚠", "#C56C9C"),
    "not attempted": ("○", "#888888"),
    "note": ("▸", "#3A8BC8"),
}
BOX = "border-left:5px solid {colour};padding:.5em 1em;margin:.3em 0;line-height:1.45"
FOLD = "padding:.25em 0;cursor:pointer"  # together 24 pixels high: WCAG 2.5.8
CELL = "text-align:left;padding:.15em .8em .15em 0;vertical-align:top"


@dataclass(frozen=True)
class Link:
    """Words that lead somewhere. address: seen from the notebook, such as 01_patches_to_tokens.ipynb."""

    words: str
    address: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Card:
    """A titled box. Backticks mark code; a line or a cell of the table may be a Link.

    kind: a key of LOOKS; lines: paragraphs; table: rows of texts, the first of them a header where `header`;
    folded: (summary, text) pairs that open on a click.
    """

    kind: str
    title: str
    lines: Sequence[str | Link] = ()
    table: Sequence[Sequence[str | Link]] = ()
    header: bool = False
    folded: Sequence[tuple[str, str]] = ()

    def __repr__(self) -> str:
        sign, _ = LOOKS[self.kind]
        text = [f"{sign} {self.title}", *map(str, self.lines)]
        if self.table:
            widths = [max(len(str(row[i])) for row in self.table) for i in range(len(self.table[0]))]
            text += [
                "  " + "  ".join(str(c).ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
                for row in self.table
            ]
        return "\n".join(text)

    def _repr_html_(self) -> str:
        sign, colour = LOOKS[self.kind]
        parts = [f'<div style="{BOX.format(colour=colour)}" role="status">']
        parts.append(f"<strong>{sign} {_code(self.title)}</strong>")
        parts += [f'<p style="margin:.3em 0">{_shown(line)}</p>' for line in self.lines]
        if self.table:
            parts.append(f'<table style="margin:.3em 0;font-size:.95em">{self._rows()}</table>')
        for summary, text in self.folded:
            head = f'<summary style="{FOLD}">{_code(summary)}</summary>'
            parts.append(f"<details>{head}<p>{_code(text)}</p></details>")
        return "".join(parts) + "</div>"

    def _rows(self) -> str:
        rows = []
        for i, row in enumerate(self.table):
            tag, scope = ("th", ' scope="col"') if self.header and i == 0 else ("td", "")
            rows.append("<tr>" + "".join(f'<{tag}{scope} style="{CELL}">{_shown(c)}</{tag}>' for c in row) + "</tr>")
        return "".join(rows)


def _shown(text: object) -> str:
    if isinstance(text, Link):
        return f'<a href="{escape(text.address)}" style="text-decoration:underline">{_code(text.words)}</a>'
    return _code(str(text))


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
