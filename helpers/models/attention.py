"""Scaled dot-product attention and its multi-head form."""

import torch
from einops import rearrange
from torch import Tensor, nn


def attention_weights(q: Tensor, k: Tensor) -> Tensor:
    """How much each query looks at each key: softmax(q k^T / sqrt(d)).

    q: (..., N, d), k: (..., M, d), floating point
    Returns (..., N, M); each row sums to 1.
    Attention Is All You Need (Vaswani et al., 2017), equation 1.
    """
    scale = q.shape[-1] ** -0.5
    scores = (q * scale) @ k.transpose(-2, -1)  # (..., N, d) @ (..., d, M) -> (..., N, M)
    return scores.softmax(dim=-1)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention: softmax(q k^T / sqrt(d)) v.

    q: (..., N, d), k: (..., M, d), v: (..., M, e), floating point
    Returns (..., N, e).
    Attention Is All You Need (Vaswani et al., 2017), equation 1.
    """
    return attention_weights(q, k) @ v  # (..., N, M) @ (..., M, e) -> (..., N, e)


class MultiHeadSelfAttention(nn.Module):
    """Every token looks at every token, in several heads side by side: (B, N, dim) -> (B, N, dim).

    dim:    width of a token; a multiple of heads
    heads:  number of heads, each dim/heads wide
    `qkv` gives q, k, v in that order, each (heads, dim/heads).
    ViT (Dosovitskiy et al., 2021), appendix A, equations 5-8.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"The width {dim} must be a multiple of the number of heads, but there are {heads} heads.")
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """What the tokens in `rows` see: every one of x is looked at, but only these look."""
        q, k, v = self.split(x)
        x = attention(q[:, :, rows], k, v)  # (B, heads, N, d)
        x = rearrange(x, "b h n d -> b n (h d)")  # (B, heads, N, d) -> (B, N, D)
        return self.proj(x)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, N, dim): three tensors of (B, heads, N, d)."""
        # (B, N, 3*D) -> 3 x (B, heads, N, d)
        return torch.unbind(rearrange(self.qkv(x), "b n (three h d) -> three b h n d", three=3, h=self.heads))

    def weights(self, x: Tensor) -> Tensor:
        """The attention weights of x (B, N, dim), for plots: (B, heads, N, N); row i is where token i looks."""
        q, k, _ = self.split(x)
        return attention_weights(q, k)
