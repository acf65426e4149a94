"""Models of codes that only count: the rulers by which an ImageGPT is measured (lesson 09)."""

import torch
from torch import Tensor

PRIOR = 0.1  # seen before anything was counted, so that no code is ever impossible


def unigram_bits(train: Tensor, test: Tensor, vocabulary: int) -> float:
    """Bits per picture where every code is guessed from how common it is, and from nothing else.

    train, test: (B, N), long, below vocabulary
    """
    counts = torch.full((vocabulary,), PRIOR, dtype=torch.float64)
    counts += train.flatten().bincount(minlength=vocabulary)
    return _bits((counts / counts.sum())[test], test)


def place_bits(train: Tensor, test: Tensor, vocabulary: int) -> float:
    """Bits per picture where every code is guessed from how common it is at its place.

    train, test: (B, N), long, below vocabulary
    """
    places = torch.arange(train.shape[1])
    return _bits(_table(places.expand_as(train), train, len(places), vocabulary)[places, test], test)


def bigram_bits(train: Tensor, test: Tensor, vocabulary: int) -> float:
    """Bits per picture where every code is guessed from the one before it; the first from a start of its own.

    train, test: (B, N), long, below vocabulary
    """
    table = _table(_before(train, vocabulary), train, vocabulary + 1, vocabulary)
    return _bits(table[_before(test, vocabulary), test], test)


def _before(codes: Tensor, start: int) -> Tensor:
    return torch.cat([torch.full_like(codes[:, :1], start), codes[:, :-1]], dim=1)  # (B, N)


def _table(given: Tensor, codes: Tensor, rows: int, vocabulary: int) -> Tensor:
    """How likely each code is for each of `rows` conditions: (rows, vocabulary)."""
    pairs = (given * vocabulary + codes).flatten().bincount(minlength=rows * vocabulary)
    counts = pairs.double().reshape(rows, vocabulary) + PRIOR
    return counts / counts.sum(dim=1, keepdim=True)


def _bits(probabilities: Tensor, codes: Tensor) -> float:
    return -probabilities.log2().sum().item() / len(codes)
