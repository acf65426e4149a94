"""Telling a transformer where its tokens are: tables that are added, and rotations of queries and keys (lesson 05)."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from helpers.models.attention import MultiHeadSelfAttention, attention
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.vit import ViT

BASE = 10_000.0  # of Vaswani et al.: the slowest wave turns by about 1/BASE radians from one place to the next


def sincos_1d(length: int, dim: int, base: float = BASE) -> Tensor:
    """The code of each place of a sequence: waves from fast to slow, sines in the first half, cosines in the second.

    length: number of places; dim: width of a code, even; base: how many times slower the slowest wave is, about
    Returns (length, dim), float32: entry i < dim/2 is sin(place * base**(-2i/dim)), entry dim/2 + i its cosine.
    Raises ValueError for an odd width.
    Attention Is All You Need (Vaswani et al., 2017), section 3.5, with sines and cosines in halves instead of in turns.
    """
    if dim % 2:
        raise ValueError(f"Each wave needs a sine and a cosine, so the width is even, but dim is {dim}.")
    places = torch.arange(length, dtype=torch.float64)
    speeds = base ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)  # (dim/2,), radians a place
    angles = places[:, None] * speeds  # (length, dim/2)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()  # (length, dim)


def sincos_2d(rows: int, cols: int, dim: int, conventions: Conventions = STANDARD, base: float = BASE) -> Tensor:
    """The code of each patch of a grid: its row's code in the first half, its column's in the second.

    rows, cols: the grid in patches; dim: width of a code, a multiple of 4; base: as in `sincos_1d`
    Returns (rows*cols, dim), float32, in the order of the patch sequence.
    Raises ValueError for a width that is no multiple of 4.
    As Better plain ViT baselines (Beyer et al., 2022) use them.
    """
    if dim % 4:
        raise ValueError(f"Rows and columns need a sine and a cosine each, so dim is a multiple of 4, but it is {dim}.")
    row, col = rows_and_columns((rows, cols), conventions)
    by_row, by_col = (sincos_1d(length, dim // 2, base) for length in (rows, cols))
    return torch.cat([by_row[row], by_col[col]], dim=1)  # (N, dim)


def rows_and_columns(grid: tuple[int, int], conventions: Conventions = STANDARD) -> tuple[Tensor, Tensor]:
    """Row and column of each patch of the sequence: two long tensors (N,)."""
    rows, cols = grid
    if conventions.sequence == "row-major":
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(cols))  # (N, 2)
        return places[:, 0], places[:, 1]
    places = torch.cartesian_prod(torch.arange(cols), torch.arange(rows))
    return places[:, 1], places[:, 0]


class LearnedPositions(nn.Module):
    """One learned vector a place, added to the token that stands there: (B, tokens, dim) -> (B, tokens, dim).

    tokens: places, that of a class token counted; dim: width of a token
    ViT (Dosovitskiy et al., 2021), equation 1: E_pos.
    """

    def __init__(self, tokens: int, dim: int):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.empty(1, tokens, dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pos_embed  # (B, N, D) + (1, N, D)


class LearnedGridPositions(nn.Module):
    """A learned half vector a row and one a column, side by side; the class token stands first and has its own.

    Adds to (B, 1+rows*cols, dim); dim is even.
    ViT (Dosovitskiy et al., 2021), appendix D.4: the 2-D embedding.
    """

    def __init__(self, rows: int, cols: int, dim: int):
        super().__init__()
        self.class_embed = nn.Parameter(torch.empty(1, dim))
        self.row_embed = nn.Parameter(torch.empty(rows, dim // 2))
        self.col_embed = nn.Parameter(torch.empty(cols, dim // 2))
        for table in self.parameters():
            nn.init.trunc_normal_(table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        row, col = rows_and_columns((len(self.row_embed), len(self.col_embed)))
        patches = torch.cat([self.row_embed[row], self.col_embed[col]], dim=1)  # (N, D)
        return x + torch.cat([self.class_embed, patches])  # (B, 1+N, D) + (1+N, D)


class FixedPositions(nn.Module):
    """A table that is not learned, added to the patch tokens; the class token stands first and gets nothing.

    table: (N, D), any floating dtype, kept in float32; adds to (B, 1+N, D)
    """

    def __init__(self, table: Tensor):
        super().__init__()
        table = F.pad(table.float(), (0, 0, 1, 0))  # (N, D) -> (1+N, D), zeros for the class token
        self.register_buffer("table", table)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class PositionedViT(nn.Module):
    """A ViT that gets its positions from a module of its own: (B, C, H, W) -> logits (B, num_classes).

    vit: its own table is not used; positions: (B, 1+N, D) -> (B, 1+N, D), applied to class token and patches
    """

    def __init__(self, vit: ViT, positions: nn.Module):
        super().__init__()
        self.vit = vit
        self.vit.pos_embed.requires_grad_(False)
        self.positions = positions

    def forward(self, images: Tensor) -> Tensor:
        x = self.positions(self.vit.join_class_token(self.vit.patch_embed(images)))  # (B, C, H, W) -> (B, 1+N, D)
        for block in self.vit.blocks:
            x = block(x)
        return self.vit.head(self.vit.norm(x)[:, self.vit.class_token_index])  # (B, 1+N, D) -> (B, num_classes)


def interpolate_positions(
    pos_embed: Tensor, old_grid: tuple[int, int], new_grid: tuple[int, int], conventions: Conventions = STANDARD
) -> Tensor:
    """A table of positions for another grid: bicubic over rows and columns; a class token's row is kept as it is.

    pos_embed: (1, N, D) or (1, 1+N, D), floating point; old_grid, new_grid: (rows, cols) in patches
    Returns (1, M, D) or (1, 1+M, D).
    Raises ValueError where the table fits the old grid neither with nor without a class token.
    ViT (Dosovitskiy et al., 2021), section 3.2.
    """
    (rows, cols), count = old_grid, pos_embed.shape[1]
    extra = count - rows * cols
    if pos_embed.ndim != 3 or len(pos_embed) != 1 or extra not in (0, 1):
        raise ValueError(
            f"A grid of {rows}x{cols} has a table of shape (1, {rows * cols}, D), or (1, {rows * cols + 1}, D) with a "
            f"class token, but got {tuple(pos_embed.shape)}. Pass old_grid as (rows, cols)."
        )
    first = conventions.class_token == "first"
    class_token, table = pos_embed[:, :extra], pos_embed[:, extra:]
    if not first:
        table, class_token = pos_embed[:, : rows * cols], pos_embed[:, rows * cols :]
    axes = "(h w)" if conventions.sequence == "row-major" else "(w h)"
    maps = rearrange(table, f"b {axes} d -> b d h w", h=rows, w=cols)  # (1, N, D) -> (1, D, rows, cols)
    maps = F.interpolate(maps, size=tuple(new_grid), mode="bicubic", align_corners=False)
    table = rearrange(maps, f"b d h w -> b {axes} d")  # (1, D, new rows, new cols) -> (1, M, D)
    return torch.cat([class_token, table] if first else [table, class_token], dim=1)


def rope_2d(q: Tensor, k: Tensor, grid: tuple[int, int], conventions: Conventions = STANDARD) -> tuple[Tensor, Tensor]:
    """Queries and keys turned by where they are: their scores then depend on differences of rows and columns alone.

    q, k: (..., N, d) with N = rows*cols and d a multiple of 4; grid: (rows, cols)
    The first half of the features turns with the row, the second with the column. Within a half, features i and i + d/4
    are the two coordinates of a point that turns by the angle of `sincos_1d`: place * BASE**(-4i/d).
    Returns (q, k) turned, shapes unchanged.
    Raises ValueError where grid or width do not fit.
    RoFormer (Su et al., 2021), in two dimensions.
    """
    rows, cols = grid
    tokens, width = q.shape[-2:]
    if tokens != rows * cols or width % 4:
        raise ValueError(
            f"A grid of {rows}x{cols} has {rows * cols} tokens and the width is a multiple of 4, but queries are "
            f"{tuple(q.shape)}. Leave the class token out."
        )
    row_code, col_code = sincos_2d(rows, cols, width, conventions).to(q).chunk(2, dim=-1)  # (N, d/2) each

    def turn(x: Tensor) -> Tensor:
        by_row, by_col = x.chunk(2, dim=-1)  # (..., N, d/2) each
        return torch.cat([_turn(by_row, row_code), _turn(by_col, col_code)], dim=-1)

    return turn(q), turn(k)


def _turn(x: Tensor, code: Tensor) -> Tensor:
    """Points (..., N, 2*w), coordinates in halves, turned by the angles whose sines and cosines (N, 2*w) come."""
    (a, b), (sin, cos) = x.chunk(2, dim=-1), code.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class RotarySelfAttention(MultiHeadSelfAttention):
    """Self-attention whose queries and keys are turned by `rope_2d`; the class token stands first and is not turned.

    grid: (rows, cols); dim/heads is a multiple of 4
    """

    def __init__(self, dim: int, heads: int, grid: tuple[int, int]):
        super().__init__(dim, heads)
        self.grid = grid

    def forward(self, x: Tensor, rows: slice = slice(None)) -> Tensor:
        """What the tokens in `rows` see."""
        q, k, v = self.split(x)
        turned = rope_2d(q[:, :, 1:], k[:, :, 1:], self.grid)
        q, k = (torch.cat([whole[:, :, :1], part], dim=2) for whole, part in zip((q, k), turned, strict=True))
        x = attention(q[:, :, rows], k, v)  # (B, heads, rows, d)
        return self.proj(rearrange(x, "b h n d -> b n (h d)"))  # (B, heads, rows, d) -> (B, rows, D)


def rotary_vit(vit: ViT) -> PositionedViT:
    """The ViT with no table, its queries and keys turned in every block instead; weights are kept."""
    for block in vit.blocks:
        dim, heads = block.attn.proj.in_features, block.attn.heads
        rotary = RotarySelfAttention(dim, heads, vit.grid)
        rotary.load_state_dict(block.attn.state_dict())
        block.attn = rotary
    return PositionedViT(vit, nn.Identity())
