"""A GPT for pictures written in codes: attention that looks back only, and the model around it (lesson 09)."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from helpers.models.attention import MultiHeadSelfAttention
from helpers.models.vit import EncoderBlock

Cache = list[tuple[Tensor, Tensor]]  # for each block the keys and values so far, two tensors (B, heads, n, d)


def causal_mask(n: int) -> Tensor:
    """Who may look where in causal attention: bool (n, n), True where row i may look at column j, that is j <= i."""
    return torch.ones(n, n, dtype=torch.bool).tril()


def masked_attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
    """Scaled dot-product attention in which query i looks at key j only where allowed[i, j] is True.

    q: (..., N, d), k: (..., M, d), v: (..., M, e), floating point; allowed: bool (N, M), True at least once in each row
    Returns (..., N, e). Hidden scores are minus infinity before the softmax, so that what is left sums to 1.
    Attention Is All You Need (Vaswani et al., 2017), section 3.2.3.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)  # (..., N, d) @ (..., d, M) -> (..., N, M)
    weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
    return weights @ v  # (..., N, M) @ (..., M, e) -> (..., N, e)


def cached_attention(q: Tensor, k: Tensor, v: Tensor, past_k: Tensor, past_v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Causal attention of new tokens behind old ones, of which only keys and values were kept.

    q, k, v:         (..., m, d), of the m new tokens; past_k, past_v: (..., p, d), of the p old ones; p may be 0
    Returns the output (..., m, d) of the new tokens, and all keys and values, old and new (..., p + m, d).
    """
    k, v = torch.cat([past_k, k], dim=-2), torch.cat([past_v, v], dim=-2)  # (..., p + m, d)
    allowed = causal_mask(k.shape[-2])[-q.shape[-2] :].to(q.device)  # the last m rows: (m, p + m)
    return masked_attention(q, k, v, allowed), k, v


class CausalSelfAttention(MultiHeadSelfAttention):
    """Every token looks at itself and at those before it, in several heads: (B, N, dim) -> (B, N, dim).

    dim: width of a token; heads: number of heads. Parameters as in MultiHeadSelfAttention.
    """

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        x = masked_attention(q, k, v, causal_mask(x.shape[1]).to(x.device))  # (B, heads, N, d)
        return self.proj(rearrange(x, "b h n d -> b n (h d)"))

    def extend(self, x: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The output of new tokens (B, m, dim) behind those of `past`, and keys and values of all."""
        x, *past = cached_attention(*self.split(x), *past)  # (B, heads, m, d)
        return self.proj(rearrange(x, "b h n d -> b n (h d)")), tuple(past)


class CausalBlock(EncoderBlock):
    """An encoder block whose attention looks back only: (B, N, dim) -> (B, N, dim).

    dim: width of a token; heads: number of heads; mlp_ratio: width of the MLP's hidden layer over dim
    """

    def __init__(self, dim: int, heads: int, mlp_ratio: float = 4):
        super().__init__(dim, heads, mlp_ratio)
        self.attn = CausalSelfAttention(dim, heads)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def extend(self, x: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The output of new tokens (B, m, dim) behind those of `past`, and keys and values of all."""
        seen, past = self.attn.extend(self.norm1(x), past)
        x = x + seen
        return x + self.mlp(self.norm2(x)), past


class ImageGPT(nn.Module):
    """A decoder-only transformer over codes: tokens (B, n) -> logits (B, n, vocabulary) of the token that comes next.

    vocabulary:  number of codes, K; tokens 0 ... K-1
    length:      the longest sequence that it reads
    dim, depth, heads: width of a token, number of blocks, heads in each
    starts:      number of start tokens, which are read and never predicted: K ... K + starts - 1, one for each class
    Raises ValueError where heads do not divide the width, a number is below 1, or a sequence is too long.
    GPT (Radford et al., 2018) with the blocks of a ViT; iGPT (Chen et al., 2020).
    """

    def __init__(self, vocabulary: int, length: int, dim: int, depth: int, heads: int, starts: int = 1):
        super().__init__()
        for name, number in dict(vocabulary=vocabulary, length=length, depth=depth, starts=starts).items():
            if number < 1:
                raise ValueError(f"An ImageGPT has at least 1 as its {name}, but it is {number}.")
        self.token_embed = nn.Embedding(vocabulary + starts, dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, length, dim))
        self.blocks = nn.ModuleList([CausalBlock(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, vocabulary)
        start_small(self)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, n, vocabulary) of what comes after each of tokens (B, n), long; n is at most `length`."""
        x = self.embed(tokens, 0)  # (B, n) -> (B, n, D)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))  # (B, n, D) -> (B, n, vocabulary)

    def embed(self, tokens: Tensor, past: int) -> Tensor:
        """Tokens (B, n) that stand behind `past` others, with their positions: (B, n, D)."""
        length = self.pos_embed.shape[1]
        if past + tokens.shape[1] > length:
            raise ValueError(f"This model reads at most {length} tokens, but {past + tokens.shape[1]} came.")
        return self.token_embed(tokens) + self.pos_embed[:, past : past + tokens.shape[1]]

    def extend(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """As forward, for tokens (B, m) that follow those of which `cache` holds keys and values.

        cache: from the call before; None at the start
        Returns logits (B, m, vocabulary) and the cache of all tokens so far.
        """
        heads = self.blocks[0].attn.heads
        if cache is None:
            empty = self.pos_embed.new_zeros(len(tokens), heads, 0, self.pos_embed.shape[-1] // heads)
            cache = [(empty, empty) for _ in self.blocks]
        x = self.embed(tokens, cache[0][0].shape[-2])  # (B, m) -> (B, m, D)
        longer = []
        for block, past in zip(self.blocks, cache, strict=True):
            x, past = block.extend(x, past)
            longer.append(past)
        return self.head(self.norm(x)), longer  # (B, m, D) -> (B, m, vocabulary)


def start_small(model: nn.Module) -> None:
    """Draw a model's `token_embed` and `pos_embed` anew from a normal of 0.02, as GPT-2's code does.

    An nn.Embedding by itself starts fifty times larger: positions are drowned, and short trainings end far worse.
    """
    nn.init.normal_(model.token_embed.weight, std=0.02)
    nn.init.normal_(model.pos_embed, std=0.02)


def shift_right(tokens: Tensor, start: int | Tensor) -> Tensor:
    """What a model reads when it is to predict `tokens`: the start first, the last token gone.

    tokens: (B, N), long; start: one token for all, or (B,), long, one for each sequence
    Returns (B, N), long.
    """
    first = torch.as_tensor(start, dtype=tokens.dtype, device=tokens.device).expand(len(tokens))[:, None]  # (B, 1)
    return torch.cat([first, tokens[:, :-1]], dim=1)  # (B, N)


def next_code_loss(model: ImageGPT, codes: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of each next code given the class and the codes before it, for `helpers.train.fit`: a scalar.

    codes: (B, N), long; labels: (B,), long, below the model's number of start tokens
    """
    logits = model(shift_right(codes, model.head.out_features + labels))  # (B, N, vocabulary)
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten())


def bits_per_picture(logits: Tensor, codes: Tensor) -> float:
    """How many bits it takes, on average, to write down a picture's codes with the model's probabilities.

    logits: (B, N, K), those that predict codes (B, N), long
    Returns a number: the sum over the N places of -log2 p(code), averaged over the B pictures.
    """
    nats = F.cross_entropy(logits.flatten(0, 1), codes.flatten(), reduction="sum").item()
    return nats / (math.log(2) * len(codes))


@torch.no_grad()
def measure_bits(model: ImageGPT, codes: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Bits per picture of codes (B, N) under a model that is told their labels (B,); the model's device is used."""
    device, total = model.pos_embed.device, 0.0
    for some, kinds in zip(codes.split(batch_size), labels.split(batch_size), strict=True):
        some, kinds = some.to(device), kinds.to(device)
        total += bits_per_picture(model(shift_right(some, model.head.out_features + kinds)), some) * len(some)
    return total / len(codes)


def bits_of_places(logits: Tensor, codes: Tensor, each: bool = False) -> Tensor:
    """Bits of each place: of every picture (B, N), or averaged over the pictures (N,).

    logits: (B, N, K), those that predict codes (B, N), long; each: keep the pictures apart
    """
    bits = F.cross_entropy(logits.mT, codes, reduction="none") / math.log(2)  # (B, K, N), (B, N) -> (B, N)
    return bits if each else bits.mean(dim=0)
