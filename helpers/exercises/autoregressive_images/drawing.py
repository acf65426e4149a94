"""Exercises: next_probabilities, sample.

`sample` is judged without asking how random numbers are used: at temperature 0 exactly, else by how often each
continuation comes up among thousands of draws.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.judge import same_value
from helpers.models import sampling as course
from helpers.runner import Call, Reply, TorchModule

DRAWS = 2000  # sequences drawn to count continuations
RARE = 5.2  # standard deviations: a right answer is refused once in ten million checks
WORDS = 5  # of the toy model; token 5 is its start


def next_probabilities() -> Exercise:
    """Temperature and top-k."""

    def cases(generator: torch.Generator) -> list[Call]:
        def logits(*shape: int, dtype=torch.float64) -> Tensor:
            return (2 * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)

        return [
            Call((logits(3, 7), 1.0, None), group="softmax"),
            Call((logits(2, 7), 0.5, None), group="temperature"),
            Call((logits(2, 4, 6), 2.0, 3), group="top-k"),
            Call((logits(3, 8), 1.0, 1), group="top-k"),
            Call((logits(1, 5), 1.3, 9), group="top-k"),
            Call((logits(2, 5, dtype=torch.float32), 0.7, 5), group="top-k"),
            Call((logits(2, 6), 0, None), group="temperature 0"),
            Call((logits(2, 6), 0.0, 2), group="temperature 0"),
            Call((logits(2, 6), -1.0, None), group="errors"),
            Call((logits(2, 6), 1.0, 0), group="errors"),
        ]

    def check(temperature: float, top_k: int | None) -> None:
        if temperature < 0 or (top_k is not None and top_k < 1):
            raise ValueError("out of range")

    def cold(logits: Tensor) -> Tensor:
        return course.next_probabilities(logits, 0)

    def cut(logits: Tensor, top_k: int | None, fill: float = -torch.inf) -> Tensor:
        if top_k is None or top_k >= logits.shape[-1]:
            return logits
        kept = logits.topk(top_k, dim=-1)
        return torch.full_like(logits, fill).scatter(-1, kept.indices, kept.values)

    def wrong(body: Callable[[Tensor, float, int | None], Tensor]) -> Callable:
        """Right about errors and temperature 0, and otherwise as `body` has it."""

        def answer(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
            check(temperature, top_k)
            return cold(logits) if temperature == 0 else body(logits, temperature, top_k)

        return answer

    def divides_by_zero(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        check(temperature, top_k)
        return (cut(logits, top_k) / temperature).softmax(-1)

    def uniform_when_cold(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        if temperature == 0:
            return torch.full_like(logits, 1 / logits.shape[-1])
        return course.next_probabilities(logits, temperature, top_k)

    def plain_when_cold(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        return course.next_probabilities(logits, temperature or 1.0, top_k)

    def number_when_cold(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        check(temperature, top_k)
        return logits.argmax(-1) if temperature == 0 else course.next_probabilities(logits, temperature, top_k)

    def no_errors(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        if temperature == 0:
            return cold(logits)
        return (cut(logits, top_k or None) / temperature).softmax(-1)

    def no_limit(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
        check(temperature, top_k)
        if temperature == 0:
            return cold(logits)
        if top_k is not None:
            kept = logits.topk(top_k, dim=-1)  # fails where there are fewer than top_k
            logits = torch.full_like(logits, -torch.inf).scatter(-1, kept.indices, kept.values)
        return (logits / temperature).softmax(-1)

    def least(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        return (-cut(-logits, top_k) / temperature).nan_to_num(posinf=-torch.inf).softmax(-1)

    def in_rank_order(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        """Only the k chances, largest first."""
        count = min(top_k or logits.shape[-1], logits.shape[-1])
        return (
            (logits / temperature).softmax(-1)
            if top_k is None
            else (logits.topk(count).values / temperature).softmax(-1)
        )

    def not_renormalised(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        chances = (logits / temperature).softmax(-1)
        return chances.masked_fill(cut(logits, top_k).isinf(), 0.0)

    mistakes = (
        Mistake(
            "multiplied by the temperature",
            "You multiply by the temperature. Heat should melt differences away: a temperature of 2 makes the logits "
            "half as far apart, so divide.",
            wrong(lambda x, t, k: (cut(x, k) * t).softmax(-1)),
        ),
        Mistake(
            "the temperature has no effect",
            "The temperature changes nothing. (Dividing *probabilities* by it does nothing either, once they are made "
            "to sum to 1 again: it divides the logits, before the softmax.)",
            wrong(lambda x, t, k: cut(x, k).softmax(-1)),
        ),
        Mistake(
            "probabilities over the temperature",
            "You divide the probabilities by the temperature, so they no longer sum to 1. Divide the logits, before "
            "the softmax.",
            wrong(lambda x, t, k: cut(x, k).softmax(-1) / t),
        ),
        Mistake(
            "top_k has no effect",
            "`top_k` changes nothing: tokens outside the k most likely ones must have a probability of exactly 0.",
            wrong(lambda x, t, k: (x / t).softmax(-1)),
        ),
        Mistake(
            "logits outside set to 0",
            "You set the logits outside the top k to 0, and exp(0) = 1: they stay possible, often more than before. "
            "Which logit gives a probability of 0?",
            wrong(lambda x, t, k: (cut(x, k, fill=0.0) / t).softmax(-1)),
        ),
        Mistake(
            "the k least likely",
            "You keep the k *least* likely tokens.",
            wrong(least),
        ),
        Mistake(
            "only k probabilities",
            "You return k probabilities, in order of size: nobody knows any more which tokens they belong to. Return "
            "all K, with zeros.",
            wrong(in_rank_order),
        ),
        Mistake(
            "no longer a distribution",
            "After the cut the probabilities do not sum to 1: hide logits *before* the softmax (as in a causal mask), "
            "or divide by the new sum.",
            wrong(not_renormalised),
        ),
        Mistake(
            "divides by 0",
            "At temperature 0 you divide by 0, and NaN comes out. Treat it as the limit that it is: all probability on "
            "the most likely token.",
            divides_by_zero,
        ),
        Mistake(
            "uniform at temperature 0",
            "At temperature 0 all tokens are equally likely: that is what an *infinite* temperature does. Cold means "
            "sure: all probability on the most likely token.",
            uniform_when_cold,
        ),
        Mistake(
            "temperature 0 taken for none",
            "Temperature 0 is treated as if no temperature were given (`if temperature:` or `temperature or 1`). 0 is "
            "a temperature: all probability on the most likely token.",
            plain_when_cold,
        ),
        Mistake(
            "a number at temperature 0",
            "At temperature 0 you return the number of the token. Here, too, probabilities are asked for: a 1 in its "
            "place and zeros elsewhere.",
            number_when_cold,
        ),
        Mistake(
            "top_k above the vocabulary",
            "It stops where `top_k` is larger than the number of tokens. That should mean no cut at all.",
            no_limit,
        ),
        Mistake(
            "nothing refused",
            "A temperature below 0, or a `top_k` below 1, should raise a ValueError; yours computes something instead.",
            no_errors,
        ),
        Mistake(
            "logits returned",
            "There is no softmax: asked for are probabilities.",
            wrong(lambda x, t, k: cut(x, k) / t),
        ),
        Mistake(
            "softmax along another axis",
            "Your softmax runs along the wrong axis: it is the last one, the K tokens, that must sum to 1.",
            wrong(lambda x, t, k: (cut(x, k) / t).softmax(0)),
        ),
    )
    return Exercise(
        id="next_probabilities",
        title="Temperature and top-k",
        points=3,
        minutes=6,
        difficulty=2,
        cases=cases,
        reference=course.next_probabilities,
        mistakes=mistakes,
        hints=(
            "Three cases: what to refuse, temperature 0, and all others. In the last one: cut, divide, softmax.",
            "A logit of minus infinity becomes a probability of 0. `logits.topk(k)` gives values and indices of the k "
            "largest; its smallest value is the bar that the others have to clear.",
            "`logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -torch.inf)` where top_k is below K, "
            "then `(logits / temperature).softmax(-1)`; at 0, `F.one_hot` of the argmax, as floats.",
        ),
    )


def sample() -> Exercise:
    """The loop that draws."""

    def cases(generator: torch.Generator) -> list[Call]:
        seed = int(torch.randint(1000, (), generator=generator))
        model = toy_model(seed)

        def prompt(batch: int, n: int) -> Tensor:
            codes = torch.randint(WORDS, (batch, n - 1), generator=generator)
            return torch.cat([torch.full((batch, 1), WORDS), codes], dim=1)

        def many(n: int) -> Tensor:
            return prompt(1, n).expand(DRAWS, -1).clone()

        return [
            Call((model, prompt(3, 2), 7, 0, None), group="greedy"),
            Call((model, prompt(1, 3), 6, 0.0, 2), group="greedy"),
            Call((model, prompt(2, 4), 4, 1.0, None), group="nothing to draw"),
            Call((model, many(2), 4, 1.0, None), group="drawn"),
            Call((model, many(3), 4, 0.4, WORDS + 3), group="drawn"),
            Call((model, many(1), 3, 1.5, 2), group="drawn"),
            Call((model, prompt(2, 2), 4, -0.5, None), group="errors"),
        ]

    def compare(call: Call, expected: Reply, found: Reply) -> str | None:
        _, prompt, _, temperature, _ = call.args
        if not _are_tokens(expected.value, found.value) or temperature == 0:
            return same_value(expected.value, found.value)
        if expected.value.shape[1] <= prompt.shape[1]:
            return same_value(expected.value, found.value)
        n = prompt.shape[1]
        if not torch.equal(found.value[:, :n], expected.value[:, :n]):
            return "The result does not begin with what was expected there: the prompt, as it came."
        return _same_frequencies(expected.value[:, n:], found.value[:, n:])

    def loop(
        choose: Callable[[Tensor, float, int | None], Tensor],
        read: Callable[[Tensor], Tensor] = lambda tokens: tokens,
        logits_of: Callable[[Tensor], Tensor] = lambda logits: logits[:, -1],
        steps: Callable[[int, int], int] = lambda n, length: length - n,
        result: Callable[[Tensor, int], Tensor] = lambda tokens, n: tokens,
        grow: Callable[[Tensor, Tensor], Tensor] = lambda tokens, new: torch.cat([tokens, new], 1),
    ) -> Callable:
        """The right loop, with one of its parts replaced."""

        @torch.no_grad()
        def answer(model, prompt, length, temperature=1.0, top_k=None, generator=None):
            tokens = prompt
            for _ in range(steps(prompt.shape[1], length)):
                tokens = grow(tokens, choose(logits_of(model(read(tokens))), temperature, top_k))
            return result(tokens, prompt.shape[1])

        return answer

    def draw(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        return torch.multinomial(course.next_probabilities(logits, temperature, top_k), 1)

    def greedy(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        course.next_probabilities(logits, temperature, top_k)  # refuses what is to be refused
        return logits.argmax(-1, keepdim=True)

    def ignoring(temperature_too: bool) -> Callable:
        def choose(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
            course.next_probabilities(logits, temperature, top_k)
            if temperature == 0:
                return logits.argmax(-1, keepdim=True)
            return draw(logits, 1.0 if temperature_too else temperature, top_k if temperature_too else None)

        return choose

    def once_for_all(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        return draw(logits[:1], temperature, top_k).expand(len(logits), 1)

    def among_all_rows(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        return draw(logits, temperature, top_k).roll(1, 0)

    mistakes = (
        Mistake(
            "always the most likely",
            "You always take the most likely token. At a temperature above 0 it is *drawn*: every picture would come "
            "out the same otherwise.",
            loop(greedy),
        ),
        Mistake(
            "the temperature is not passed on",
            "The temperature does not reach `next_probabilities` (at 0 apart): the draws come out as at temperature 1.",
            loop(ignoring(temperature_too=True)),
        ),
        Mistake(
            "top_k is not passed on",
            "`top_k` does not reach `next_probabilities`: tokens turn up that it rules out.",
            loop(ignoring(temperature_too=False)),
        ),
        Mistake(
            "only the last token is read",
            "The model is shown the last token alone, so it forgets the prompt and all it has drawn: a bigram model. "
            "Show it the whole sequence.",
            loop(draw, read=lambda tokens: tokens[:, -1:]),
        ),
        Mistake(
            "only the prompt is read",
            "The model is shown the prompt again and again, without what was drawn since: show it the sequence as it "
            "has grown.",
            _prompt_only,
        ),
        Mistake(
            "logits of the first place",
            "You read the logits of the first place. They say what comes after the start; what comes next is said by "
            "the last place.",
            loop(draw, logits_of=lambda logits: logits[:, 0]),
        ),
        Mistake(
            "mean over the places",
            "You average the logits of all places. What comes next is said by the last place alone.",
            loop(draw, logits_of=lambda logits: logits.mean(1)),
        ),
        Mistake(
            "the prompt is missing",
            "You return the new tokens only. The result begins with the prompt and has `length` tokens in all.",
            loop(draw, result=lambda tokens, n: tokens[:, n:]),
        ),
        Mistake(
            "`length` new tokens",
            "You draw `length` new tokens. `length` is that of the result, the prompt included.",
            loop(draw, steps=lambda n, length: length),
        ),
        Mistake(
            "one token too many",
            "The result is one token too long: does the loop run once more than needed?",
            loop(draw, steps=lambda n, length: length - n + 1),
        ),
        Mistake(
            "one token too few",
            "The result is one token too short: does the loop stop one step early?",
            loop(draw, steps=lambda n, length: max(length - n - 1, 0)),
        ),
        Mistake(
            "one draw for the whole batch",
            "One token is drawn and given to all sequences of the batch. Each sequence has probabilities of its own, "
            "and luck of its own.",
            loop(once_for_all),
        ),
        Mistake(
            "drawn for another sequence",
            "Each sequence gets the token that was drawn for its neighbour in the batch.",
            loop(among_all_rows),
        ),
        Mistake(
            "new tokens in front",
            "New tokens are put in front of the sequence. It grows at its end.",
            loop(draw, grow=lambda tokens, new: torch.cat([new, tokens], 1)),
        ),
        Mistake(
            "the oldest token dropped",
            "The sequence does not grow: with every new token the oldest one falls out, the start first of all.",
            loop(draw, grow=lambda tokens, new: torch.cat([tokens[:, 1:], new], 1)),
        ),
    )
    return Exercise(
        id="sample",
        title="Draw a picture",
        points=3,
        minutes=8,
        difficulty=2,
        cases=cases,
        reference=course.sample,
        mistakes=mistakes,
        compare=compare,
        needs=("next_probabilities",),
        hints=(
            "A loop: show the model what there is, read what it says about the next token, draw one, put it at the "
            "end.",
            "`model(tokens)` is (B, n, K): the next token of each *place*; only the last place matters here. "
            "`torch.multinomial(chances, 1)` draws one token for each row: (B, 1).",
            "`while tokens.shape[1] < length:` chances = next_probabilities(model(tokens)[:, -1], temperature, top_k); "
            "then `torch.cat` of tokens and `torch.multinomial(chances, 1, generator=generator)` along axis 1.",
        ),
    )


def toy_model(seed: int) -> TorchModule:
    """A small model of tokens, (B, n) -> (B, n, WORDS), whose every logit depends on all tokens that it is shown."""
    reader = TorchModule(
        "TransformerEncoderLayer",
        dict(d_model=8, nhead=2, dim_feedforward=16, dropout=0.0, batch_first=True),
        seed=seed,
    )
    table = TorchModule("Embedding", dict(num_embeddings=WORDS + 1, embedding_dim=8), seed=seed + 1)
    head = TorchModule("Linear", dict(in_features=8, out_features=WORDS), seed=seed + 2)
    return TorchModule("Sequential", parts=(table, reader, head), seed=seed)


@torch.no_grad()
def _prompt_only(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    chances = course.next_probabilities(model(prompt)[:, -1], temperature, top_k)
    new = [torch.multinomial(chances, 1) for _ in range(length - prompt.shape[1])]
    return torch.cat([prompt, *new], 1)


def _are_tokens(expected: object, found: object) -> bool:
    """Whether both are tables of tokens of one shape, so that what is left to compare are the tokens."""
    return (
        type(expected) is Tensor
        and type(found) is Tensor
        and expected.shape == found.shape
        and not found.is_floating_point()
        and found.dtype != torch.bool
    )


def _same_frequencies(expected: Tensor, found: Tensor) -> str | None:
    """Whether two tables of draws (B, m) look like draws from one distribution, else a sentence.

    Pearson's chi-square for two samples over the continuations that came up, against a bound that chance passes once in
    ten million times (Wilson and Hilferty's approximation).
    """
    kinds, which = torch.cat([expected, found]).unique(dim=0, return_inverse=True)
    a = which[: len(expected)].bincount(minlength=len(kinds)).double()
    b = which[len(expected) :].bincount(minlength=len(kinds)).double()
    freedom = max(len(kinds) - 1, 1)
    bound = freedom * (1 - 2 / (9 * freedom) + RARE * (2 / (9 * freedom)) ** 0.5) ** 3
    if float(((a - b) ** 2 / (a + b)).sum()) <= bound:
        return None
    worst = int((a - b).abs().argmax())
    tokens = ", ".join(str(token) for token in kinds[worst].tolist())
    share_a, share_b = a[worst] / len(expected), b[worst] / len(found)
    return (
        f"Among {len(found)} continuations, [{tokens}] comes up in {share_b:.0%} and should in about {share_a:.0%}: "
        "the tokens are drawn with other probabilities."
    )
