"""Lesson 03: drag picture, patch, width and window, and watch where the FLOPs go."""

import torch.nn.functional as F
import traitlets

from helpers.explorers.base import HERE, Explorer, browser_module, float16_bytes, one_picture
from helpers.papers import VIT_GFLOPS

LONGEST_SIDE = 160  # pixels: the photograph is a backdrop under the grid


class AttentionCostExplorer(Explorer):
    """The widget: all of it is arithmetic, done in attention_cost.js."""

    _esm = browser_module("attention_cost")
    _css = Explorer._css + (HERE / "attention_cost.css").read_text(encoding="utf-8")
    about = "an explorer of what attention costs"

    picture = traitlets.Bytes().tag(sync=True)  # float16 (C, h, w) between 0 and 1
    picture_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    cards = traitlets.Dict().tag(sync=True)  # GFLOPs of published models, a multiply-add counted once


def explore(image) -> AttentionCostExplorer:
    """Drag the sides of a picture, the patch, the width and a window; see tokens, FLOPs and memory follow.

    image: one picture (C, H, W) or (1, C, H, W), the backdrop of the grid; float between 0 and 1, or uint8
    Returns the widget. Raises ValueError for another shape.
    """
    picture = one_picture(image)  # (1, C, H, W)
    height, width = picture.shape[-2:]
    factor = LONGEST_SIDE / max(height, width)
    if factor < 1:
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        picture = F.interpolate(picture, size, mode="area")  # (1, C, H, W) -> (1, C, h, w)
    return AttentionCostExplorer(
        picture=float16_bytes(picture), picture_shape=list(picture.shape[1:]), cards=dict(VIT_GFLOPS.values)
    )
