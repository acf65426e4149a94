"""Lesson 09: right answers in several independent spellings."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# --------------------------------------------------------------------------------------------------------- nearest_code


def nearest_by_loop(patches, codebook):
    flat = patches.reshape(-1, patches.shape[-1])
    found = []
    for patch in flat:
        best, least = 0, float("inf")
        for number, word in enumerate(codebook):
            distance = float(((patch - word) ** 2).sum())
            if distance < least:
                best, least = number, distance
        found.append(best)
    return torch.tensor(found).reshape(patches.shape[:-1])


def nearest_by_broadcast(patches, codebook):
    return ((patches[..., None, :] - codebook) ** 2).sum(-1).argmin(-1)


def nearest_by_cdist(patches, codebook):
    return (
        torch.cdist(patches.reshape(1, -1, patches.shape[-1]), codebook[None])[0]
        .min(-1)
        .indices.view(patches.shape[:-1])
    )


def nearest_by_scores(patches, codebook):
    return (torch.einsum("...p,kp->...k", patches, codebook) - codebook.pow(2).sum(1) / 2).max(dim=-1)[1]


# ---------------------------------------------------------------------------------------------------------- causal_mask


def mask_by_loop(n):
    return torch.tensor([[j <= i for j in range(n)] for i in range(n)])


# ----------------------------------------------------------------------------------------------------- masked_attention


def attention_by_loop(q, k, v, allowed):
    lead = q.shape[:-2]
    flat_q, flat_k, flat_v = (x.reshape(-1, *x.shape[-2:]) for x in (q, k, v))
    rows = []
    for head in range(len(flat_q)):
        for i in range(q.shape[-2]):
            seen = [j for j in range(k.shape[-2]) if bool(allowed[i, j])]
            scores = torch.stack([flat_q[head, i] @ flat_k[head, j] for j in seen]) / math.sqrt(q.shape[-1])
            weights = torch.exp(scores - scores.max())
            rows.append((weights / weights.sum()) @ flat_v[head, seen])
    return torch.stack(rows).reshape(*lead, q.shape[-2], v.shape[-1])


def attention_by_library(q, k, v, allowed):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)


def attention_by_added_mask(q, k, v, allowed):
    hidden = torch.zeros(allowed.shape, dtype=q.dtype).masked_fill(allowed.logical_not(), float("-inf"))
    scores = torch.einsum("...nd,...md->...nm", q, k) / q.shape[-1] ** 0.5 + hidden
    return torch.einsum("...nm,...me->...ne", scores.softmax(dim=-1), v)


def attention_by_renormalising(q, k, v, allowed):
    weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1) * allowed
    return weights / weights.sum(-1, keepdim=True) @ v


def attention_by_where(q, k, v, allowed):
    scores = q @ k.mT / q.shape[-1] ** 0.5
    return torch.where(allowed, scores, torch.full_like(scores, -1e9)).softmax(-1) @ v


# ---------------------------------------------------------------------------------------------------------- shift_right


def shift_by_cat(tokens, start):
    if not torch.is_tensor(start):
        start = torch.full((len(tokens),), start)
    return torch.cat((start.reshape(-1, 1), tokens[:, :-1]), dim=1)


def shift_by_roll(tokens, start):
    moved = tokens.roll(1, dims=1)
    moved[:, 0] = start
    return moved


def shift_by_lists(tokens, start):
    starts = start.tolist() if isinstance(start, torch.Tensor) else [start] * len(tokens)
    return torch.tensor([[first, *row[:-1]] for first, row in zip(starts, tokens.tolist(), strict=True)])


# ------------------------------------------------------------------------------------------------------------- ImageGPT


class _Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(seen.transpose(1, 2).reshape(b, n, d))


class _Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), _Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class GPTByHand(nn.Module):
    """Blocks written out, attention by PyTorch's own function."""

    def __init__(self, vocabulary, length, dim, depth, heads, starts=1):
        super().__init__()
        self.token_embed = nn.Embedding(vocabulary + starts, dim)
        self.pos_embed = nn.Parameter(torch.randn(1, length, dim) * 0.02)
        self.blocks = nn.Sequential(*[_Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, vocabulary)

    def forward(self, tokens):
        x = self.token_embed(tokens) + self.pos_embed[:, : tokens.size(1)]
        return self.head(self.norm(self.blocks(x)))


class GPTByOneHot(GPTByHand):
    """The embedding as a matrix product, the positions by index."""

    def forward(self, tokens):
        rows = F.one_hot(tokens, self.token_embed.num_embeddings).to(self.pos_embed.dtype)
        x = rows @ self.token_embed.weight + self.pos_embed[0, torch.arange(tokens.shape[1])]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.head.weight, self.head.bias)


class GPTTokenByToken(GPTByHand):
    """Each place computed from its own prefix alone: slow, and causal without any mask."""

    def forward(self, tokens):
        logits = []
        for n in range(1, tokens.shape[1] + 1):
            x = self.token_embed(tokens[:, :n]) + self.pos_embed[:, :n]
            for block in self.blocks:
                x = block(x)
            logits.append(self.head(self.norm(x[:, -1])))
        return torch.stack(logits, dim=1)


# ----------------------------------------------------------------------------------------------------- bits_per_picture


def bits_by_loop(logits, codes):
    total = 0.0
    for picture, row in zip(logits, codes.tolist(), strict=True):
        for place, code in enumerate(row):
            total -= math.log2(float(picture[place].double().softmax(-1)[code]) or 1e-300)
    return total / len(codes)


def bits_by_gather(logits, codes):
    log_p = torch.log_softmax(logits, dim=-1).gather(2, codes.unsqueeze(2)).squeeze(2)
    return -(log_p / math.log(2)).sum(dim=1).mean()


def bits_by_transposing(logits, codes):
    return codes.shape[1] * F.cross_entropy(logits.transpose(1, 2), codes) / np.log(2)


# --------------------------------------------------------------------------------------------------- next_probabilities


def _refuse(temperature, top_k):
    if temperature < 0:
        raise ValueError("the temperature cannot be negative")
    if top_k is not None and top_k < 1:
        raise ValueError("top_k must be at least 1")


def chances_by_bar(logits, temperature=1.0, top_k=None):
    _refuse(temperature, top_k)
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    if top_k is not None and top_k < logits.shape[-1]:
        bar = logits.topk(top_k).values[..., -1:]
        logits = logits.masked_fill(logits < bar, -torch.inf)
    return (logits / temperature).softmax(-1)


def chances_by_renormalising(logits, temperature=1.0, top_k=None):
    _refuse(temperature, top_k)
    if temperature == 0:
        return (logits == logits.max(-1, keepdim=True).values).to(logits.dtype)
    weights = torch.exp((logits - logits.max(-1, keepdim=True).values) / temperature)
    if top_k is not None:
        ranks = logits.argsort(dim=-1, descending=True).argsort(dim=-1)
        weights = weights * (ranks < top_k)
    return weights / weights.sum(-1, keepdim=True)


def chances_by_rows(logits, temperature=1.0, top_k=None):
    _refuse(temperature, top_k)
    out = torch.zeros_like(logits).reshape(-1, logits.shape[-1])
    for row, values in enumerate(logits.reshape(-1, logits.shape[-1])):
        order = sorted(range(len(values)), key=lambda i: -float(values[i]))[: top_k or None]
        if temperature == 0:
            out[row, order[0]] = 1
        else:
            out[row, order] = torch.softmax(values[order] / temperature, 0)
    return out.reshape(logits.shape)


# --------------------------------------------------------------------------------------------------------------- sample


@torch.no_grad()
def sample_by_loop(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    tokens = prompt.clone()
    for _ in range(length - prompt.shape[1]):
        chances = chances_by_bar(model(tokens)[:, -1], temperature, top_k)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return tokens


@torch.no_grad()
def sample_by_inversion(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    """Draws by looking up a uniform number among the summed chances."""
    tokens = prompt
    while tokens.shape[1] < length:
        chances = chances_by_renormalising(model(tokens)[:, -1], temperature, top_k)
        number = torch.rand(len(chances), 1, generator=generator)
        new = torch.searchsorted(chances.cumsum(-1), number * chances.sum(-1, keepdim=True), right=True)
        tokens = torch.cat([tokens, new.clamp(max=chances.shape[-1] - 1)], dim=1)
    return tokens


@torch.no_grad()
def sample_by_gumbel(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    """Draws by adding Gumbel noise to log-chances and taking the largest, into a table made beforehand."""
    out = torch.zeros(len(prompt), length, dtype=torch.long)
    out[:, : prompt.shape[1]] = prompt
    for place in range(prompt.shape[1], length):
        chances = chances_by_bar(model(out[:, :place])[:, place - 1], temperature, top_k)
        noise = -torch.log(-torch.log(torch.rand(chances.shape, generator=generator).clamp(1e-9, 1 - 1e-7)))
        out[:, place] = (chances.log() + noise).argmax(-1)
    return out


def sample_by_distribution(model, prompt, length, temperature=1.0, top_k=None, generator=None):
    if prompt.shape[1] == length:
        return prompt
    chances = chances_by_rows(model(prompt)[:, -1].detach(), temperature, top_k)
    new = torch.distributions.Categorical(probs=chances).sample()
    return sample_by_distribution(model, torch.cat([prompt, new[:, None]], 1), length, temperature, top_k, generator)


# ----------------------------------------------------------------------------------------------------- cached_attention


def cached_by_library(q, k, v, past_k, past_v):
    k, v = torch.cat([past_k, k], -2), torch.cat([past_v, v], -2)
    new, every = q.shape[-2], k.shape[-2]
    mask = torch.arange(every)[None, :] <= torch.arange(every - new, every)[:, None]
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), k, v


def cached_by_loop(q, k, v, past_k, past_v):
    keys, values, rows = past_k, past_v, []
    for i in range(q.shape[-2]):
        keys = torch.cat([keys, k[..., i : i + 1, :]], dim=-2)
        values = torch.cat([values, v[..., i : i + 1, :]], dim=-2)
        scores = q[..., i : i + 1, :] @ keys.transpose(-1, -2) / math.sqrt(q.shape[-1])
        rows.append(scores.softmax(-1) @ values)
    return torch.cat(rows, dim=-2), keys, values


def cached_by_padding(q, k, v, past_k, past_v):
    """Old queries are made up, and their rows thrown away."""
    old = past_k.shape[-2]
    k, v = torch.cat([past_k, k], -2), torch.cat([past_v, v], -2)
    padded = torch.cat([torch.zeros_like(past_k), q], -2)
    scores = padded @ k.mT / q.shape[-1] ** 0.5
    scores = scores + torch.full(scores.shape[-2:], -torch.inf, dtype=q.dtype).triu(1)
    return [(scores.softmax(-1) @ v)[..., old:, :], k, v]


CORRECT = {
    "nearest_code": {
        "loop": nearest_by_loop,
        "broadcast": nearest_by_broadcast,
        "cdist": nearest_by_cdist,
        "largest score": nearest_by_scores,
    },
    "causal_mask": {
        "tril": lambda n: torch.ones(n, n).tril().bool(),
        "loop": mask_by_loop,
        "compared indices": lambda n: torch.arange(n)[:, None] >= torch.arange(n),
        "not triu": lambda n: ~torch.triu(torch.ones(n, n, dtype=torch.bool), diagonal=1),
    },
    "masked_attention": {
        "loop": attention_by_loop,
        "library": attention_by_library,
        "added mask": attention_by_added_mask,
        "renormalised": attention_by_renormalising,
        "a very negative number": attention_by_where,
    },
    "shift_right": {"cat": shift_by_cat, "roll": shift_by_roll, "lists": shift_by_lists},
    "ImageGPT": {"by hand": GPTByHand, "one-hot": GPTByOneHot, "token by token": GPTTokenByToken},
    "bits_per_picture": {"loop": bits_by_loop, "gather": bits_by_gather, "transposed": bits_by_transposing},
    "next_probabilities": {
        "bar": chances_by_bar,
        "renormalised": chances_by_renormalising,
        "row by row": chances_by_rows,
    },
    "sample": {
        "multinomial": sample_by_loop,
        "inversion": sample_by_inversion,
        "gumbel": sample_by_gumbel,
        "recursive, categorical": sample_by_distribution,
    },
    "cached_attention": {"library": cached_by_library, "loop": cached_by_loop, "padded": cached_by_padding},
    "chain_rule": {"plain": "b", "upper": "B", "spaces": " b "},
    "factors_fashion": {"plain": 49, "text": "49", "unit": "49 factors"},
    "why_codes": {"plain": "b", "upper": "B", "spaces": " b "},
    "uniform_bits": {"plain": 392, "unit": "392 bits", "float": 392.0},
    "without_mask": {"plain": "c", "upper": "C", "spaces": " c "},
    "first_reads": {"plain": "a", "upper": "A", "spaces": " a "},
    "class_worth": {"plain": 3.32, "unit": "3.3219 bits", "computed": math.log2(10)},
    "cold_and_hot": {"plain": "b", "upper": "B", "spaces": " b "},
    "order_now": {"plain": "b", "upper": "B", "spaces": " b "},
    "cost_again": {"plain": "N**3 * D", "O and powers": "O(N³ D)", "a third": "N^3 D / 3 + N^2 D"},
    "cost_cached": {"plain": "N**2 * D", "O and powers": "O(N² D)", "sum": "D N (N + 1) / 2"},
}
