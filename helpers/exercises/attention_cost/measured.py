"""Experiments of lesson 03: time and memory against the number of tokens."""

from __future__ import annotations

from helpers.exercises.definition import Claim, Experiment


def predict_time() -> Experiment:
    """Tokens per second left at twice the resolution."""
    return Experiment(
        "predict_time",
        "Time: how much of its pace is left at twice the resolution?",
        question="Each part of a ViT gets through so many tokens a second. Both sides of the picture double. What is "
        "left of that pace?",
        options={
            "a": "the same everywhere: a token is a token",
            "b": "a quarter or less in full attention; about all in MLP and windowed attention; a block lies between",
            "c": "a quarter everywhere: there are four times the tokens",
            "d": "a sixteenth in full attention, a quarter in the MLP",
        },
        outcome="b",
        claims=(
            Claim("MLP", ">", "full attention"),
            Claim("windowed attention", ">", "full attention"),
            Claim("whole block", ">", "full attention"),
            Claim("MLP", ">", "whole block"),
        ),
        published=(),
        unit="% of its tokens a second that are left at twice the resolution, from the fitted slope",
    )


def predict_memory() -> Experiment:
    """Tokens per megabyte left at twice the resolution."""
    return Experiment(
        "predict_memory",
        "Memory: plain against fused attention",
        question="Both sides of the picture double, so there are four times the tokens. How many tokens does a "
        "megabyte of working memory then hold, compared with before?",
        options={
            "a": "a quarter as many in both: fused attention makes the same products",
            "b": "a quarter as many in plain attention, as many as before in fused attention",
            "c": "as many as before in both",
        },
        outcome="b",
        claims=(Claim("fused attention", ">", "plain attention"),),
        published=(),
        unit="% of its tokens per megabyte that are left at twice the resolution, from the fitted slope",
    )
