"""What exercises of several lessons share: weights drawn for a model, variants of a model that compute otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from helpers.models.conventions import Conventions

OTHER = {"row-major": "column-major", "channel-first": "channel-last", "first": "last"}
OTHER |= {new: old for old, new in OTHER.items()}


def other(conventions: Conventions, *names: str) -> Conventions:
    """The conventions with the named choices the other way round."""
    return replace(conventions, **{name: OTHER[getattr(conventions, name)] for name in names})


def axes(conventions: Conventions) -> tuple[str, str]:
    """The einops axes of the sequence and of one patch: "(h w)" and "(c p1 p2)"."""
    sequence, patch = conventions.pattern.partition(" -> b ")[2].split(") ")
    return sequence + ")", patch


def weights(model: nn.Module, generator: torch.Generator, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Weights for every parameter of a model, drawn anew: large enough that each of them shows in the result."""
    state = {}
    for name, value in model.named_parameters():
        drawn = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if "norm" in name:
            drawn = 0.3 * drawn + (1 if name.endswith("weight") else 0)
        elif value.ndim > 1 and name.endswith("weight"):
            drawn = drawn * 1.5 / value[0].numel() ** 0.5
        state[name] = drawn.to(dtype)
    return state


def whole(generator: torch.Generator, low: int, high: int) -> int:
    """A whole number from low on and below high."""
    return int(torch.randint(low, high, (), generator=generator))


def variant(model: type[nn.Module], forward: Callable) -> type[nn.Module]:
    """The same model with another forward(self, x)."""
    return type(model.__name__, (model,), {"forward": forward})
