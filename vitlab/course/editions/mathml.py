"""Formulas as MathML, which browsers draw themselves and screen readers read: no script, no font to load."""

from __future__ import annotations

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

from vitlab.course.editions.solved import EditionError


def mathml(tex: str, display: bool = False) -> str:
    """A formula of LaTeX as a <math> element. display: on a line of its own. Raises EditionError for unknown LaTeX."""
    try:
        return tex2mathml(tex.strip(), as_block=display)
    except MathError as error:
        raise EditionError(f"This formula cannot be drawn: {tex!r}: {error}") from None
