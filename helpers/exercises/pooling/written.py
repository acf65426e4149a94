"""Questions of lesson 06: y under GAP, y under MAP, its parameters, its type, its cost."""

from __future__ import annotations

from helpers.exercises.definition import Question
from helpers.exercises.written import Choice, FreeText, Growth, Number, Shape


def gap_y() -> Question:
    """The formula."""
    return Question(
        "gap_y",
        "y under GAP",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "y = y_1 + ... + y_256",
                "b": "y = 1/256 (y_1 + ... + y_256)",
                "c": "y = 1/256 (x_1 + ... + x_256)",
                "d": "y_j = the largest y_ij over i, feature by feature",
            },
            right="b",
            wrong={
                "a": "A sum grows with the number of tokens: twice the picture, twice the logits. What does *average* "
                "divide by?",
                "c": "The x_i go into the transformer. What is pooled comes out of it: the mean of raw patches would "
                "be one grey blur.",
                "d": "That is max pooling. The A of GAP says average.",
            },
        ),
        hints=("What does average pooling in a CNN do, with a window as large as the picture?",),
    )


def gap_gradient() -> Question:
    """What reaches each token."""
    return Question(
        "gap_gradient",
        "The gradient that reaches a token under GAP",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            1 / 256,
            tolerance=0.002,
            wrong={
                1.0: "y_7 is divided by something before it reaches y. The gradient is divided by it too.",
                256.0: "The other way round: y holds a small part of y_7.",
                1 / 257: "There is no class token here: 256 tokens are averaged.",
                1 / 16: "16 is one side of the grid, or the root of N. How many tokens are there?",
                0.0: "Move y_7 a little: y moves too.",
                **dict.fromkeys((7 / 256, 1 / 7), "The 7 is only the token's number: every token counts alike."),
                0.004: "That is rounded. Write it as a calculation, without quotes.",
            },
        ),
        hints=("y = 1/256 (... + y_7 + ...): what is the derivative of y by y_7?",),
    )


def padded_tokens() -> Question:
    """257 padded to a multiple of 128."""
    return Question(
        "padded_tokens",
        "257 tokens on hardware that takes 128 at a time",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Number(
            384,
            "tokens",
            wrong={
                257: "257 is no multiple of 128. The rest is filled up with padding.",
                256: "256 is a multiple of 128, and the 257th token has no room there.",
                512: "512 is a multiple of 128, and not the smallest one that holds 257.",
                385: "That is 257 + 128. The sum has to be a multiple of 128: 3 * 128.",
            },
        ),
        hints=("The multiples of 128 are 128, 256, 384, ...: which is the first that holds 257?",),
    )


def map_y() -> Question:
    """The formula."""
    return Question(
        "map_y",
        "y under MAP, for one head",
        points=1,
        minutes=2,
        difficulty=2,
        answer=Choice(
            {
                "a": "y = sum over i of a_i v_i, with a = softmax of (q . k_1, ..., q . k_256) / sqrt(d)",
                "b": "y = 1/256 sum over i of (q . k_i) v_i",
                "c": "y = sum over i of a_i v_i, with a_i = softmax of q k_i over the d features",
                "d": "y = sum over i of a_i q, with a = softmax of (k_i . v_i) / sqrt(d)",
            },
            right="a",
            wrong={
                "b": "These weights can be negative and need not sum to 1. Attention puts the scores through a softmax "
                "over the tokens.",
                "c": "A score is one number a token: the dot product sums over the features. The softmax then runs "
                "over the *tokens*.",
                "d": "The scores compare the query with the keys, and what is averaged are the values: k_i and v_i "
                "belong to the tokens, q to the head.",
            },
        ),
        hints=(
            "Equation 1 of Attention Is All You Need with one query: softmax(q K^T / sqrt(d)) V.",
            "How many scores are there, and what do the weights have to sum to?",
        ),
    )


def map_type() -> Question:
    """Cross-attention."""
    return Question(
        "map_type",
        "The type of MAP's attention",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(
            {
                "a": "self-attention: queries, keys and values all come from the tokens",
                "b": "causal self-attention: each token looks at those before it",
                "c": "cross-attention: the query is a learned parameter, keys and values come from the tokens",
                "d": "cross-attention: the query comes from the tokens, keys and values are learned",
            },
            right="c",
            wrong={
                "a": "Then 256 queries would ask and 256 answers come out. One y is wanted, so one query asks, and it "
                "is none of the tokens.",
                "b": "There is no order to respect, and still one answer a token. One query, which is no token, asks.",
                "d": "The other way round: the question is the same for every picture, the answers are the picture's.",
            },
        ),
        hints=("Who asks, and who answers? Do both come from the same place?",),
    )


def map_weights_shape() -> Question:
    """(B, heads, 1, N)."""
    return Question(
        "map_weights_shape",
        "Shape of MAP's weights",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Shape(
            (8, 12, 1, 256),
            wrong={
                (8, 12, 256, 256): "That is self-attention, where each of the 256 tokens asks. Here one query does.",
                (8, 12, 256, 1): "Rows are queries, columns are keys: 1 x 256.",
                (8, 1, 256): "Each of the 12 heads has weights of its own.",
                (8, 12, 256): "Right but for the axis of the query, which (B, heads, queries, keys) keeps.",
                (12, 1, 256): "Each of the 8 pictures has weights of its own: its keys differ.",
                (8, 12, 1, 64): "64 is the width of a head. There is one weight for each token.",
                (8, 12, 1, 257): "There is no class token: 256 keys.",
                (1, 12, 1, 256): "Each of the 8 pictures has weights of its own: its keys differ.",
                (8, 1, 1, 256): "Each of the 12 heads has weights of its own.",
                (8, 12, 1, 768): "768 is the width of a token. There is one weight for each of the 256 tokens.",
                (8, 12, 256, 64): "That is the shape of keys or values. A weight belongs to a query and a key.",
            },
        ),
        hints=("(batch, heads, queries, keys): how many queries, how many keys?",),
    )


def map_learned() -> Question:
    """What is learned."""
    return Question(
        "map_learned",
        "What MAP learns",
        points=1,
        minutes=1,
        difficulty=1,
        answer=Choice(
            {
                "a": "the query alone",
                "b": "one query for each picture, and the projections",
                "c": "nothing: it is computed from the tokens",
                "d": "one query for all pictures, and the projections of query, keys, values and output",
            },
            right="d",
            wrong={
                "a": "The query is learned. So are the matrices that make keys and values out of tokens, and the one "
                "that joins the heads.",
                "b": "A query of its own for each training picture would say nothing about a new picture. It is one "
                "vector, the same for all.",
                "c": "That is GAP, which has no parameters.",
            },
        ),
        hints=("Which of q, k_i and v_i can be computed from the picture, and what computes them?",),
    )


def map_parameters() -> Question:
    """Query, and four matrices with two biases."""
    matrix = 768 * 768
    right = 768 + 4 * matrix + 2 * 768
    wrong = {
        4 * matrix + 2 * 768: "The projections are right. One learned thing is missing: the query itself.",
        768 + 4 * matrix: "v and proj have biases.",
        768 + 4 * (matrix + 768): "Biases stand in v and proj only.",
        768 + 3 * matrix + 768: "The output projection is missing.",
        768 + 3 * matrix + 2 * 768: "There are four matrices: q, k, v, proj.",
        4 * matrix: "The matrices are right. The query and the biases of v and proj are missing.",
        768: "That is the query. Count the four projections too.",
        12 * right: "All 12 heads share one layer: each reads its 64 of the 768 features.",
        12 * 768 + 4 * matrix + 2 * 768: "There is one query of 768 numbers; each head reads its 64 of them.",
        256 * 768 + 4 * matrix + 2 * 768: "There is one query, not one for each token.",
        64 + 4 * matrix + 2 * 768: "The query is `dim` wide: 768. Each head then reads its 64.",
    }
    return Question(
        "map_parameters",
        "Parameters of MAPHead(768, 12)",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Number(right, "parameters", wrong=wrong),
        hints=(
            "The query has 768 numbers; a linear layer from 768 to 768 has 768 * 768 weights.",
            "Four layers, of which v and proj also have 768 biases each. The number of heads changes nothing.",
        ),
    )


def map_growth() -> Question:
    """N D."""
    return Question(
        "map_growth",
        "How MAP's scores and average grow",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Growth(
            "N*D",
            {"N": "number of tokens", "D": "width of a token"},
            wrong={
                "N**2*D": "That is self-attention, where all N tokens ask. Here one query does.",
                "N**2": "One query meets N keys, once. And each score is a dot product: how long are the vectors?",
                "N": "There are N scores, and each is a dot product. How long are the vectors?",
                "N*D**2": "That is what making keys and values costs. Only the scores and the average were asked for.",
                "D": "One token alone would cost that much. How many are looked at?",
                "D**2": "That is what projecting the query costs. Only scores and average were asked for.",
            },
        ),
        hints=("(1, D) times (D, N), then (1, N) times (N, D): multiply the three sizes.",),
    )


def zero_query() -> Question:
    """The mean of the values."""
    return Question(
        "zero_query",
        "MAP with a query of zeros",
        points=1,
        minutes=2,
        difficulty=1,
        answer=Choice(
            {
                "a": "zeros",
                "b": "the mean of the values, through proj: GAP with a linear layer behind it",
                "c": "the value of the first token, through proj",
                "d": "the sum of the values, through proj",
            },
            right="b",
            wrong={
                "a": "The *scores* are zero. What does a softmax make of 256 zeros?",
                "c": "No token stands out: all scores are equal.",
                "d": "A softmax gives weights that sum to 1, so it is an average.",
            },
        ),
        hints=("All scores are 0. What are the weights?", "softmax(0, ..., 0) = (1/256, ..., 1/256)."),
    )


def key_bias() -> Question:
    """It cancels."""
    return Question(
        "key_bias",
        "A bias in the key layer",
        points=1,
        minutes=3,
        difficulty=2,
        answer=Choice(
            {
                "a": "nothing: it adds the same number to all scores of a head",
                "b": "it makes some tokens weigh more than others",
                "c": "it makes the softmax sharper",
                "d": "it would take the place of the query",
            },
            right="a",
            wrong={
                "b": "The same b is added to every key, so q . (k_i + b) = q . k_i + q . b. Does the last term depend "
                "on i?",
                "c": "Sharper is what *multiplying* the scores does. Here the same number is added to all of them.",
                "d": "Without the query there is nobody to compare the keys with. Write out q . (k_i + b).",
            },
        ),
        hints=("Write out q . (k_i + b).", "softmax(s + c) = softmax(s) where c is one number: e^c cancels."),
    )


def pooling_in_words() -> Question:
    """Part (f) of the sheet."""
    return Question(
        "pooling_in_words",
        "Part (f) of the sheet",
        points=2,
        minutes=6,
        difficulty=1,
        answer=FreeText(
            (
                "1 point: both formulas, GAP with 1/256 and MAP with the softmax over tokens of q . k_i / sqrt(d), "
                "values averaged; names what MAP learns (query, projections) and calls it cross-attention",
                "1 point: a choice with a reason that rests on what was measured here or in a paper, and says for "
                "which learning rate or budget it holds",
            )
        ),
        hints=("Formulas first; then say which one you would take, and what you saw that speaks for it.",),
    )
