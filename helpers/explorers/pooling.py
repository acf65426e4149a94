"""Lesson 06: where the query of a MAP head looks, with the query made shorter or longer and patches hidden from it."""

import torch
import traitlets
from einops import einsum, rearrange
from torch import Tensor

from helpers.explorers.base import HERE, Explorer, browser_module, float32_bytes, one_picture
from helpers.explorers.vit_views import class_names, grid_of, most_likely, patch_cells
from helpers.models.pooling import MAPHead


class PoolingExplorer(Explorer):
    """The widget: scores and values come from the kernel, pooling.js takes the softmax and sums."""

    _esm = browser_module("pooling")
    _css = Explorer._css + (HERE / "pooling.css").read_text(encoding="utf-8")
    about = "an explorer of attention pooling"

    pictures = traitlets.Bytes().tag(sync=True)  # float32 (B, C, H, W)
    pictures_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    heads = traitlets.Int().tag(sync=True)
    scores = traitlets.Bytes().tag(sync=True)  # float32 (B, heads, N): patches row by row
    parts = traitlets.Bytes().tag(
        sync=True
    )  # float32 (B, heads, N, classes): what the logits gain where the weight is 1
    bias = traitlets.List().tag(sync=True)  # (classes,): of the logits
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    left_out = traitlets.Int().tag(sync=True)  # classes that are not drawn


@torch.no_grad()
def explore(model, images, names=None) -> PoolingExplorer:
    """See where the query looks: make it shorter or longer, look at each head, hide patches from it.

    model: a PooledViT whose pool is a MAPHead, any size of picture and patch
    images: pictures (B, C, H, W) as the model takes them, float
    names: the classes' names, a sequence of str
    Returns the widget. Raises ValueError where the model pools in another way, or pictures or names do not fit it.
    """
    if not isinstance(getattr(model, "pool", None), MAPHead):
        raise ValueError("This explorer needs a model that pools with a MAPHead: PooledViT(..., pool=MAPHead(...)).")
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(f"Expected a batch of pictures (B, C, H, W), got shape {tuple(images.shape)}.")
    pictures = torch.cat([one_picture(image) for image in images])  # (B, C, H, W)
    was_training, device = model.training, next(model.parameters()).device
    stages = model.eval().stages(pictures.to(device))
    model.train(was_training)
    scores, parts = _linear_view(model, stages["norm"])
    tokens = patch_cells(model).argsort().to(device)  # token that carries each cell, cells in raster order
    names = class_names(names, stages["logits"].shape[1])
    drawn = most_likely(stages["logits"].mean(0)).to(device)
    bias = model.head(model.pool.proj.bias)  # (classes,)
    return PoolingExplorer(
        pictures=float32_bytes(pictures),
        pictures_shape=list(pictures.shape),
        grid=list(grid_of(model)),
        heads=model.pool.heads,
        scores=float32_bytes(scores[..., tokens]),
        parts=float32_bytes(parts[:, :, tokens][..., drawn]),
        bias=bias[drawn].tolist(),
        names=[names[i] for i in drawn.tolist()],
        left_out=len(names) - len(drawn),
    )


def _linear_view(model, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """MAP and head are linear in the weights: scores (B, heads, N), and each value as a change of the logits."""
    head = model.pool
    q, k, v = head.split(head.q(head.query)), head.split(head.k(tokens)), head.split(head.v(tokens))
    scores = (q @ k.mT).squeeze(2) / q.shape[-1] ** 0.5  # (B, heads, N)
    out = rearrange(model.head.weight @ head.proj.weight, "c (h d) -> c h d", h=head.heads)  # (classes, heads, d)
    return scores, einsum(v, out, "b h n d, c h d -> b h n c")
