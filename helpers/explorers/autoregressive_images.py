"""Lesson 09: a model that draws patch by patch, in the browser: class, temperature, top-k, and what it is given."""

import torch
import traitlets

from helpers.explorers.base import HERE, Explorer, browser_module, float16_bytes, float32_bytes
from helpers.explorers.vit_views import class_names
from helpers.models.codes import Codebook

MOST_PARAMETERS = 1_500_000  # 3 MB as float16; more would be slow in a browser


class AutoregressiveImagesExplorer(Explorer):
    """The widget: weights and words go to the browser once, autoregressive_images.js draws."""

    _esm = browser_module("autoregressive_images")
    _css = Explorer._css + (HERE / "autoregressive_images.css").read_text(encoding="utf-8")
    about = "an explorer of a model that draws patch by patch"

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the start tokens
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    patch = traitlets.List(traitlets.Int()).tag(sync=True)  # C, P, P
    words = traitlets.Bytes().tag(sync=True)  # float32 (K, C*P*P)
    given = traitlets.List().tag(sync=True)  # codes (N,) of a real picture for each start token; empty: none
    heads = traitlets.Int().tag(sync=True)
    layout_of_weights = traitlets.List().tag(sync=True)  # [name, shape, first number] of each parameter
    weights = traitlets.Bytes().tag(sync=True)  # float16, all parameters one after the other
    low_high = traitlets.List(traitlets.Float()).tag(sync=True)  # values of black and white


@torch.no_grad()
def explore(model, codebook: Codebook, images=None, names=None) -> AutoregressiveImagesExplorer:
    """Watch a trained ImageGPT draw: temperature, top-k, class, and how much of a real picture it is given.

    model:    an ImageGPT (or any module with its parameter names), any size, whose sequence is a square grid of patches
    codebook: the words in whose numbers it thinks, as many as it has logits
    images:   one real picture for each start token, (S, C, H, W), whose upper rows can be given; None: no such pictures
    names:    what each start token means, a sequence of S strings
    Returns the widget: weights as float16, so it stays alive on a page without a kernel.
    Raises ValueError where words, pictures or names do not fit the model, or it is too large for a browser.
    """
    parameters = {name: value.detach().cpu().float() for name, value in model.named_parameters()}
    count = sum(value.numel() for value in parameters.values())
    if count > MOST_PARAMETERS:
        raise ValueError(
            f"The model has {count:,} parameters, and a browser takes {MOST_PARAMETERS:,}: use a smaller one."
        )
    length, vocabulary = parameters["pos_embed"].shape[1], parameters["head.bias"].shape[0]
    starts = parameters["token_embed.weight"].shape[0] - vocabulary
    side = round(length**0.5)
    if side * side != length:
        raise ValueError(f"The explorer draws square grids of patches, but this model reads {length} tokens.")
    words = codebook.words.detach().cpu().float()
    channels = words.shape[1] // codebook.patch_size**2
    if len(words) != vocabulary or channels not in (1, 3):
        raise ValueError(
            f"The model has {vocabulary} words of grey or colour patches, but this codebook has {len(words)} of "
            f"{words.shape[1]} numbers: pass the one that the model was trained with."
        )
    given = []
    if images is not None:
        images = torch.as_tensor(images).detach().cpu()
        expected = (starts, channels, side * codebook.patch_size, side * codebook.patch_size)
        if tuple(images.shape) != expected or not images.is_floating_point():
            raise ValueError(
                f"Expected one picture for each start token, {expected} as floats, got {tuple(images.shape)} "
                f"{str(images.dtype).removeprefix('torch.')}."
            )
        given = codebook.encode(images).tolist()
    layout, start = [], 0
    for name, value in parameters.items():
        layout.append([name, list(value.shape), start])
        start += value.numel()
    return AutoregressiveImagesExplorer(
        names=class_names(names, starts),
        grid=[side, side],
        patch=[channels, codebook.patch_size, codebook.patch_size],
        words=float32_bytes(words),
        given=given,
        heads=model.blocks[0].attn.heads,
        layout_of_weights=layout,
        weights=float16_bytes(torch.cat([value.flatten() for value in parameters.values()])),
        low_high=[words.min().item(), words.max().item()],
    )
