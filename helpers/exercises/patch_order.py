"""Lesson 02: does the order of the patches matter?"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from helpers.exercises.definition import Claim, Exercise, Experiment, Item, Mistake, Question
from helpers.exercises.written import Choice, FreeText
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.orders import KINDS, inverse_permutation, permutation_gap
from helpers.models.orders import scan_order as raster_scan_order
from helpers.papers import REORDER_FULL, REORDER_LONG, VIT_NO_POSITIONS
from helpers.runner import Call, TorchModule


def items(conventions: Conventions = STANDARD) -> tuple[Item, ...]:
    """The lesson's exercises, questions and experiments, under the given conventions."""
    return (
        _reads_order(),
        _inverse_permutation(),
        _scan_order(conventions),
        _permutation_gap(),
        _permuted_scores(),
        _permuted_attention(),
        _tokens_that_mix(),
        _class_token_reads(conventions),
        _positions_left_behind(),
        _twin_start(),
        _predict_shuffled_vit(),
        _predict_shuffled_cnn(),
        _no_positions_sees(),
        _predict_fresh_order(),
        _which_attention_minds(),
        _predict_local(),
        _why_order_is_free(),
    )


def scan_order(rows: int, cols: int, kind: str, conventions: Conventions = STANDARD) -> Tensor:
    """`helpers.models.orders.scan_order` with the patches numbered in the sequence's own order."""
    return _renumber(raster_scan_order(rows, cols, kind), rows, cols, conventions)


# ---------------------------------------------------------------------------------------------- part 1: permutations


def _reads_order() -> Question:
    return Question(
        id="reads_order",
        title="Read an order",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "[b, c, a]",
                "b": "[c, a, b]",
                "c": "[c, b, a]",
                "d": "[a, b, c]",
            },
            right="b",
            wrong={
                "a": "That is the inverse: you sent element 0 to place 2. `x[order]` reads the other way: place 0 of "
                "the result is filled from place `order[0]`, which is 2.",
                "c": "That turns the list round. Go place by place: place 0 is filled from place `order[0]`.",
                "d": "Nothing would have moved. Place 0 is filled from place `order[0]`, which is 2.",
            },
        ),
        hints=(
            "`x[order]` has one element for each element of `order`: write them down one at a time.",
            "The k-th element of `x[order]` is `x[order[k]]`; for k = 0 that is `x[2]`.",
        ),
    )


def _inverse_permutation() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        return [
            Call((torch.tensor([2, 0, 1]),), group="the inverse"),  # a cycle of three: not its own inverse
            Call((_random_order(8, generator),), group="the inverse"),
            Call((_random_order(13, generator),), group="the inverse"),
            Call((torch.tensor([0]),), group="small"),
            Call((torch.tensor([1, 0]),), group="small"),
        ]

    return Exercise(
        id="inverse_permutation",
        title="Undo an order",
        points=2,
        minutes=6,
        difficulty=1,
        cases=cases,
        reference=inverse_permutation,
        mistakes=(
            Mistake(
                "the order itself",
                "What comes back is the order itself, which undoes nothing unless it happens to swap pairs. "
                "`arange(N)[order]` and two argsorts in a row both end there: try `x[order][order]` on [2, 0, 1].",
                lambda order: order.clone(),
            ),
            Mistake(
                "reversed",
                "You read the order backwards. Turning a list round is another permutation, not the way back: with "
                "[2, 0, 1], which place does element 0 stand in after the shuffle?",
                lambda order: order.flip(0),
            ),
            Mistake(
                "counted from the other end",
                "You replaced each index k by N-1-k. That mirrors the places; to go back, ask for each element in "
                "which place it ended up.",
                lambda order: len(order) - 1 - order,
            ),
            Mistake(
                "sorted values",
                "These are the sorted values: always 0, 1, 2, ... What is asked for is where the sorting found them.",
                lambda order: order.sort().values,
            ),
            Mistake(
                "sorted from the largest",
                "Nearly: you sorted from the largest to the smallest, so the way back comes out reversed.",
                lambda order: order.argsort(descending=True),
            ),
            Mistake(
                "an inverse in floating point",
                "The numbers are right, their dtype is not: an index has to be `long`, else `x[order][inverse]` fails. "
                "`torch.zeros(N)` makes floats; `torch.empty_like(order)` does not.",
                lambda order: order.argsort().float(),
            ),
            Mistake(
                "counted from 1",
                "Every entry is one too large: places count from 0.",
                lambda order: order.argsort() + 1,
            ),
        ),
        hints=(
            "Do [2, 0, 1] by hand first: after the shuffle, in which place does element 0 stand? Element 1? Element 2?",
            "Element `order[k]` went to place k. So the inverse has the value k at index `order[k]`.",
            "Make an empty tensor like `order`, then fill it by index assignment: on the left `inverse[order]`, on the "
            "right 0, 1, 2, ... (Sorting can do it as well: `argsort` says where each sorted value was found.)",
        ),
    )


# ------------------------------------------------------------------------------------------------------ part 2: scans


def _scan_order(conventions: Conventions) -> Exercise:
    grids = {
        "raster": ((3, 5), (4, 2), (1, 3)),
        "column": ((3, 5), (4, 2), (3, 1)),
        "snake": ((3, 5), (4, 2), (2, 2)),
        "spiral": ((3, 5), (5, 2), (4, 4), (1, 4), (3, 1)),
        "hilbert": ((2, 2), (4, 4), (8, 8), (3, 5), (6, 2)),
    }

    def cases(generator: torch.Generator) -> list[Call]:
        drawn = torch.randint(5, 12, (len(KINDS), 2), generator=generator).tolist()
        asked = {kind: (*grids[kind], tuple(grid)) for kind, grid in zip(KINDS, drawn, strict=True)}
        scans = [Call((*grid, kind), group=kind) for kind in KINDS for grid in asked[kind]]
        return [*scans, Call((2, 3, "zigzag"), group="an unknown kind")]

    def wrong(kind: str, visit) -> object:
        """An answer that is right but for one kind of scan, where `visit(rows, cols)` gives the (row, col) pairs."""

        def answer(rows: int, cols: int, asked: str) -> Tensor:
            if asked != kind:
                return scan_order(rows, cols, asked, conventions)
            raster = torch.tensor([row * cols + col for row, col in visit(rows, cols)])
            return _renumber(raster, rows, cols, conventions)

        return answer

    def right(rows: int, cols: int, kind: str) -> Tensor:
        return scan_order(rows, cols, kind, conventions)

    flipped = Conventions(sequence="column-major" if conventions.sequence == "row-major" else "row-major")
    return Exercise(
        id="scan_order",
        title="Five ways through a grid",
        points=5,
        minutes=14,
        difficulty=3,
        cases=cases,
        reference=partial(scan_order, conventions=conventions),
        mistakes=(
            Mistake(
                "grid transposed",
                "Your walks are right, your numbers belong to the grid turned over: the patches are numbered "
                f"{conventions.words()['sequence_words']}. Which of rows and cols does an index step over?",
                partial(scan_order, conventions=flipped),
            ),
            Mistake(
                "rows and cols swapped",
                "These are the orders of a grid of `cols` rows and `rows` columns. On a square grid nobody would "
                "notice: draw a grid of 3 rows and 5 columns and number it.",
                lambda rows, cols, kind: right(cols, rows, kind),
            ),
            Mistake(
                "when instead of which",
                "You give, for each patch, *when* it is visited. Asked for is, for each step, *which* patch is "
                "visited: one is the inverse of the other.",
                lambda rows, cols, kind: inverse_permutation(right(rows, cols, kind)),
            ),
            Mistake(
                "coordinates instead of numbers",
                "These are (row, column) pairs. Turn each pair into the patch's number in the sequence, so that "
                "`tokens[:, order]` can use it.",
                lambda rows, cols, kind: torch.stack(
                    [raster_scan_order(rows, cols, kind) // cols, raster_scan_order(rows, cols, kind) % cols], dim=1
                ),
            ),
            Mistake(
                "numbered by the wrong side",
                "A patch's number is worked out with the wrong side of the grid: several patches share one number. "
                "How many patches lie before the first one of line r?",
                lambda rows, cols, kind: _misnumbered(rows, cols, kind, conventions),
            ),
            Mistake(
                "backwards",
                "All of your walks end where they should begin: the k-th entry is the k-th patch from the end.",
                lambda rows, cols, kind: right(rows, cols, kind).flip(0),
            ),
            Mistake(
                "column: still row by row",
                "Your column order is the raster order: `reshape` gives the grid other sides, and reading it out again "
                "changes nothing. Columns come from a transpose.",
                wrong("column", lambda rows, cols: [(r, c) for r in range(rows) for c in range(cols)]),
            ),
            Mistake(
                "column: reshaped before it was transposed",
                "Your column order numbers a grid of `cols` rows and then turns it over, which is the inverse of what "
                "was asked for. Number the grid that there is, `rows` by `cols`, then transpose.",
                wrong(
                    "column",
                    lambda rows, cols: _pairs(inverse_permutation(raster_scan_order(rows, cols, "column")), cols),
                ),
            ),
            Mistake(
                "column: from right to left",
                "Your column order starts with the last column; it starts at the top left.",
                wrong("column", lambda rows, cols: [(r, c) for c in reversed(range(cols)) for r in range(rows)]),
            ),
            Mistake(
                "snake: the wrong rows reversed",
                "Your snake starts at the top right: rows 0, 2, 4, ... run left to right, rows 1, 3, 5, ... back.",
                wrong(
                    "snake",
                    lambda rows, cols: [(r, c if r % 2 else cols - 1 - c) for r in range(rows) for c in range(cols)],
                ),
            ),
            Mistake(
                "snake: no row reversed",
                "Your snake is the raster order: at the end of a row it jumps back to the left. Every second row has "
                "to run backwards.",
                wrong("snake", lambda rows, cols: [(r, c) for r in range(rows) for c in range(cols)]),
            ),
            Mistake(
                "snake: every row but the first reversed",
                "Your snake runs back in every row but the first, so it still jumps. Only the odd rows run backwards.",
                wrong(
                    "snake",
                    lambda rows, cols: [(r, cols - 1 - c if r else c) for r in range(rows) for c in range(cols)],
                ),
            ),
            Mistake(
                "snake: along the columns",
                "Your snake runs up and down. It runs along the rows: left to right, then right to left.",
                wrong(
                    "snake",
                    lambda rows, cols: [(rows - 1 - r if c % 2 else r, c) for c in range(cols) for r in range(rows)],
                ),
            ),
            Mistake(
                "spiral: anticlockwise",
                "Your spiral goes down first. Clockwise from the top left means along the top row first.",
                wrong("spiral", lambda rows, cols: [(r, c) for c, r in _spiral(cols, rows)]),
            ),
            Mistake(
                "spiral: outwards",
                "Your spiral starts in the middle. It starts at the top left and winds inwards.",
                wrong("spiral", lambda rows, cols: _spiral(rows, cols)[::-1]),
            ),
            Mistake(
                "spiral: the last line walked twice",
                "When one row or one column is left over, your spiral walks along it and then back again, so patches "
                "come up twice. After the top row and the right column, ask whether anything is left.",
                wrong("spiral", _spiral_with_the_last_line_twice),
            ),
            Mistake(
                "spiral: rings all from the same corner, anticlockwise inside",
                "Your outer ring is clockwise and the next one is not: a spiral keeps turning the same way.",
                wrong("spiral", _spiral_with_alternating_rings),
            ),
            Mistake(
                "hilbert: mirrored",
                "Your Hilbert curve is the right one seen in a mirror: it runs from the top left to the bottom left. "
                "Ours ends at the top right. Start from the side of 2: down, right, up.",
                wrong("hilbert", lambda rows, cols: _hilbert(rows, cols, lambda side, r, c: (c, r))),
            ),
            Mistake(
                "hilbert: from the bottom left",
                "Your Hilbert curve starts at the bottom left, as books draw it with y upwards. Row 0 of a picture is "
                "at the top: ours starts at the top left.",
                wrong("hilbert", lambda rows, cols: _hilbert(rows, cols, lambda side, r, c: (side - 1 - r, c))),
            ),
            Mistake(
                "hilbert: no quarter turned",
                "The four quarters are all copies of the same curve, so it jumps between them. Turn the first and the "
                "last.",
                wrong("hilbert", lambda rows, cols: _quarters(rows, cols, turn_first=False, turn_last=False)),
            ),
            Mistake(
                "hilbert: the last quarter not turned",
                "The first quarter of your curve is turned, the last is not, so the curve cannot join on to it. The "
                "last one is turned over the other diagonal.",
                wrong("hilbert", lambda rows, cols: _quarters(rows, cols, turn_first=True, turn_last=False)),
            ),
            Mistake(
                "hilbert: the last quarter turned as the first",
                "First and last quarter of your curve are turned over the same diagonal. The last one goes over the "
                "other diagonal: it has to begin where the third one ended.",
                wrong("hilbert", lambda rows, cols: _quarters(rows, cols, turn_first=True, turn_last=True)),
            ),
            Mistake(
                "hilbert: Z-order",
                "This is the Z-order (Morton) curve: top left, top right, bottom left, bottom right, in every square. "
                "It jumps; the Hilbert curve goes from neighbour to neighbour.",
                wrong("hilbert", _z_order),
            ),
            Mistake(
                "hilbert: numbered in the larger square",
                "Your numbers come from the power-of-two square around the grid. Leave out the cells outside the grid "
                "first, then number what is left with the grid's own sides.",
                lambda rows, cols, kind: (
                    _square_numbers(rows, cols, conventions) if kind == "hilbert" else right(rows, cols, kind)
                ),
            ),
        ),
        hints=(
            "Walk first, number afterwards: build a list of (row, col) pairs in the order of the walk, and turn it "
            "into numbers in one last line. For four of the five kinds the walk is one or two loops.",
            "Spiral: take the top row off, turn what is left by a quarter to the left, repeat until nothing is left. "
            "Hilbert: a function of the side that calls itself with half the side and puts four copies together.",
            "Turn a list of rows to the left: `list(zip(*cells))[::-1]`. Hilbert, from the curve of half the side h: "
            "first (col, row); then (row + h, col); then (row + h, col + h); then (h - 1 - col, 2h - 1 - row).",
        ),
    )


# -------------------------------------------------------------------------------------------------------- part 3: gap


def _permutation_gap() -> Exercise:
    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        layer = {"d_model": 8, "nhead": 2, "dim_feedforward": 16, "batch_first": True, "norm_first": True}
        transformer = TorchModule("TransformerEncoderLayer", layer, seed=1)
        mixer = TorchModule("Conv1d", {"in_channels": 6, "out_channels": 6, "kernel_size": 1, "bias": False}, seed=2)
        blur = TorchModule("Conv1d", {"in_channels": 5, "out_channels": 5, "kernel_size": 3, "padding": 1}, seed=3)
        both = TorchModule("Sequential", parts=(transformer, mixer))
        mixed = draw(6, 6, 9)
        mixed[0] /= 10  # so that the largest difference is in another picture than the first
        return [
            Call((transformer, draw(2, 5, 8), _random_order(5, generator)), group="an encoder that does not mind"),
            Call((transformer, draw(1, 7, 8), _random_order(7, generator)), group="an encoder that does not mind"),
            # the mixer is linear: in one of these two the largest difference is negative
            Call((mixer, mixed, torch.tensor([2, 0, 1, 4, 5, 3])), group="an encoder that minds"),
            Call((mixer, -mixed, torch.tensor([2, 0, 1, 4, 5, 3])), group="an encoder that minds"),
            Call((both, draw(1, 6, 8), torch.tensor([1, 2, 3, 4, 5, 0])), group="an encoder that minds"),
            Call((blur, draw(7, 5, 6).float(), torch.tensor([3, 0, 1, 4, 2])), group="an encoder that minds"),
        ]

    def gap(encoder, tokens, order):
        return encoder(tokens[:, order]) - encoder(tokens)[:, order]

    return Exercise(
        id="permutation_gap",
        title="How much does an encoder mind?",
        points=3,
        minutes=8,
        difficulty=2,
        cases=cases,
        reference=permutation_gap,
        mistakes=(
            Mistake(
                "compared with the output left in place",
                "You compare with `encoder(tokens)` as it stands. An encoder that does not mind moves its outputs "
                "along with its inputs, so the two outputs have to be put in the same order first.",
                lambda encoder, tokens, order: (encoder(tokens[:, order]) - encoder(tokens)).abs().max().item(),
            ),
            Mistake(
                "the inverse where the order is needed",
                "One of the two outputs is moved the wrong way: applying the order twice is not undoing it. Either "
                "both get the order once, or the shuffled one gets the inverse.",
                lambda encoder, tokens, order: (
                    (encoder(tokens[:, order]) - encoder(tokens)[:, order.argsort()]).abs().max().item()
                ),
            ),
            Mistake(
                "the mean instead of the largest",
                "That is the mean difference. One token that is off in a thousand would hide in a mean: take the "
                "largest.",
                lambda *call: gap(*call).abs().mean().item(),
            ),
            Mistake(
                "the sum instead of the largest",
                "That is the sum of all differences, which grows with the size of the tensor. Take the largest.",
                lambda *call: gap(*call).abs().sum().item(),
            ),
            Mistake(
                "the sign kept",
                "A difference of -3 is as bad as one of +3: take absolute values before the largest.",
                lambda *call: gap(*call).max().item(),
            ),
            Mistake(
                "the smallest difference",
                "That is the smallest difference: nearly zero for every encoder. The worst token is what counts.",
                lambda *call: gap(*call).abs().min().item(),
            ),
            Mistake(
                "squared",
                "That is a mean square, not the largest absolute difference.",
                lambda *call: gap(*call).square().mean().item(),
            ),
            Mistake(
                "a length instead of the largest",
                "That is the length (norm) of the difference; asked for is its largest entry in absolute value.",
                lambda *call: gap(*call).norm().item(),
            ),
            Mistake(
                "pictures shuffled instead of tokens",
                "`tokens[order]` shuffles the pictures of the batch, and no encoder minds that. The tokens are the "
                "second axis of (B, N, D).",
                lambda encoder, tokens, order: (encoder(tokens[order]) - encoder(tokens)[order]).abs().max().item(),
            ),
            Mistake(
                "features shuffled instead of tokens",
                "`[..., order]` shuffles the features within each token. The tokens are the second axis of (B, N, D).",
                lambda encoder, tokens, order: (
                    (encoder(tokens[..., order]) - encoder(tokens)[..., order]).abs().max().item()
                ),
            ),
            Mistake(
                "yes or no",
                "You return whether the two agree. Asked for is by how much they differ: a number.",
                lambda *call: bool(torch.allclose(gap(*call), torch.zeros(()).to(gap(*call)), atol=1e-6)),
            ),
            Mistake(
                "only the first picture",
                "You look at the first picture of the batch only: take the largest difference over all of them.",
                lambda *call: gap(*call)[0].abs().max().item(),
            ),
        ),
        hints=(
            "Two ways to the same place: shuffle, then encode; or encode, then shuffle. How far apart do they end?",
            "The token axis is the second: `tokens[:, order]`. The output has the same axes, so it is shuffled the "
            "same way.",
            "Subtract the two, take absolute values, take the largest over everything, and `.item()` makes it a "
            "number.",
        ),
    )


# ------------------------------------------------------------------------------------------------------ part 4: derive


def _permuted_scores() -> Question:
    return Question(
        id="permuted_scores",
        title="The attention scores of shuffled tokens",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "S is the same",
                "b": "only the rows of S are shuffled: P S",
                "c": "rows and columns of S are shuffled alike: P S P^T",
                "d": "only the columns of S are shuffled: S P^T",
            },
            right="c",
            wrong={
                "a": "Entry (i, j) compares token i with token j, and other tokens stand at i and j now.",
                "b": "The rows belong to the queries. The keys come from the same shuffled tokens: what happens to the "
                "columns?",
                "d": "The columns belong to the keys. The queries come from the same shuffled tokens: what happens to "
                "the rows?",
            },
        ),
        hints=(
            "Q and K are made token by token, so the shuffled tokens give P Q and P K.",
            "(P Q)(P K)^T = P Q K^T P^T. What does the P on the left do, what the P^T on the right?",
        ),
    )


def _permuted_attention() -> Question:
    return Question(
        id="permuted_attention",
        title="The output of attention for shuffled tokens",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "A(X): the output does not move",
                "b": "P A(X): the same outputs, moved along with their tokens",
                "c": "P A(X) P^T: tokens and features are both moved",
                "d": "something else: each token meets the others in another order",
            },
            right="b",
            wrong={
                "a": "That is invariance. Output k belongs to query k, and another token asks at place k now.",
                "c": "P is N by N and A(X) is N by D: no P fits on the right. And the features of a token never moved.",
                "d": "A softmax-weighted sum does not know in which order its terms are added: only which weight goes "
                "with which value, and these move together.",
            },
        ),
        hints=(
            "softmax goes along each row: shuffling rows and columns before or after it is the same.",
            "(P W P^T)(P V): what is P^T P for a permutation?",
        ),
    )


def _tokens_that_mix() -> Question:
    return Question(
        id="tokens_that_mix",
        title="Where do tokens of a ViT meet?",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "in attention, LayerNorm and the MLP",
                "b": "in attention and LayerNorm",
                "c": "in attention and the MLP",
                "d": "in attention only",
            },
            right="d",
            wrong={
                "a": "LayerNorm here takes mean and variance over the D features of one token, and the MLP runs on "
                "each token by itself: neither sees a second token.",
                "b": "LayerNorm takes mean and variance over the features of *one* token (BatchNorm would mix).",
                "c": "The MLP is the same two linear layers applied to each token by itself.",
            },
        ),
        hints=(
            "Ask of each layer: if I change token 5, does the output of token 3 change?",
            "A layer that works on (..., D) and never looks along the N axis cannot mix tokens.",
        ),
    )


def _class_token_reads(conventions: Conventions) -> Question:
    return Question(
        id="class_token_reads",
        title="What the head reads",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Choice(
            {
                "a": "the logits move along with the patches",
                "b": "the logits stay exactly as they were",
                "c": "the logits change a little, since the class token now meets other neighbours",
            },
            right="b",
            wrong={
                "a": "Logits have no token axis any more: there is nothing left that could move.",
                "c": "Attention has no neighbours: the class token looks at all tokens at once, and the set is the "
                "same.",
            },
        ),
        hints=(
            "The encoder's outputs move along with its inputs. Which of its inputs did not move?",
            f"The class token stays in its place ({conventions.class_token}), so its output stays in its place too.",
        ),
    )


def _positions_left_behind() -> Question:
    return Question(
        id="positions_left_behind",
        title="Shuffle the patches and leave the positions where they are",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "nothing: attention does not mind any permutation",
                "b": "the model sees another picture: every patch claims a place where it was not",
                "c": "the model sees no positions at all",
                "d": "the outputs move along with the patches, nothing else",
            },
            right="b",
            wrong={
                "a": "Attention does not mind a permutation of its *inputs*. Its inputs are patch + position, and "
                "here the sums themselves are other ones.",
                "c": "Every token still has a position added, but another patch's.",
                "d": "That holds when the same inputs come in another order. P X + E is not a reordering of X + E.",
            },
        ),
        hints=(
            "Write it down: the encoder gets P X + E instead of P (X + E). Are these the same rows in another order?",
            "P X + E = P (X + P^T E): the old patches, each with another patch's position.",
        ),
    )


def _why_order_is_free() -> Question:
    return Question(
        id="why_order_is_free",
        title="Does the order in which patches are flattened matter?",
        points=3,
        minutes=6,
        difficulty=2,
        answer=FreeText(
            (
                "1 point: attention is permutation-equivariant and everything else acts on one token at a time, so "
                "the encoder's outputs move along with its inputs and the class token's (or mean's) output does not "
                "change.",
                "1 point: the position travels with its patch; with learned positions another fixed order only "
                "renames the rows of the table, at initialisation and at every training step.",
                "1 point: two ways in which order does matter (positions left behind, a new order for each picture, "
                "causal or local attention, a convolution, patches themselves cut differently), each with the reason.",
            )
        ),
        hints=(),
    )


def _twin_start() -> Question:
    return Question(
        id="twin_start",
        title="Two runs that agree at every step",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "nothing: training will sort it out",
                "b": "the rows of the position table that belong to patches",
                "c": "every weight of the model",
                "d": "the rows of the position table and the columns of the patch embedding",
            },
            right="b",
            wrong={
                "a": "It will end about as good, and yet no step will agree: the first loss already differs, since "
                "patches and positions are paired in another way.",
                "c": "Most weights never meet the token axis: the same ones act on every token.",
                "d": "The patch embedding's columns belong to pixels *within* a patch, and these did not move.",
            },
        ),
        hints=(
            "Which parameters of the ViT have an axis of length N?",
            "Only `pos_embed`, (1, 1+N, D), knows the places. And its class token row belongs to no patch.",
        ),
    )


# ----------------------------------------------------------------------------------------------------- part 5: measure


def _predict_shuffled_vit() -> Experiment:
    return Experiment(
        id="predict_shuffled_vit",
        title="A ViT on shuffled patches",
        question="One random order of the patches, the same for every picture, in training and test. Against patches "
        "in raster order, the ViT's test accuracy will be",
        options={
            "a": "clearly lower",
            "b": "the same within the spread of seeds",
            "c": "clearly higher",
        },
        outcome="b",
        claims=(Claim("ViT, raster", "=", "ViT, shuffled"),),
        published=(REORDER_FULL,),
    )


def _predict_shuffled_cnn() -> Experiment:
    return Experiment(
        id="predict_shuffled_cnn",
        title="A CNN on the same shuffled patches",
        question="The same shuffle, now for a CNN of 3x3 convolutions, trained and tested on shuffled pictures. Its "
        "accuracy will be",
        options={
            "a": "clearly lower than on pictures in order",
            "b": "the same within the spread of seeds",
            "c": "clearly higher than on pictures in order",
        },
        outcome="a",
        claims=(Claim("CNN, raster", ">", "CNN, shuffled", over_seeds=True),),  # the luck of a seed is large here
        published=(),
    )


def _no_positions_sees() -> Question:
    return Question(
        id="no_positions_sees",
        title="A ViT without positions",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "the class with the largest prior, whatever the picture",
                "b": "which patches there are, and how often, not where",
                "c": "everything: attention finds out where patches belong",
                "d": "which patches are neighbours, not where they are",
            },
            right="b",
            wrong={
                "a": "The patches themselves still go in: a picture with laces and soles is a shoe wherever they "
                "stand.",
                "c": "Shuffle the patches and not one number changes: nothing in the model can tell where they belong.",
                "d": "Being neighbours is a matter of places as well, and a shuffled picture gives the very same "
                "logits.",
            },
        ),
        hints=(
            "What can a function know of a list whose order it provably ignores?",
            "Think of a text as a bag of words: what is lost, what is left?",
        ),
    )


def _predict_fresh_order() -> Experiment:
    return Experiment(
        id="predict_fresh_order",
        title="A new order for every picture",
        question="Now every picture gets an order of its own, a new one each time it is seen, and the positions stay "
        "behind. Against one order for all, the ViT's accuracy",
        options={
            "a": "stays the same: no order mattered so far",
            "b": "falls to about that of a ViT without positions",
            "c": "falls to chance (10%)",
        },
        outcome="b",
        claims=(
            Claim("ViT, one order", ">", "ViT, new order each time"),
            Claim("ViT, new order each time", "=", "ViT, no positions"),
        ),
        published=(VIT_NO_POSITIONS,),
    )


def _which_attention_minds() -> Question:
    return Question(
        id="which_attention_minds",
        title="Positions go along: who still minds the order?",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "nobody: the positions say everything that there is to say",
                "b": "causal attention only",
                "c": "local attention only",
                "d": "causal and local attention",
            },
            right="d",
            wrong={
                "a": "The positions go along, but *who may look at whom* is decided by the place in the sequence, and "
                "that mask does not move with the tokens.",
                "b": "In local attention too: tokens that are near each other in one order are far apart in another.",
                "c": "In causal attention too: who stands before whom depends on the order.",
            },
        ),
        hints=(
            "Go back to P S P^T. What if a fixed mask M is added to the scores before the softmax?",
            "P S P^T + M is a reordering of S + M only where P^T M P = M. For which masks is that so for every P?",
        ),
    )


def _predict_local() -> Experiment:
    return Experiment(
        id="predict_local",
        title="Local attention, two orders",
        question="A ViT whose patch tokens look only two places ahead and two back along the sequence (its class token "
        "looks everywhere). Its outputs do depend on the order. Over five seeds, its accuracy with shuffled patches is",
        options={
            "a": "lower by 10 points or more, as its neighbourhoods are destroyed",
            "b": "a few points lower in most runs, not in all",
            "c": "the same: its positions are learned, after all",
        },
        outcome="b",
        # one run does not settle it: the difference is about as large as the luck of a seed
        claims=(Claim("local, raster", ">", "local, shuffled", over_seeds=True),),
        published=(REORDER_LONG,),
    )


# ------------------------------------------------------------------------------------------------- walks and drawing


def _random_order(count: int, generator: torch.Generator) -> Tensor:
    """A random order of `count` places which is neither its own inverse nor one of the simple ones."""
    while True:
        order = torch.randperm(count, generator=generator)
        if not torch.equal(order[order], torch.arange(count)) and order[0] != 0:
            return order


def _renumber(raster: Tensor, rows: int, cols: int, conventions: Conventions) -> Tensor:
    if conventions.sequence == "row-major":
        return raster
    return raster % cols * rows + raster // cols


def _pairs(raster: Tensor, cols: int) -> list[tuple[int, int]]:
    return [(index // cols, index % cols) for index in raster.tolist()]


def _misnumbered(rows: int, cols: int, kind: str, conventions: Conventions) -> Tensor:
    raster = raster_scan_order(rows, cols, kind)
    row, col = raster // cols, raster % cols
    return row * rows + col if conventions.sequence == "row-major" else col * cols + row


def _spiral(rows: int, cols: int) -> list[tuple[int, int]]:
    return _pairs(raster_scan_order(rows, cols, "spiral"), cols)


def _rings(rows: int, cols: int) -> list[list[tuple[int, int]]]:
    """The spiral cut into its rings, from the outside in; the last one may be a line."""
    cells = _spiral(rows, cols)
    depth = [min(row, col, rows - 1 - row, cols - 1 - col) for row, col in cells]
    return [[cell for cell, d in zip(cells, depth, strict=True) if d == ring] for ring in range(max(depth) + 1)]


def _spiral_with_the_last_line_twice(rows: int, cols: int) -> list[tuple[int, int]]:
    *rings, last = _rings(rows, cols)
    is_line = len({row for row, _ in last}) == 1 or len({col for _, col in last}) == 1
    back = last[-2::-1] if is_line else []
    return [cell for ring in rings for cell in ring] + last + back


def _spiral_with_alternating_rings(rows: int, cols: int) -> list[tuple[int, int]]:
    rings = _rings(rows, cols)
    return [
        cell for number, ring in enumerate(rings) for cell in (ring if number % 2 == 0 else [ring[0], *ring[:0:-1]])
    ]


def _hilbert(rows: int, cols: int, move) -> list[tuple[int, int]]:
    """The right curve of the square around the grid, moved by `move(side, row, col)`, cut to the grid."""
    side = _side(rows, cols)
    square = [move(side, row, col) for row, col in _pairs(raster_scan_order(side, side, "hilbert"), side)]
    return [(row, col) for row, col in square if row < rows and col < cols]


def _quarters(rows: int, cols: int, turn_first: bool, turn_last: bool) -> list[tuple[int, int]]:
    """A Hilbert curve with wrongly turned quarters: the last one, where turned, over the first one's diagonal."""

    def curve(side: int) -> list[tuple[int, int]]:
        if side == 1:
            return [(0, 0)]
        half, quarter = side // 2, curve(side // 2)
        turned = [(col, row) for row, col in quarter]
        first = turned if turn_first else quarter
        last = turned if turn_last else quarter
        return (
            first
            + [(row + half, col) for row, col in quarter]
            + [(row + half, col + half) for row, col in quarter]
            + [(row, col + half) for row, col in last]
        )

    return [(row, col) for row, col in curve(_side(rows, cols)) if row < rows and col < cols]


def _z_order(rows: int, cols: int) -> list[tuple[int, int]]:
    def curve(side: int) -> list[tuple[int, int]]:
        if side == 1:
            return [(0, 0)]
        half, quarter = side // 2, curve(side // 2)
        return [(row + down, col + across) for down in (0, half) for across in (0, half) for row, col in quarter]

    return [(row, col) for row, col in curve(_side(rows, cols)) if row < rows and col < cols]


def _square_numbers(rows: int, cols: int, conventions: Conventions) -> Tensor:
    side = _side(rows, cols)
    kept = [
        (row, col) for row, col in _hilbert(side, side, lambda _, row, col: (row, col)) if row < rows and col < cols
    ]
    row_major = conventions.sequence == "row-major"
    return torch.tensor([row * side + col if row_major else col * side + row for row, col in kept])


def _side(rows: int, cols: int) -> int:
    side = 1
    while side < max(rows, cols):
        side *= 2
    return side
