"""What minds the order of the patches: shuffled pictures, and attention that does not look everywhere (lesson 02)."""

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from helpers.models.attention import MultiHeadSelfAttention
from helpers.models.patches import patchify, unpatchify
from helpers.models.vit import EncoderBlock, ViT


def shuffle_patches(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    """The pictures with their patches put in another order: the k-th patch of a result is the order[k]-th it was.

    images:      (B, C, H, W); H and W are multiples of patch_size
    patch_size:  side of a patch in pixels
    order:       (N,), long, one order for all pictures, or (B, N), one for each
    Returns (B, C, H, W).
    """
    patches = patchify(images, patch_size)  # (B, C, H, W) -> (B, N, C*P*P)
    each = order.expand(len(images), -1)  # (N,) or (B, N) -> (B, N)
    each = repeat(each, "b n -> b n p", p=patches.shape[-1])
    return unpatchify(patches.gather(1, each), patch_size, tuple(images.shape[-2:]))  # (B, N, C*P*P) -> (B, C, H, W)


def fresh_orders(count: int, tokens: int, generator: torch.Generator) -> Tensor:
    """A random order of its own for each of `count` pictures: (count, tokens), long, on the generator's device."""
    return torch.rand(count, tokens, generator=generator, device=generator.device).argsort(dim=1)


def forget_positions(vit: ViT) -> ViT:
    """The same ViT with no positions, now and for good: what is left sees a bag of patches."""
    with torch.no_grad():
        vit.pos_embed.zero_()
    vit.pos_embed.requires_grad_(False)
    return vit


def causal_window(tokens: int) -> Tensor:
    """Which token may look where in causal attention: at itself and those before it. Bool (tokens, tokens)."""
    return torch.ones(tokens, tokens).tril().bool()


def local_window(tokens: int, reach: int, class_token: bool = False) -> Tensor:
    """Which token may look where in local attention: at most `reach` places along the sequence. Bool (tokens, tokens).

    class_token: the first token looks everywhere and is seen everywhere, as the global tokens of Longformer do.
    """
    place = torch.arange(tokens)
    allowed = (place[:, None] - place[None, :]).abs() <= reach
    if class_token:
        allowed[0, :] = allowed[:, 0] = True
    return allowed


class WindowedSelfAttention(MultiHeadSelfAttention):
    """Self-attention in which token i looks only where allowed[i] is True: (B, N, dim) -> (B, N, dim).

    allowed: bool (N, N), True at least once in each row
    """

    def __init__(self, dim: int, heads: int, allowed: Tensor):
        super().__init__(dim, heads)
        self.register_buffer("allowed", allowed, persistent=False)

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """What the tokens in `rows` see."""
        *_, v = self.split(x)
        x = self.weights(x, rows) @ v  # (B, heads, rows, N) @ (B, heads, N, d) -> (B, heads, rows, d)
        return self.proj(rearrange(x, "b h n d -> b n (h d)"))

    def weights(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """The attention weights of x (B, N, dim), zero where a token may not look: (B, heads, rows, N)."""
        q, k, _ = self.split(x)
        scores = (q[:, :, rows] * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)  # (B, heads, rows, N)
        return scores.masked_fill(~self.allowed[rows], -torch.inf).softmax(dim=-1)


def windowed_block(dim: int, heads: int, allowed: Tensor) -> EncoderBlock:
    """An encoder block whose attention looks only where `allowed`, bool (N, N), says."""
    block = EncoderBlock(dim, heads)
    block.attn = WindowedSelfAttention(dim, heads, allowed)
    return block


def local_vit(image_size: int, patch_size: int, channels: int, num_classes: int, dim: int, depth: int, heads: int,
              reach: int) -> ViT:  # fmt: skip
    """A ViT whose patch tokens look at most `reach` places along the sequence; the class token looks everywhere."""
    vit = ViT(image_size, patch_size, channels, num_classes, dim, depth, heads)
    allowed = local_window(vit.pos_embed.shape[1], reach, class_token=True)
    vit.blocks = nn.ModuleList([windowed_block(dim, heads, allowed) for _ in vit.blocks])
    return vit
