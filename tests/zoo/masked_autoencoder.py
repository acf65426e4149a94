"""Right answers to lesson 07, each written in a way of its own: the check must accept all of them."""

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import nn


# ---------------------------------------------------------------------------------------------- random_masking
def _masking_by_loops(x, keep_length, ids_shuffle):
    batch, tokens, _ = x.shape
    kept = torch.stack([torch.stack([x[b, i] for i in ids_shuffle[b, :keep_length]]) for b in range(batch)])
    mask = torch.ones(batch, tokens)
    ids_restore = torch.zeros(batch, tokens, dtype=torch.long)
    for b in range(batch):
        for place, token in enumerate(ids_shuffle[b].tolist()):
            ids_restore[b, token] = place
            if place < keep_length:
                mask[b, token] = 0
    return kept, mask, ids_restore


def _masking_as_published(x, keep_length, ids_shuffle):
    ids_restore = torch.argsort(ids_shuffle, dim=1)
    ids_keep = ids_shuffle[:, :keep_length]
    kept = torch.gather(x, dim=1, index=ids_keep.unsqueeze(-1).repeat(1, 1, x.shape[2]))
    mask = torch.ones(x.shape[:2])
    mask[:, :keep_length] = 0
    return kept, torch.gather(mask, dim=1, index=ids_restore), ids_restore


def _masking_in_truth_values(x, keep_length, ids_shuffle):
    rows = torch.arange(len(x))[:, None]
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    mask[rows, ids_shuffle[:, :keep_length]] = False
    ids_restore = torch.empty_like(ids_shuffle)
    ids_restore[rows, ids_shuffle] = torch.arange(x.shape[1]).expand_as(ids_shuffle)
    return x[rows, ids_shuffle[:, :keep_length]], mask, ids_restore


def _masking_in_whole_numbers(x, keep_length, ids_shuffle):
    mask = torch.ones_like(ids_shuffle).scatter(1, ids_shuffle[:, :keep_length], 0)
    places = torch.arange(x.shape[1]).repeat(len(x), 1)
    ids_restore = torch.zeros_like(ids_shuffle).scatter(1, ids_shuffle, places)
    kept = torch.take_along_dim(x, ids_shuffle[:, :keep_length, None], dim=1)
    return [kept, mask, ids_restore]


def _masking_by_one_hot(x, keep_length, ids_shuffle):
    shuffle = F.one_hot(ids_shuffle, x.shape[1]).to(x.dtype)  # (B, N, N): row k picks the token drawn k-th
    kept = shuffle[:, :keep_length] @ x
    mask = 1 - shuffle[:, :keep_length].sum(1)
    return kept, mask, shuffle.argmax(1)


# ---------------------------------------------------------------------------------------------- restore_masked
def _restore_by_loops(kept, masked, ids_restore):
    pictures = []
    for one, other, ids in zip(kept, masked, ids_restore, strict=True):
        drawn = [*one, *other]
        pictures.append(torch.stack([drawn[i] for i in ids.tolist()]))
    return torch.stack(pictures)


def _restore_by_scatter(kept, masked, ids_restore):
    drawn = torch.cat((kept, masked), dim=1)
    ids_shuffle = repeat(ids_restore.argsort(1), "b n -> b n d", d=drawn.shape[-1])
    return torch.zeros_like(drawn).scatter(1, ids_shuffle, drawn)


def _restore_by_indexing(kept, masked, ids_restore):
    return torch.cat((kept, masked), dim=1)[torch.arange(len(kept))[:, None], ids_restore]


# ------------------------------------------------------------------------------------------------- masked_loss
def _loss_by_loops(prediction, target, mask):
    errors = []
    for b in range(prediction.shape[0]):
        for n in range(prediction.shape[1]):
            if mask[b, n] == 1:
                errors.append(((prediction[b, n] - target[b, n]) ** 2).mean())
    return sum(errors) / len(errors)


def _loss_as_published(prediction, target, mask):
    loss = (prediction - target) ** 2
    loss = loss.mean(dim=-1)
    return (loss * mask).sum() / mask.sum()


# -------------------------------------------------------------------------------------------- MaskedAutoencoder
class _Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = nn.Module()
        self.attn.qkv = nn.Linear(dim, 3 * dim)
        self.attn.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(dim, 4 * dim))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * dim, dim))
        self.heads = heads

    def forward(self, x):
        q, k, v = rearrange(self.attn.qkv(self.norm1(x)), "b n (t h d) -> t b h n d", t=3, h=self.heads)
        mixed = rearrange(F.scaled_dot_product_attention(q, k, v), "b h n d -> b n (h d)")
        x = x + self.attn.proj(mixed)
        return x + self.mlp(self.norm2(x))


class _AsPublished(nn.Module):
    """In the manner of the paper's own code."""

    def __init__(self, image_size, patch_size, channels, dim, depth, heads, *decoder, mask_ratio=0.75):
        super().__init__()
        decoder_dim, decoder_depth, decoder_heads, *ratio = decoder
        self.mask_ratio = ratio[0] if ratio else mask_ratio
        height, width = image_size if isinstance(image_size, tuple) else (image_size, image_size)
        self.tokens = (height // patch_size) * (width // patch_size)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(channels, dim, patch_size, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.tokens + 1, dim), requires_grad=False)
        self.blocks = nn.Sequential(*[_Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_dim))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, self.tokens + 1, decoder_dim))
        self.decoder_blocks = nn.Sequential(*[_Block(decoder_dim, decoder_heads) for _ in range(decoder_depth)])
        self.decoder_norm = nn.LayerNorm(decoder_dim, eps=1e-6)
        self.decoder_pred = nn.Linear(decoder_dim, patch_size**2 * channels)

    def forward_encoder(self, images, ids_shuffle):
        x = self.patch_embed.proj(images).flatten(2).transpose(1, 2)
        x = x + self.pos_embed[:, 1:]
        x, mask, ids_restore = self.masking(x, int(self.tokens * (1 - self.mask_ratio)), ids_shuffle)
        cls_token = (self.cls_token + self.pos_embed[:, :1]).expand(x.shape[0], -1, -1)
        return self.norm(self.blocks(torch.cat((cls_token, x), dim=1))), mask, ids_restore

    def masking(self, *arguments):
        return _masking_as_published(*arguments)

    def forward_decoder(self, x, ids_restore):
        x = self.decoder_embed(x)
        mask_tokens = self.mask_token.repeat(x.shape[0], ids_restore.shape[1] + 1 - x.shape[1], 1)
        restored = torch.cat([x[:, 1:], mask_tokens], dim=1)
        restored = torch.gather(restored, dim=1, index=ids_restore.unsqueeze(-1).repeat(1, 1, x.shape[2]))
        x = torch.cat([x[:, :1], restored], dim=1) + self.decoder_pos_embed
        return self.decoder_pred(self.decoder_norm(self.decoder_blocks(x)))[:, 1:]


class _TruthValues(_AsPublished):
    """A mask of truth values; the decoder fills in by assignment."""

    def masking(self, *arguments):
        return _masking_in_truth_values(*arguments)

    def forward_decoder(self, embeddings, ids_restore):
        batch, tokens = ids_restore.shape
        x = self.decoder_embed(embeddings)
        everything = self.mask_token.expand(batch, tokens, -1).clone()
        rows = torch.arange(batch)[:, None]
        everything[rows, ids_restore.argsort(1)[:, : x.shape[1] - 1]] = x[:, 1:]
        x = torch.cat([x[:, :1], everything], 1) + self.decoder_pos_embed
        return self.decoder_pred(self.decoder_norm(self.decoder_blocks(x))[:, 1:])


class _PictureByPicture(_AsPublished):
    """One picture at a time, class token and patches kept apart until the blocks."""

    def masking(self, *arguments):
        return _masking_in_whole_numbers(*arguments)

    def forward_encoder(self, images, ids_shuffle):
        one, patches = self.pos_embed.split([1, self.tokens], dim=1)
        count = self.tokens - int(-(-self.tokens * self.mask_ratio // 1))  # ceil of what is hidden
        outputs, masks = [], []
        for image, ids in zip(images, ids_shuffle, strict=True):
            x = rearrange(self.patch_embed.proj(image[None]), "1 d h w -> 1 (h w) d") + patches
            outputs.append(self.norm(self.blocks(torch.cat([self.cls_token + one, x[:, ids[:count]]], 1))))
            masks.append(torch.tensor([0 if i in ids[:count].tolist() else 1 for i in range(self.tokens)]))
        return torch.cat(outputs), torch.stack(masks), ids_shuffle.argsort(1)


CORRECT: dict[str, dict[str, object]] = {
    "what_to_hide": {"small": "c", "capital": "C", "spaces": " c "},
    "what_to_predict": {"small": "b", "capital": "B", "spaces": " b "},
    "why_mostly_hidden": {"small": "b", "capital": "B", "spaces": " b "},
    "random_masking": {
        "loops": _masking_by_loops,
        "as published": _masking_as_published,
        "truth values": _masking_in_truth_values,
        "whole numbers, as a list": _masking_in_whole_numbers,
        "one-hot matrices": _masking_by_one_hot,
    },
    "restore_masked": {
        "loops": _restore_by_loops,
        "scatter": _restore_by_scatter,
        "indexing": _restore_by_indexing,
        "take_along_dim": lambda kept, masked, ids: torch.take_along_dim(
            torch.cat([kept, masked], 1), ids[..., None], dim=1
        ),
        "one-hot": lambda kept, masked, ids: F.one_hot(ids).to(kept.dtype) @ torch.cat([kept, masked], 1),
    },
    "masked_loss": {
        "loops": _loss_by_loops,
        "as published": _loss_as_published,
        "indexing": lambda prediction, target, mask: ((prediction - target) ** 2)[mask.bool()].mean(),
        "mse_loss": lambda prediction, target, mask: F.mse_loss(prediction[mask == 1], target[mask == 1]),
        "target detached": lambda prediction, target, mask: _loss_as_published(prediction, target.detach(), mask),
        "einsum": lambda prediction, target, mask: (
            torch.einsum("bnp,bnp,bn->", prediction - target, prediction - target, mask.to(prediction.dtype))
            / (mask.sum() * prediction.shape[-1])
        ),
    },
    "why_decoder": {"small": "a", "capital": "A", "spaces": " a "},
    "tokens_encoded": {"number": 50, "words": "50 tokens", "text": "50"},
    "MaskedAutoencoder": {
        "as published": _AsPublished,
        "truth values": _TruthValues,
        "picture by picture": _PictureByPicture,
    },
    "attention_share": {"fraction": 1 / 16, "number": 0.0625, "text": "0.0625"},
    "layer_share": {"fraction": 1 / 4, "number": 0.25, "text": "0.25"},
    "tokens_afterwards": {"number": 197, "words": "197 tokens", "text": "197"},
}
