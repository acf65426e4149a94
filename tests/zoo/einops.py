"""Right answers to lesson 00, each written in a way of its own: the check must accept all of them."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce, repeat
from einops.layers.torch import Rearrange
from torch import nn


def _album_by_loops(images, rows):
    cols = images.shape[0] // rows
    height, width = images.shape[2:]
    page = torch.zeros(rows * height, cols * width, images.shape[1], dtype=images.dtype)
    for number, picture in enumerate(images):
        top, left = number // cols * height, number % cols * width
        page[top : top + height, left : left + width] = picture.permute(1, 2, 0)
    return page


def _album_by_cat(images, rows):
    cols = len(images) // rows
    strips = [torch.cat(list(images[row * cols : (row + 1) * cols]), dim=2) for row in range(rows)]
    return torch.cat(strips, dim=1).movedim(0, -1)


def _album_by_permute(images, rows):
    count, channels, height, width = images.shape
    cols = count // rows
    grid = images.reshape(rows, cols, channels, height, width)
    return grid.permute(0, 3, 1, 4, 2).reshape(rows * height, cols * width, channels)


def _album_in_two_steps(images, rows):
    grid = rearrange(images, "(r c) k h w -> r c k h w", r=rows)
    return rearrange(grid, "r c k h w -> (r h) (c w) k")


def _pool_by_loops(images, k):
    batch, channels, height, width = images.shape
    result = torch.empty(batch, channels, height // k, width // k, dtype=images.dtype)
    for row in range(height // k):
        for col in range(width // k):
            square = images[:, :, row * k : (row + 1) * k, col * k : (col + 1) * k]
            result[:, :, row, col] = square.sum(dim=(2, 3)) / k**2
    return result


def _pool_by_strides(images, k):
    return sum(images[:, :, i::k, j::k] for i in range(k) for j in range(k)) / (k * k)


def _pool_by_view(images, k):
    batch, channels, height, width = images.shape
    return images.reshape(batch, channels, height // k, k, width // k, k).mean(dim=(3, 5))


def _upsample_by_loops(images, k):
    batch, channels, height, width = images.shape
    result = torch.empty(batch, channels, height * k, width * k, dtype=images.dtype)
    for row in range(height * k):
        for col in range(width * k):
            result[:, :, row, col] = images[:, :, row // k, col // k]
    return result


def _upsample_by_expand(images, k):
    batch, channels, height, width = images.shape
    wide = images[:, :, :, None, :, None].expand(batch, channels, height, k, width, k)
    return wide.reshape(batch, channels, height * k, width * k)


def _split_by_loops(x, heads):
    width = x.shape[2] // heads
    return torch.stack([x[:, :, head * width : (head + 1) * width] for head in range(heads)], dim=1)


def _split_by_view(x, heads):
    batch, tokens, dim = x.shape
    return x.view(batch, tokens, heads, dim // heads).transpose(1, 2)


def _split_by_unflatten(x, heads):
    return nn.Unflatten(-1, (heads, -1))(x).swapaxes(1, 2)


def _merge_by_cat(x):
    return torch.cat([x[:, head] for head in range(x.shape[1])], dim=-1)


def _merge_by_transpose(x):
    batch, heads, tokens, width = x.shape
    return x.transpose(1, 2).contiguous().view(batch, tokens, heads * width)


def _merge_by_einsum(x):
    heads, width = x.shape[1], x.shape[3]
    place = torch.eye(heads * width, dtype=x.dtype).reshape(heads, width, heads * width)
    return torch.einsum("bhnd,hde->bne", x, place)


def _channels_by_loops(images):
    return torch.stack([torch.stack(list(picture), dim=-1) for picture in images])


CORRECT: dict[str, dict[str, object]] = {
    "shape_sideways": {"tuple": (10, 3, 48, 32), "list": [10, 3, 48, 32], "size": (10, 3, 12 * 4, 2**5)},
    "to_channels_last": {
        "permute": lambda images: images.permute(0, 2, 3, 1),
        "movedim": lambda images: torch.movedim(images, 1, -1),
        "two transposes": lambda images: images.transpose(1, 2).transpose(2, 3).contiguous(),
        "loops": _channels_by_loops,
        "einsum": lambda images: torch.einsum("bchw->bhwc", images),
        "layer": Rearrange("batch channel height width -> batch height width channel"),
        "ellipsis": lambda images: rearrange(images, "b c ... -> b ... c"),
    },
    "shape_column": {"tuple": (3, 320, 48), "list": [3, 320, 48], "product": (3, 10 * 32, 48)},
    "bracket_order": {"small": "b", "capital": "B", "spaces": " b "},
    "shape_split": {"tuple": (5, 3, 32, 96), "list": [5, 3, 32, 96], "product": (10 // 2, 3, 32, 2 * 48)},
    "photo_album": {
        "loops": _album_by_loops,
        "cat": _album_by_cat,
        "permute": _album_by_permute,
        "two patterns": _album_in_two_steps,
        "cols given": lambda images, rows: rearrange(
            images, "(r s) c h w -> (r h) (s w) c", s=images.shape[0] // rows, r=rows
        ),
    },
    "shape_reduced": {"tuple": (10, 8, 48), "list": [10, 8, 48], "product": (10, 32 // 4, 48)},
    "average_pool": {
        "loops": _pool_by_loops,
        "strides": _pool_by_strides,
        "view": _pool_by_view,
        "avg_pool2d": lambda images, k: F.avg_pool2d(images, k),
        "unfold": lambda images, k: images.unfold(2, k, k).unfold(3, k, k).mean(dim=(-1, -2)),
        "two reductions": lambda images, k: reduce(
            reduce(images, "b c (h k) w -> b c h w", "mean", k=k), "b c h (w k) -> b c h w", "mean", k=k
        ),
        "area": lambda images, k: F.adaptive_avg_pool2d(images, (images.shape[2] // k, images.shape[3] // k)),
    },
    "tile_or_enlarge": {"small": "b", "capital": "B", "spaces": " b "},
    "upsample": {
        "loops": _upsample_by_loops,
        "expand": _upsample_by_expand,
        "repeat_interleave": lambda images, k: images.repeat_interleave(k, dim=2).repeat_interleave(k, dim=3),
        "interpolate": lambda images, k: F.interpolate(images, scale_factor=k, mode="nearest"),
        "kron": lambda images, k: torch.kron(images, torch.ones(k, k, dtype=images.dtype)),
        "two patterns": lambda images, k: repeat(
            repeat(images, "b c h w -> b c (h k) w", k=k), "b c h w -> b c h (w k)", k=k
        ),
    },
    "shape_heads": {"tuple": (2, 3, 50, 64), "list": [2, 3, 50, 64], "product": (2, 3, 50, 192 // 3)},
    "split_heads": {
        "loops": _split_by_loops,
        "view and transpose": _split_by_view,
        "unflatten": _split_by_unflatten,
        "chunk": lambda x, heads: torch.stack(x.chunk(heads, dim=-1), dim=1),
    },
    "merge_heads": {
        "cat": _merge_by_cat,
        "transpose and view": _merge_by_transpose,
        "flatten": lambda x: x.transpose(1, 2).flatten(2),
        "einsum": _merge_by_einsum,
    },
    "when_reshape_alone": {"small": "a", "capital": "A", "spaces": " a "},
}
