"""The colours of all figures: Okabe and Ito's, which people with any kind of colour vision tell apart.

Okabe and Ito (2008), "Color Universal Design". Their vermilion is a little darker here, so that it can be read as text
on white. Colour is never the only sign: series differ in line and marker too, bars and boxes carry their names.
Sequential maps are viridis and gray, signed ones PuOr and RdBu_r.
"""

from __future__ import annotations

BLUE, ORANGE, GREEN, PINK, AMBER, SKY = "#0072B2", "#C45500", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
BLACK, LEMON = "#000000", "#F0E442"
GREY = "#707070"  # reference lines and small print, never a category
PALE = "#CCCCCC"  # what is there and not at issue
CATEGORIES = (BLUE, ORANGE, GREEN, PINK, AMBER, SKY)
SEQUENTIAL = ("viridis", "gray", "gray_r")
SIGNED = ("PuOr", "RdBu_r")

LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 3)))
# how `plot` draws the first, second, ... of several series
SERIES = tuple(
    {"color": colour, "linestyle": line, "marker": marker}
    for colour, line, marker in zip(CATEGORIES, LINES, "os^Dv*", strict=True)
)
