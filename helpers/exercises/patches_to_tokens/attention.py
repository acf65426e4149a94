"""Exercises: attention, MultiHeadSelfAttention."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import torch
from einops import rearrange
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import variant, weights
from helpers.models import attention as course
from helpers.models.attention import MultiHeadSelfAttention
from helpers.runner import Call

NO_SCALE = (
    "The scores are not divided by anything. Dot products of d numbers grow like the root of d, and a softmax over "
    "large numbers looks at one key only: bring them back to the size of one number."
)
OVER_D = (
    "The scores are divided by d. A sum of d independent products has a spread of the root of d, so it is the root "
    "that brings the scores back to size one."
)
OVER_QUERIES = (
    "The softmax runs over the queries: your columns sum to 1. Each query spreads its attention over the keys, so each "
    "row must sum to 1."
)
OVER_HEADS = (
    "The softmax runs over axis 1, which holds the heads here. Count from the end: the keys are the last axis of the "
    "scores, whatever stands before it."
)


def attention() -> Exercise:
    """softmax(q k^T / sqrt(d)) v."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        return [
            Call((draw(2, 3, 5, 4), draw(2, 3, 7, 4), draw(2, 3, 7, 6)), group="values"),
            Call((draw(1, 6, 4), draw(1, 6, 4), draw(1, 6, 4)), group="values"),
            Call((draw(3, 2), draw(4, 2), draw(4, 5)), group="values"),
            Call(
                (draw(2, 2, 3, 4).float(), draw(2, 2, 3, 4).float(), draw(2, 2, 3, 2).float()),
                gradients=True,
                group="gradient",
            ),
        ]

    def scores(q: Tensor, k: Tensor) -> Tensor:
        return q @ k.mT / q.shape[-1] ** 0.5

    mistakes = (
        Mistake("no scale", NO_SCALE, lambda q, k, v: (q @ k.mT).softmax(-1) @ v),
        Mistake("scale by d, not by its root", OVER_D, lambda q, k, v: (q @ k.mT / q.shape[-1]).softmax(-1) @ v),
        Mistake("softmax over the queries", OVER_QUERIES, lambda q, k, v: scores(q, k).softmax(-2) @ v),
        Mistake("softmax over axis 1", OVER_HEADS, lambda q, k, v: scores(q, k).softmax(1) @ v),
        Mistake(
            "softmax over axis 0",
            "The softmax runs over axis 0, the pictures of the batch: each picture's attention then depends on the "
            "others. The keys are the last axis of the scores.",
            lambda q, k, v: scores(q, k).softmax(0) @ v,
        ),
        Mistake(
            "multiplied by the root of d",
            "The scores are multiplied by the root of d, and they should be divided by it: mind the sign of the "
            "exponent.",
            lambda q, k, v: (q @ k.mT * q.shape[-1] ** 0.5).softmax(-1) @ v,
        ),
        Mistake(
            "scale by the number of keys",
            "The scale is the root of the number of keys (axis -2). What counts is how many products each score sums: "
            "the length of a key, axis -1.",
            lambda q, k, v: (q @ k.mT / k.shape[-2] ** 0.5).softmax(-1) @ v,
        ),
        Mistake(
            "scale by the number of queries",
            "The scale is the root of the number of queries (axis -2). What counts is how many products each score "
            "sums: the length of a query, axis -1.",
            lambda q, k, v: (q @ k.mT / q.shape[-2] ** 0.5).softmax(-1) @ v,
        ),
        Mistake(
            "scale by the width of the values",
            "The scale uses the width of v. The scores are made of q and k; v may have another width.",
            lambda q, k, v: (q @ k.mT / v.shape[-1] ** 0.5).softmax(-1) @ v,
        ),
        Mistake(
            "scale after the softmax",
            "The division comes after the softmax, so it only makes the result smaller. It has to act on the scores, "
            "before they become weights.",
            lambda q, k, v: (q @ k.mT).softmax(-1) @ v / q.shape[-1] ** 0.5,
        ),
        Mistake(
            "scaled twice",
            "The scale is applied twice, perhaps to q and to k: together that divides by d. Once by the root is "
            "enough.",
            lambda q, k, v: (q @ k.mT / q.shape[-1]).softmax(-1) @ v / q.shape[-1] ** 0.5,
        ),
        Mistake(
            "no softmax",
            "There is no softmax: the weights are neither positive nor do they sum to 1, so the result is no "
            "average of the values.",
            lambda q, k, v: scores(q, k) @ v,
        ),
        Mistake(
            "weights returned",
            "You return the weights (..., N, M) alone. Attention is what they give: the average of the values under "
            "them.",
            lambda q, k, v: scores(q, k).softmax(-1),
        ),
        Mistake(
            "queries and keys swapped",
            "Queries and keys have changed places: your row i belongs to key i. The rows of the scores are the "
            "queries, so q stands on the left.",
            lambda q, k, v: scores(k, q).softmax(-1) @ v,
        ),
        Mistake(
            "axes counted from the front",
            "It works for three axes and not for four: `transpose(1, 2)` then swaps heads and tokens. Count axes "
            "from the end, where they always mean the same.",
            lambda q, k, v: (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ v,
        ),
        Mistake(
            "only for two axes",
            "It works without batch and heads only: `.T` or `.t()` turn all axes round. Swap the last two and leave "
            "the others where they are.",
            lambda q, k, v: (q @ k.t() / q.shape[-1] ** 0.5).softmax(-1) @ v,
        ),
    )
    return Exercise(
        id="attention",
        title="Scaled dot-product attention",
        points=3,
        minutes=7,
        difficulty=2,
        cases=cases,
        reference=course.attention,
        mistakes=mistakes,
        hints=(
            "Three steps: scores of every query with every key, a softmax over the keys, an average of the values.",
            "Scores are a matrix product of q with k turned on its last two axes; divide before the softmax.",
            "(..., N, d) @ (..., d, M) gives (..., N, M); divide by the root of d, softmax over the last axis, and "
            "multiply by v.",
        ),
    )


def multi_head() -> Exercise:
    """Self-attention in several heads."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(batch, tokens, dim, heads, dtype=torch.float64, **more) -> Call:
            state = weights(MultiHeadSelfAttention(dim, heads), generator, dtype)
            return Call((draw(batch, tokens, dim).to(dtype),), build=(dim, heads), state=state, **more)

        return [
            call(2, 5, 8, 2, group="values"),
            call(1, 4, 6, 3, group="values"),
            call(2, 3, 4, 1, group="values"),
            call(2, 3, 8, 4, torch.float32, gradients=True, group="gradient"),
        ]

    def order_message(order: str) -> str:
        return (
            f"`qkv` is read in the order {order}. By convention (and in every published checkpoint) it holds the "
            "queries, then the keys, then the values."
        )

    mistakes = (
        Mistake(
            "no output projection",
            "The heads are joined and returned as they are: `self.proj` is never used, so the heads never mix.",
            _heads(project=False),
        ),
        Mistake(
            "scale by the width of the model",
            "The scores are divided by the root of `dim`. Each head has its own, shorter queries: d = dim / heads.",
            _heads(scale=lambda m, q: (q.shape[-1] * m.heads) ** -0.5),
        ),
        Mistake("no scale", NO_SCALE, _heads(scale=lambda m, q: 1.0)),
        Mistake("scale by d, not by its root", OVER_D, _heads(scale=lambda m, q: 1 / q.shape[-1])),
        Mistake(
            "scale by the number of heads",
            "The scale is the root of the number of heads. What counts is the length of a query: d = dim / heads.",
            _heads(scale=lambda m, q: m.heads**-0.5),
        ),
        Mistake("softmax over the queries", OVER_QUERIES, _heads(softmax=-2)),
        Mistake("softmax over the heads", OVER_HEADS, _heads(softmax=1)),
        Mistake(
            "heads merged without transposing back",
            "The shape is right and the tokens are scrambled: (B, heads, N, d) is reshaped to (B, N, heads*d) as it "
            "lies in memory. Bring N in front of the heads first.",
            _heads(merge=lambda out: out.reshape(len(out), out.shape[2], -1)),
        ),
        Mistake(
            "heads interleaved",
            "Each head takes every heads-th feature: that is `(d h)`. The convention is `(h d)`: a head is a run of d "
            "neighbouring features, in qkv and when the heads are joined.",
            _heads(split="b n (three d h) -> three b h n d", merge="b h n d -> b n (d h)"),
        ),
        Mistake(
            "heads interleaved in qkv",
            "The heads are joined as `(h d)`, and split as `(d h)`: both have to be `(h d)`, a run of d neighbouring "
            "features for each head.",
            _heads(split="b n (three d h) -> three b h n d"),
        ),
        Mistake(
            "heads interleaved in the result",
            "The heads are split as `(h d)`, and joined as `(d h)`: the head is the slow axis both times.",
            _heads(merge="b h n d -> b n (d h)"),
        ),
        *(
            Mistake(f"order {', '.join(order)}", order_message(", ".join(order)), _heads(order=order))
            for order in ("kqv", "qvk", "vkq", "kvq", "vqk")
        ),
        Mistake(
            "q, k, v inside each head",
            "You read `qkv` as `(h three d)`, head by head. It holds all queries first, then all keys, then all "
            "values: the three is the slowest axis.",
            _heads(split="b n (h three d) -> three b h n d"),
        ),
        Mistake(
            "q, k, v in the fastest axis",
            "You read `qkv` as `(h d three)`, one number of each at a time. It holds all queries first, then all keys, "
            "then all values: the three is the slowest axis.",
            _heads(split="b n (h d three) -> three b h n d"),
        ),
        Mistake(
            "q, k, v between the numbers of a head",
            "You read `qkv` as `(d three h)`. It holds all queries first, then all keys, then all values; within each, "
            "head by head.",
            _heads(split="b n (d three h) -> three b h n d"),
        ),
        Mistake(
            "one head only",
            "The number of heads makes no difference: all features form one large head. Split q, k and v into `heads` "
            "parts of dim / heads features.",
            _heads(split="b n (three d) -> three b 1 n d"),
        ),
        Mistake(
            "view without transpose",
            "q, k and v are reshaped straight to (B, heads, N, d), which mixes features of different tokens. Split the "
            "last axis into (heads, d) first, then move the heads forward.",
            _heads(split=_viewed),
        ),
        Mistake(
            "view without transpose, both ways",
            "q, k and v are reshaped straight to (B, heads, N, d), and the result straight back: the shapes fit, "
            "and each head sees pieces of several tokens. Split the last axis, then move the heads forward.",
            _heads(split=_viewed, merge=lambda out: out.reshape(len(out), out.shape[2], -1)),
        ),
        Mistake(
            "attention among the heads",
            "With the axes (B, N, heads, d) each token attends over its own heads, and no token sees another. The last "
            "two axes have to be tokens and features: (B, heads, N, d).",
            _heads(split="b n (three h d) -> three b n h d", merge="b n h d -> b n (h d)"),
        ),
        Mistake(
            "attention across the batch",
            "Each token attends over the pictures of the batch, not over the tokens of its picture: the first axis is "
            "the batch (as with `batch_first=True`).",
            _heads(split="b n (three h d) -> three n h b d", merge="n h b d -> b n (h d)"),
        ),
        Mistake(
            "residual inside",
            "The input is added to the result. That belongs to the block around it: the layer itself returns only what "
            "attention gives.",
            variant(MultiHeadSelfAttention, lambda m, x: x + MultiHeadSelfAttention.forward(m, x)),
        ),
    )
    return Exercise(
        id="MultiHeadSelfAttention",
        title="Multi-head self-attention",
        points=4,
        minutes=12,
        difficulty=3,
        cases=cases,
        reference=MultiHeadSelfAttention,
        mistakes=mistakes,
        needs=("attention",),
        hints=(
            "One linear layer `qkv` makes all queries, keys and values at once; then each head needs its own axis.",
            "Split the last axis of `qkv(x)` as `(three h d)`: the three and the heads move to the front, so that "
            "attention sees (B, heads, N, d).",
            '`rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)` gives q, k and v; '
            "after attention the heads go back: `b h n d` to `b n (h d)`, then `self.proj`.",
        ),
    )


def _viewed(m: MultiHeadSelfAttention, x: Tensor) -> Tensor:
    batch, tokens, _ = x.shape
    return torch.stack([part.reshape(batch, m.heads, tokens, -1) for part in m.qkv(x).chunk(3, -1)])


def _heads(
    split: str | Callable = "b n (three h d) -> three b h n d",
    merge: str | Callable = "b h n d -> b n (h d)",
    order: str = "qkv",
    scale: Callable = lambda m, q: q.shape[-1] ** -0.5,
    softmax: int = -1,
    project: bool = True,
) -> type[MultiHeadSelfAttention]:
    """Multi-head self-attention with something done otherwise.

    split, merge: einops patterns or functions; order: what the three parts of qkv are taken for; scale: from the module
    and the queries; softmax: its axis; project: whether the output projection is used.
    """

    def forward(m: MultiHeadSelfAttention, x: Tensor) -> Tensor:
        if callable(split):
            parts = split(m, x)
        else:
            heads = {"h": m.heads} if re.search(r"\bh\b", split) else {}
            parts = rearrange(m.qkv(x), split, three=3, **heads)
        named = dict(zip(order, parts, strict=True))
        scores = named["q"] @ named["k"].mT * scale(m, named["q"])
        out = scores.softmax(softmax) @ named["v"]
        joined = merge(out) if callable(merge) else rearrange(out, merge)
        return m.proj(joined) if project else joined

    return variant(MultiHeadSelfAttention, forward)
