"""Lesson 00: type an einops pattern, see the picture move."""

import numpy as np
import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from helpers.explorers.base import Explorer, browser_module, float32_bytes

LONGEST_SIDE = 64  # pixels: above it a picture is made smaller, so that each pixel stays large enough to point at
MOST_PICTURES = 12


class EinopsExplorer(Explorer):
    """The widget; its parser and executor of patterns are in einops.js."""

    _esm = browser_module("einops")
    about = "an explorer of einops patterns"

    values = traitlets.Bytes().tag(sync=True)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)
    whole = traitlets.Bool().tag(sync=True)


def explore(image) -> EinopsExplorer:
    """Type a pattern, see the picture move.

    image: (C, H, W) or a batch (B, C, H, W) of at most 12 pictures, 1 or 3 channels, tensor or array; uint8 (0 to 255)
        or float. Sides above 64 pixels are made smaller, to multiples of 8 so that they still divide.
    Returns the widget. Raises ValueError for another shape.
    """
    pictures = torch.as_tensor(image if isinstance(image, Tensor) else np.asarray(image)).detach().cpu()
    if pictures.ndim not in (3, 4) or pictures.shape[-3] not in (1, 3) or 0 in pictures.shape:
        raise ValueError(
            f"Expected a picture (C, H, W) or a batch (B, C, H, W) with 1 or 3 channels, not {tuple(pictures.shape)}."
        )
    if pictures.ndim == 4 and len(pictures) > MOST_PICTURES:
        raise ValueError(
            f"Expected at most {MOST_PICTURES} pictures, got {len(pictures)}: pass images[:{MOST_PICTURES}]."
        )
    whole = not pictures.is_floating_point()
    small = _shrink(pictures.float())
    return EinopsExplorer(
        values=float32_bytes(small.round() if whole else small), shape=list(small.shape), whole=bool(whole)
    )


def _shrink(pictures: Tensor) -> Tensor:
    """(..., C, H, W) with sides of at most 64 pixels."""
    height, width = pictures.shape[-2:]
    factor = max(height, width) / LONGEST_SIDE
    if factor <= 1:
        return pictures
    sides = [max(8, round(side / factor / 8) * 8) for side in (height, width)]
    batch = pictures.reshape(-1, *pictures.shape[-3:])  # (B, C, H, W)
    small = F.interpolate(batch, sides, mode="area")  # (B, C, h, w)
    return small.reshape(*pictures.shape[:-2], *sides)  # (..., C, h, w)
