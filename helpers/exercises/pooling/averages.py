"""Exercises: class_token_pool, global_average_pool, mean_of_patches."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake
from helpers.models import pooling
from helpers.models.conventions import Conventions
from helpers.runner import Call


def class_token_pool(conventions: Conventions) -> Exercise:
    """One token is read."""
    first = conventions.class_token == "first"
    here, there = ("first", "last") if first else ("last", "first")
    place = 0 if first else -1
    mistakes = (
        Mistake(
            "wrong end",
            f"You read the {there} token, which is a patch. The class token stands {here}.",
            lambda tokens: tokens[:, -1 if first else 0],
        ),
        Mistake(
            "axis kept",
            "The slice keeps the token axis: (B, 1, D). An index, which is one number, takes it away.",
            lambda tokens: tokens[:, :1] if first else tokens[:, -1:],
        ),
        Mistake(
            "one picture of the batch",
            f"You take all tokens of the {here} *picture*: axis 0 is the batch, and tokens are axis 1.",
            lambda tokens: tokens[place],
        ),
        Mistake(
            "one feature of each token",
            f"You take the {here} *feature* of every token. Tokens are axis 1: take one token, with all its features.",
            lambda tokens: tokens[..., place],
        ),
        Mistake(
            "off by one",
            "You read the patch beside the class token: off by one.",
            lambda tokens: tokens[:, 1 if first else -2],
        ),
        Mistake("mean of all tokens", "You average the tokens. Here one of them is read.", lambda x: x.mean(1)),
        Mistake(
            "mean of the patches",
            "You average the patches, and leave out the one token that was asked for.",
            lambda tokens: _patches(tokens, first).mean(1),
        ),
        Mistake("class token averaged over its features", "You average its features.", lambda x: x[:, place].mean(-1)),
    )
    return Exercise(
        id="class_token_pool",
        title="Read the class token",
        points=1,
        minutes=2,
        difficulty=1,
        cases=_cases,
        reference=partial(pooling.class_token_pool, conventions=conventions),
        mistakes=mistakes,
        hints=(
            "Axes are (batch, tokens, features): which of them gets an index?",
            f"The class token is the {here} along axis 1, for every picture of the batch.",
            f"`tokens[:, {place}]` keeps batch and features.",
        ),
    )


def global_average_pool() -> Exercise:
    """The mean over tokens."""
    mistakes = (
        Mistake(
            "mean over the features",
            "You average the features of each token and get (B, N). Average over the tokens, axis 1: each feature by "
            "itself.",
            lambda tokens: tokens.mean(-1),
        ),
        Mistake(
            "mean over the batch",
            "You average over axis 0, the batch: pictures that have nothing to do with one another get mixed.",
            lambda tokens: tokens.mean(0),
        ),
        Mistake(
            "mean of everything",
            "You average over all axes, down to one number. Only the token axis goes away.",
            lambda tokens: tokens.mean(),
        ),
        Mistake(
            "mean over tokens and features",
            "One number a picture is left: you average over tokens *and* features. Features stay.",
            lambda tokens: tokens.mean((1, 2)),
        ),
        Mistake(
            "axis kept",
            "The token axis is still there: (B, 1, D). Let the mean take it away.",
            lambda tokens: tokens.mean(1, keepdim=True),
        ),
        Mistake(
            "sum",
            "You sum the tokens and do not divide: y then grows with the number of tokens, and a larger picture would "
            "give larger logits.",
            lambda tokens: tokens.sum(1),
        ),
        Mistake(
            "always 1/256",
            "You divide by 256 whatever comes in. The sheet's picture has 256 tokens; divide by N, whatever it is.",
            lambda tokens: tokens.sum(1) / 256,
        ),
        Mistake(
            "divided by the root of N",
            "You divide by the root of N, which is what attention does with the length of its queries. A mean divides "
            "by N.",
            lambda tokens: tokens.sum(1) / tokens.shape[1] ** 0.5,
        ),
        Mistake(
            "divided by the width",
            "You divide by D, the number of features. N tokens were summed.",
            lambda tokens: tokens.sum(1) / tokens.shape[-1],
        ),
        Mistake(
            "divided by the batch",
            "You divide by `len(tokens)`, which is the number of pictures. N tokens were summed: `tokens.shape[1]`.",
            lambda tokens: tokens.sum(1) / len(tokens),
        ),
        Mistake(
            "divided by N + 1",
            "You divide by N + 1, as if a class token had been in the sum. All N tokens are here: divide by N.",
            lambda tokens: tokens.sum(1) / (tokens.shape[1] + 1),
        ),
        Mistake(
            "first token left out",
            "The first token is missing from your mean. In this exercise all N tokens are patches: there is no class "
            "token to leave out.",
            lambda tokens: tokens[:, 1:].mean(1),
        ),
        Mistake(
            "last token left out",
            "The last token is missing from your mean. All N tokens count.",
            lambda tokens: tokens[:, :-1].mean(1),
        ),
        Mistake(
            "first token left out of the sum only",
            "The first token is missing from the sum, and N counts it. In this exercise all N tokens are patches.",
            lambda tokens: tokens[:, 1:].sum(1) / tokens.shape[1],
        ),
        Mistake(
            "largest instead of the mean",
            "This is *max* pooling: the largest of each feature. GAP takes the mean.",
            lambda tokens: tokens.amax(1),
        ),
        Mistake(
            "median instead of the mean",
            "This is the median of each feature, and gradients reach one token only. GAP takes the mean.",
            lambda tokens: tokens.median(1).values,
        ),
        Mistake("one token", "You return the first token, as if it were a class token.", lambda tokens: tokens[:, 0]),
        Mistake(
            "normalised",
            "You bring the mean to length 1. GAP is the plain mean.",
            lambda tokens: torch.nn.functional.normalize(tokens.mean(1), dim=-1),
        ),
    )
    return Exercise(
        id="global_average_pool",
        title="Global average pooling",
        points=1,
        minutes=3,
        difficulty=1,
        cases=_cases,
        reference=pooling.global_average_pool,
        mistakes=mistakes,
        hints=(
            "Feature number 5 of the result is the mean of the feature number 5 of all tokens.",
            "(B, N, D) to (B, D): which axis goes away?",
            "`.mean` takes the axis, `dim=1`; or `reduce(tokens, 'b n d -> b d', 'mean')`.",
        ),
    )


def mean_of_patches(conventions: Conventions) -> Exercise:
    """The mean over patches only."""
    first = conventions.class_token == "first"
    here, there = ("first", "last") if first else ("last", "first")
    mistakes = (
        Mistake(
            "class token averaged in",
            "The class token is in your mean. It is no patch: leave it out, and count only the patches.",
            lambda sequence: sequence.mean(1),
        ),
        Mistake(
            "divided by one too many",
            "The sum leaves the class token out, and the count does not: you divide by 1 + N.",
            lambda sequence: _patches(sequence, first).sum(1) / sequence.shape[1],
        ),
        Mistake(
            "class token summed, N counted",
            "The class token is in your sum, though you divide by N. Leave it out of both.",
            lambda sequence: sequence.sum(1) / (sequence.shape[1] - 1),
        ),
        Mistake(
            "wrong token left out",
            f"You leave out the {there} token, which is a patch, and keep the class token, which stands {here}.",
            lambda sequence: _patches(sequence, not first).mean(1),
        ),
        Mistake(
            "both ends left out",
            "You leave out the tokens at both ends. Only one of them is the class token.",
            lambda sequence: sequence[:, 1:-1].mean(1),
        ),
        Mistake(
            "a picture left out",
            f"You leave out the {here} *picture* of the batch: axis 0. Tokens are axis 1.",
            lambda sequence: (sequence[1:] if first else sequence[:-1]).mean(1),
        ),
        Mistake(
            "a feature left out",
            f"You leave out the {here} *feature* of every token: the last axis. Tokens are axis 1.",
            lambda sequence: (sequence[..., 1:] if first else sequence[..., :-1]).mean(1),
        ),
        Mistake(
            "sum",
            "You sum the patches and do not divide.",
            lambda sequence: _patches(sequence, first).sum(1),
        ),
        Mistake(
            "axis kept",
            "The token axis is still there: (B, 1, D).",
            lambda sequence: _patches(sequence, first).mean(1, keepdim=True),
        ),
        Mistake(
            "mean over the features",
            "You average the features of each patch and get (B, N). Average over the tokens, axis 1.",
            lambda sequence: _patches(sequence, first).mean(-1),
        ),
        Mistake(
            "class token read",
            "You return the class token. Here it is the one to leave out.",
            lambda sequence: sequence[:, 0 if first else -1],
        ),
        Mistake(
            "mean of class token and patches",
            "Half of your result is the class token. Leave it out.",
            lambda sequence: (_patches(sequence, first).mean(1) + sequence[:, 0 if first else -1]) / 2,
        ),
        Mistake(
            "largest instead of the mean",
            "This is the largest of each feature over the patches. The mean was asked for.",
            lambda sequence: _patches(sequence, first).amax(1),
        ),
    )
    return Exercise(
        id="mean_of_patches",
        title="The mean of the patches, beside a class token",
        points=1,
        minutes=3,
        difficulty=1,
        cases=_cases,
        reference=partial(pooling.mean_of_patches, conventions=conventions),
        mistakes=mistakes,
        needs=("global_average_pool",),
        hints=(
            f"One of the 1 + N tokens is no patch: the {here} one.",
            "Cut it off along axis 1 with a slice, then average what is left.",
            f"`global_average_pool(sequence[:, {'1:' if first else ':-1'}])`.",
        ),
    )


def _cases(generator: torch.Generator) -> list[Call]:
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    return [
        Call((draw(2, 7, 4),), group="values"),
        Call((draw(1, 5, 3),), group="values"),
        Call((3 + draw(3, 4, 6),), group="values"),
        Call((draw(2, 6, 3).float(),), gradients=True, group="gradient"),
    ]


def _patches(sequence: Tensor, first: bool) -> Tensor:
    """The sequence without its first token, or without its last one."""
    return sequence[:, 1:] if first else sequence[:, :-1]
