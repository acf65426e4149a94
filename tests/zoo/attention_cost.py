"""Independent correct answers to every exercise of lesson 03."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def counted(run):
    """What PyTorch's own counter finds in run()."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


# ---------------------------------------------------------------------------------------------------------- num_tokens


def tokens_by_loops(height, width, patch_size):
    count = 0
    for _ in range(0, height, patch_size):
        for _ in range(0, width, patch_size):
            count += 1
    return count


def tokens_by_rearrange(height, width, patch_size):
    picture = torch.empty(height, width, device="meta")
    return len(rearrange(picture, "(h p) (w q) -> (h w) (p q)", p=patch_size, q=patch_size))


def tokens_by_unfold(height, width, patch_size):
    return F.unfold(torch.zeros(1, 1, height, width), patch_size, stride=patch_size).shape[-1]


# ----------------------------------------------------------------------------------------------------- attention_flops


def attention_by_counter(height, width, patch_size, dim):
    q = torch.empty(height // patch_size * (width // patch_size), dim, device="meta")
    return counted(lambda: (q @ q.T).softmax(-1) @ q)


def attention_by_pixels(height, width, patch_size, dim):
    return 4 * height**2 * width**2 * dim / patch_size**4


def attention_token_by_token(height, width, patch_size, dim):
    tokens = height * width // patch_size**2
    one_score = dim + dim  # multiplications and additions
    one_result = dim * (tokens + tokens)
    return sum(tokens * one_score + one_result for _ in range(tokens))


# --------------------------------------------------------------------------------------------------------- block_flops


def block_by_counter(tokens, dim, mlp_ratio=4):
    hidden = int(dim * mlp_ratio)
    x = torch.empty(tokens, dim, device="meta")
    with torch.device("meta"):
        layers = [nn.Linear(dim, 3 * dim), nn.Linear(dim, dim), nn.Linear(dim, hidden), nn.Linear(hidden, dim)]

    def run():
        q, k, v = layers[0](x).chunk(3, dim=-1)
        y = layers[1]((q @ k.T).softmax(-1) @ v)
        return layers[3](layers[2](y))

    return counted(run)


def block_by_a_list_of_shapes(tokens, dim, mlp_ratio=4):
    n, d, m = tokens, dim, mlp_ratio * dim
    products = [(n, d, d)] * 4 + [(n, d, n), (n, n, d), (n, d, m), (n, m, d)]
    return 2 * sum(math.prod(sizes) for sizes in products)


def block_by_formula(tokens, dim, mlp_ratio=4):
    return torch.tensor(4 * tokens * dim * ((2 + mlp_ratio) * dim + tokens), dtype=torch.float64)


# ----------------------------------------------------------------------------------------------------------- vit_flops


def vit_by_counter(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000):
    height, width = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    with torch.device("meta"):
        stem = nn.Conv2d(channels, dim, patch_size, patch_size)
        head = nn.Linear(dim, num_classes)
        picture = torch.empty(1, channels, height, width)
        first = counted(lambda: stem(picture))
        last = counted(lambda: head(torch.empty(1, dim)))
    tokens = 1 + tokens_by_loops(height, width, patch_size)
    return first + depth * block_by_counter(tokens, dim, mlp_ratio) + last


def vit_by_multiply_adds(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000):
    sides = [image_size] * 2 if isinstance(image_size, int) else list(image_size)
    patches = math.prod(side // patch_size for side in sides)
    tokens = patches + 1
    adds = patches * channels * patch_size * patch_size * dim
    for _ in range(depth):
        adds += 4 * tokens * dim * dim
        adds += 2 * tokens * tokens * dim
        adds += 2 * tokens * dim * int(mlp_ratio * dim)
    return 2 * (adds + dim * num_classes)


def vit_in_one_line(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000):
    h, w = image_size if not isinstance(image_size, int) else (image_size, image_size)
    n, p = h * w / patch_size**2, patch_size**2 * channels
    return float(2 * dim * (n * p + depth * (n + 1) * (2 * (n + 1) + (4 + 2 * mlp_ratio) * dim) + num_classes))


# -------------------------------------------------------------------------------------------- windowed_attention_flops


def windowed_by_counter(height, width, patch_size, dim, window):
    rows, cols = height // patch_size, width // patch_size
    x = torch.empty(rows, cols, dim, device="meta")
    x = rearrange(x, "(r a) (c b) d -> (r c) (a b) d", a=window, b=window)
    return counted(lambda: (x @ x.mT).softmax(-1) @ x)


def windowed_as_small_pictures(height, width, patch_size, dim, window):
    side = window * patch_size
    return (height // side) * (width // side) * attention_by_counter(side, side, patch_size, dim)


def windowed_by_formula(height, width, patch_size, dim, window):
    return 4 * height * width / patch_size**2 * window**2 * dim


CORRECT = {
    "flops_of_product": {"number": 210, "unit": "210 FLOPs", "float": 210.0},
    "num_tokens": {
        "loops": tokens_by_loops,
        "rearrange": tokens_by_rearrange,
        "unfold": tokens_by_unfold,
        "area": lambda height, width, patch_size: height * width / patch_size**2,
    },
    "growth_in_tokens": {"plain": "N**2*D", "with constant": "4 * N^2 * D", "order": "O(D N²)"},
    "attention_flops": {
        "FlopCounterMode": attention_by_counter,
        "in pixels": attention_by_pixels,
        "token by token": attention_token_by_token,
    },
    "growth_in_pixels": {"plain": "H**2*W**2*D/P**4", "squared": "(H*W/P**2)**2 * D", "order": "O(H^2 W^2 D / P^4)"},
    "double_resolution": {"number": 16, "words": "16 times", "float": 16.0},
    "halve_patch": {"number": 16, "words": "16 times", "text": "16"},
    "growth_of_projections": {"plain": "N*D**2", "with constant": "24 N D^2", "order": "O(D * D * N)"},
    "block_flops": {
        "FlopCounterMode": block_by_counter,
        "list of shapes": block_by_a_list_of_shapes,
        "one formula, a tensor": block_by_formula,
    },
    "crossing_tokens": {"number": 4608, "unit": "4,608 tokens", "product": 6 * 768},
    "crossing_side": {"number": 1088, "unit": "1088 pixels", "text": "1,088"},
    "vit_flops": {
        "FlopCounterMode": vit_by_counter,
        "multiply-adds": vit_by_multiply_adds,
        "one line, a float": vit_in_one_line,
    },
    "published_gflops": {"plain": "a", "upper": "A", "spaces": " a "},
    "share_b16": {"two digits": 11.06, "percent": "11.1 %", "whole": "11 percent"},
    "memory_of_weights": {"megabytes": "805 MB", "gigabytes": "0.805 GB", "bytes": 805_306_368},
    "fused_saves": {"plain": "b", "upper": "B", "spaces": " b "},
    "growth_windowed": {"plain": "N*M**2*D", "order": "O(N M^2 D)", "by windows": "N/M**2 * M**4 * D"},
    "windowed_attention_flops": {
        "FlopCounterMode": windowed_by_counter,
        "small pictures": windowed_as_small_pictures,
        "formula": windowed_by_formula,
    },
    "double_resolution_windowed": {"number": 4, "words": "4 times", "float": 4.0},
    "price_of_windows": {"plain": "a", "upper": "A", "spaces": " a "},
}
