"""Two tasks on the same pictures (lesson 05): *what* is the garment, and *where* does it lie?"""

import torch
import torch.nn.functional as F
from torch import Tensor

CORNERS = ("top left", "top right", "bottom left", "bottom right")


def in_corners(images: Tensor, corners: Tensor, background: float, side: int = 12) -> Tensor:
    """Each garment, made small, in one corner of a picture twice as large, otherwise empty.

    images: (B, 1, H, W); corners: (B,), long, indices into CORNERS
    background: the value of an empty pixel; side: of the small garment, in pixels
    Returns (B, 1, 2*side, 2*side).
    """
    small = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)  # (B, 1, side, side)
    placed = images.new_full((len(images), 1, 2, 2, side, side), background)
    placed[torch.arange(len(images)), :, corners // 2, corners % 2] = small
    return placed.transpose(3, 4).reshape(len(images), 1, 2 * side, 2 * side)  # rows of corners next to their pixels


def in_every_corner(images: Tensor, background: float, side: int = 12) -> tuple[Tensor, Tensor]:
    """Each garment once in each of the four corners.

    images: (B, 1, H, W)
    Returns pictures (4*B, 1, 2*side, 2*side) and their corners (4*B,), long; the four of one garment stand together.
    """
    corners = torch.arange(4).repeat(len(images))  # (4*B,)
    return in_corners(images.repeat_interleave(4, dim=0), corners, background, side), corners


def draw_corners(count: int, seed: int) -> Tensor:
    """A random corner for each of `count` pictures: (count,), long."""
    return torch.randint(4, (count,), generator=torch.Generator().manual_seed(seed))
