"""Lesson 05: right answers in several independent spellings."""

import math

import torch
import torch.nn.functional as F
from torch import nn

# ---------------------------------------------------------------------------------------------------------- sincos_1d


def waves_by_loops(length, dim):
    table = torch.zeros(length, dim)
    for place in range(length):
        for wave in range(dim // 2):
            angle = place / 10_000 ** (2 * wave / dim)
            table[place, wave] = math.sin(angle)
            table[place, dim // 2 + wave] = math.cos(angle)
    return table


def waves_by_outer(length, dim):
    speeds = torch.exp(-math.log(10_000.0) * torch.arange(dim // 2) / (dim // 2))
    angles = torch.outer(torch.arange(length).float(), speeds)
    return torch.hstack((torch.sin(angles), torch.cos(angles)))


def waves_by_shift(length, dim):
    """A cosine is a sine a quarter turn ahead."""
    speeds = 10_000 ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.einsum("n,w->nw", torch.arange(length, dtype=torch.float64), speeds)
    return torch.sin(torch.cat([angles, angles + math.pi / 2], dim=-1))


def waves_by_turning(length, dim):
    """Each place is the place before it, turned a step further."""
    turn = torch.polar(torch.ones(dim // 2), 10_000.0 ** (-torch.arange(dim // 2) / (dim // 2)))
    point, table = torch.ones(dim // 2, dtype=torch.cfloat), []
    for _ in range(length):
        table.append(torch.cat([point.imag, point.real]))
        point = point * turn
    return torch.stack(table)


# ---------------------------------------------------------------------------------------------------------- sincos_2d


def grid_by_loops(rows, cols, dim):
    by_row, by_col = waves_by_outer(rows, dim // 2), waves_by_outer(cols, dim // 2)
    table = []
    for row in range(rows):
        for col in range(cols):
            table.append(torch.cat([by_row[row], by_col[col]]))
    return torch.stack(table)


def grid_by_expand(rows, cols, dim):
    by_row = waves_by_outer(rows, dim // 2)[:, None].expand(rows, cols, dim // 2)
    by_col = waves_by_outer(cols, dim // 2)[None].expand(rows, cols, dim // 2)
    return torch.cat([by_row, by_col], dim=-1).reshape(rows * cols, dim)


def grid_by_meshgrid(rows, cols, dim):
    row, col = torch.meshgrid(torch.arange(rows).float(), torch.arange(cols).float(), indexing="ij")
    speeds = 1 / 10_000 ** (torch.arange(dim // 4) / (dim // 4))
    angles = [place.reshape(-1, 1) * speeds for place in (row, col)]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], dim=1)


def grid_by_division(rows, cols, dim):
    place = torch.arange(rows * cols)
    by_row, by_col = waves_by_outer(rows, dim // 2), waves_by_outer(cols, dim // 2)
    return torch.cat([F.embedding(place // cols, by_row), F.embedding(place % cols, by_col)], dim=1)


# --------------------------------------------------------------------------------------------------- LearnedPositions


class TableAdded(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, dim))

    def forward(self, x):
        return torch.add(x, self.pos_embed)


class TableExpanded(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.pos_embed = torch.nn.Parameter(0.02 * torch.randn(1, tokens, dim))

    def forward(self, tokens):
        return tokens + self.pos_embed.expand(len(tokens), -1, -1)


class TableByLoop(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.register_parameter("pos_embed", nn.Parameter(torch.rand(1, tokens, dim)))

    def forward(self, x):
        return torch.stack([picture + self.pos_embed[0] for picture in x])


class TableLookedUp(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, tokens, dim))
        self.register_buffer("places", torch.arange(tokens), persistent=False)

    def forward(self, x):
        return x + F.embedding(self.places[: x.shape[1]], self.pos_embed[0])


# ---------------------------------------------------------------------------------------------- interpolate_positions


def _aside(pos_embed, old_grid):
    extra = pos_embed.shape[1] - old_grid[0] * old_grid[1]
    return pos_embed[:, :extra], pos_embed[:, extra:]


def resize_by_permute(pos_embed, old_grid, new_grid):
    class_token, table = _aside(pos_embed, old_grid)
    maps = table.reshape(1, *old_grid, -1).permute(0, 3, 1, 2)
    maps = F.interpolate(maps, size=new_grid, mode="bicubic")
    return torch.cat([class_token, maps.flatten(2).transpose(1, 2)], dim=1)


def resize_by_matrices(pos_embed, old_grid, new_grid):
    """The cubic kernel written out (a = -0.75), one matrix for the rows and one for the columns."""
    class_token, table = _aside(pos_embed, old_grid)
    down, across = (_cubic(old, new, table.dtype) for old, new in zip(old_grid, new_grid, strict=True))
    grid = table.reshape(*old_grid, -1)
    grid = torch.einsum("rh,sw,hwd->rsd", down, across, grid)
    return torch.cat([class_token, grid.reshape(1, new_grid[0] * new_grid[1], -1)], dim=1)


def _cubic(old, new, dtype):
    matrix = torch.zeros(new, old, dtype=torch.float64)
    for i in range(new):
        centre = (i + 0.5) * old / new - 0.5
        for j in range(math.floor(centre) - 1, math.floor(centre) + 3):
            x = abs(centre - j)
            weight = (1.25 * x - 2.25) * x * x + 1 if x <= 1 else ((-0.75 * x + 3.75) * x - 6) * x + 3
            matrix[i, min(max(j, 0), old - 1)] += weight
    return matrix.to(dtype)


def resize_by_sampling(pos_embed, old_grid, new_grid):
    class_token, table = _aside(pos_embed, old_grid)
    maps = table.mT.unflatten(2, tuple(old_grid))  # (1, D, rows, cols)
    row, col = ((2 * torch.arange(n, dtype=table.dtype) + 1) / n - 1 for n in new_grid)
    places = torch.stack(torch.meshgrid(row, col, indexing="ij")[::-1], dim=-1)[None]  # (1, rows, cols, 2), x first
    maps = F.grid_sample(maps, places, mode="bicubic", padding_mode="border", align_corners=False)
    return torch.cat([class_token, maps.flatten(2).mT], dim=1)


def resize_by_upsample(pos_embed, old_grid, new_grid):
    has_class_token = pos_embed.shape[1] == old_grid[0] * old_grid[1] + 1
    table = pos_embed[0, 1:] if has_class_token else pos_embed[0]
    maps = table.view(*old_grid, -1).movedim(-1, 0)[None]
    maps = nn.Upsample(size=tuple(new_grid), mode="bicubic")(maps)
    resized = maps[0].movedim(0, -1).reshape(1, -1, table.shape[-1])
    return torch.cat([pos_embed[:, :1], resized], dim=1) if has_class_token else resized


# ------------------------------------------------------------------------------------------------------------ rope_2d


def turn_by_complex_numbers(q, k, grid):
    rows, cols = grid
    width = q.shape[-1]
    speeds = 10_000 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    row, col = torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij")
    angles = torch.stack([row.reshape(-1, 1) * speeds, col.reshape(-1, 1) * speeds], dim=1)  # (N, 2, w)
    turns = torch.polar(torch.ones_like(angles), angles)

    def turn(x):
        points = x.unflatten(-1, (2, 2, width // 4))  # (..., N, axis, coordinate, w)
        turned = torch.complex(points[..., 0, :], points[..., 1, :]) * turns.to(x.dtype.to_complex())
        return torch.stack([turned.real, turned.imag], dim=-2).flatten(-3)

    return turn(q), turn(k)


def turn_by_loops(q, k, grid):
    rows, cols = grid
    w = q.shape[-1] // 4
    turned = [q.clone(), k.clone()]
    for n in range(rows * cols):
        for axis, place in enumerate((n // cols, n % cols)):
            for i in range(w):
                angle = place * 10_000 ** (-i / w)
                one, two = 2 * w * axis + i, 2 * w * axis + w + i
                for old, new in zip((q, k), turned, strict=True):
                    new[..., n, one] = old[..., n, one] * math.cos(angle) - old[..., n, two] * math.sin(angle)
                    new[..., n, two] = old[..., n, one] * math.sin(angle) + old[..., n, two] * math.cos(angle)
    return turned


def turn_by_rotate_half(q, k, grid):
    code = grid_by_expand(*grid, q.shape[-1]).to(q.dtype)
    sin_row, cos_row, sin_col, cos_col = code.chunk(4, dim=-1)
    cos = torch.cat([cos_row, cos_row, cos_col, cos_col], dim=-1)
    sin = torch.cat([sin_row, sin_row, sin_col, sin_col], dim=-1)

    def rotate_half(x):
        a, b, c, d = x.chunk(4, dim=-1)
        return torch.cat([-b, a, -d, c], dim=-1)

    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


CORRECT = {
    "sincos_1d": {
        "loops": waves_by_loops,
        "outer product, exp of a log": waves_by_outer,
        "a sine a quarter turn ahead, float64": waves_by_shift,
        "turned step by step": waves_by_turning,
    },
    "sincos_2d": {
        "loops": grid_by_loops,
        "expand": grid_by_expand,
        "meshgrid": grid_by_meshgrid,
        "division and remainder": grid_by_division,
    },
    "LearnedPositions": {
        "torch.add, zeros at first": TableAdded,
        "expand": TableExpanded,
        "loop": TableByLoop,
        "embedding": TableLookedUp,
    },
    "interpolate_positions": {
        "permute": resize_by_permute,
        "matrices": resize_by_matrices,
        "grid_sample": resize_by_sampling,
        "nn.Upsample": resize_by_upsample,
    },
    "rope_2d": {
        "complex numbers": turn_by_complex_numbers,
        "loops, a list": turn_by_loops,
        "rotate half": turn_by_rotate_half,
    },
    "moved_garment": {"plain": "b", "upper": "B", "spaces": " b "},
    "symmetric_logits": {"plain": "a", "upper": "A", "spaces": " a "},
    "best_where": {"number": 25, "percent": "25%", "float": 25.0},
    "moved_by_one_pixel": {"plain": "c", "upper": "C", "spaces": " c "},
    "displacement_only": {"plain": "b", "upper": "B", "spaces": " b "},
    "learned_parameters": {"number": 151_296, "product": 197 * 768, "text": "151,296 parameters"},
    "learned_grid_parameters": {"number": 10_752, "product": 2 * 14 * 384, "text": "10,752"},
    "table_at_384": {"tuple": (1, 577, 768), "list": [1, 577, 768], "worked out": (1, 1 + 24 * 24, 768)},
}
