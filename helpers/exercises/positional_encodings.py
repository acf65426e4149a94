"""Lesson 05: where am I? Positional encodings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from helpers.exercises.definition import Claim, Exercise, Experiment, Item, Mistake, Question
from helpers.exercises.drawing import whole
from helpers.exercises.written import Choice, FreeText, Number, Shape
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.positions import (
    BASE,
    LearnedPositions,
    interpolate_positions,
    rope_2d,
    rows_and_columns,
    sincos_1d,
    sincos_2d,
)
from helpers.papers import ROPE_RELATIVE, VIT_NO_POSITIONS, VIT_RESOLUTION
from helpers.runner import Call


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        _moved_garment(),
        _symmetric_logits(),
        _best_where(),
        _moved_by_one_pixel(),
        _learned_positions(),
        _learned_parameters(),
        _predict_what_where(),
        _sincos_1d(),
        _displacement_only(),
        _sincos_2d(conventions),
        _learned_grid_parameters(),
        _predict_kinds(),
        _table_at_384(),
        _interpolate_positions(conventions),
        _predict_resolution(),
        _rope_2d(conventions),
        _learn_without_positions(),
    )


def _flipped(conventions: Conventions) -> Conventions:
    """The same conventions with the patch sequence running along the other side of the grid."""
    sequence = "column-major" if conventions.sequence == "row-major" else "row-major"
    return Conventions(sequence, conventions.patch, conventions.class_token, conventions.masked)


# ------------------------------------------------------------------------------------------------------ what is missing


def _moved_garment() -> Question:
    return Question(
        id="moved_garment",
        title="What a move does to the patches",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "nothing: the same patches in the same places",
                "b": "the same patches, in other places of the sequence",
                "c": "other patches: their pixels change",
                "d": "fewer patches with something on them",
            },
            right="b",
            wrong={
                "a": "The first place of the sequence held a corner of the garment before, and is empty now. What is "
                "the same, then?",
                "c": "The garment moves by 12 pixels, which is three patches of 4: it is cut along the same lines. "
                "Look at the two rows of patches once more.",
                "d": "All of the garment is still there, cut along the same lines: count the patches that hold some.",
            },
        ),
        hints=(
            "12 pixels are exactly three patches of 4 pixels: along which lines is the garment cut after the move?",
            "Write the patches of each picture on cards and throw the cards in a bag: do the two bags differ?",
        ),
    )


def _symmetric_logits() -> Question:
    return Question(
        id="symmetric_logits",
        title="What a ViT without positions says of the two",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "the same logits for both, whatever the weights",
                "b": "other logits, since attention compares each patch with its neighbours",
                "c": "the same logits before training, other ones after",
                "d": "the same logits moved along, as the patches are",
            },
            right="a",
            wrong={
                "b": "Attention knows no neighbours: every token meets every other, in a sum that has no order. Which "
                "layer of the model could tell first from last?",
                "c": "Training changes the weights, and the argument holds for all weights: the bag of patches is the "
                "same, and the class token sums over the bag.",
                "d": "The *tokens* move along (they are equivariant). The logits are read from the class token, which "
                "stands still and sums over all of them.",
            },
        ),
        hints=(
            "Lesson 02: a shuffle of the tokens shuffles the outputs of a block alike. And the class token?",
            "The class token's output is a weighted sum over all tokens: a sum does not say in which order it was "
            "made.",
        ),
    )


def _best_where() -> Question:
    return Question(
        id="best_where",
        title="The best it can do",
        points=2,
        minutes=2,
        difficulty=2,
        answer=Number(
            25,
            unit="%",
            wrong={
                50: "Top or bottom would be one half, and it cannot tell even that: one answer for all four corners.",
                0: "It gives one answer for all four pictures of a garment, and for one of the four that is right.",
                100: "For all four pictures of a garment it has to give the same answer: how many are right?",
                0.25: "Answer in percent.",
                10: "Four corners, not ten classes: one answer for four pictures, of which how many are right?",
            },
        ),
        hints=(
            "The four pictures of one garment get the same logits, so the same answer.",
            "One and the same answer to four questions with four different right answers: one of them is right.",
        ),
    )


def _moved_by_one_pixel() -> Question:
    return Question(
        id="moved_by_one_pixel",
        title="A smaller move",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "yes: without positions a ViT is blind to every move",
                "b": "yes, as long as the garment stays in its corner",
                "c": "no: the garment is cut along other lines, so the bag holds other patches",
                "d": "no: the model counts the empty patches on either side",
            },
            right="c",
            wrong={
                "a": "It is blind to moves by whole patches. Where do the cuts run through the garment after one "
                "pixel?",
                "b": "Corners are nothing to it. Ask what one pixel does to the patches themselves.",
                "d": "It can count empty patches, but all empty patches are alike: it has no sides.",
            },
        ),
        hints=(
            "Draw a stripe over two patches and move it by one pixel: what does each patch hold now?",
            "The proof needed the same bag of patches. Is it still the same?",
        ),
    )


# ----------------------------------------------------------------------------------------------------------- sine waves


def _waves(length: int, dim: int, exponents: Tensor, start: float = 0.0) -> Tensor:
    """Angles (length, waves) of places from `start` on, at speeds BASE**-exponents."""
    return (torch.arange(length) + start)[:, None] * BASE ** -exponents[None]


def _halves(angles: Tensor) -> Tensor:
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _sincos_1d() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        drawn = (whole(generator, 8, 40), 2 * whole(generator, 3, 20))
        sizes = ((5, 8), (7, 12), (3, 2), (1, 6), (50, 32), drawn)
        return [Call(size, group="width 2" if size[1] == 2 else "any width") for size in sizes]

    def steps(dim: int) -> Tensor:
        return torch.arange(0, dim, 2) / dim  # 0, 2/dim, 4/dim, ...

    return Exercise(
        id="sincos_1d",
        title="Waves for places",
        points=3,
        minutes=9,
        difficulty=2,
        cases=cases,
        reference=sincos_1d,
        mistakes=(
            Mistake(
                "sines and cosines in turns",
                "The right numbers in the first paper's order: sine, cosine, sine, cosine. Here all sines come first, "
                "then all cosines: one `cat` instead of slices with a step of 2.",
                lambda length, dim: rearrange(sincos_1d(length, dim), "n (two w) -> n (w two)", two=2),
            ),
            Mistake(
                "cosines first",
                "Your halves are the wrong way round: the sines go into the first half. The first code should start "
                "with zeros, since sin 0 = 0.",
                lambda length, dim: sincos_1d(length, dim).roll(dim // 2, dims=1),
            ),
            Mistake(
                "waves slow down half as fast",
                "Your exponents run from 0 to 1/2: wave i has the exponent 2i/dim, and there are dim/2 waves.",
                lambda length, dim: _halves(_waves(length, dim, steps(dim) / 2)),
            ),
            Mistake(
                "waves slow down twice as fast",
                "Your exponents run from 0 to 2: wave i has the exponent 2i/dim, or i/(dim/2), not both factors at "
                "once.",
                lambda length, dim: _halves(_waves(length, dim, steps(dim) * 2)),
            ),
            Mistake(
                "a speed for each entry",
                "You made dim speeds and cut them in two: the first half got sines of the fast ones, the second "
                "cosines of the slow ones. Each speed needs its sine and its cosine.",
                lambda length, dim: torch.cat(
                    [
                        _waves(length, dim, torch.arange(dim // 2) / dim).sin(),
                        _waves(length, dim, torch.arange(dim // 2, dim) / dim).cos(),
                    ],
                    dim=1,
                ),
            ),
            Mistake(
                "speeds in pairs, cut in halves",
                "Your speeds come in pairs (2*(i//2)/dim), as the order sine, cosine, sine, cosine wants them; then "
                "you put sines and cosines in halves, so a sine and its cosine have different speeds.",
                lambda length, dim: torch.cat(
                    [
                        _waves(length, dim, steps(dim).repeat_interleave(2)[: dim // 2]).sin(),
                        _waves(length, dim, steps(dim).repeat_interleave(2)[dim // 2 :]).cos(),
                    ],
                    dim=1,
                ),
            ),
            Mistake(
                "waves get faster",
                "The sign of the exponent: your waves speed up to 10,000 radians a place, so neighbours look random. "
                "They should slow down: divide by 10,000**(2i/dim).",
                lambda length, dim: _halves(_waves(length, dim, -steps(dim))),
            ),
            Mistake(
                "the slowest wave has exponent 1",
                "`linspace(0, 1, dim/2)` goes all the way to 1. Asked for is 2i/dim with i below dim/2, which stops "
                "one step short.",
                lambda length, dim: _halves(_waves(length, dim, torch.linspace(0, 1, dim // 2))),
            ),
            Mistake(
                "places counted from 1",
                "Your first place is 1. Places count from 0, so the first code is all zeros, then all ones.",
                lambda length, dim: _halves(_waves(length, dim, steps(dim), start=1)),
            ),
            Mistake(
                "whole turns",
                "There is a factor of 2 pi in your angles: the fastest wave turns once a place, so it says nothing. "
                "The angle is the place times the speed, in radians.",
                lambda length, dim: _halves(2 * torch.pi * _waves(length, dim, steps(dim))),
            ),
            Mistake(
                "one speed for all",
                "All your waves have the same speed, so all entries say the same. Wave i is slower than the first by "
                "10,000**(2i/dim).",
                lambda length, dim: _halves(_waves(length, dim, 0 * steps(dim))),
            ),
            Mistake(
                "sines only",
                "Both halves hold sines. A sine alone takes every value twice on its way round: the second half is "
                "for cosines.",
                lambda length, dim: torch.cat([sincos_1d(length, dim)[:, : dim // 2]] * 2, dim=1),
            ),
            Mistake(
                "places between 0 and 1",
                "You divided the places by the length, so one and the same place gets another code in a longer "
                "sequence. Places are 0, 1, 2, ...",
                lambda length, dim: _halves(_waves(length, dim, steps(dim)) / length),
            ),
            Mistake(
                "waves in rows",
                "Your table is lying on its side: a *row* is the code of a place, so the shape is (length, dim).",
                lambda length, dim: sincos_1d(length, dim).T,
            ),
        ),
        hints=(
            "First make the dim/2 speeds 10,000**(-2i/dim), then the angles: a table with a row for each place and a "
            "column for each speed.",
            "`torch.arange(0, dim, 2) / dim` gives the exponents 2i/dim. Places as a column times speeds as a row make "
            "the angles by broadcasting: (length, 1) * (dim/2,).",
            "`angles = places[:, None] * speeds` has shape (length, dim/2); its sines and its cosines, put side by "
            "side along dimension 1, are the answer.",
        ),
    )


def _sincos_2d(conventions: Conventions) -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        drawn = (whole(generator, 3, 12), whole(generator, 3, 12), 4 * whole(generator, 2, 9))
        sizes = ((3, 5, 8), (6, 2, 12), (4, 4, 16), (1, 4, 8), (5, 1, 4), drawn)
        return [Call(size, group="grids") for size in sizes]

    def grid(rows: int, cols: int) -> tuple[Tensor, Tensor]:
        return rows_and_columns((rows, cols), conventions)

    def code(places: Tensor, dim: int) -> Tensor:
        return sincos_1d(int(places.max()) + 1, dim)[places]

    def half(places: Tensor, dim: int) -> Tensor:
        return code(places, dim // 2)

    def both(rows: int, cols: int, dim: int, first: int, second: int) -> Tensor:
        places = grid(rows, cols)
        return torch.cat([half(places[first], dim), half(places[second], dim)], dim=1)

    def added(rows: int, cols: int, dim: int) -> Tensor:
        row, col = grid(rows, cols)
        return code(row, dim) + code(col, dim)

    def too_wide(rows: int, cols: int, dim: int) -> Tensor:
        row, col = grid(rows, cols)
        return torch.cat([code(row, dim), code(col, dim)], dim=1)

    def as_a_grid(rows: int, cols: int, dim: int) -> Tensor:
        return sincos_2d(rows, cols, dim).reshape(rows, cols, dim)

    def running_together(rows: int, cols: int, dim: int) -> Tensor:
        place = torch.arange(rows * cols)
        return torch.cat([half(place % rows, dim), half(place % cols, dim)], dim=1)

    def sines_first(rows: int, cols: int, dim: int) -> Tensor:
        table = sincos_2d(rows, cols, dim, conventions)
        return rearrange(table, "n (axis wave w) -> n (wave axis w)", axis=2, wave=2)

    def in_turns(rows: int, cols: int, dim: int) -> Tensor:
        return rearrange(sincos_2d(rows, cols, dim, conventions), "n (axis w) -> n (w axis)", axis=2)

    words = conventions.words()["sequence_words"]
    return Exercise(
        id="sincos_2d",
        title="Waves for rows and columns",
        points=3,
        minutes=8,
        difficulty=2,
        cases=cases,
        reference=partial(sincos_2d, conventions=conventions),
        needs=("sincos_1d",),
        mistakes=(
            Mistake(
                "x and y swapped",
                "Your first half is the column's code. Here the row comes first, as in (rows, cols) itself. (MAE's own "
                "code has it your way round, under a comment that says so.)",
                lambda rows, cols, dim: both(rows, cols, dim, 1, 0),
            ),
            Mistake(
                "the row twice",
                "Both halves are the row's code: all patches of a row look the same.",
                lambda rows, cols, dim: both(rows, cols, dim, 0, 0),
            ),
            Mistake(
                "the column twice",
                "Both halves are the column's code: all patches of a column look the same.",
                lambda rows, cols, dim: both(rows, cols, dim, 1, 1),
            ),
            Mistake(
                "grid transposed",
                "The codes are right, their order is not: the patch sequence runs through the grid "
                f"{words}. Is `repeat` where `repeat_interleave` should be?",
                partial(sincos_2d, conventions=_flipped(conventions)),
            ),
            Mistake(
                "rows and columns run together",
                "Both row and column go on with every patch. Along the sequence one of them stays for a whole line "
                "while the other one counts: `repeat_interleave` for one, `repeat` for the other.",
                running_together,
            ),
            Mistake(
                "one-dimensional",
                "This is the 1-D code of the place in the sequence. It does not say that the patch below is a "
                "neighbour: give the row and the column a code of their own.",
                lambda rows, cols, dim: sincos_1d(rows * cols, dim),
            ),
            Mistake(
                "added instead of side by side",
                "You added the two codes: then row 2, column 5 and row 5, column 2 look the same. Give each of them "
                "half of the width.",
                added,
            ),
            Mistake(
                "twice the width",
                "Row and column each got the full width, so the code is 2*dim wide: each gets dim/2.",
                too_wide,
            ),
            Mistake(
                "sines of both first",
                "You put the sines of row and column first, then the cosines. Here the whole code of the row comes "
                "first, sines and cosines, then the whole code of the column.",
                sines_first,
            ),
            Mistake(
                "row and column in turns",
                "The entries of row and column come in turns. The row's code fills the first half as it is.",
                in_turns,
            ),
            Mistake(
                "still a grid",
                "The codes are still laid out as (rows, cols, dim). A sequence has one axis: (rows*cols, dim).",
                as_a_grid,
            ),
        ),
        hints=(
            "Ask of each patch of the sequence: which row, which column? Then look both up in a 1-D table of width "
            "dim/2.",
            f"The sequence runs {words}: write down row and column of each patch of a grid of 2 by 3. One of them "
            "repeats each number in place, the other one starts over and over again.",
            "Two tables, `sincos_1d(rows, dim // 2)` and `sincos_1d(cols, dim // 2)`, each stretched to rows*cols "
            "lines (`repeat_interleave` or `repeat`), then side by side with `torch.cat(..., dim=1)`.",
        ),
    )


def _displacement_only() -> Question:
    return Question(
        id="displacement_only",
        title="What two codes know of each other",
        points=2,
        minutes=4,
        difficulty=2,
        answer=Choice(
            {
                "a": "on i and j each by itself",
                "b": "on the difference i - j alone",
                "c": "on the sum i + j alone",
                "d": "on nothing: it is always dim/2",
            },
            right="b",
            wrong={
                "a": "So it seems, until the two products of each speed are added up: use cos(a - b) = cos a cos b + "
                "sin a sin b.",
                "c": "Mind the sign: cos a cos b + sin a sin b is the cosine of the difference.",
                "d": "That is the product of a code with itself (i = j). For other pairs the cosines are below 1.",
            },
        ),
        hints=(
            "For one speed w the product is sin(wi) sin(wj) + cos(wi) cos(wj). Which rule of school is that?",
            "cos(a - b) = cos a cos b + sin a sin b, with a = wi and b = wj.",
        ),
    )


# ------------------------------------------------------------------------------------------------------- learned tables


def _learned_positions() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        def call(batch: int, tokens: int, dim: int, dtype=torch.float64, group: str = "values") -> Call:
            draw = partial(torch.randn, generator=generator, dtype=dtype)
            state = {"pos_embed": draw(1, tokens, dim)}
            return Call((draw(batch, tokens, dim),), build=(tokens, dim), state=state, gradients=True, group=group)

        return [
            call(3, 7, 8),
            call(1, 5, 4),
            call(4, 4, 6),
            call(2, 17, 12, torch.float32),
        ]

    def learned(forward) -> type:
        """LearnedPositions with another forward: forward(x, pos_embed)."""
        return type("LearnedPositions", (LearnedPositions,), {"forward": lambda self, x: forward(x, self.pos_embed)})

    return Exercise(
        id="LearnedPositions",
        title="A table to learn",
        points=2,
        minutes=5,
        difficulty=1,
        cases=cases,
        reference=LearnedPositions,
        mistakes=(
            Mistake(
                "one vector for all",
                "Every token got the vector of the first place, so the table says nothing about places. Add the whole "
                "table; broadcasting over the batch does the rest.",
                learned(lambda x, table: x + table[:, :1]),
            ),
            Mistake(
                "first token left out",
                "The first token got no position. In a ViT the class token has a row in the table like any other: add "
                "all rows to all tokens.",
                learned(lambda x, table: torch.cat([x[:, :1], x[:, 1:] + table[:, 1:]], dim=1)),
            ),
            Mistake(
                "off by one",
                "The first token got nothing and each other one the row of the token before it: an off-by-one around "
                "the class token, which has a row of its own.",
                learned(lambda x, table: torch.cat([x[:, :1], x[:, 1:] + table[:, :-1]], dim=1)),
            ),
            Mistake(
                "shifted by one",
                "Every token got its neighbour's row. Token i gets row i.",
                learned(lambda x, table: x + table.roll(1, dims=1)),
            ),
            Mistake(
                "by picture instead of by place",
                "You took a row of the table for each *picture* of the batch. The places are the second dimension.",
                learned(lambda x, table: x + table[0, : len(x), None]),
            ),
            Mistake(
                "multiplied",
                "You multiplied tokens and positions; ViT adds them.",
                learned(lambda x, table: x * table),
            ),
            Mistake(
                "positions alone",
                "What comes out are the positions alone: the tokens themselves are lost. Add the two.",
                learned(lambda x, table: table.expand_as(x)),
            ),
            Mistake(
                "not added at all",
                "The tokens come out as they went in: the table is there, and nobody adds it.",
                learned(lambda x, table: x.clone()),
            ),
            Mistake(
                "side by side",
                "You put positions beside the features, so tokens become twice as wide. ViT adds them, at equal width.",
                learned(lambda x, table: torch.cat([x, table.expand_as(x)], dim=2)),
            ),
            Mistake(
                "one after the other",
                "You appended the positions as further tokens. They are added to the tokens that there are.",
                learned(lambda x, table: torch.cat([x, table.expand_as(x)], dim=1)),
            ),
            Mistake(
                "tokens scaled",
                "You multiplied the tokens by the root of the width, as the first transformer did with words. A ViT "
                "does not: x + table.",
                learned(lambda x, table: x * x.shape[-1] ** 0.5 + table),
            ),
            Mistake(
                "not learned",
                "The sum is right, but no gradient reaches the table, so it would keep its random values for ever: it "
                "has to be an `nn.Parameter` (a buffer is not trained), used without `.data` or `.detach()`.",
                learned(lambda x, table: x + table.detach()),
            ),
        ),
        hints=(
            "A module needs two things: a parameter made in `__init__`, and a `forward` that adds it.",
            "`nn.Parameter(...)` around a tensor of shape (1, tokens, dim) makes it learnable; the 1 broadcasts over "
            "the batch.",
            "`self.pos_embed = nn.Parameter(0.02 * torch.randn(1, tokens, dim))`, and in `forward` the sum of `x` and "
            "this table.",
        ),
    )


def _learned_parameters() -> Question:
    return Question(
        id="learned_parameters",
        title="Parameters of ViT-B/16's table",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            197 * 768,
            unit="parameters",
            wrong={
                196 * 768: "Nearly: the class token has a row as well.",
                224 * 224 * 768: "A row stands for a patch, not for a pixel.",
                197 * 197 * 768: "One vector for each place, not one for each pair of places.",
                197: "197 rows: how many numbers does each hold?",
            },
        ),
        hints=(
            "How many tokens enter the first block, class token included? How wide is each?",
            "A 14 x 14 grid and a class token make 197 rows of 768 numbers.",
        ),
    )


def _learned_grid_parameters() -> Question:
    return Question(
        id="learned_grid_parameters",
        title="Parameters of a 2-D table",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            28 * 384,
            unit="parameters",
            wrong={
                28 * 768: "Each half is as wide as half a token: 384 numbers for a row, 384 for a column.",
                196 * 768: "That is a table with a vector for each patch. Here all patches of a row share their half.",
                196 * 384: "The 14 patches of a row share one half vector: how many different ones are there?",
                14 * 384: "That is one of the two tables: there are rows and columns.",
            },
        ),
        hints=(
            "How many different half vectors are there for rows? For columns?",
            "14 rows and 14 columns, each with 768/2 numbers.",
        ),
    )


# --------------------------------------------------------------------------------------------------- another resolution


def _table_at_384() -> Question:
    return Question(
        id="table_at_384",
        title="The table at 384 pixels",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Shape(
            (1, 577, 768),
            wrong={
                (1, 576, 768): "The class token needs its row too.",
                (1, 197, 768): "That is the table at 224 pixels. How many patches of 16 are there at 384?",
                (577, 768): "Nearly: `pos_embed` keeps a first axis of 1, which broadcasts over the batch.",
                (1, 577, 16): "Each row is as wide as a token: 768.",
            },
        ),
        hints=(
            "384 / 16 = 24 patches a side.",
            "24 x 24 patches and a class token, each 768 wide, with a first axis of 1.",
        ),
    )


def _interpolate_positions(conventions: Conventions) -> Exercise:
    first = conventions.class_token == "first"
    axes = "(h w)" if conventions.sequence == "row-major" else "(w h)"

    def cases(generator: torch.Generator) -> list[Call]:
        def call(old: tuple, new: tuple, dim: int, extra: int, group: str, dtype=torch.float64) -> Call:
            table = torch.randn(1, extra + old[0] * old[1], dim, generator=generator, dtype=dtype)
            return Call((table, old, new), gradients=True, group=group)

        return [
            call((3, 4), (5, 7), 6, 1, "with a class token"),
            call((3, 4), (6, 8), 6, 0, "without a class token"),
            call((6, 6), (4, 3), 3, 1, "a smaller grid"),
            call((3, 5), (3, 5), 4, 1, "the same grid"),
            call((4, 5), (7, 6), 5, 1, "with a class token", torch.float32),
        ]

    def split(table: Tensor, old: tuple) -> tuple[Tensor, Tensor]:
        patches = old[0] * old[1]
        extra = table.shape[1] - patches
        return (table[:, :extra], table[:, extra:]) if first else (table[:, patches:], table[:, :patches])

    def join(class_token: Tensor, table: Tensor) -> Tensor:
        return torch.cat([class_token, table] if first else [table, class_token], dim=1)

    def resized(table: Tensor, old: tuple, new: tuple, axes: str = axes, **how) -> Tensor:
        class_token, patches = split(table, old)
        maps = rearrange(patches, f"b {axes} d -> b d h w", h=old[0], w=old[1])
        maps = F.interpolate(maps, size=tuple(new), **how)
        return join(class_token, rearrange(maps, f"b d h w -> b {axes} d"))

    bicubic = {"mode": "bicubic", "align_corners": False}

    def lost(table, old, new):
        return split(interpolate_positions(table, old, new, conventions), new)[1]

    def zeroed(table, old, new):
        class_token, patches = split(interpolate_positions(table, old, new, conventions), new)
        return join(torch.zeros_like(class_token), patches)

    def other_end(table, old, new):
        class_token, patches = split(interpolate_positions(table, old, new, conventions), new)
        return torch.cat([patches, class_token] if first else [class_token, patches], dim=1)

    def needs_class_token(table, old, new):
        if table.shape[1] == old[0] * old[1]:
            raise ValueError("no class token")
        return interpolate_positions(table, old, new, conventions)

    def knows_no_class_token(table, old, new):
        if table.shape[1] != old[0] * old[1]:
            raise ValueError("a class token")
        return interpolate_positions(table, old, new, conventions)

    def stretched(table, old, new):
        class_token, patches = split(table, old)
        line = F.interpolate(patches.mT, size=new[0] * new[1], mode="linear", align_corners=False).mT
        return join(class_token, line)

    def all_stretched(table, old, new):
        extra = table.shape[1] - old[0] * old[1]
        return F.interpolate(table.mT, size=extra + new[0] * new[1], mode="linear", align_corners=False).mT

    def scrambled(table, old, new):
        class_token, patches = split(table, old)
        maps = F.interpolate(patches.reshape(1, -1, *old), size=tuple(new), **bicubic)
        return join(class_token, rearrange(maps, f"b d h w -> b {axes} d"))

    def scrambled_twice(table, old, new):
        class_token, patches = split(table, old)
        maps = F.interpolate(patches.reshape(1, -1, *old), size=tuple(new), **bicubic)
        return join(class_token, maps.reshape(1, new[0] * new[1], -1))

    def turned_over(table, old, new):
        class_token, patches = split(table, old)
        maps = rearrange(patches, f"b {axes} d -> b d h w", h=old[1], w=old[0])
        maps = F.interpolate(maps, size=tuple(new), **bicubic)
        return join(class_token, rearrange(maps, f"b d h w -> b {axes} d"))

    def cut_or_repeated(table, old, new):
        class_token, patches = split(table, old)
        return join(class_token, patches[:, torch.arange(new[0] * new[1]) % patches.shape[1]])

    flipped_axes = "(w h)" if axes == "(h w)" else "(h w)"
    sides = "(1, rows, cols, D)" if axes == "(h w)" else "(1, cols, rows, D)"
    words = conventions.words()
    there = "last" if first else "first"
    return Exercise(
        id="interpolate_positions",
        title="A table for another grid",
        points=4,
        minutes=11,
        difficulty=3,
        cases=cases,
        reference=partial(interpolate_positions, conventions=conventions),
        mistakes=(
            Mistake(
                "another row taken for the class token's",
                f"You set the {there} row aside, which is a patch's, and resize the class token's as if it had "
                f"a place: the class token stands {words['class_token_words']}.",
                partial(interpolate_positions, conventions=replace(conventions, class_token=there)),
            ),
            Mistake(
                "another row taken for the class token's, grid transposed",
                f"Two orders are the other way round: the class token's row stands {words['class_token_words']}, and "
                f"the sequence runs through the grid {words['sequence_words']}.",
                partial(interpolate_positions, conventions=replace(_flipped(conventions), class_token=there)),
            ),
            Mistake(
                "class token lost",
                "The patches are right, and the class token's row is gone. Set it aside first, put it back at the end.",
                lost,
            ),
            Mistake(
                "scrambled on the way in and out",
                "`reshape` to (1, D, rows, cols) and back moves nothing, so rows of the table get mixed up with its "
                "columns. Split the axis of the patches first, then move D with `permute`, and back at the end.",
                scrambled_twice,
            ),
            Mistake(
                "old grid turned over",
                "The old grid is (rows, cols), and you read it as (cols, rows). On a square grid nobody would notice.",
                turned_over,
            ),
            Mistake(
                "class token zeroed",
                "The class token's row has become zeros. It is kept as it is: it stands for no place, so there is "
                "nothing to resize.",
                zeroed,
            ),
            Mistake(
                "class token at the other end",
                f"The class token's row has moved to the other end: it stands {words['class_token_words']}.",
                other_end,
            ),
            Mistake(
                "needs a class token",
                "It works with a class token and fails without: the number of rows tells you which it is. Compare it "
                "with rows * cols of the old grid.",
                needs_class_token,
            ),
            Mistake(
                "knows no class token",
                "It works without a class token and fails with one: the table may have one row more than the old grid "
                "has patches. Set that row aside first.",
                knows_no_class_token,
            ),
            Mistake(
                "stretched along the sequence",
                "You stretched the sequence, so each new patch mixes the end of one line of the grid with the "
                "beginning of the next. Lay the table out as a grid first, then resize rows and columns.",
                stretched,
            ),
            Mistake(
                "stretched with the class token",
                "You stretched the whole table as one line, class token and all. The class token stands for no place, "
                "and the patches stand in a grid.",
                all_stretched,
            ),
            Mistake(
                "cut off or repeated",
                "You filled the new table with rows in their old order. On another grid the same number means another "
                "place: lay the table out as a grid and resize it.",
                cut_or_repeated,
            ),
            Mistake(
                "scrambled",
                "`reshape` to (1, D, rows, cols) does not move the features to the front, it scrambles them: rows of "
                f"the table have D numbers in a row. First a grid {sides}, then permute.",
                scrambled,
            ),
            Mistake(
                "grid transposed",
                f"You laid the table out along the wrong side: the sequence runs through the grid "
                f"{words['sequence_words']}.",
                partial(resized, axes=flipped_axes, **bicubic),
            ),
            Mistake(
                "new grid turned over",
                "You resized to (cols, rows) of the new grid: `size` is (rows, cols), height first.",
                lambda table, old, new: resized(table, old, (new[1], new[0]), **bicubic),
            ),
            Mistake(
                "bilinear",
                "That is bilinear. Asked for is bicubic, which looks at 4 x 4 neighbours instead of 2 x 2.",
                partial(resized, mode="bilinear", align_corners=False),
            ),
            Mistake(
                "nearest",
                "You copied the nearest row, so neighbouring new patches share one code. (`F.interpolate` does so "
                'unless it is told `mode="bicubic"`.)',
                partial(resized, mode="nearest"),
            ),
            Mistake(
                "corners aligned",
                "With `align_corners=True` the outermost *centres* stay in place. Patches are areas: leave it False, "
                "so that the outer edges stay in place.",
                partial(resized, mode="bicubic", align_corners=True),
            ),
            Mistake(
                "antialiased",
                "With `antialias=True` another cubic kernel is used. timm does so and many others do not; here it is "
                "left out.",
                partial(resized, mode="bicubic", align_corners=False, antialias=True),
            ),
        ),
        hints=(
            "Three steps: set the class token's row aside if there is one, resize the rest as a picture with D "
            "channels, put the row back.",
            "`F.interpolate` takes (1, D, rows, cols). From (1, N, D): give N its two sides back and move D to the "
            "front; afterwards undo both.",
            f"With einops (`from einops import rearrange`) the way there is `b {axes} d -> b d h w` and the way back "
            'the same pattern read from right to left. In between, `mode="bicubic"` and `align_corners=False`.',
        ),
    )


# ------------------------------------------------------------------------------------------------------------ rotations


def _rope_2d(conventions: Conventions) -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        def call(shape: tuple, grid: tuple, dtype=torch.float64) -> Call:
            q, k = torch.randn(2, *shape, grid[0] * grid[1], shape_dim[shape], generator=generator, dtype=dtype)
            return Call((q, k, grid), group="grids")

        shape_dim = {(2, 3): 8, (1,): 12, (): 4, (1, 2): 16}
        return [
            call((2, 3), (3, 4)),
            call((1,), (5, 2)),
            call((), (4, 1)),
            call((1, 2), (2, 6), torch.float32),
        ]

    def angles(grid: tuple, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Angles (N, d/4) by row and by column."""
        speeds = BASE ** (-torch.arange(0, width // 2, 2) / (width / 2))
        row, col = rows_and_columns(grid, conventions)
        return (row[:, None] * speeds).to(like), (col[:, None] * speeds).to(like)

    def turn(x: Tensor, angle: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=-1)
        return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], dim=-1)

    def by(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        one, two = x.chunk(2, dim=-1)
        return torch.cat([turn(one, first), turn(two, second)], dim=-1)

    def with_angles(change) -> object:
        """q and k turned, with the angles by row and column changed."""

        def answer(q: Tensor, k: Tensor, grid: tuple):
            first, second = change(*angles(grid, q.shape[-1], q))
            return by(q, first, second), by(k, first, second)

        return answer

    def on_each(one) -> object:
        def answer(q: Tensor, k: Tensor, grid: tuple):
            return one(q, *angles(grid, q.shape[-1], q)), one(k, *angles(grid, q.shape[-1], q))

        return answer

    def against_each_other(q, k, grid):
        row, col = angles(grid, q.shape[-1], q)
        return by(q, row, col), by(k, -row, -col)

    def neighbours(x, row, col):
        swapped = rearrange(x, "... (axis w two) -> ... (axis two w)", axis=2, two=2)
        return rearrange(by(swapped, row, col), "... (axis two w) -> ... (axis w two)", axis=2, two=2)

    def not_a_turn(x, row, col):
        def mirror(part, angle):
            a, b = part.chunk(2, dim=-1)
            return torch.cat([a * angle.cos() + b * angle.sin(), a * angle.sin() + b * angle.cos()], dim=-1)

        one, two = x.chunk(2, dim=-1)
        return torch.cat([mirror(one, row), mirror(two, col)], dim=-1)

    def one_dimensional(q, k, grid):
        code = torch.arange(q.shape[-2])[:, None] * BASE ** (-torch.arange(0, q.shape[-1], 2) / q.shape[-1])
        return turn(q, code.to(q)), turn(k, code.to(k))

    def slow(q, k, grid):
        speeds = BASE ** (-torch.arange(0, q.shape[-1] // 2, 2) / q.shape[-1])
        row, col = (place[:, None] * speeds for place in rows_and_columns(grid, conventions))
        return by(q, row.to(q), col.to(q)), by(k, row.to(k), col.to(k))

    def exchanged(x, row, col):
        def swapped(part, angle):
            a, b = part.chunk(2, dim=-1)
            return torch.cat([a * angle.sin() - b * angle.cos(), a * angle.cos() + b * angle.sin()], dim=-1)

        one, two = x.chunk(2, dim=-1)
        return torch.cat([swapped(one, row), swapped(two, col)], dim=-1)

    def added(q, k, grid):
        code = sincos_2d(*grid, q.shape[-1], conventions)
        return q + code.to(q), k + code.to(k)

    def transposed(q, k, grid):
        return rope_2d(q, k, grid, _flipped(conventions))

    words = conventions.words()["sequence_words"]
    return Exercise(
        id="rope_2d",
        title="Turning queries and keys",
        points=4,
        minutes=14,
        difficulty=3,
        cases=cases,
        reference=partial(rope_2d, conventions=conventions),
        needs=("sincos_1d", "sincos_2d"),
        mistakes=(
            Mistake(
                "only the queries turned",
                "The keys come out as they went in. Only when both are turned, each by its own place, do the angles "
                "subtract in the score.",
                lambda q, k, grid: (rope_2d(q, k, grid, conventions)[0], k.clone()),
            ),
            Mistake(
                "turned against each other",
                "Queries and keys turn in opposite directions, so the score depends on the *sum* of the two places. "
                "Turn both the same way: a score then sees the difference.",
                against_each_other,
            ),
            Mistake(
                "the other way round",
                "Both turn clockwise: the minus sign sits on the wrong sine. The scores would come out the same, but "
                "what was asked for is (a cos - b sin, a sin + b cos).",
                with_angles(lambda row, col: (-row, -col)),
            ),
            Mistake(
                "neighbours as pairs",
                "You paired features 0 and 1, 2 and 3, ... as the first paper does. Here feature i of a half goes with "
                "feature i + d/4 of the same half.",
                on_each(neighbours),
            ),
            Mistake(
                "pairs across the whole vector",
                "You paired features i and i + d/2. The row's pairs both lie in the first half of the features, the "
                "column's both in the second: cut in halves first, then each half in two.",
                on_each(lambda x, row, col: turn(x, torch.cat([row, col], dim=-1))),
            ),
            Mistake(
                "sine and cosine exchanged",
                "Sine and cosine have changed places: at place 0 the angle is 0 and nothing may turn. The code of "
                "`sincos_2d` has the sines of the row first, then its cosines, then those of the column.",
                on_each(exchanged),
            ),
            Mistake(
                "not a turn",
                "There is no minus sign, so lengths change and nothing turns: a turn is (a cos - b sin, a sin + b "
                "cos).",
                on_each(not_a_turn),
            ),
            Mistake(
                "x and y swapped",
                "The first half of the features turned with the column. The row comes first, as in grid = (rows, "
                "cols).",
                with_angles(lambda row, col: (col, row)),
            ),
            Mistake(
                "the row twice",
                "Both halves turned with the row, so columns make no difference.",
                with_angles(lambda row, col: (row, row)),
            ),
            Mistake(
                "the column twice",
                "Both halves turned with the column, so rows make no difference.",
                with_angles(lambda row, col: (col, col)),
            ),
            Mistake(
                "grid transposed",
                f"The places belong to another order: the patch sequence runs through the grid {words}.",
                transposed,
            ),
            Mistake(
                "one-dimensional",
                "You turned by the place in the sequence, which does not know that the patch below is near. Half of "
                "the features turn with the row, half with the column.",
                one_dimensional,
            ),
            Mistake(
                "waves slow down half as fast",
                "Your speeds fall half as fast as they should: each half is d/2 wide, so wave i has the speed "
                "10,000**(-2i/(d/2)), as in `sincos_1d(..., d // 2)`.",
                slow,
            ),
            Mistake(
                "added instead of turned",
                "You added the code to queries and keys. RoPE multiplies: it turns pairs of features by an angle.",
                added,
            ),
        ),
        hints=(
            "`sincos_2d(rows, cols, d)` already holds all sines and cosines that you need: which columns are which?",
            "Cut features and table alike: two halves (row, column), each in two again: features (a, b), table "
            "(sin, cos), each d/4 wide.",
            "For each half: `torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)`; then the two halves side by "
            "side. Do it for q and for k.",
        ),
    )


# -------------------------------------------------------------------------------------------------------- predictions


def _predict_what_where() -> Experiment:
    return Experiment(
        id="predict_what_where",
        title="What and where, with positions and without",
        question="Without positions, which of the two tasks suffers?",
        options={
            "a": "both, about equally",
            "b": "what hardly at all, where falls to chance (25%)",
            "c": "what falls to chance (10%), where hardly suffers",
            "d": "neither: the patches still say enough",
        },
        outcome="b",
        claims=(
            Claim("where, learned positions", ">", "where, no positions"),
            Claim("where, no positions", "=", "one corner for all"),
            Claim("what, no positions", "=", "what, learned positions"),
        ),
        published=(),
    )


def _predict_kinds() -> Experiment:
    return Experiment(
        id="predict_kinds",
        title="Which positions?",
        question="Against none at all, which kinds of positions help most to tell ten garments apart, in so short a "
        "training?",
        options={
            "a": "all kinds, and about equally",
            "b": "waves and turns more than the learned tables",
            "c": "the learned tables, which fit the data; waves and turns less",
            "d": "none: the patches say it all",
        },
        outcome="b",
        claims=(
            Claim("RoPE 2-D", ">", "none"),
            Claim("sin-cos 2-D", ">", "none", over_seeds=True),
            Claim("sin-cos 2-D", ">", "learned 1-D", over_seeds=True),
            Claim("RoPE 2-D", ">", "learned 1-D", over_seeds=True),
            Claim("learned 1-D", ">", "none", over_seeds=True),
            Claim("sin-cos 2-D, base 10", "=", "sin-cos 2-D"),
        ),
        published=(VIT_NO_POSITIONS, ROPE_RELATIVE),
    )


def _predict_resolution() -> Experiment:
    return Experiment(
        id="predict_resolution",
        title="A trained ViT at another resolution",
        question="A ViT trained at 28 x 28 reads the same garments at 40 x 40. Which table serves it best?",
        options={
            "a": "the old rows in their old order, repeated where they run out",
            "b": "the old rows stretched along the sequence",
            "c": "the old grid resized in two dimensions",
            "d": "it makes no difference",
        },
        outcome="c",
        claims=(
            Claim("resized as a grid", ">", "stretched as a line"),
            Claim("resized as a grid", ">", "old rows, repeated"),
            Claim("one row for all", ">", "old rows, repeated"),
        ),
        published=(VIT_RESOLUTION,),
    )


def _learn_without_positions() -> Question:
    return Question(
        id="learn_without_positions",
        title="The sheet's question, in your own words",
        points=4,
        minutes=6,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: it can learn something: it sees a bag of patches (which patches there are and how often), "
                "and attention between contents.",
                "1 point: the reason: attention, MLP and LayerNorm move along with a shuffle of the tokens, and the "
                "class token (or a mean) sums over them, so the output is a symmetric function of the patches.",
                "1 point: a task that works, where the bag suffices: texture or material, colour, is there a cat, "
                "which garment, counting dots that lie within patches.",
                "1 point: a task that fails, since only places differ: which corner, above or below, left or right, "
                "reading digits in order, segmenting or filling in at a given place (all masked patches would get the "
                "same answer).",
            )
        ),
        hints=("Start with what stays the same when the patches are thrown into a bag and shaken.",),
    )
