"""Lesson 01: a picture through every stage of a ViT, token by token."""

import torch
import traitlets

from helpers.explorers.base import Explorer, browser_module, float16_bytes, float32_bytes, one_picture
from helpers.explorers.vit_views import (
    attention_of,
    class_names,
    class_token_place,
    grid_of,
    most_likely,
    patch_cells,
    within_budget,
)
from helpers.models.conventions import STANDARD
from helpers.models.patches import patchify


class PatchesToTokensExplorer(Explorer):
    """The widget: the model ran once in the kernel, patches_to_tokens.js draws its numbers."""

    _esm = browser_module("patches_to_tokens")
    about = "an explorer of a ViT, token by token"

    picture = traitlets.Bytes().tag(sync=True)  # float32 (C, H, W)
    picture_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    cells = traitlets.List(traitlets.Int()).tag(sync=True)  # raster index of each patch of the sequence
    patches = traitlets.Bytes().tag(sync=True)  # float32 (N, C*P*P)
    class_place = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)  # D
    tokens = traitlets.Bytes().tag(sync=True)  # float32 (1+N, D), class token joined
    positions = traitlets.Bytes().tag(sync=True)  # float32 (1+N, D)
    blocks = traitlets.Bytes().tag(sync=True)  # float16 (L, 1+N, D)
    depth = traitlets.Int().tag(sync=True)
    heads = traitlets.Int().tag(sync=True)  # heads that are sent: 1 is the mean where there were too many numbers
    all_heads = traitlets.Int().tag(sync=True)
    attention = traitlets.Bytes().tag(sync=True)  # float16 (L, heads, 1+N, 1+N)
    shares = traitlets.List(traitlets.Float()).tag(sync=True)  # probabilities of the classes drawn
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)


@torch.no_grad()
def explore(model, image, names=None) -> PatchesToTokensExplorer:
    """Watch a picture go through every stage of a ViT: pixels, patches, tokens, positions, blocks, classes.

    model: a ViT with the course's parameter names, any size of picture and patch
    image: one picture (C, H, W) or (1, C, H, W) as the model takes it, float
    names: the classes' names, a sequence of str
    Returns the widget. Raises ValueError where picture or names do not fit the model.
    """
    device = model.cls_token.device
    images = one_picture(image)  # (1, C, H, W)
    was_training = model.training
    model.eval()
    stages = model.stages(images.to(device))
    weights, after = attention_of(model, stages["with_positions"])  # (1, L, heads, M, M), (1, L, M, D)
    model.train(was_training)
    names = class_names(names, stages["logits"].shape[1])
    drawn = most_likely(stages["logits"][0].cpu())
    joined = stages["with_class_token"][0]  # (M, D)
    sent = within_budget(weights[0])  # (L, heads or 1, M, M)
    return PatchesToTokensExplorer(
        picture=float32_bytes(images),
        picture_shape=list(images.shape[1:]),
        grid=list(grid_of(model)),
        cells=patch_cells(model).tolist(),
        patches=float32_bytes(patchify(images, model.patch_size, getattr(model, "conventions", STANDARD))),
        class_place=class_token_place(model, len(joined)),
        width=joined.shape[1],
        tokens=float32_bytes(joined),
        positions=float32_bytes(stages["with_positions"][0] - joined),
        blocks=float16_bytes(after),
        depth=len(model.blocks),
        heads=sent.shape[1],
        all_heads=weights.shape[2],
        attention=float16_bytes(sent),
        shares=stages["logits"][0].softmax(-1).cpu()[drawn].tolist(),
        names=[names[i] for i in drawn.tolist()],
    )
