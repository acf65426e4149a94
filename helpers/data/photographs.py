"""Three small photographs, free of copyright, for pictures of patches."""

import operator
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from helpers.data.files import read_manifest, read_pixels

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")


def photo(name: str, size: tuple[int, int] | None = None) -> Tensor:
    """A small colour photograph; its sides divide by 14 and by 16.

    name: "astronaut" (224, 224), "chelsea", a cat (224, 336), or "coffee", a cup (224, 336)
    size: (height, width) in pixels to resize to, antialiased (Lanczos); another aspect ratio stretches the picture
    Returns float32 (3, H, W) between 0 and 1; the tensor is the caller's own to change.
    Raises ValueError for a name or size that does not exist, DataError for a missing or damaged file.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"The photographs are {', '.join(PHOTOGRAPHS)}, but {name!r} came; try photo('chelsea').")
    pixels = _pixels(name)  # (H, W, 3)
    if size is not None:
        height, width = _check_size(size)
        picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        pixels = np.asarray(picture)  # (height, width, 3)
    return torch.tensor(pixels).permute(2, 0, 1).float().div_(255).contiguous()  # (3, H, W)


def _check_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        height, width = (operator.index(side) for side in size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(f"size is (height, width), two whole numbers from 1 up, but {size!r} came; try (224, 224).")
    return height, width


@lru_cache(maxsize=len(PHOTOGRAPHS))
def _pixels(name: str) -> np.ndarray:
    """The one decoded copy of a photograph in this process, uint8 (H, W, 3); never hand it out, only copies of it."""
    return read_pixels("photographs", f"{name}.png", read_manifest("photographs"))
