"""Exercises: nearest_code, shift_right, bits_per_picture."""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.judge import same_value
from helpers.models import codes as course
from helpers.models import image_gpt
from helpers.runner import Call, Reply


def nearest_code() -> Exercise:
    """The number of the nearest word."""

    def cases(generator: torch.Generator) -> list[Call]:
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)

        def words(count: int, size: int) -> Tensor:
            # of very different lengths, and none in the first place, so that every shortcut goes wrong somewhere
            return draw(count, size) * torch.linspace(0.2, 2.5, count, dtype=torch.float64)[:, None] + 1.0

        return [
            Call((draw(12, 4) + 1.0, words(7, 4)), group="values"),
            Call((draw(3, 9, 6) + 1.0, words(20, 6)), group="values"),
            Call((draw(1, 8, 5) + 1.0, words(6, 5)), group="batch of one"),
            Call((draw(2, 3, 4, 3) + 1.0, words(9, 3)), group="more axes"),
            Call((draw(12, 16).float(), words(15, 16).float()), group="values"),
        ]

    def differences(patches: Tensor, codebook: Tensor) -> Tensor:
        return patches[..., None, :] - codebook  # (..., K, P)

    mistakes = (
        Mistake(
            "the farthest word",
            "These are the words that are farthest away: `argmax` of a distance. Near means a small distance.",
            lambda p, c: differences(p, c).square().sum(-1).argmax(-1),
        ),
        Mistake(
            "the largest dot product",
            "You took the word with the largest dot product, which prefers long words: the length of a word belongs "
            "into its distance. |a - b|^2 = |a|^2 - 2 a b + |b|^2, and only |a|^2 is the same for all words.",
            lambda p, c: (p @ c.T).argmax(-1),
        ),
        Mistake(
            "the smallest dot product",
            "You took the word with the smallest dot product, which is the one that points away. Use distances.",
            lambda p, c: (p @ c.T).argmin(-1),
        ),
        Mistake(
            "cosine similarity",
            "You compare directions only (cosine similarity), so a dark and a bright patch of the same pattern get the "
            "same word. The distance counts brightness too.",
            lambda p, c: (F.normalize(p, dim=-1) @ F.normalize(c, dim=-1).T).argmax(-1),
        ),
        Mistake(
            "sum of absolute differences",
            "You add up absolute differences. k-means works with squared (Euclidean) ones, and here and there another "
            "word is nearest then.",
            lambda p, c: differences(p, c).abs().sum(-1).argmin(-1),
        ),
        Mistake(
            "differences that cancel",
            "You add up differences without squaring them, so a patch too bright on the left and too dark on the right "
            "counts as perfect.",
            lambda p, c: differences(p, c).sum(-1).abs().argmin(-1),
        ),
        Mistake(
            "the largest difference only",
            "You look at the pixel that differs most and at no other. All pixels count, squared and added up.",
            lambda p, c: differences(p, c).abs().amax(-1).argmin(-1),
        ),
        Mistake(
            "the nearest patch of each word",
            "You found, for each word, the patch that is nearest: one number a word. Asked for is the other way: for "
            "each patch its word, so the minimum runs over the words.",
            lambda p, c: differences(p.flatten(0, -2), c).square().sum(-1).argmin(0),
        ),
        Mistake(
            "leading axes lost",
            "The numbers are right, in one long row. Keep the leading axes: patches (..., P) give codes (...).",
            lambda p, c: course.nearest_code(p, c).flatten(),
        ),
        Mistake(
            "the word instead of its number",
            "You return the words themselves (..., P). Asked for are their numbers: those are the tokens.",
            lambda p, c: c[course.nearest_code(p, c)],
        ),
        Mistake(
            "the distance instead of the number",
            "You return how far the nearest word is, not which one it is: `argmin` in place of `min`.",
            lambda p, c: differences(p, c).square().sum(-1).amin(-1).sqrt(),
        ),
        Mistake(
            "the squared distance instead of the number",
            "You return how far (squared) the nearest word is, not which one it is: `argmin` in place of `min`.",
            lambda p, c: differences(p, c).square().sum(-1).amin(-1),
        ),
        Mistake(
            "counted from 1",
            "Every number is one too large: words are numbered from 0, so that `codebook[codes]` finds them.",
            lambda p, c: course.nearest_code(p, c) + 1,
        ),
        Mistake(
            "one-hot instead of the number",
            "You return a one-hot vector for each patch. Asked for is the place of its 1.",
            lambda p, c: F.one_hot(course.nearest_code(p, c), len(c)),
        ),
    )
    return Exercise(
        id="nearest_code",
        title="The nearest word of a codebook",
        points=2,
        minutes=6,
        difficulty=2,
        cases=cases,
        reference=course.nearest_code,
        mistakes=mistakes,
        hints=(
            "First the distances of every patch to every word, (..., K); then the place of the smallest.",
            "`patches[..., None, :] - codebook` has shape (..., K, P): every patch minus every word.",
            "Square it, add up the last axis, and take `argmin` over the words. (`torch.cdist` does the first two.)",
        ),
    )


def shift_right() -> Exercise:
    """What the model reads to predict a sequence."""

    def cases(generator: torch.Generator) -> list[Call]:
        def draw(batch: int, length: int) -> Tensor:
            return torch.stack([torch.randperm(20, generator=generator)[:length] for _ in range(batch)])

        return [
            Call((draw(3, 6), 42), group="one start for all"),
            Call((draw(1, 4), 77), group="one start for all"),
            Call((draw(4, 4), torch.tensor([31, 33, 30, 32])), group="a start for each"),
            Call((draw(2, 5), torch.tensor([35, 31])), group="a start for each"),
            Call((draw(3, 1), torch.tensor([31, 33, 30])), group="one token"),
        ]

    def starts(t: Tensor, start: int | Tensor) -> Tensor:
        return torch.as_tensor(start).expand(len(t))[:, None]

    mistakes = (
        Mistake(
            "not shifted",
            "The sequence comes back as it went in, so at each place the model reads the very token that it is to "
            "predict: it learns to copy, its loss falls to 0, and it cannot draw anything.",
            lambda t, start: t.clone(),
        ),
        Mistake(
            "shifted to the left",
            "You shifted the other way: the first token is gone and the start stands at the end. The model must read "
            "token i - 1 at place i, so everything moves to the right.",
            lambda t, start: torch.cat([t[:, 1:], starts(t, start)], 1),
        ),
        Mistake(
            "the last token comes round",
            "`roll` brings the last token round to the front: the first place would know how the sequence ends. The "
            "start token belongs there.",
            lambda t, start: t.roll(1, 1),
        ),
        Mistake(
            "one token too long",
            "The start is there and the last token too, N + 1 of them. Nothing comes after the last one, so the model "
            "need not read it: the result has N tokens.",
            lambda t, start: torch.cat([starts(t, start), t], 1),
        ),
        Mistake(
            "the first token overwritten",
            "The start has replaced the first token and nothing has moved: at all other places the model would still "
            "read its own target.",
            lambda t, start: torch.cat([starts(t, start), t[:, 1:]], 1),
        ),
        Mistake(
            "start at the end",
            "The start stands at the end. It is what the model reads first, before any token.",
            lambda t, start: torch.cat([t[:, :-1], starts(t, start)], 1),
        ),
        Mistake(
            "zero instead of the start",
            "A 0 stands where the start belongs, and 0 is a code like any other: the model would read a patch that is "
            "not there.",
            lambda t, start: torch.cat([torch.zeros_like(t[:, :1]), t[:, :-1]], 1),
        ),
        Mistake(
            "the first sequence's start for all",
            "All sequences begin with the same start. `start` may hold one token for each sequence: that is how a "
            "model is told the class.",
            lambda t, start: torch.cat([torch.as_tensor(start).reshape(-1)[:1].expand(len(t))[:, None], t[:, :-1]], 1),
        ),
        Mistake(
            "shifted along the batch",
            "You moved sequences, not tokens: axis 0 counts pictures, axis 1 counts places.",
            lambda t, start: torch.cat([torch.as_tensor(start).reshape(-1)[:1].expand(t.shape[1])[None], t[:-1]], 0),
        ),
        Mistake(
            "shifted by two",
            "There are two start tokens in front: everything has moved by two places, and the model would have to "
            "predict the next but one.",
            lambda t, start: torch.cat([starts(t, start), starts(t, start), t], 1)[:, : t.shape[1]],
        ),
    )
    return Exercise(
        id="shift_right",
        title="What the model reads",
        points=1,
        minutes=3,
        difficulty=1,
        cases=cases,
        reference=image_gpt.shift_right,
        mistakes=mistakes,
        hints=(
            "Write three columns for [a, b, c]: place, what is read there, what is to be predicted there.",
            "Read: start, a, b. Predicted: a, b, c. So one token more in front, one fewer at the end.",
            "`torch.cat` of a (B, 1) column of starts and `tokens[:, :-1]`, along axis 1; `torch.as_tensor(start)` "
            "and `expand` make the column from a number or from (B,).",
        ),
    )


def bits_per_picture() -> Exercise:
    """Cross entropy in bits, a picture."""

    def cases(generator: torch.Generator) -> list[Call]:
        def call(batch: int, places: int, words: int, dtype=torch.float64, size: float = 1.0) -> Call:
            logits = size * torch.randn(batch, places, words, generator=generator, dtype=torch.float64)
            return Call((logits.to(dtype), torch.randint(words, (batch, places), generator=generator)), group="values")

        return [
            call(3, 5, 7),
            call(1, 4, 6),
            call(2, 5, 5),
            call(2, 6, 4, size=60.0),
            call(4, 3, 8, torch.float32),
        ]

    def nats(logits: Tensor, codes: Tensor) -> Tensor:
        """Of each place: (B, N)."""
        return -logits.log_softmax(-1).gather(-1, codes[..., None])[..., 0]

    def compare(call: Call, expected: Reply, found: Reply) -> str | None:
        if type(found.value) is Tensor and found.value.numel() > 1 and type(expected.value) is float:
            return f"It returns {found.value.numel()} numbers, and one for the whole batch was asked for."
        return same_value(expected.value, found.value, 2e-4 if call.dtype == torch.float32 else None)

    ln2 = math.log(2)
    mistakes = (
        Mistake(
            "nats",
            "These are nats: PyTorch's cross entropy takes the natural logarithm. A bit is a factor of 2: how many "
            "nats are one bit?",
            lambda logits, codes: nats(logits, codes).sum().item() / len(codes),
        ),
        Mistake(
            "multiplied by ln 2",
            "From nats to bits you went the wrong way: one bit is ln 2 = 0.69 nats, so there are *more* bits than "
            "nats. Divide.",
            lambda logits, codes: nats(logits, codes).sum().item() / len(codes) * ln2,
        ),
        Mistake(
            "decimal digits",
            "You took the logarithm to base 10: these are decimal digits. Bits need base 2.",
            lambda logits, codes: nats(logits, codes).sum().item() / len(codes) / math.log(10),
        ),
        Mistake(
            "bits per code",
            "These are bits per *code*: `mean` has averaged over the places as well. A picture has N of them: add up "
            "over the places, average over the pictures.",
            lambda logits, codes: nats(logits, codes).mean().item() / ln2,
        ),
        Mistake(
            "nats per code",
            "This is what `F.cross_entropy` gives by itself: nats, averaged over all places. Asked for are bits, added "
            "up over the places of a picture.",
            lambda logits, codes: nats(logits, codes).mean().item(),
        ),
        Mistake(
            "bits of the whole batch",
            "These are the bits of all pictures together: divide by how many there are.",
            lambda logits, codes: nats(logits, codes).sum().item() / ln2,
        ),
        Mistake(
            "one number for each picture",
            "You give a number for each picture. Asked for is their average.",
            lambda logits, codes: nats(logits, codes).sum(-1) / ln2,
        ),
        Mistake(
            "the sign forgotten",
            "It is negative: log p is below 0, and the bits are minus that.",
            lambda logits, codes: -nats(logits, codes).sum().item() / len(codes) / ln2,
        ),
        Mistake(
            "softmax over the places",
            "Your softmax runs over the places. At each place the probabilities of the K words add up to 1.",
            lambda logits, codes: -logits.log_softmax(1).gather(-1, codes[..., None]).sum().item() / len(codes) / ln2,
        ),
        Mistake(
            "softmax twice",
            "`F.cross_entropy` takes logits and does the softmax itself; you handed it probabilities.",
            lambda logits, codes: nats(logits.softmax(-1), codes).sum().item() / len(codes) / ln2,
        ),
        Mistake(
            "no softmax",
            "Logits are no log-probabilities yet: without a softmax they do not add up to anything.",
            lambda logits, codes: -logits.gather(-1, codes[..., None]).sum().item() / len(codes) / ln2,
        ),
        Mistake(
            "shifted once more",
            "You compare the logits of place i with the code of place i + 1. The shift was made where the model reads "
            "(`shift_right`): its logits at place i are already about code i.",
            lambda logits, codes: nats(logits[:, :-1], codes[:, 1:]).sum().item() / len(codes) / ln2,
        ),
        Mistake(
            "entropy of the model",
            "This is how unsure the model is (its own entropy), whatever the picture. What counts is the probability "
            "that it gave to the codes that came.",
            lambda logits, codes: -(logits.softmax(-1) * logits.log_softmax(-1)).sum().item() / len(codes) / ln2,
        ),
    )
    return Exercise(
        id="bits_per_picture",
        title="Bits per picture",
        points=2,
        minutes=5,
        difficulty=2,
        cases=cases,
        reference=image_gpt.bits_per_picture,
        mistakes=mistakes,
        compare=compare,
        hints=(
            "Each code costs -log2 p(code) bits. A picture costs the sum over its N codes.",
            "`F.cross_entropy(..., reduction='sum')` of logits (B*N, K) and codes (B*N,) gives the nats of the whole "
            "batch. One bit is ln 2 nats.",
            "`F.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction='sum')`, divided by `math.log(2)` and "
            "by the number of pictures.",
        ),
    )
