"""What a homework says of its conventions: each in a plain sentence, with an example that fits on one line."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.models.conventions import CHOICES, Conventions
from helpers.models.positions import rows_and_columns

TITLE = "Conventions of this homework"


def conventions_text(conventions: Conventions, depending: Mapping[str, tuple[str, ...]]) -> str:
    """The markdown cell that a homework of one lesson begins with.

    depending: exercise id -> the conventions on which its answer depends; ids with none are not named.
    """
    named = {name: [f"`{exercise}`" for exercise, names in depending.items() if name in names] for name in CHOICES}
    said = [(name, exercises) for name, exercises in named.items() if exercises]
    if not said:
        return f"## {TITLE}\n\nNo answer of this homework depends on a convention that courses choose differently."
    varied = conventions.differences()
    if any(name in varied for name, _ in said):
        opening = (
            "Some things every course has to agree on, and each may do so in its own way. **Here not all of them are "
            "as in the lesson**, so read each task before you write; its check follows this homework."
        )
    else:
        opening = "Some things every course has to agree on. All that matter here are as in the lesson."
    lines = [_line(name, exercises, conventions, name in varied) for name, exercises in said]
    return "\n".join([f"## {TITLE}", "", opening, "", *lines])


def _line(name: str, exercises: list[str], conventions: Conventions, other: bool) -> str:
    where = exercises[0] if len(exercises) == 1 else f"{', '.join(exercises[:-1])} and {exercises[-1]}"
    return f"- {SENTENCES[name](conventions)} {'*Not as in the lesson.* ' if other else ''}It matters in {where}."


def _sequence(conventions: Conventions) -> str:
    rows, cols = rows_and_columns((2, 3), conventions)
    places = ", ".join(f"({row},{col})" for row, col in zip(rows.tolist(), cols.tolist(), strict=True))
    return (
        f"The sequence of patches runs over the grid **{conventions.words()['sequence_words']}**. The (row, column) of "
        f"each patch, on a grid of 2 rows and 3 columns: {places}."
    )


def _patch(conventions: Conventions) -> str:
    order = "r0 r1 g0 g1 b0 b1" if conventions.patch == "channel-first" else "r0 g0 b0 r1 g1 b1"
    return (
        f"A patch is flattened **{conventions.words()['patch_words']}**. Two pixels 0 and 1 with red, green and blue "
        f"become {order}."
    )


def _class_token(conventions: Conventions) -> str:
    patches = ["patch"] * 3
    tokens = ["class token", *patches] if conventions.class_token == "first" else [*patches, "class token"]
    return (
        f"The class token stands **{conventions.words()['class_token_words']}** in the sequence, and so does its row "
        f"in a table of positions: {', '.join(tokens)}."
    )


def _masked(conventions: Conventions) -> str:
    kept = 1 - int(conventions.masked)
    mask = ", ".join(str(kept if token == 1 else 1 - kept) for token in range(4))
    return (
        f"In a mask **{conventions.words()['masked_value']}** means masked. Four tokens, the second of which is kept: "
        f"{mask}."
    )


SENTENCES = {"sequence": _sequence, "patch": _patch, "class_token": _class_token, "masked": _masked}
