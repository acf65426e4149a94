"""Drawing tokens one by one from a model that predicts the next (lesson 09)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def next_probabilities(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
    """What the next token is drawn from: softmax(logits / temperature) over the top_k largest logits.

    logits:       (..., K), floating point
    temperature:  0 or above; 0 is the limit: all probability on the most likely token
    top_k:        how many of the K stay possible; None, or K and more, keeps all
    Returns (..., K); each row sums to 1. Raises ValueError for a temperature below 0 or a top_k below 1.
    """
    if not temperature >= 0:
        raise ValueError(f"The temperature is 0 (always the most likely token) or above, but it is {temperature}.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is at least 1, or None for no limit, but it is {top_k}.")
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    if top_k is not None and top_k < logits.shape[-1]:
        kept = logits.topk(top_k, dim=-1)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, kept.indices, kept.values)
    # The largest becomes 0 before the division, so that no temperature, however small, gives infinity.
    return ((logits - logits.amax(dim=-1, keepdim=True)) / temperature).softmax(dim=-1)


@torch.no_grad()
def sample(
    model,
    prompt: Tensor,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Go on from a prompt, one token at a time, until the sequence has `length` tokens.

    model:        callable: tokens (B, n) -> logits (B, n, K) of the token after each of them
    prompt:       (B, n), long, n at least 1: what is there already, the start token first
    length:       of the result, prompt included
    temperature, top_k: as in next_probabilities
    generator:    where random numbers come from; None: the global ones
    Returns (B, length), long: the prompt and what was drawn.
    Raises ValueError for a temperature below 0, a top_k below 1, an empty prompt or one longer than `length`.
    """
    check_prompt(prompt, length)
    tokens = prompt
    while tokens.shape[1] < length:
        chances = next_probabilities(model(tokens)[:, -1], temperature, top_k)  # (B, K)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)  # (B, n + 1)
    return tokens


@torch.no_grad()
def sample_cached(
    model,
    prompt: Tensor,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """As `sample`, with the model's `extend`: keys and values of old tokens are kept, not worked out again."""
    check_prompt(prompt, length)
    tokens, new, cache = prompt, prompt, None
    while tokens.shape[1] < length:
        logits, cache = model.extend(new, cache)
        chances = next_probabilities(logits[:, -1], temperature, top_k)  # (B, K)
        new = torch.multinomial(chances, 1, generator=generator)  # (B, 1)
        tokens = torch.cat([tokens, new], dim=1)  # (B, n + 1)
    return tokens


def check_prompt(prompt: Tensor, length: int) -> None:
    """Raise ValueError, in a sentence, for a prompt that cannot be gone on from."""
    if prompt.ndim != 2 or not 1 <= prompt.shape[1] <= length:
        raise ValueError(
            f"The prompt has shape (B, n) with n from 1 to the length of the result, {length}, but it is "
            f"{tuple(prompt.shape)}. Begin with a start token."
        )
