"""Exercise: MAPHead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from einops import rearrange
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import variant, weights
from helpers.models.pooling import MAPHead
from helpers.runner import Call

SPLIT = "b n (h d) -> b h n d"
MERGE = "b h 1 d -> b (h d)"


def map_head() -> Exercise:
    """One learned query looks at all tokens."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(batch, tokens, dim, heads, dtype=torch.float64, **more) -> Call:
            state = weights(MAPHead(dim, heads), generator, dtype)
            return Call((draw(batch, tokens, dim).to(dtype),), build=(dim, heads), state=state, **more)

        return [
            call(2, 5, 8, 2, group="values"),
            call(1, 7, 6, 3, group="values"),
            call(3, 4, 4, 1, group="values"),
            call(2, 3, 8, 4, torch.float32, gradients=True, group="gradient"),
        ]

    mistakes = (
        Mistake(
            "query not used",
            "Your query has no effect: all tokens weigh the same, so this is the mean of the values. `self.query` is "
            "what decides where to look; pass it through `self.q`.",
            _head(query=lambda m, x: 0 * m.query),
        ),
        Mistake(
            "query from the mean of the tokens",
            "You ask with the mean of the picture's tokens. The query belongs to the head: it is learned, and the same "
            "for every picture.",
            _head(query=lambda m, x: x.mean(1, keepdim=True)),
        ),
        Mistake(
            "query from the first token",
            "You ask with the first token, as a class token would. The query belongs to the head: `self.query`.",
            _head(query=lambda m, x: x[:, :1]),
        ),
        Mistake(
            "query from the last token",
            "You ask with the last token. The query belongs to the head: `self.query`.",
            _head(query=lambda m, x: x[:, -1:]),
        ),
        Mistake(
            "self-attention, then the mean",
            "Every token asks, and the answers are averaged: that is self-attention with GAP behind it. Here one "
            "query asks, the learned one.",
            _head(query=lambda m, x: x, merge=lambda out: rearrange(out.mean(2), "b h d -> b (h d)")),
        ),
        Mistake(
            "query added to the tokens' own",
            "Each token asks with the query added to it, and the answers are averaged. The tokens give keys and values "
            "only; the query stands alone.",
            _head(query=lambda m, x: x + m.query, merge=lambda out: rearrange(out.mean(2), "b h d -> b (h d)")),
        ),
        Mistake(
            "query joins the sequence",
            "You join the query to the tokens, so that it also looks at itself: that is a class token. Keys and values "
            "come from the N tokens only.",
            _head(keys=lambda m, x: _joined(m, x), values=lambda m, x: _joined(m, x)),
        ),
        Mistake(
            "query not projected",
            "`self.q` is never used: `self.query` is split into heads as it is.",
            _head(ask=lambda m, x: x),
        ),
        Mistake(
            "keys not projected",
            "`self.k` is never used: the tokens themselves are the keys.",
            _head(look=lambda m, x: x),
        ),
        Mistake(
            "values not projected",
            "`self.v` is never used: the tokens themselves are averaged.",
            _head(take=lambda m, x: x),
        ),
        Mistake(
            "no output projection",
            "The heads are joined and returned as they are: `self.proj` is never used, so the heads never mix.",
            _head(project=lambda m, x: x),
        ),
        Mistake(
            "keys averaged",
            "You average the keys. Keys say where to look; what is taken from there are the values, `self.v(tokens)`.",
            _head(take=lambda m, x: m.k(x)),
        ),
        Mistake(
            "keys and values exchanged",
            "`self.k` and `self.v` have changed places: scores come from the keys, and the values are averaged.",
            _head(look=lambda m, x: m.v(x), take=lambda m, x: m.k(x)),
        ),
        Mistake(
            "no scale",
            "The scores are not divided by anything. They need the root of d, the length of one head's query.",
            _head(scale=lambda m, q: 1.0),
        ),
        Mistake(
            "scale by d, not by its root",
            "The scores are divided by d in all, and it should be its root. (`attention` already divides by it.)",
            _head(scale=lambda m, q: 1 / q.shape[-1]),
        ),
        Mistake(
            "scale by the width of the model",
            "The scores are divided by the root of `dim`. Each head has its own, shorter query: d = dim / heads.",
            _head(scale=lambda m, q: (m.heads * q.shape[-1]) ** -0.5),
        ),
        Mistake(
            "no softmax",
            "There is no softmax: the weights are neither positive nor do they sum to 1, so y is no average.",
            _head(normalise=lambda scores: scores),
        ),
        Mistake(
            "softmax over the query",
            "The softmax runs over the axis of the query, which has one entry: every weight becomes 1, and y is the "
            "*sum* of the values. It has to run over the tokens.",
            _head(normalise=lambda scores: scores.softmax(-2)),
        ),
        Mistake(
            "softmax over the heads",
            "The softmax runs over the heads: they compete for each token. Each head spreads its own attention over "
            "the tokens, the last axis of the scores.",
            _head(normalise=lambda scores: scores.softmax(1)),
        ),
        Mistake(
            "softmax over the batch",
            "The softmax runs over axis 0, the pictures of the batch: what is seen in one then depends on the others.",
            _head(normalise=lambda scores: scores.softmax(0)),
        ),
        Mistake(
            "softmax over the features",
            "The softmax runs over the features: each token is weighted feature by feature. First sum q times k over "
            "the features, to one score a token; the softmax runs over the tokens.",
            variant(MAPHead, _over_features),
        ),
        Mistake(
            "sigmoid in place of the softmax",
            "Each weight is a sigmoid of its own, so the weights do not sum to 1. Use a softmax over the tokens.",
            _head(normalise=lambda scores: scores.sigmoid()),
        ),
        Mistake(
            "divided by N again",
            "After the softmax you divide by the number of tokens: the weights sum to 1 already.",
            _head(normalise=lambda scores: scores.softmax(-1) / scores.shape[-1]),
        ),
        Mistake(
            "only the best token",
            "You take the value of the token with the highest score. No gradient can then move the query: use all "
            "tokens, weighted by the softmax.",
            _head(normalise=lambda scores: (scores == scores.amax(-1, keepdim=True)).to(scores.dtype)),
        ),
        Mistake(
            "one head only",
            "The number of heads makes no difference: all features form one large head. Split query, keys and values "
            "into `heads` parts.",
            _head(split=lambda m, x: x[:, None], merge=lambda out: out[:, 0, 0]),
        ),
        Mistake(
            "heads interleaved",
            "Each head takes every heads-th feature: that is `(d h)`. The convention is `(h d)`: a head is a run of d "
            "neighbouring features, when they are split and when they are joined.",
            _head(split=lambda m, x: rearrange(x, "b n (d h) -> b h n d", h=m.heads), merge="b h 1 d -> b (d h)"),
        ),
        Mistake(
            "heads interleaved in the result",
            "The heads are split as `(h d)` and joined as `(d h)`: the head is the slow axis both times.",
            _head(merge="b h 1 d -> b (d h)"),
        ),
        Mistake(
            "heads interleaved in keys and values",
            "The heads are split as `(d h)` and joined as `(h d)`: the head is the slow axis both times.",
            _head(split=_interleaved),
        ),
        Mistake(
            "view without transpose",
            "Keys and values are reshaped straight to (B, heads, N, d), which mixes features of different tokens. "
            "Split the last axis into (heads, d) first, then move the heads forward.",
            _head(split=lambda m, x: x.reshape(len(x), m.heads, x.shape[1], -1)),
        ),
        Mistake(
            "residual from the query",
            "You add the query to the result, as a block would. Asked for is what attention gives, and no more.",
            variant(MAPHead, lambda m, x: MAPHead.forward(m, x) + m.query[:, 0]),
        ),
        Mistake(
            "residual from the mean",
            "You add the mean of the tokens to the result. What is asked for is what attention gives, and no more.",
            variant(MAPHead, lambda m, x: MAPHead.forward(m, x) + x.mean(1)),
        ),
        Mistake(
            "token axis kept",
            "You return (B, 1, D): one query gives one token. Take the axis away: (B, D).",
            variant(MAPHead, lambda m, x: MAPHead.forward(m, x)[:, None]),
        ),
        Mistake(
            "weights returned",
            "You return the weights. They say where the query looks; y is the average of the values under them.",
            variant(MAPHead, lambda m, x: m.weights(x)),
        ),
        Mistake(
            "query not learned",
            "The result is right, and no gradient reaches the query: it stays what it was drawn to be. Make it an "
            "`nn.Parameter`, and do not detach it.",
            _head(query=lambda m, x: m.query.detach()),
        ),
    )
    return Exercise(
        id="MAPHead",
        title="Multi-head attention pooling",
        points=4,
        minutes=12,
        difficulty=3,
        cases=cases,
        reference=MAPHead,
        mistakes=mistakes,
        needs=("attention",),
        hints=(
            "It is the attention of lesson 01 with other guests: N tokens bring keys and values, and one learned "
            "vector brings the only query.",
            "Split `self.q(self.query)`, `self.k(tokens)` and `self.v(tokens)` into heads, `b n (h d) -> b h n d`. "
            "The query has a batch of 1, which broadcasts.",
            "`attention(q, k, v)` gives (B, heads, 1, d); join the heads with `b h 1 d -> b (h d)`, then `self.proj`.",
        ),
    )


def _head(
    query: Callable = lambda m, x: m.query,
    ask: Callable = lambda m, x: m.q(x),
    keys: Callable = lambda m, x: x,
    values: Callable = lambda m, x: x,
    look: Callable = lambda m, x: m.k(x),
    take: Callable = lambda m, x: m.v(x),
    split: Callable = lambda m, x: rearrange(x, SPLIT, h=m.heads),
    scale: Callable = lambda m, q: q.shape[-1] ** -0.5,
    normalise: Callable = lambda scores: scores.softmax(-1),
    merge: str | Callable = MERGE,
    project: Callable = lambda m, x: m.proj(x),
) -> type[MAPHead]:
    """The head with something done otherwise.

    query: who asks, (., n, dim), projected by `ask`; keys, values: the tokens that `look` and `take` project;
    normalise: scores (B, heads, n, N) to weights; merge: (B, heads, n, d) to (B, dim).
    """

    def forward(m: MAPHead, x: Tensor) -> Tensor:
        q = split(m, ask(m, query(m, x)))
        k, v = split(m, look(m, keys(m, x))), split(m, take(m, values(m, x)))
        out = normalise(q @ k.mT * scale(m, q)) @ v  # (B, heads, n, d)
        return project(m, merge(out) if callable(merge) else rearrange(out, merge))

    return variant(MAPHead, forward)


def _interleaved(m: MAPHead, x: Tensor) -> Tensor:
    return rearrange(x, "b n (d h) -> b h n d", h=m.heads)


def _joined(m: MAPHead, x: Tensor) -> Tensor:
    return torch.cat([m.query.expand(len(x), -1, -1), x], dim=1)


def _over_features(m: MAPHead, x: Tensor) -> Tensor:
    q, k, v = m.split(m.q(m.query)), m.split(m.k(x)), m.split(m.v(x))
    weights_ = (q * k / q.shape[-1] ** 0.5).softmax(-1)  # (B, heads, N, d)
    return m.proj(rearrange((weights_ * v).sum(2), "b h d -> b (h d)"))
