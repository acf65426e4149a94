"""How wide the range of learning rates is that works (lesson 08)."""

import math
from collections.abc import Mapping
from itertools import pairwise


def decades_that_work(accuracy: Mapping[float, float], points: float = 4.0) -> float:
    """Width, in decades, of the range of learning rates around the best one that loses at most `points`.

    accuracy: percent by learning rate; between two rates it is taken to change in a line over the rate's logarithm
    Returns the width; it ends at the lowest and highest rate tried. Raises ValueError where no rate was tried.
    """
    if not accuracy:
        raise ValueError("There is no learning rate to measure a range of: `accuracy` is empty.")
    curve = sorted((math.log10(rate), value) for rate, value in accuracy.items())
    best = max(range(len(curve)), key=lambda i: curve[i][1])
    level = curve[best][1] - points
    return _end(curve[best:], level) - _end(curve[best::-1], level)


def _end(curve: list[tuple[float, float]], level: float) -> float:
    """Where a curve that starts above a level first falls below it, or where it ends."""
    for (here, high), (there, low) in pairwise(curve):
        if low < level:
            return here + (there - here) * (high - level) / (high - low)
    return curve[-1][0]
