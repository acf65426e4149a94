"""Small grids for paper, as SVG: pictures of a few pixels, masks, and empty cells to fill in."""

from __future__ import annotations

import re
from html import escape

CELL = 6.6  # millimetres on a side
FENCE = re.compile(r"```grid (?P<says>[^\n]+)\n(?P<rows>.*?)\n```", re.DOTALL)


def svg(rows: str, says: str) -> str:
    """A grid as an <svg>.

    rows: a line for each row of cells, separated by blanks: "." is empty, "#" shaded, anything else is written into
    the cell; "|" between cells and a line of "-" draw a thick line. says: its alternative text.
    """
    lines = [line.split() for line in rows.splitlines()]
    thick_rows = [len(cells(lines[:place])) for place, line in enumerate(lines) if _rule(line)]
    written = cells(lines)
    thick_columns = [place - count for count, place in enumerate(_bars(lines[0]))]
    wide, high = CELL * max(map(len, written)), CELL * len(written)
    drawn = []
    for top, row in enumerate(written):
        for left, entry in enumerate(row):
            x, y = CELL * left, CELL * top
            fill = "#bbb" if entry == "#" else "none"
            drawn.append(f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}"/>')
            if entry not in (".", "#"):
                drawn.append(f'<text x="{x + CELL / 2}" y="{y + CELL / 2}">{escape(entry)}</text>')
    drawn += [f'<path class="thick" d="M{CELL * column} 0V{high}"/>' for column in thick_columns]
    drawn += [f'<path class="thick" d="M0 {CELL * row}H{wide}"/>' for row in thick_rows]
    return (
        f'<svg class="grid" role="img" aria-label="{escape(says)}" viewBox="-0.5 -0.5 {wide + 1} {high + 1}" '
        f'width="{wide + 1}mm" height="{high + 1}mm">{"".join(drawn)}</svg>'
    )


def cells(lines: list[list[str]]) -> list[list[str]]:
    """The rows of cells alone, without what draws thick lines."""
    return [[entry for entry in line if entry != "|"] for line in lines if not _rule(line)]


def _rule(line: list[str]) -> bool:
    return set("".join(line)) <= set("-+")


def _bars(line: list[str]) -> list[int]:
    return [place for place, entry in enumerate(line) if entry == "|"]
