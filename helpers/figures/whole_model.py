"""The whole model as a row of boxes, with the parts that a lesson studies marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrow, FancyBboxPatch

from helpers.figures import Picture
from helpers.figures.palette import GREY, ORANGE

VIT = ("picture", "patches", "embedding", "class token", "positions", "attention", "MLP", "pooling", "head")
IMAGE_GPT = ("picture", "patches", "codes", "shift right", "positions", "causal attention", "MLP", "next code")
BLOCK = ("attention", "causal attention", "MLP")  # what repeats, once a block

WIDTH, GAP = 1.2, 0.3


def whole_model(
    studied: Sequence[str], notes: Mapping[str, str] | None = None, parts: Sequence[str] = VIT, name: str = "ViT"
) -> Picture:
    """A model from its input to its result, one box a part, with the parts that a lesson studies marked.

    studied: the parts to mark; notes: what to write above a part; parts: of the model, in order; name: of the model
    Raises ValueError where a studied or noted part is none of the model's.
    """
    notes = dict(notes or {})
    for part in (*studied, *notes):
        if part not in parts:
            raise ValueError(f"{part!r} is no part of {name}: those are {', '.join(parts)}.")
    repeated = [part for part in parts if part in BLOCK]
    low, high = (-0.5 if repeated else -0.1), (1.25 if notes else 0.9)  # room below and above the boxes
    figure = Figure(figsize=(10, high - low), layout="constrained")
    axes = figure.subplots()
    left = {part: number * (WIDTH + GAP) for number, part in enumerate(parts)}
    for part, x in left.items():
        here = part in studied
        box = FancyBboxPatch((x, 0), WIDTH, 0.8, boxstyle="round,pad=0.02", linewidth=2.5 if here else 1)
        box.set(facecolor="#FDE7D6" if here else "#F2F2F2", edgecolor=ORANGE if here else GREY)
        axes.add_patch(box)
        words = part.replace(" ", "\n")
        axes.text(x + WIDTH / 2, 0.4, words, ha="center", va="center", fontsize=9, weight="bold" if here else "normal")
        if x:
            axes.add_patch(FancyArrow(x - GAP + 0.05, 0.4, 0.1, 0, width=0.01, head_width=0.1, color=GREY))
        if part in notes:
            axes.text(x + WIDTH / 2, 0.95, notes[part], ha="center", va="bottom", fontsize=9, color=ORANGE)
    if repeated:
        start, end = left[repeated[0]], left[repeated[-1]] + WIDTH
        axes.plot([start, start, end, end], [-0.08, -0.18, -0.18, -0.08], color=GREY, linewidth=1)
        axes.text((start + end) / 2, -0.24, "one block, repeated", ha="center", va="top", fontsize=9, color="#555555")
    axes.set(xlim=(-0.1, len(parts) * (WIDTH + GAP) - GAP + 0.1), ylim=(low, high))
    axes.axis("off")
    told = "".join(f" Above {part}: “{' '.join(note.split())}”." for part, note in notes.items())
    return Picture(
        figure,
        f"The whole {name} as a row of boxes: {', '.join(parts)}. "
        f"Marked, because this lesson studies {'it' if len(studied) == 1 else 'them'}: {', '.join(studied)}.{told}",
    )
