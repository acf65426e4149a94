"""Convolutions elsewhere than in the stem: inside a block's MLP, and as positions (lesson 08)."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from helpers.models.conventions import STANDARD, Conventions
from helpers.models.vit import MLP


def depthwise_on_grid(
    tokens: Tensor, weight: Tensor, grid: tuple[int, int], conventions: Conventions = STANDARD
) -> Tensor:
    """A 3x3 depthwise convolution over the grid that patch tokens come from; zeros around it.

    tokens:      (B, N, D), without class token, N = rows * cols
    weight:      (D, 1, 3, 3), one kernel for each feature
    grid:        (rows, cols)
    conventions: order of the tokens over the grid
    Returns (B, N, D).
    """
    rows, cols = grid
    order = "(h w)" if conventions.sequence == "row-major" else "(w h)"
    maps = rearrange(tokens, f"b {order} d -> b d h w", h=rows, w=cols)  # (B, N, D) -> (B, D, rows, cols)
    maps = F.conv2d(maps, weight, padding=1, groups=len(weight))
    return rearrange(maps, f"b d h w -> b {order} d")  # (B, D, rows, cols) -> (B, N, D)


class ConvMLP(MLP):
    """An MLP whose hidden features look at the eight patches around: (B, 1+N, dim) -> (B, 1+N, dim).

    Between its two layers a depthwise convolution is added to what it gets; the class token, first, passes by.
    dim, hidden: as in MLP; grid: (rows, cols), N = rows * cols
    """

    def __init__(self, dim: int, hidden: int, grid: tuple[int, int]):
        super().__init__(dim, hidden)
        self.grid = grid
        self.depthwise = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1, groups=hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)  # (B, 1+N, D) -> (B, 1+N, hidden)
        class_token, patches = x[:, :1], x[:, 1:]
        patches = patches + depthwise_on_grid(patches, self.depthwise.weight, self.grid)
        return self.fc2(F.gelu(torch.cat([class_token, patches], dim=1)))  # (B, 1+N, hidden) -> (B, 1+N, D)


class ConvPositions(nn.Module):
    """Positions made from the tokens themselves: each gets a convolution of its neighbourhood added.

    (B, 1+N, dim) -> (B, 1+N, dim); the class token, first, passes by. dim: width; grid: (rows, cols), N = rows * cols
    """

    def __init__(self, dim: int, grid: tuple[int, int]):
        super().__init__()
        self.grid = grid
        self.depthwise = nn.Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        class_token, patches = x[:, :1], x[:, 1:]
        patches = patches + depthwise_on_grid(patches, self.depthwise.weight, self.grid)
        return torch.cat([class_token, patches], dim=1)
