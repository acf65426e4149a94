"""Two marks far apart, alike or not: a task for which a unit has to see both (lesson 04)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from helpers.models.vit import ViT

SIDE = 24  # pixels of a picture
MARK = 4  # pixels of a mark
MARKS = (
    ("####", "#..#", "#..#", "####"),
    ("#..#", ".##.", ".##.", "#..#"),
    (".##.", "####", "####", ".##."),
    ("##..", "##..", "..##", "..##"),
)


def two_marks(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures with one mark near the left edge and one near the right edge, at least 12 pixels apart.

    count: number of pictures; generator: draws them, half alike and half not on average
    Returns images (count, 1, 24, 24), float32, marks of brightness 2 on noise of 0.1, and labels (count,): 1 for alike.
    """

    def draw(high: int) -> Tensor:
        return torch.randint(0, high, (count,), generator=generator)

    shapes = torch.tensor([[[float(pixel == "#") for pixel in row] for row in mark] for mark in MARKS])  # (K, P, P)
    left, alike = draw(len(MARKS)), draw(2)
    right = (left + (1 - alike) * (1 + draw(len(MARKS) - 1))) % len(MARKS)
    cells = SIDE // MARK
    grid = torch.zeros(count, cells, cells, MARK, MARK)
    picture = torch.arange(count)
    grid[picture, draw(cells), draw(2)] = shapes[left]
    grid[picture, draw(cells), cells - 1 - draw(2)] = shapes[right]
    images = grid.transpose(2, 3).reshape(count, 1, SIDE, SIDE)  # (B, rows, cols, P, P) -> (B, 1, H, W)
    return 2 * images + 0.1 * torch.randn(images.shape, generator=generator), alike


def local_cnn(layers: Sequence[tuple[int, int, int]], num_classes: int, width: int = 24) -> nn.Sequential:
    """Convolutions, the mean over the picture, a linear head: one vote for every place, and nothing else.

    layers: (kernel, stride, dilation) of each convolution, from the input up; pictures of one channel
    """
    parts: list[nn.Module] = []
    channels = 1
    for kernel, stride, dilation in layers:
        padding = dilation * (kernel - 1) // 2
        parts += [nn.Conv2d(channels, width, kernel, stride, padding, dilation), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))


def one_block_vit() -> ViT:
    """A ViT with one block for these pictures, the matrices of its block drawn with a spread of 0.2.

    The usual 0.02 is made for widths of 768; at width 48 it can leave the model at 50% for a whole training.
    """
    vit = ViT(SIDE, patch_size=MARK, channels=1, num_classes=2, dim=48, depth=1, heads=4)
    for module in vit.blocks.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.2)
    return vit
