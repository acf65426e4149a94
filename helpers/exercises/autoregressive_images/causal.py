"""Exercises: causal_mask, masked_attention, ImageGPT, cached_attention."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import variant, weights, whole
from helpers.models import image_gpt as course
from helpers.models.attention import attention
from helpers.models.image_gpt import ImageGPT
from helpers.runner import Call

FAINT = 0.003  # tokens this small show what LayerNorm adds to the variance


def causal_mask() -> Exercise:
    """Who may look where."""

    def cases(generator: torch.Generator) -> list[Call]:
        return [Call((n,), group="small" if n < 3 else "the mask") for n in (4, 7, 3, 2, 1, whole(generator, 8, 40))]

    def ones(n: int) -> Tensor:
        return torch.ones(n, n, dtype=torch.bool)

    mistakes = (
        Mistake(
            "mask transposed",
            "Your mask lets each token look at itself and at those *after* it: rows and columns have changed places. "
            "Row i is who looks; it may see the columns j up to i.",
            lambda n: ones(n).triu(),
        ),
        Mistake(
            "True where hidden",
            "Your mask is True where a token may *not* look. Here True means that row i may look at column j (some "
            "libraries have it the other way round: always read which).",
            lambda n: ones(n).triu(1),
        ),
        Mistake(
            "a token may not see itself",
            "The diagonal is False, so the first token has nowhere to look at all (its softmax would be 0/0). A token "
            "may look at itself: targets are hidden by the shift, not by the diagonal.",
            lambda n: ones(n).tril(-1),
        ),
        Mistake(
            "one token too far",
            "Each token may look at the next one as well, and that is the one to be predicted: the answer leaks.",
            lambda n: ones(n).tril(1),
        ),
        Mistake(
            "no mask",
            "Everybody may look everywhere: that is a ViT's encoder, and it sees what it is asked to predict.",
            ones,
        ),
        Mistake(
            "only the token before",
            "Each token sees itself and the one before it: a bigram model. It may look at all that came before.",
            lambda n: ones(n).tril().triu(-1),
        ),
        Mistake(
            "zeros and ones",
            "The pattern is right, its dtype is not: asked for is bool. `~` and `masked_fill` need truth values.",
            lambda n: torch.ones(n, n).tril(),
        ),
        Mistake(
            "zeros and ones, whole numbers",
            "The pattern is right, its dtype is not: asked for is bool, and `~1` is -2 on whole numbers.",
            lambda n: torch.ones(n, n, dtype=torch.long).tril(),
        ),
        Mistake(
            "zeros and minus infinity",
            "This is the additive form of the mask (0 where one may look, minus infinity elsewhere). Asked for is the "
            "bool form, True where one may look.",
            lambda n: torch.zeros(n, n).masked_fill(~ones(n).tril(), -torch.inf),
        ),
    )
    return Exercise(
        id="causal_mask",
        title="Who may look where",
        points=1,
        minutes=4,
        difficulty=1,
        cases=cases,
        reference=course.causal_mask,
        mistakes=mistakes,
        hints=(
            "Write it down for n = 3: the first token sees itself only, the last one sees all three.",
            "True on the diagonal and below it.",
            "`torch.ones(n, n, dtype=torch.bool)`, of which `tril` keeps the lower triangle.",
        ),
    )


def masked_attention() -> Exercise:
    """Attention under a mask."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def some(rows: int, cols: int) -> Tensor:
            allowed = torch.rand(rows, cols, generator=generator) < 0.5
            allowed[torch.arange(rows), torch.randint(cols, (rows,), generator=generator)] = True
            allowed[0, 1:] = False  # one row that sees one key, one that sees all
            allowed[0, 0] = allowed[-1] = True
            return allowed

        return [
            Call((draw(2, 5, 4), draw(2, 5, 4), draw(2, 5, 4), course.causal_mask(5)), group="causal"),
            Call((draw(1, 2, 4, 8), draw(1, 2, 4, 8), draw(1, 2, 4, 8), course.causal_mask(4)), group="causal"),
            Call((draw(3, 6), draw(5, 6), draw(5, 2), some(3, 5)), group="any mask"),
            Call((3 * draw(2, 3, 3, 5), 3 * draw(2, 3, 6, 5), draw(2, 3, 6, 5), some(3, 6)), group="any mask"),
            Call(
                (draw(2, 4, 4).float(), draw(2, 4, 4).float(), draw(2, 4, 4).float(), course.causal_mask(4)),
                gradients=True,
                group="gradient",
            ),
        ]

    def scores(q: Tensor, k: Tensor) -> Tensor:
        return q @ k.mT / q.shape[-1] ** 0.5

    def hide(q: Tensor, k: Tensor, allowed: Tensor) -> Tensor:
        return scores(q, k).masked_fill(~allowed, -torch.inf)

    mistakes = (
        Mistake(
            "mask after the softmax",
            "You set weights to 0 after the softmax: what is left no longer sums to 1, and hidden scores still count "
            "in its denominator, so the future leaks in. Hide the *scores*, before the softmax.",
            lambda q, k, v, allowed: scores(q, k).softmax(-1).masked_fill(~allowed, 0) @ v,
        ),
        Mistake(
            "scores set to zero",
            "Hidden scores are 0 before the softmax, and exp(0) = 1 is a weight like any other. What has to become 0 "
            "is the weight: which score gives exp(score) = 0?",
            lambda q, k, v, allowed: (scores(q, k) * allowed).softmax(-1) @ v,
        ),
        Mistake(
            "mask inverted",
            "You hide what may be seen, and show what may not: `masked_fill` fills where its mask is True. Turn the "
            "mask round with `~`.",
            lambda q, k, v, allowed: scores(q, k).masked_fill(allowed, -torch.inf).softmax(-1) @ v,
        ),
        Mistake(
            "mask transposed",
            "Row i of the mask is about *query* i; you used it for key i. Nothing has to be transposed.",
            lambda q, k, v, allowed: hide(q, k, allowed.mT).softmax(-1) @ v,
        ),
        Mistake(
            "no mask",
            "`allowed` is not used: every query still sees every key.",
            lambda q, k, v, allowed: scores(q, k).softmax(-1) @ v,
        ),
        Mistake(
            "mask added",
            "You added the mask as it is: True counts as 1, so what may be seen is favoured a little and nothing is "
            "hidden. Added masks hold 0 and minus infinity.",
            lambda q, k, v, allowed: (scores(q, k) + allowed).softmax(-1) @ v,
        ),
        Mistake(
            "causal, whatever the mask says",
            "You always hide the upper triangle. It is `allowed` that says who may look where: here it is not causal.",
            lambda q, k, v, allowed: (
                hide(q, k, torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()).softmax(-1) @ v
            ),
        ),
        Mistake(
            "softmax over the queries",
            "The softmax runs over the queries. For each query (row) the weights over the keys sum to 1: the last "
            "axis.",
            lambda q, k, v, allowed: hide(q, k, allowed).softmax(-2) @ v,
        ),
        Mistake(
            "no scale",
            "The scores are not divided by the root of d.",
            lambda q, k, v, allowed: (q @ k.mT).masked_fill(~allowed, -torch.inf).softmax(-1) @ v,
        ),
        Mistake(
            "scale by d, not by its root",
            "The scores are divided by d, not by its root.",
            lambda q, k, v, allowed: (q @ k.mT / q.shape[-1]).masked_fill(~allowed, -torch.inf).softmax(-1) @ v,
        ),
        Mistake(
            "weights returned",
            "You return the weights alone. What is asked for is what they give: the average of the values.",
            lambda q, k, v, allowed: hide(q, k, allowed).softmax(-1),
        ),
        Mistake(
            "minus one",
            "Hidden scores of -1 are hidden hardly at all: exp(-1) is 0.37. Take minus infinity.",
            lambda q, k, v, allowed: scores(q, k).masked_fill(~allowed, -1.0).softmax(-1) @ v,
        ),
    )
    return Exercise(
        id="masked_attention",
        title="Attention under a mask",
        points=2,
        minutes=5,
        difficulty=2,
        cases=cases,
        reference=course.masked_attention,
        mistakes=mistakes,
        hints=(
            "Lesson 01's attention with one line more, between the scores and the softmax.",
            "A weight of exactly 0 comes out of the softmax where the score was minus infinity.",
            "`scores.masked_fill(~allowed, -torch.inf)`, then the softmax over the keys, then `@ v`.",
        ),
    )


def image_gpt() -> Exercise:
    """The whole model."""

    def cases(generator: torch.Generator) -> list[Call]:
        def call(batch: int, n: int, build: tuple, dtype=torch.float64, faint: bool = False, **more) -> Call:
            state = weights(ImageGPT(*build), generator, dtype)
            if faint:
                small = ("embed", "attn.proj.", "mlp.fc2.")
                state = {name: FAINT * v if any(part in name for part in small) else v for name, v in state.items()}
            highest = build[0] + (build[5] if len(build) > 5 else 1)
            tokens = torch.randint(highest, (batch, n), generator=generator)
            tokens[:, 0] = highest - 1  # a start token
            return Call((tokens,), build=build, state=state, **more)

        return [
            call(2, 6, (7, 6, 8, 2, 2), group="values"),
            call(3, 4, (5, 9, 6, 1, 3, 4), group="shorter than length"),
            call(1, 1, (5, 6, 4, 1, 1), group="shorter than length"),
            call(2, 5, (6, 5, 8, 2, 4, 10), faint=True, group="values"),
            call(2, 4, (6, 5, 8, 1, 2, 3), torch.float32, gradients=True, group="gradient"),
        ]

    def embedded(m: ImageGPT, tokens: Tensor) -> Tensor:
        return m.token_embed(tokens) + m.pos_embed[:, : tokens.shape[1]]

    def blocks(m: ImageGPT, x: Tensor) -> Tensor:
        for block in m.blocks:
            x = block(x)
        return x

    def model(forward: Callable[[ImageGPT, Tensor], Tensor]) -> type[ImageGPT]:
        return variant(ImageGPT, forward)

    def not_causal(m: ImageGPT, tokens: Tensor) -> Tensor:
        x = embedded(m, tokens)
        for block in m.blocks:
            q, k, v = block.attn.split(block.norm1(x))
            seen = attention(q, k, v).transpose(1, 2).flatten(2)  # (B, heads, N, d) -> (B, N, D)
            x = x + block.attn.proj(seen)
            x = x + block.mlp(block.norm2(x))
        return m.head(m.norm(x))

    def positions_from_the_end(m: ImageGPT, tokens: Tensor) -> Tensor:
        return m.head(m.norm(blocks(m, m.token_embed(tokens) + m.pos_embed[:, -tokens.shape[1] :])))

    def first_position(m: ImageGPT, tokens: Tensor) -> Tensor:
        return m.head(m.norm(blocks(m, m.token_embed(tokens) + m.pos_embed[:, :1])))

    def last_only(m: ImageGPT, tokens: Tensor) -> Tensor:
        return m.head(m.norm(blocks(m, embedded(m, tokens))))[:, -1]

    def first_block_again(m: ImageGPT, tokens: Tensor) -> Tensor:
        x = embedded(m, tokens)
        for _ in m.blocks:
            x = m.blocks[0](x)
        return m.head(m.norm(x))

    def parallel(m: ImageGPT, tokens: Tensor) -> Tensor:
        x = embedded(m, tokens)
        return m.head(m.norm(m.blocks[-1](x)))

    def shifted_inside(m: ImageGPT, tokens: Tensor) -> Tensor:
        return m.head(m.norm(blocks(m, embedded(m, tokens.roll(1, 1)))))

    def loose_norm(m: ImageGPT, tokens: Tensor) -> Tensor:
        x = blocks(m, embedded(m, tokens))
        return m.head(F.layer_norm(x, x.shape[-1:], m.norm.weight, m.norm.bias, eps=1e-5))

    mistakes = (
        Mistake(
            "no causal mask",
            "Your tokens look everywhere: with the blocks of lesson 01 (`EncoderBlock`) each place sees the token that "
            "it is to predict. Use `CausalBlock`.",
            model(not_causal),
        ),
        Mistake(
            "no positions",
            "The positions are never added. The mask tells a token how many came before it, and hardly where they "
            "stand.",
            model(lambda m, t: m.head(m.norm(blocks(m, m.token_embed(t))))),
        ),
        Mistake(
            "positions from the end",
            "A short sequence gets the *last* rows of the position table. While drawing, the sequence grows at its "
            "end, so place i must always have row i: take the first n rows.",
            model(positions_from_the_end),
        ),
        Mistake(
            "one position for all",
            "Every token gets the position of the first one: `pos_embed[:, 0]` spreads over all of them.",
            model(first_position),
        ),
        Mistake(
            "positions after the blocks",
            "The positions are added behind the blocks, where no attention reads them any more.",
            model(lambda m, t: m.head(m.norm(blocks(m, m.token_embed(t)) + m.pos_embed[:, : t.shape[1]]))),
        ),
        Mistake(
            "no final norm",
            "The head reads tokens that are not normalised: `norm` is never used.",
            model(lambda m, t: m.head(blocks(m, embedded(m, t)))),
        ),
        Mistake(
            "norm before the blocks",
            "`norm` stands in front of the blocks. In a pre-norm model it stands behind the last one.",
            model(lambda m, t: m.head(blocks(m, m.norm(embedded(m, t))))),
        ),
        Mistake(
            "LayerNorm with eps 1e-5",
            "The last norm uses PyTorch's default eps of 1e-5; all models of this course use 1e-6.",
            model(loose_norm),
        ),
        Mistake(
            "logits of the last token only",
            "You return logits for the last token, (B, K). In training every place predicts its own next token, all in "
            "one pass: (B, n, K).",
            model(last_only),
        ),
        Mistake(
            "probabilities",
            "You return probabilities. A model gives logits, so that the loss can do softmax and logarithm in one safe "
            "step.",
            model(lambda m, t: m.head(m.norm(blocks(m, embedded(m, t)))).softmax(-1)),
        ),
        Mistake(
            "log-probabilities",
            "You return log-probabilities. A model gives logits, the bare output of `head`.",
            model(lambda m, t: m.head(m.norm(blocks(m, embedded(m, t)))).log_softmax(-1)),
        ),
        Mistake(
            "no blocks",
            "The blocks are built and never called: each token is predicted from the one before it alone.",
            model(lambda m, t: m.head(m.norm(embedded(m, t)))),
        ),
        Mistake(
            "the first block again and again",
            "You call the first block `depth` times. Each block has weights of its own: loop over them.",
            model(first_block_again),
        ),
        Mistake(
            "every block reads the embedding",
            "Every block reads the embedded tokens, and only the last one's result is kept. Each block reads what the "
            "one before it wrote: `x = block(x)`.",
            model(parallel),
        ),
        Mistake(
            "shifted inside the model",
            "The model shifts its tokens itself. It reads what it is given, `shift_right` was done before: else it is "
            "done twice in training, and once too often while drawing.",
            model(shifted_inside),
        ),
    )
    return Exercise(
        id="ImageGPT",
        title="ImageGPT",
        points=4,
        minutes=12,
        difficulty=3,
        cases=cases,
        reference=ImageGPT,
        mistakes=mistakes,
        hints=(
            "It is lesson 01's ViT without pictures: tokens come from a table instead of patches, there is no class "
            "token, blocks look back only, and the head reads every token.",
            "`nn.Embedding(vocabulary + starts, dim)` is the table; `pos_embed` is a parameter (1, length, dim) of "
            "which a sequence of n tokens takes the first n rows; blocks in an `nn.ModuleList`; `norm` with eps=1e-6.",
            "forward: `x = self.token_embed(tokens) + self.pos_embed[:, :n]`, then `x = block(x)` for each block, then "
            "`self.head(self.norm(x))`, where `head` has `vocabulary` outputs.",
        ),
    )


def cached_attention() -> Exercise:
    """Attention of new tokens behind a key-value cache."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def call(lead: tuple, new: int, old: int, d: int, dtype=torch.float64, **more) -> Call:
            fresh = [draw(*lead, new, d).to(dtype) for _ in range(3)]
            past = [draw(*lead, old, d).to(dtype) for _ in range(2)]
            return Call((*fresh, *past), **more)

        return [
            call((2, 2), 1, 5, 4, group="one new token"),
            call((1, 3), 3, 2, 4, group="several new tokens"),
            call((2,), 2, 3, 6, group="several new tokens"),
            call((2, 2), 4, 0, 3, group="nothing before"),
            call((1, 2), 1, 3, 4, torch.float32, group="one new token"),
        ]

    def joined(past: Tensor, new: Tensor) -> Tensor:
        return torch.cat([past, new], dim=-2)

    def look(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> Tensor:
        scores = q @ k.mT / q.shape[-1] ** 0.5
        return (scores if allowed is None else scores.masked_fill(~allowed, -torch.inf)).softmax(-1) @ v

    def rows_of(q: Tensor, k: Tensor) -> Tensor:
        return torch.ones(k.shape[-2], k.shape[-2], dtype=torch.bool).tril()[-q.shape[-2] :]

    def reference_on(q, k, v) -> Tensor:
        return look(q, k, v, rows_of(q, k))

    def first_rows(q, k, v, pk, pv):
        k, v = joined(pk, k), joined(pv, v)
        allowed = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        return look(q, k, v, allowed), k, v

    def no_mask(q, k, v, pk, pv):
        k, v = joined(pk, k), joined(pv, v)
        return look(q, k, v), k, v

    def new_first(q, k, v, pk, pv):
        out, *_ = course.cached_attention(q, k, v, pk, pv)
        return out, joined(k, pk), joined(v, pv)

    def past_only(q, k, v, pk, pv):
        if pk.shape[-2] == 0:
            raise RuntimeError("nothing to look at")
        return look(q, pk, pv), joined(pk, k), joined(pv, v)

    def new_only(q, k, v, pk, pv):
        return reference_on(q, k, v), joined(pk, k), joined(pv, v)

    def not_kept(q, k, v, pk, pv):
        return course.cached_attention(q, k, v, pk, pv)[0], k, v

    def old_kept(q, k, v, pk, pv):
        return course.cached_attention(q, k, v, pk, pv)[0], pk, pv

    def values_forgotten(q, k, v, pk, pv):
        k2, v2 = joined(pk, k), joined(v, pv)
        return reference_on(q, k2, v2), k2, v2

    def swapped(q, k, v, pk, pv):
        out, k2, v2 = course.cached_attention(q, k, v, pk, pv)
        return out, v2, k2

    mistakes = (
        Mistake(
            "rows counted from the top",
            "Your mask starts at the first row, so the first new token sees one key only, the oldest. The new tokens "
            "stand *behind* the old ones: they are the last m rows of the causal mask of p + m tokens.",
            first_rows,
        ),
        Mistake(
            "no mask among the new tokens",
            "All is well for one new token. Several at once look at one another without a mask, so each sees those "
            "after it.",
            no_mask,
        ),
        Mistake(
            "the new tokens in front",
            "The new keys and values stand in front of the old ones. The sequence grows at its end.",
            new_first,
        ),
        Mistake(
            "the values in another order than the keys",
            "Keys are joined as old, new, and values as new, old: every weight then picks the wrong value.",
            values_forgotten,
        ),
        Mistake(
            "the past only",
            "The new tokens look at the old ones and not at themselves: join old and new keys before the scores.",
            past_only,
        ),
        Mistake(
            "the past forgotten",
            "The new tokens look at one another only: `past_k` and `past_v` are kept and never looked at.",
            new_only,
        ),
        Mistake(
            "only new keys and values returned",
            "You return the new keys and values alone. The next step needs all of them, old and new.",
            not_kept,
        ),
        Mistake(
            "only old keys and values returned",
            "The cache comes back as it was: the next step would not know of these tokens.",
            old_kept,
        ),
        Mistake(
            "keys and values swapped",
            "Keys and values come back in the wrong order: output, keys, values.",
            swapped,
        ),
        Mistake(
            "the output only",
            "You return the output alone. The longer keys and values have to come back too, else nothing was cached.",
            lambda q, k, v, pk, pv: course.cached_attention(q, k, v, pk, pv)[0],
        ),
    )
    return Exercise(
        id="cached_attention",
        title="A key-value cache (stretch)",
        points=3,
        minutes=10,
        difficulty=3,
        cases=cases,
        reference=course.cached_attention,
        mistakes=mistakes,
        hints=(
            "Old tokens never look at new ones, so nothing about them changes. What do the new ones need of them?",
            "Join old and new keys (and values) along the token axis, then it is `masked_attention` with m queries and "
            "p + m keys. Which rows of `causal_mask(p + m)` belong to the new tokens?",
            "`torch.cat([past_k, k], dim=-2)`, the same for v, and the mask's last m rows: `causal_mask(p + m)[p:]`.",
        ),
        needs=("causal_mask", "masked_attention"),
    )
