"""Drawing tokens one by one from a model that predicts the next (lesson 09)."""

import torch
from torch import Tensor


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
    temperature:  logits are divided by it; 0 takes the most likely token each time
    top_k:        draw among the k most likely tokens only; None, or more than there are: among all
    generator:    where random numbers come from; None: the global ones
    Returns (B, length), long.
    Raises ValueError for a temperature below 0, top_k below 1, an empty prompt or one that is longer than `length`.
    """
    check_sampling(prompt, length, temperature, top_k)
    tokens = prompt
    while tokens.shape[1] < length:
        chosen = draw(model(tokens)[:, -1], temperature, top_k, generator)  # (B, K) -> (B, 1)
        tokens = torch.cat([tokens, chosen], dim=1)
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
    check_sampling(prompt, length, temperature, top_k)
    tokens, new, cache = prompt, prompt, None
    while tokens.shape[1] < length:
        logits, cache = model.extend(new, cache)
        new = draw(logits[:, -1], temperature, top_k, generator)  # (B, K) -> (B, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


def draw(logits: Tensor, temperature: float, top_k: int | None, generator: torch.Generator | None) -> Tensor:
    """One token for each row of logits (B, K): (B, 1), long."""
    if temperature == 0:
        return logits.argmax(dim=-1, keepdim=True)
    return torch.multinomial(next_probabilities(logits, temperature, top_k), 1, generator=generator)


def next_probabilities(logits: Tensor, temperature: float = 1.0, top_k: int | None = None) -> Tensor:
    """What the next token is drawn from: softmax of logits (..., K) / temperature over the top_k largest.

    temperature: above 0; top_k: None, or more than K, keeps all
    Returns (..., K), each row sums to 1.
    """
    if top_k is not None and top_k < logits.shape[-1]:
        kept = logits.topk(top_k, dim=-1)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, kept.indices, kept.values)
    # The largest becomes 0 before the division, so that no temperature, however small, gives infinity.
    return ((logits - logits.amax(dim=-1, keepdim=True)) / temperature).softmax(dim=-1)


def check_sampling(prompt: Tensor, length: int, temperature: float, top_k: int | None) -> None:
    """Raise ValueError, in a sentence, for what cannot be sampled."""
    if not temperature >= 0:
        raise ValueError(f"The temperature is 0 (always the most likely token) or above, but it is {temperature}.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k is at least 1, or None for no limit, but it is {top_k}.")
    if prompt.ndim != 2 or not 1 <= prompt.shape[1] <= length:
        raise ValueError(
            f"The prompt has shape (B, n) with n from 1 to the length of the result, {length}, but it is "
            f"{tuple(prompt.shape)}. Begin with a start token."
        )
