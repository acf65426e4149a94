"""What the explorers of a ViT need from the model, computed once: its sequence, its attention, its classes."""

import torch
from torch import Tensor

from helpers.models.conventions import STANDARD
from helpers.models.patches import patchify

ATTENTION_BUDGET = 2_000_000  # numbers, 4 MB as float16: above it heads are averaged


def patch_cells(model) -> Tensor:
    """Raster index on the grid of each patch of the model's sequence: (N,), long."""
    rows, cols = grid_of(model)
    side = model.patch_size
    cells = torch.arange(float(rows * cols)).reshape(1, 1, rows, cols)
    pixels = cells.repeat_interleave(side, 2).repeat_interleave(side, 3)  # (1, 1, rows*P, cols*P)
    return patchify(pixels, side, getattr(model, "conventions", STANDARD))[0, :, 0].long()  # (1, N, P*P) -> (N,)


def grid_of(model) -> tuple[int, int]:
    """Rows and columns of the model's grid of patches."""
    size = model.image_size
    height, width = (size, size) if isinstance(size, int) else size
    return height // model.patch_size, width // model.patch_size


def class_token_place(model, tokens: int) -> int:
    """Index of the class token in a sequence of `tokens` tokens, itself counted."""
    return getattr(model, "class_token_index", 0) % tokens


def attention_of(model, sequence: Tensor) -> tuple[Tensor, Tensor]:
    """Runs the blocks on a sequence.

    sequence: (B, M, D), positions added
    Returns the attention weights of all blocks (B, L, heads, M, M) and the sequence after each block (B, L, M, D).
    """
    weights, after = [], []
    for block in model.blocks:
        weights.append(block.attn.weights(block.norm1(sequence)))  # (B, heads, M, M)
        sequence = block(sequence)
        after.append(sequence)
    return torch.stack(weights, 1), torch.stack(after, 1)


def within_budget(weights: Tensor) -> Tensor:
    """Attention (..., heads, M, M) as it is, or (..., 1, M, M), its mean over heads, where it is too much to send."""
    return weights if weights.numel() <= ATTENTION_BUDGET else weights.mean(-3, keepdim=True)


def class_names(names, classes: int) -> list[str]:
    """One name for each class. Raises ValueError where there are more or fewer names than classes."""
    if names is None:
        return [f"class {i}" for i in range(classes)]
    if len(names) != classes:
        raise ValueError(f"The model tells {classes} classes apart, but got {len(names)} names: pass one for each.")
    return [str(name) for name in names]


def most_likely(logits: Tensor, count: int = 10) -> Tensor:
    """Indices of the classes to draw: all where there are at most `count`, else those with the largest logits."""
    return torch.arange(len(logits)) if len(logits) <= count else logits.topk(count).indices
