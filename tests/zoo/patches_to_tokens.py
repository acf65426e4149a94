"""Right answers to lesson 01, each written in a way of its own: the check must accept all of them."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from einops.layers.torch import Rearrange
from torch import nn


def _patchify_by_loops(images, patch_size):
    p = patch_size
    patches = []
    for top in range(0, images.shape[2], p):
        for left in range(0, images.shape[3], p):
            patches.append(images[:, :, top : top + p, left : left + p].flatten(1))
    return torch.stack(patches, dim=1)


def _patchify_by_permute(images, patch_size):
    batch, channels, height, width = images.shape
    rows, cols = height // patch_size, width // patch_size
    split = images.view(batch, channels, rows, patch_size, cols, patch_size)
    return split.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * cols, channels * patch_size**2)


def _patchify_by_unfold(images, patch_size):
    return F.unfold(images, kernel_size=patch_size, stride=patch_size).transpose(1, 2)


def _patchify_by_tensor_unfold(images, patch_size):
    windows = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)  # (B, C, h, w, P, P)
    return windows.movedim(1, 3).flatten(1, 2).flatten(2)


def _unpatchify_by_loops(patches, patch_size, image_size):
    p, (height, width) = patch_size, image_size
    channels = patches.shape[2] // p**2
    images = patches.new_zeros(len(patches), channels, height, width)
    for n in range(patches.shape[1]):
        row, col = divmod(n, width // p)
        piece = patches[:, n].reshape(len(patches), channels, p, p)
        images[:, :, row * p : (row + 1) * p, col * p : (col + 1) * p] = piece
    return images


def _unpatchify_by_permute(patches, patch_size, image_size):
    rows, cols = image_size[0] // patch_size, image_size[1] // patch_size
    split = patches.reshape(len(patches), rows, cols, -1, patch_size, patch_size)
    return split.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), -1, *image_size)


def _unpatchify_by_fold(patches, patch_size, image_size):
    return F.fold(patches.mT, image_size, kernel_size=patch_size, stride=patch_size)


def _unpatchify_by_cat(patches, patch_size, image_size):
    cols = image_size[1] // patch_size
    pieces = patches.unflatten(2, (-1, patch_size, patch_size)).unbind(1)  # N x (B, C, P, P)
    strips = [torch.cat(pieces[start : start + cols], dim=3) for start in range(0, len(pieces), cols)]
    return torch.cat(strips, dim=2)


def _kernel_by_loops(weight, channels, patch_size):
    kernel = weight.new_zeros(len(weight), channels, patch_size, patch_size)
    for c in range(channels):
        for row in range(patch_size):
            for col in range(patch_size):
                kernel[:, c, row, col] = weight[:, (c * patch_size + row) * patch_size + col]
    return kernel


def _kernel_by_view(weight, channels, patch_size):
    return weight.view(-1, channels, patch_size, patch_size)


def _kernel_by_unflatten(weight, channels, patch_size):
    return weight.unflatten(1, (channels, patch_size, patch_size))


class _EmbedByFlatten(nn.Module):
    def __init__(self, patch_size, channels, dim):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, patch_size, patch_size)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class _EmbedByLayer(_EmbedByFlatten):
    def __init__(self, patch_size, channels, dim):
        super().__init__(patch_size, channels, dim)
        self.flatten = Rearrange("b d h w -> b (h w) d")

    def forward(self, images):
        return self.flatten(self.proj(images))


class _EmbedByLinear(_EmbedByFlatten):
    def forward(self, images):
        patches = _patchify_by_unfold(images, self.proj.kernel_size[0])
        return patches @ self.proj.weight.flatten(1).T + self.proj.bias


class _EmbedByLoops(_EmbedByFlatten):
    def forward(self, images):
        patches = _patchify_by_loops(images, self.proj.kernel_size[0])
        tokens = [F.linear(patches[:, n], self.proj.weight.flatten(1), self.proj.bias) for n in range(patches.shape[1])]
        return torch.stack(tokens, 1)


def _attention_by_einsum(q, k, v):
    scores = torch.einsum("...nd,...md->...nm", q, k) / np.sqrt(q.size(-1))
    return torch.einsum("...nm,...me->...ne", F.softmax(scores, dim=-1), v)


def _attention_by_einops(q, k, v):
    weights = einsum(q, k, "... n d, ... m d -> ... n m").mul(k.shape[-1] ** -0.5).softmax(-1)
    return einsum(weights, v, "... n m, ... m e -> ... n e")


def _attention_by_exponentials(q, k, v):
    root = q.shape[-1] ** 0.25
    scores = (q / root) @ (k / root).mT
    grown = (scores - scores.amax(-1, keepdim=True)).exp()
    return grown @ v / grown.sum(-1, keepdim=True)


def _attention_by_loops(q, k, v):
    rows = []
    for n in range(q.shape[-2]):
        scores = (q[..., n : n + 1, :] * k).sum(-1) / q.shape[-1] ** 0.5  # (..., M)
        rows.append((scores.softmax(-1)[..., None] * v).sum(-2))
    return torch.stack(rows, dim=-2)


class _Heads(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.dim, self.heads = dim, heads
        self.qkv = nn.Linear(dim, dim * 3, bias=True)
        self.proj = nn.Linear(dim, dim)


class _HeadsByView(_Heads):
    def forward(self, x):
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        scores = qkv[0] @ qkv[1].transpose(-2, -1) * (dim // self.heads) ** -0.5
        return self.proj((scores.softmax(-1) @ qkv[2]).transpose(1, 2).reshape(batch, tokens, dim))


class _HeadsByLoops(_Heads):
    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        d, results = self.dim // self.heads, []
        for head in range(self.heads):
            own = slice(head * d, (head + 1) * d)
            results.append(_attention_by_loops(q[..., own], k[..., own], v[..., own]))
        return self.proj(torch.cat(results, dim=-1))


class _HeadsByLibrary(_Heads):
    def forward(self, x):
        x = x.transpose(0, 1)  # (N, B, D)
        weights = (self.qkv.weight, self.qkv.bias, None, None, False, 0.0, self.proj.weight, self.proj.bias)
        out, _ = F.multi_head_attention_forward(
            x, x, x, self.dim, self.heads, *weights, training=False, need_weights=False
        )
        return out.transpose(0, 1)


class _HeadsByFused(_Heads):
    def forward(self, x):
        q, k, v = rearrange(self.qkv(x), "b n (t h d) -> t b h n d", t=3, h=self.heads)
        return self.proj(rearrange(F.scaled_dot_product_attention(q, k, v), "b h n d -> b n (h d)"))


class _HeadsByEinsum(_Heads):
    def forward(self, x):
        weight = self.qkv.weight.view(3, self.heads, -1, self.dim)
        bias = self.qkv.bias.view(3, self.heads, 1, -1)
        q, k, v = torch.einsum("thdi,bni->tbhnd", weight, x) + bias[:, None]
        shares = (torch.einsum("bhnd,bhmd->bhnm", q, k) / q.shape[-1] ** 0.5).softmax(-1)
        return self.proj(torch.einsum("bhnm,bhmd->bnhd", shares, v).flatten(2))


class _BlockBySequential(nn.Module):
    def __init__(self, dim, heads, mlp_ratio=4):
        super().__init__()
        hidden = round(dim * mlp_ratio)
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = _HeadsByView(dim, heads)
        layers = [("fc1", nn.Linear(dim, hidden)), ("act", nn.GELU()), ("fc2", nn.Linear(hidden, dim))]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x):
        after = self.attn(self.norm1(x)) + x
        return self.mlp(self.norm2(after)) + after


class _BlockByFormulas(_BlockBySequential):
    """Norm, GELU and residual written out."""

    @staticmethod
    def _norm(layer, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * layer.weight + layer.bias

    def forward(self, x):
        x = x + self.attn(self._norm(self.norm1, x))
        hidden = self.mlp.fc1(self._norm(self.norm2, x))
        return x + self.mlp.fc2(hidden * (1 + torch.erf(hidden / 2**0.5)) / 2)


class _BlockByLibrary(_BlockBySequential):
    """PyTorch's own layer, given these weights."""

    def forward(self, x):
        dim, heads, hidden = self.norm1.normalized_shape[0], self.attn.heads, self.mlp.fc1.out_features
        options = {
            "dropout": 0.0,
            "activation": "gelu",
            "layer_norm_eps": 1e-6,
            "batch_first": True,
            "norm_first": True,
        }
        with torch.device("meta"):
            layer = nn.TransformerEncoderLayer(dim, heads, hidden, **options).train()
        names = {"self_attn.in_proj_": "attn.qkv.", "self_attn.out_proj.": "attn.proj.", "linear": "mlp.fc"}
        own = dict(self.named_parameters())
        weights = {}
        for name in layer.state_dict():
            mine = name
            for theirs, ours in names.items():
                mine = mine.replace(theirs, ours)
            weights[name] = own[mine]
        return torch.func.functional_call(layer, weights, (x,))


class _BlockInTwoModules(nn.Module):
    """An MLP class of its own, tokens looped over."""

    class _Mlp(nn.Module):
        def __init__(self, dim, hidden):
            super().__init__()
            self.fc1, self.fc2, self.act = nn.Linear(dim, hidden), nn.Linear(hidden, dim), nn.GELU()

        def forward(self, x):
            return torch.stack([self.fc2(self.act(self.fc1(x[:, n]))) for n in range(x.shape[1])], dim=1)

    def __init__(self, dim, heads, mlp_ratio=4):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, 1e-6)
        self.attn = _HeadsByFused(dim, heads)
        self.norm2 = nn.LayerNorm(dim, 1e-6)
        self.mlp = self._Mlp(dim, int(mlp_ratio * dim))

    def forward(self, x):
        y = x.clone()
        y += self.attn(self.norm1(x))
        return torch.add(y, self.mlp(self.norm2(y)))


class _ViTByCat(nn.Module):
    block = _BlockBySequential
    embed = _EmbedByFlatten

    def __init__(self, image_size, patch_size, channels, num_classes, dim, depth, heads, mlp_ratio=4):
        super().__init__()
        if isinstance(image_size, int):
            image_size = (image_size, image_size)
        count = (image_size[0] // patch_size) * (image_size[1] // patch_size)
        self.patch_embed = self.embed(patch_size, channels, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, count + 1, dim) * 0.02)
        self.blocks = nn.Sequential(*[self.block(dim, heads, mlp_ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, images):
        x = self.patch_embed(images)
        x = torch.cat((self.cls_token.repeat(x.shape[0], 1, 1), x), dim=1)
        return self.head(self.norm(self.blocks(x + self.pos_embed))[:, 0])


class _ViTPositionsSplit(_ViTByCat):
    """Positions added to both parts before they join; the norm on the class token alone."""

    block = _BlockByFormulas
    embed = _EmbedByLoops

    def forward(self, images):
        patches = self.patch_embed(images) + self.pos_embed[:, 1:]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(images), 1, -1)
        x = torch.hstack([first, patches])
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


class _ViTByLibrary(_ViTByCat):
    block = _BlockByLibrary
    embed = _EmbedByLinear

    def forward(self, images):
        x = F.pad(self.patch_embed(images), (0, 0, 1, 0))  # a row of zeros in front: (B, 1+N, D)
        place = F.one_hot(torch.tensor(0), x.shape[1]).to(x)[:, None]  # (1+N, 1)
        x = self.blocks(x + place * self.cls_token + self.pos_embed)
        return F.linear(self.norm(x.select(1, 0)), self.head.weight, self.head.bias)


class _ViTOnePictureAtATime(_ViTByCat):
    block = _BlockInTwoModules

    def forward(self, images):
        logits = []
        for image in images:
            x = torch.cat([self.cls_token[0], self.patch_embed(image[None])[0]]) + self.pos_embed[0]  # (1+N, D)
            logits.append(self.head(self.norm(self.blocks(x[None]))[0, 0]))
        return torch.stack(logits)


CORRECT = {
    "patchify": {
        "loops": _patchify_by_loops,
        "view and permute": _patchify_by_permute,
        "F.unfold": _patchify_by_unfold,
        "Tensor.unfold": _patchify_by_tensor_unfold,
    },
    "tokens_b16": {"int": 196, "text": "196", "with unit": "196 tokens", "float": 14.0**2},
    "patch_pixels_256": {"int": 14, "text": "14", "with unit": "14 pixels"},
    "picture_pixels_256": {"int": 256, "text": " 256 ", "with unit": "256 pixels"},
    "unpatchify": {
        "loops": _unpatchify_by_loops,
        "view and permute": _unpatchify_by_permute,
        "F.fold": _unpatchify_by_fold,
        "cat": _unpatchify_by_cat,
    },
    "linear_to_conv": {"loops": _kernel_by_loops, "view": _kernel_by_view, "unflatten": _kernel_by_unflatten},
    "PatchEmbed": {
        "flatten and transpose": _EmbedByFlatten,
        "einops layer": _EmbedByLayer,
        "linear on unfold": _EmbedByLinear,
        "loops": _EmbedByLoops,
    },
    "class_token_start": {"letter": "a", "capital": "A", "spaces": " a "},
    "attention": {
        "einsum": _attention_by_einsum,
        "einops": _attention_by_einops,
        "exponentials": _attention_by_exponentials,
        "loops": _attention_by_loops,
        "library": F.scaled_dot_product_attention,
    },
    "why_scale": {"letter": "b", "capital": "B", "spaces": " B "},
    "MultiHeadSelfAttention": {
        "view": _HeadsByView,
        "loops": _HeadsByLoops,
        "nn.MultiheadAttention's function": _HeadsByLibrary,
        "fused": _HeadsByFused,
        "einsum": _HeadsByEinsum,
    },
    "fewer_heads": {"letter": "b", "capital": "B", "spaces": " b"},
    "EncoderBlock": {
        "sequential": _BlockBySequential,
        "formulas": _BlockByFormulas,
        "nn.TransformerEncoderLayer": _BlockByLibrary,
        "loops": _BlockInTwoModules,
    },
    "ViT": {
        "cat": _ViTByCat,
        "positions on both parts": _ViTPositionsSplit,
        "nn.TransformerEncoderLayer": _ViTByLibrary,
        "one picture at a time": _ViTOnePictureAtATime,
    },
    "sequence_b16": {"int": 197, "text": "197", "with unit": "197 tokens"},
    "shape_patches": {"tuple": (8, 196, 768), "list": [8, 196, 768], "sum": (8, 14 * 14, 16 * 16 * 3)},
    "shape_attention": {"tuple": (8, 12, 197, 197), "list": [8, 12, 197, 197], "sum": (8, 12, 1 + 196, 1 + 196)},
    "shape_hidden": {"tuple": (8, 197, 3072), "list": [8, 197, 3072], "sum": (8, 197, 4 * 768)},
    "shape_read": {"tuple": (8, 768), "list": [8, 768], "size": tuple(torch.Size([8, 768]))},
    "parameters_tokens": {"int": 742_656, "text": "742,656", "with unit": "742656 parameters"},
    "parameters_block": {"int": 7_087_872, "text": "7_087_872", "with unit": "7.087872 million parameters"},
    "parameters_b16": {"int": 86_567_656, "text": "86,567,656", "with unit": "86.567656 M parameters"},
}
