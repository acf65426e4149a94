"""The words of lessons and definitions as they are set on paper: Markdown, small grids, raised letters, formulas."""

from __future__ import annotations

import re

from markupsafe import Markup

from vitlab.course.editions.grid import FENCE, svg
from vitlab.course.editions.markdown import inline_html, to_html
from vitlab.course.editions.mathml import mathml

AS_IS = re.compile(r"(<code>.*?</code>|<math\b.*?</math>|<pre>.*?</pre>|<svg\b.*?</svg>)", re.DOTALL)


def rich(markdown: str) -> Markup:
    """Markdown with grids (```grid what it shows) as HTML; grids that follow each other stand side by side."""
    pieces, place = [], 0
    for grid in FENCE.finditer(markdown):
        before = markdown[place : grid.start()]
        if before.strip() or not pieces:
            pieces += [to_html(before), '<div class="figures">', "</div>"]
        pieces.insert(-1, svg(grid["rows"], grid["says"]))
        place = grid.end()
    return raised("".join([*pieces, to_html(markdown[place:])]))


def text(markdown: str) -> Markup:
    """Markdown without grids as HTML."""
    return raised(to_html(markdown))


def line(markdown: str) -> Markup:
    """A line of Markdown as HTML."""
    return raised(inline_html(markdown))


def raised(html: str) -> Markup:
    """K^T and y_1, which definitions write since they also speak in terminals, with a raised T and a lowered 1."""
    pieces = AS_IS.split(html)
    for place in range(0, len(pieces), 2):
        text = re.sub(r"\^(\w+)", r"<sup>\1</sup>", pieces[place])
        pieces[place] = re.sub(r"\b([A-Za-z])_(\w{1,3})\b", r"\1<sub>\2</sub>", text)
    return Markup("".join(pieces))


def formula(expression: str) -> Markup:
    """An expression as its author writes it, N**2*D/sqrt(P), as a formula."""
    tex = re.sub(r"sqrt\((\w+)\)", r"\\sqrt{\1}", expression)
    tex = re.sub(r"\s*\*\*\s*(\w+)", r"^{\1}", tex)
    return Markup(mathml(re.sub(r"\s*\*\s*", r" \\, ", tex)))
