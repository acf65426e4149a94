"""Orders of a patch sequence (lesson 02)."""

import torch
from torch import Tensor


def inverse_permutation(order: Tensor) -> Tensor:
    """The permutation that undoes `order`: x[order][inverse_permutation(order)] == x.

    order: (N,), long, each of 0 ... N-1 once
    Returns (N,), long.
    """
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order), device=order.device)
    return inverse


def scan_order(rows: int, cols: int, kind: str) -> Tensor:
    """The order in which a scan visits the patches of a grid.

    rows, cols:  size of the grid in patches
    kind:        "raster" (row by row), "column" (column by column), "snake" (row by row, every second row backwards),
                 "spiral" (clockwise from the top left, inwards) or "hilbert" (the Hilbert curve from the top left)
    Returns (rows*cols,), long: the raster index of the k-th patch visited.
    Raises ValueError for another kind or an empty grid.
    REOrder (Kutscher et al., 2025) compares such orders.
    """
    if kind not in _SCANS:
        raise ValueError(f"There is no scan order {kind!r}; the kinds are {', '.join(_SCANS)}.")
    if rows < 1 or cols < 1:
        raise ValueError(f"A grid has at least one row and one column, but this one is {rows}x{cols}.")
    return torch.tensor([row * cols + col for row, col in _SCANS[kind](rows, cols)])


@torch.no_grad()
def permutation_gap(encoder, tokens: Tensor, order: Tensor) -> float:
    """How far an encoder is from permutation equivariance: max |encoder(tokens[:, order]) - encoder(tokens)[:, order]|.

    encoder: callable (B, N, D) -> (B, N, E); tokens: (B, N, D); order: (N,), long
    Returns a number; 0 up to rounding where the encoder does not mind the order.
    """
    return (encoder(tokens[:, order]) - encoder(tokens)[:, order]).abs().max().item()


def _raster(rows, cols):
    return [(row, col) for row in range(rows) for col in range(cols)]


def _column(rows, cols):
    return [(row, col) for col in range(cols) for row in range(rows)]


def _snake(rows, cols):
    return [(row, col if row % 2 == 0 else cols - 1 - col) for row in range(rows) for col in range(cols)]


def _spiral(rows, cols):
    cells = [[(row, col) for col in range(cols)] for row in range(rows)]
    visited = []
    while cells:
        visited += cells.pop(0)  # walk along the top row,
        cells = list(zip(*cells, strict=True))[::-1]  # then turn what is left by a quarter to the left
    return visited


def _hilbert(rows, cols):
    """The Hilbert curve of the smallest power-of-two square around the grid, without the cells outside the grid."""
    side = 1
    while side < max(rows, cols):
        side *= 2
    return [(row, col) for row, col in _hilbert_square(side) if row < rows and col < cols]


def _hilbert_square(side):
    """From the top left to the top right corner: four half-size curves, the first and the last of them turned."""
    if side == 1:
        return [(0, 0)]
    half, curve = side // 2, _hilbert_square(side // 2)
    top_left = [(col, row) for row, col in curve]
    bottom_left = [(row + half, col) for row, col in curve]
    bottom_right = [(row + half, col + half) for row, col in curve]
    top_right = [(half - 1 - col, side - 1 - row) for row, col in curve]
    return top_left + bottom_left + bottom_right + top_right


_SCANS = {"raster": _raster, "column": _column, "snake": _snake, "spiral": _spiral, "hilbert": _hilbert}
KINDS = tuple(_SCANS)
