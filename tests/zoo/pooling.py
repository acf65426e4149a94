"""Independent correct answers of lesson 06: each must be judged right."""

import math

import torch
import torch.nn.functional as F
from einops import einsum, reduce
from torch import nn


def mean_by_loops(tokens):
    pictures = []
    for picture in tokens:
        total = torch.zeros_like(picture[0])
        for token in picture:
            total = total + token
        pictures.append(total / len(picture))
    return torch.stack(pictures)


def class_token_by_loop(tokens):
    return torch.stack([picture[0] for picture in tokens])


def patches_by_weights(sequence):
    weights = torch.ones(sequence.shape[1], dtype=sequence.dtype) / (sequence.shape[1] - 1)
    weights[0] = 0
    return torch.einsum("n,bnd->bd", weights, sequence)


class Head(nn.Module):
    """The parameters that all variants share."""

    def __init__(self, dim, heads):
        super().__init__()
        self.dim, self.heads = dim, heads
        self.query = nn.Parameter(torch.zeros(1, 1, dim))
        self.q = nn.Linear(dim, dim, bias=False)
        self.k = nn.Linear(dim, dim, bias=False)
        self.v = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)


class ByLoops(Head):
    """One picture and one head at a time."""

    def forward(self, tokens):
        d = self.dim // self.heads
        query = self.q(self.query)[0, 0]
        rows = []
        for picture in tokens:
            keys, values = self.k(picture), self.v(picture)
            parts = []
            for head in range(self.heads):
                mine = slice(head * d, (head + 1) * d)
                scores = torch.stack([query[mine] @ key[mine] for key in keys]) / math.sqrt(d)
                weights = scores.exp() / scores.exp().sum()
                parts.append(sum(w * value[mine] for w, value in zip(weights, values, strict=True)))
            rows.append(torch.cat(parts))
        return self.proj(torch.stack(rows))


class ByEinsum(Head):
    """Named axes, no broadcasting of the query."""

    def forward(self, tokens):
        b, n, _ = tokens.shape
        q = self.q(self.query.flatten()).reshape(self.heads, -1)
        k = self.k(tokens).reshape(b, n, self.heads, -1)
        v = self.v(tokens).reshape(b, n, self.heads, -1)
        weights = torch.softmax(einsum(q, k, "h d, b n h d -> b n h") / q.shape[-1] ** 0.5, dim=1)
        return self.proj(einsum(weights, v, "b n h, b n h d -> b h d").flatten(1))


class ByFused(Head):
    """PyTorch's own attention."""

    def forward(self, tokens):
        b = len(tokens)
        q = self.q(self.query).expand(b, -1, -1)
        q, k, v = (
            x.reshape(b, -1, self.heads, self.dim // self.heads).transpose(1, 2)
            for x in (q, self.k(tokens), self.v(tokens))
        )
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, self.dim))


class ByMultiheadAttention(Head):
    """PyTorch's functional multi-head attention, with these weights."""

    def forward(self, tokens):
        zeros = torch.zeros_like(self.v.bias)
        y, _ = F.multi_head_attention_forward(
            self.query.expand(len(tokens), -1, -1).transpose(0, 1),
            tokens.transpose(0, 1),
            tokens.transpose(0, 1),
            self.dim,
            self.heads,
            in_proj_weight=None,
            in_proj_bias=torch.cat([zeros, zeros, self.v.bias]),
            bias_k=None,
            bias_v=None,
            add_zero_attn=False,
            dropout_p=0.0,
            out_proj_weight=self.proj.weight,
            out_proj_bias=self.proj.bias,
            training=False,
            use_separate_proj_weight=True,
            q_proj_weight=self.q.weight,
            k_proj_weight=self.k.weight,
            v_proj_weight=self.v.weight,
        )
        return y[0]


class ByWeightsFirst(Head):
    """The weights average the tokens, and v and proj come afterwards: a linear map may wait."""

    def forward(self, tokens):
        d = self.dim // self.heads
        q = self.q(self.query).view(self.heads, d)
        asked = torch.stack([q[h] @ self.k.weight[h * d : (h + 1) * d] for h in range(self.heads)])  # (heads, D)
        weights = torch.softmax(tokens @ asked.T / math.sqrt(d), dim=1)  # (B, N, heads)
        means = torch.einsum("bnh,bnd->bhd", weights, tokens)  # (B, heads, D)
        values = torch.stack([means[:, h] @ self.v.weight[h * d : (h + 1) * d].T for h in range(self.heads)], 1)
        return self.proj(values.flatten(1) + self.v.bias)


def letters(letter):
    return {"plain": letter, "upper": letter.upper(), "spaces": f" {letter} "}


CORRECT = {
    "class_token_pool": {
        "loop": class_token_by_loop,
        "select": lambda tokens: tokens.select(1, 0),
        "squeezed slice": lambda tokens: tokens[:, :1].squeeze(1),
    },
    "global_average_pool": {
        "loops": mean_by_loops,
        "reduce": lambda tokens: reduce(tokens, "b n d -> b d", "mean"),
        "sum over N": lambda tokens: tokens.sum(dim=1) / tokens.shape[1],
        "1-D pooling": lambda tokens: F.adaptive_avg_pool1d(tokens.transpose(1, 2), 1).squeeze(-1),
        "matrix product": lambda tokens: (
            (torch.ones(1, tokens.shape[1], dtype=tokens.dtype) @ tokens)[:, 0] / tokens.shape[1]
        ),
    },
    "mean_of_patches": {
        "loops": lambda sequence: mean_by_loops(sequence[:, 1:]),
        "weights": patches_by_weights,
        "sum less class token": lambda sequence: (sequence.sum(1) - sequence[:, 0]) / (sequence.shape[1] - 1),
    },
    "MAPHead": {
        "loops": ByLoops,
        "einsum": ByEinsum,
        "fused attention": ByFused,
        "PyTorch's multi-head attention": ByMultiheadAttention,
        "average first, project later": ByWeightsFirst,
    },
    "gap_y": letters("b"),
    "gap_gradient": {"fraction": 1 / 256, "decimal": 0.00390625, "text": "0.0039"},
    "padded_tokens": {"number": 384, "text": "384", "unit": "384 tokens"},
    "map_y": letters("a"),
    "map_type": letters("c"),
    "map_weights_shape": {
        "tuple": (8, 12, 1, 256),
        "list": [8, 12, 1, 256],
        "size": tuple(torch.Size((8, 12, 1, 256))),
    },
    "map_learned": letters("d"),
    "map_parameters": {"number": 2_361_600, "text": "2,361,600", "unit": "2361600 parameters"},
    "map_growth": {"product": "N*D", "order": "O(N D)", "with a factor": "2*N*D + 2*N*D"},
    "zero_query": letters("b"),
    "key_bias": letters("a"),
}
