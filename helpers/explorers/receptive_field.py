"""Lesson 04: click a unit of a CNN or a token of a ViT, see its pixels."""

import torch
import torch.nn.functional as F
import traitlets
from einops import rearrange
from torch import Tensor

from helpers.explorers.base import Explorer, browser_module, float16_bytes, float32_bytes, one_picture
from helpers.explorers.vit_views import attention_of, class_token_place, grid_of, patch_cells
from helpers.models.receptive_field import attention_distance, patch_distances, token_reactions

LONGEST_SIDE = 252  # pixels of the photograph that the browser draws
TOKENS_AT_ONCE = 49  # tokens whose gradients are taken together


class ReceptiveFieldExplorer(Explorer):
    """The widget: the ViT's gradients were taken in the kernel, receptive_field.js does the CNN's arithmetic."""

    _esm = browser_module("receptive_field")
    about = "an explorer of receptive fields"

    photograph = traitlets.Bytes().tag(sync=True)  # float32 (C, H, W)
    photograph_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)  # float32 (C, H, W): what the ViT sees
    picture_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    stages = traitlets.Int().tag(sync=True)  # before the first block, and after each
    shares = traitlets.Bytes().tag(sync=True)  # float16 (stages, N, N): percent of cell i's reaction that cell j gets
    counts = traitlets.List().tag(sync=True)  # for each stage and cell, how many pixels have a gradient
    distances = traitlets.List().tag(sync=True)  # for each block and head, in patches
    everywhere = traitlets.Float().tag(sync=True)  # of a head that looks everywhere alike


def explore(model, image, photograph) -> ReceptiveFieldExplorer:
    """Click a unit of a CNN on a photograph, or a token of a ViT on its picture, and see which pixels it sees.

    model: a ViT with the course's parameter names, any size of picture and patch
    image: one picture (C, H, W) or (1, C, H, W) as the model takes it, float
    photograph: (C, H, W) or (1, C, H, W), float in [0, 1] or uint8; made smaller for the browser
    Returns the widget. Raises ValueError for pictures of another shape.
    """
    images = one_picture(image).to(model.cls_token.device)  # (1, C, H, W)
    photo = _fitting(one_picture(photograph))
    was_training = model.training
    model.eval()
    shares, counts = _reactions(model, images)
    distances = _distances(model, images)
    model.train(was_training)
    return ReceptiveFieldExplorer(
        photograph=float32_bytes(photo),
        photograph_shape=list(photo.shape[1:]),
        picture=float32_bytes(images),
        picture_shape=list(images.shape[1:]),
        grid=list(grid_of(model)),
        stages=len(shares),
        shares=float16_bytes(100 * shares),
        counts=counts.tolist(),
        distances=[heads.tolist() for heads in distances],
        everywhere=patch_distances(grid_of(model)).mean().item(),
    )


def _fitting(photo: Tensor) -> Tensor:
    """The photograph, no side longer than LONGEST_SIDE."""
    height, width = photo.shape[-2:]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return photo if scale == 1 else F.interpolate(photo, size, mode="bilinear", antialias=True)


def _reactions(model, images: Tensor) -> tuple[Tensor, Tensor]:
    """What each cell of the grid reacts to, for each stage: the share of its squared reaction that each cell gets
    (stages, N, N), and the number of pixels (stages, N), long."""
    rows, cols = grid_of(model)
    token_of = patch_cells(model).argsort()  # token that carries each cell, cells in raster order
    shares, counts = [], []
    for some in token_of.split(TOKENS_AT_ONCE):
        reactions = token_reactions(model, images, some.tolist()).cpu()  # (stages, T, H, W)
        counts.append((reactions > 0).sum((2, 3)))
        energy = reactions.double().square()
        energy = rearrange(energy, "s t (r p) (c q) -> s t (r c) (p q)", r=rows, c=cols).sum(-1)  # (stages, T, N)
        shares.append(energy / energy.sum(-1, keepdim=True).clamp_min(1e-300))
    return torch.cat(shares, 1), torch.cat(counts, 1)


@torch.no_grad()
def _distances(model, images: Tensor) -> list[Tensor]:
    """Attention distance of the heads of each block on this picture, without the class token: (heads,) each."""
    sequence = model.stages(images)["with_positions"]
    weights, _ = attention_of(model, sequence)  # (1, L, heads, M, M)
    place = class_token_place(model, weights.shape[-1])
    keep = torch.tensor([i for i in range(weights.shape[-1]) if i != place])
    patches = weights.cpu()[..., keep[:, None], keep]  # (1, L, heads, N, N)
    patches = patches / patches.sum(-1, keepdim=True)
    order = patch_cells(model).argsort()
    patches = patches[..., order[:, None], order]  # cells in raster order
    return [attention_distance(block, grid_of(model)) for block in patches.unbind(1)]
