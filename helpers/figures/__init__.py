"""The figures of the lessons: each function returns a `Picture`, a figure with a text that says what is to be seen."""

from __future__ import annotations

import base64
import html
import io

from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy import ndarray
from torch import Tensor

DPI = 110  # at which a notebook shows a figure
SHARP = 1.5  # times as many pixels are saved: slides and fine screens show them


def pixels(image: Tensor) -> ndarray:
    """A picture as matplotlib wants it, cut off at 0 and 1: (C, H, W) -> (H, W, C), or (H, W) of a grey one."""
    image = image.detach().cpu().clamp(0, 1)
    return (image.permute(1, 2, 0) if len(image) == 3 else image[0]).numpy()


class Picture:
    """A matplotlib figure with alternative text, drawn once as a PNG.

    The figure is closed at once, so an inline backend does not show it a second time.

    Arguments:
        figure: the finished matplotlib figure.
        alt: one or two sentences that say what is to be seen in it; read aloud by a screen reader.

    Raises:
        ValueError: the text is empty.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        if not alt.strip():
            pyplot.close(figure)
            raise ValueError("A picture needs alternative text: say in a sentence what is to be seen in it.")
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=SHARP * DPI, bbox_inches="tight", facecolor="white", metadata={"Software": None}
        )
        pyplot.close(figure)
        self.figure = figure
        self.alt = alt.strip()
        self.png = buffer.getvalue()

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        alt = html.escape(self.alt, quote=True)
        width = round(int.from_bytes(self.png[16:20], "big") / SHARP)  # a PNG's header: its width stands here
        return f'<img alt="{alt}" width="{width}" style="max-width:100%" src="data:image/png;base64,{data}">'
