"""Lesson 02: choose an order of the patches, watch the sequence, the attention and the prediction."""

import copy

import torch
import traitlets
from torch import Tensor

from helpers.explorers.base import Explorer, browser_module, float16_bytes, float32_bytes, one_picture
from helpers.explorers.vit_views import (
    ATTENTION_BUDGET,
    attention_of,
    class_names,
    class_token_place,
    grid_of,
    most_likely,
    patch_cells,
    within_budget,
)
from helpers.models.orders import inverse_permutation, scan_order

KINDS = ("raster", "column", "snake", "spiral", "hilbert", "random")


class PatchOrderExplorer(Explorer):
    """The widget: the model ran once for each order in the kernel, patch_order.js draws its numbers."""

    _esm = browser_module("patch_order")
    about = "an explorer of the order of patches"

    picture = traitlets.Bytes().tag(sync=True)  # float32 (C, H, W)
    picture_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    cells = traitlets.List(traitlets.Int()).tag(sync=True)  # raster index of each patch of the model's sequence
    class_place = traitlets.Int().tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    orders = traitlets.List().tag(sync=True)  # for each kind, the raster index of the k-th patch
    depth = traitlets.Int().tag(sync=True)
    layers = traitlets.List(traitlets.Int()).tag(sync=True)  # blocks whose attention is sent
    heads = traitlets.Int().tag(sync=True)  # heads that are sent: 1 is the mean where there were too many numbers
    all_heads = traitlets.Int().tag(sync=True)
    along = traitlets.Bytes().tag(sync=True)  # float16 (layers, heads, 1+N, 1+N): the model's own order
    behind = traitlets.Bytes().tag(sync=True)  # float16 (kinds, layers, heads, 1+N, 1+N): positions left behind
    logits_along = traitlets.List().tag(sync=True)  # for each kind, float64 logits of the classes drawn
    logits_behind = traitlets.List().tag(sync=True)
    rest_along = traitlets.List().tag(sync=True)  # for each kind, log of the summed exp of all logits
    rest_behind = traitlets.List().tag(sync=True)
    gap_along = traitlets.List().tag(sync=True)  # for each kind, the largest change of any logit
    gap_behind = traitlets.List().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)


@torch.no_grad()
def explore(model, image, names=None) -> PatchOrderExplorer:
    """Choose an order of the patches; let the positions go along or stay behind; watch what the model says.

    model: a ViT with the course's parameter names, any size of picture and patch
    image: one picture (C, H, W) or (1, C, H, W) as the model takes it, float
    names: the classes' names, a sequence of str
    Returns the widget; all was computed in float64. Raises ValueError where picture or names do not fit the model.
    Kutscher et al. (2025), REOrder, compare such orders.
    """
    images = one_picture(image)  # (1, C, H, W)
    exact = copy.deepcopy(model).cpu().double().eval()
    stages = exact.stages(images.double())
    class_place = class_token_place(exact, stages["with_positions"].shape[1])
    rows, cols = grid_of(exact)
    cells = patch_cells(exact)
    orders = _orders(rows, cols)  # (K, N)

    joined, own = stages["with_class_token"], stages["with_positions"]  # (1, M, D) each
    positions = own - joined  # (1, M, D)
    # index into the model's own sequence of the k-th token visited, class token in its place
    visits = torch.stack(
        [_with_class_token(inverse_permutation(cells)[order], class_place) for order in orders]
    )  # (K, M)
    along = joined[0, visits] + positions[0, visits]  # (K, M, D): each token keeps its position
    behind = joined[0, visits] + positions  # (K, M, D): the k-th token gets the k-th position
    weights_own, _ = attention_of(exact, own)  # (1, L, heads, M, M)
    logits_along, _ = _logits(exact, along, class_place)  # (K, classes)
    logits_behind, weights_behind = _logits(exact, behind, class_place)  # (K, classes), (K, L, heads, M, M)

    names = class_names(names, logits_along.shape[1])
    drawn = most_likely(stages["logits"][0])
    layers = list(range(len(exact.blocks)))
    if weights_behind.numel() > ATTENTION_BUDGET:  # too much to send: the mean over heads, then the last block alone
        weights_own, weights_behind = within_budget(weights_own).mean(2, True), within_budget(weights_behind)
    if weights_behind.numel() > ATTENTION_BUDGET:
        layers = layers[-1:]
    return PatchOrderExplorer(
        picture=float32_bytes(images),
        picture_shape=list(images.shape[1:]),
        grid=[rows, cols],
        cells=cells.tolist(),
        class_place=class_place,
        kinds=list(KINDS),
        orders=orders.tolist(),
        depth=len(exact.blocks),
        layers=layers,
        heads=weights_behind.shape[2],
        all_heads=exact.blocks[0].attn.heads,
        along=float16_bytes(weights_own[0, layers]),
        behind=float16_bytes(weights_behind[:, layers]),
        logits_along=logits_along[:, drawn].tolist(),
        logits_behind=logits_behind[:, drawn].tolist(),
        rest_along=logits_along.logsumexp(1).tolist(),
        rest_behind=logits_behind.logsumexp(1).tolist(),
        gap_along=(logits_along - stages["logits"]).abs().amax(1).tolist(),
        gap_behind=(logits_behind - stages["logits"]).abs().amax(1).tolist(),
        names=[names[i] for i in drawn.tolist()],
    )


def _orders(rows: int, cols: int) -> Tensor:
    """For each kind the raster index of the k-th patch visited: (K, N), long."""
    random = torch.randperm(rows * cols, generator=torch.Generator().manual_seed(0))
    return torch.stack([random if kind == "random" else scan_order(rows, cols, kind) for kind in KINDS])


def _with_class_token(visits: Tensor, class_place: int) -> Tensor:
    """Visits (N,) of patches as visits (1+N,) of tokens: the class token stays where it is."""
    class_token = torch.tensor([class_place])
    return torch.cat([class_token, visits + 1] if class_place == 0 else [visits, class_token])


def _logits(model, sequence: Tensor, class_place: int) -> tuple[Tensor, Tensor]:
    """Logits (B, classes) and attention (B, L, heads, M, M) of sequences (B, M, D) that enter the first block."""
    weights, after = attention_of(model, sequence)
    return model.head(model.norm(after[:, -1])[:, class_place]), weights
