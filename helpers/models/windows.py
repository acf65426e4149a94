"""Attention within windows of neighbouring patches: the way out of N^2."""

from einops import rearrange
from torch import Tensor

from helpers.models.attention import attention


def windowed_attention(q: Tensor, k: Tensor, v: Tensor, grid: tuple[int, int], window: int) -> Tensor:
    """Attention in which a patch sees only the window x window patches of its own window.

    q, k, v: (B, heads, N, d), patches row by row; grid: (rows, columns) of patches, both multiples of window
    Returns (B, heads, N, d). Raises ValueError where windows do not tile the grid.
    """
    rows, cols = grid
    if window < 1 or rows % window or cols % window:
        raise ValueError(
            f"Windows of {window} x {window} patches do not tile a grid of {rows} x {cols}: choose a window that "
            "divides both sides."
        )
    apart = "b e (r w1 c w2) d -> (b r c) e (w1 w2) d"
    back = "(b r c) e (w1 w2) d -> b e (r w1 c w2) d"
    sizes = {"w1": window, "w2": window, "c": cols // window}
    # (B, heads, N, d) -> (B * windows, heads, window * window, d)
    q, k, v = (rearrange(x, apart, r=rows // window, **sizes) for x in (q, k, v))
    mixed = attention(q, k, v)
    return rearrange(mixed, back, r=rows // window, **sizes)  # (B * windows, heads, w * w, d) -> (B, heads, N, d)
