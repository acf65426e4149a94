"""Experiments of lesson 06: three ways to pool at one learning rate, and each at its own."""

from __future__ import annotations

from helpers.exercises.definition import Claim, Experiment
from helpers.papers import PLAIN_VIT_GAP, POOLING_SCALING, VIT_FIRST_GAP, VIT_POOLING


def predict_same_rate() -> Experiment:
    """One small learning rate for all."""
    return Experiment(
        "predict_same_rate",
        "Three ways to pool, one small learning rate",
        question="Same blocks, same pictures, same steps, and the same small learning rate of 3e-4. Class token "
        "or GAP (MAP stands beside them): which comes out ahead?",
        options={
            "a": "GAP: it uses all tokens",
            "b": "the class token",
            "c": "no difference beyond the spread",
        },
        outcome="b",
        claims=(Claim("class token, 3e-4", ">", "GAP, 3e-4", over_seeds=True),),
        published=(VIT_FIRST_GAP,),  # its cause is the question of part 7
    )


def predict_own_rate() -> Experiment:
    """Each at the rate that suits it."""
    return Experiment(
        "predict_own_rate",
        "Three ways to pool, each at the learning rate that suits it",
        question="Each pooling may choose among four learning rates, by pictures kept aside. What becomes of the "
        "class token's lead over GAP (MAP stands beside them)?",
        options={
            "a": "it stays as large",
            "b": "GAP overtakes it clearly",
            "c": "it is gone: no difference beyond the spread",
        },
        outcome="c",
        claims=(
            Claim("class token, own rate", "=", "GAP, own rate", over_seeds=True),
            Claim("class token, own rate", ">", "MAP, own rate", over_seeds=True, published="="),
        ),
        published=(VIT_POOLING, POOLING_SCALING, PLAIN_VIT_GAP),
    )
