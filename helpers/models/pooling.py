"""From many tokens to one vector: class token, global average pooling, multi-head attention pooling (lesson 06)."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn

from helpers.models.attention import attention, attention_weights
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.vit import ViT


def class_token_pool(tokens: Tensor, conventions: Conventions = STANDARD) -> Tensor:
    """The class token alone: (B, 1+N, D) -> (B, D)."""
    return tokens[:, 0 if conventions.class_token == "first" else -1]


def global_average_pool(tokens: Tensor) -> Tensor:
    """The mean of all tokens: (B, N, D) -> (B, D)."""
    return tokens.mean(dim=1)


def mean_of_patches(sequence: Tensor, conventions: Conventions = STANDARD) -> Tensor:
    """The mean of the patch tokens of a sequence that holds a class token too: (B, 1+N, D) -> (B, D)."""
    return global_average_pool(sequence[:, 1:] if conventions.class_token == "first" else sequence[:, :-1])


class MAPHead(nn.Module):
    """Multi-head attention pooling: one learned query looks at all tokens, (B, N, dim) -> (B, dim).

    dim: width of a token, a multiple of heads; heads: number of heads, each dim/heads wide
    Parameters: query (1, 1, dim), and the linear layers q, k, v, proj, each (dim, dim). q and k have no bias: one in k
    adds the same number to all scores of a head, which the softmax takes away again, and without one in q a query of
    zeros gives the mean of the values. Cross-attention: the query belongs to the head, keys and values to the tokens.
    The MAP head of Scaling Vision Transformers (Zhai et al., 2022), without the MLP that follows there.
    Raises ValueError where dim is no multiple of heads.
    """

    def __init__(self, dim: int, heads: int):
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"The width {dim} must be a multiple of the number of heads, but there are {heads} heads.")
        self.heads = heads
        self.query = nn.Parameter(torch.randn(1, 1, dim))
        self.q = nn.Linear(dim, dim, bias=False)
        self.k = nn.Linear(dim, dim, bias=False)
        self.v = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        pooled = attention(self.split(self.q(self.query)), self.split(self.k(tokens)), self.split(self.v(tokens)))
        return self.proj(rearrange(pooled, "b h 1 d -> b (h d)"))  # (B, heads, 1, d) -> (B, D)

    def split(self, x: Tensor) -> Tensor:
        """Heads side by side: (B, N, dim) -> (B, heads, N, d)."""
        return rearrange(x, "b n (h d) -> b h n d", h=self.heads)

    def weights(self, tokens: Tensor) -> Tensor:
        """How much the query looks at each token, for plots: (B, N, dim) -> (B, heads, N); each row sums to 1."""
        weights = attention_weights(self.split(self.q(self.query)), self.split(self.k(tokens)))  # (B, heads, 1, N)
        return weights.squeeze(2)


class PooledViT(ViT):
    """A ViT whose head reads pool(tokens): with a class token in the sequence, or without one.

    pool: callable (B, M, D) -> (B, D), on the normalised tokens of the last block; M is N, and with a class token 1+N;
    class_token: whether there is one. Everything else is as in `ViT`.
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        patch_size: int,
        channels: int,
        num_classes: int,
        dim: int,
        depth: int,
        heads: int,
        pool: Callable[[Tensor], Tensor],
        class_token: bool = False,
        mlp_ratio: float = 4,
        conventions: Conventions = STANDARD,
    ):
        super().__init__(image_size, patch_size, channels, num_classes, dim, depth, heads, mlp_ratio, conventions)
        if not class_token:
            self.cls_token = None
            self.pos_embed = nn.Parameter(self.pos_embed.detach()[:, 1:].clone())  # (1, 1+N, D) -> (1, N, D)
        self.pool = pool

    def forward(self, images: Tensor) -> Tensor:
        return self.stages(images)["logits"]

    def join_class_token(self, tokens: Tensor) -> Tensor:
        return tokens if self.cls_token is None else super().join_class_token(tokens)

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Every stage by name, in order; M tokens are N patches, and the class token where there is one.

        patch_tokens (B, N, D); with_positions, block_0, ..., norm (B, M, D); pooled (B, D); logits (B, num_classes)
        """
        self.check_images(images)
        out = {}
        out["patch_tokens"] = self.patch_embed(images)  # (B, C, H, W) -> (B, N, D)
        out["with_positions"] = x = self.join_class_token(out["patch_tokens"]) + self.pos_embed  # (B, M, D)
        for i, block in enumerate(self.blocks):
            out[f"block_{i}"] = x = block(x)
        out["norm"] = x = self.norm(x)
        out["pooled"] = self.pool(x)  # (B, M, D) -> (B, D)
        out["logits"] = self.head(out["pooled"])  # (B, D) -> (B, num_classes)
        return out
