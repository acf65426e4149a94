"""Lesson 07: drag the mask ratio, see what a masked autoencoder paints. The whole model runs in the browser."""

import torch
import traitlets

from helpers.explorers.base import HERE, Explorer, browser_module, float16_bytes, float32_bytes
from helpers.explorers.vit_views import grid_of, patch_cells

MOST_PARAMETERS = 1_500_000  # 3 MB as float16; more would be slow in a browser


class MaskedAutoencoderExplorer(Explorer):
    """The widget: weights and pictures go to the browser once, masked_autoencoder.js encodes and paints."""

    _esm = browser_module("masked_autoencoder")
    _css = Explorer._css + (HERE / "masked_autoencoder.css").read_text(encoding="utf-8")
    about = "an explorer of a masked autoencoder"

    pictures = traitlets.Bytes().tag(sync=True)  # float32 (K, C, H, W)
    shape = traitlets.List(traitlets.Int()).tag(sync=True)  # C, H, W
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the K pictures
    grid = traitlets.List(traitlets.Int()).tag(sync=True)  # rows and columns of patches
    cells = traitlets.List(traitlets.Int()).tag(sync=True)  # raster index of each patch of the sequence
    class_first = traitlets.Bool().tag(sync=True)
    heads = traitlets.List(traitlets.Int()).tag(sync=True)  # of the encoder, of the decoder
    depths = traitlets.List(traitlets.Int()).tag(sync=True)  # blocks of the encoder, of the decoder
    layout_of_weights = traitlets.List().tag(sync=True)  # [name, shape, first number] of each parameter
    weights = traitlets.Bytes().tag(sync=True)  # float16, all parameters one after the other
    low_high = traitlets.List(traitlets.Float()).tag(sync=True)  # values of black and white


@torch.no_grad()
def explore(model, images, names=None) -> MaskedAutoencoderExplorer:
    """Drag the mask ratio of a trained masked autoencoder and watch it paint.

    model:  a MaskedAutoencoder (or any module with its parameter names, patch_size and image_size), any size
    images: one picture or up to 12, (C, H, W) or (K, C, H, W), float, as the model takes them
    names:  what each picture shows, a sequence of K strings
    Returns the widget: weights as float16, so it stays alive on a page without a kernel.
    Raises ValueError where pictures or names do not fit the model, or it is too large for a browser.
    MAE (He et al., 2022), figures 2-4.
    """
    images = torch.as_tensor(images).detach().cpu()
    images = images[None] if images.ndim == 3 else images  # (K, C, H, W)
    expected = (model.patch_embed.proj.in_channels, *_pair(model.image_size))
    if images.ndim != 4 or tuple(images.shape[1:]) != expected or not images.is_floating_point():
        raise ValueError(
            f"Expected pictures of shape {expected} as floats, normalised as in training, got {tuple(images.shape)} "
            f"{str(images.dtype).removeprefix('torch.')}."
        )
    if not 1 <= len(images) <= 12:
        raise ValueError(f"The explorer shows 1 to 12 pictures, got {len(images)}: pass images[:12].")
    names = [f"picture {i + 1}" for i in range(len(images))] if names is None else [str(name) for name in names]
    if len(names) != len(images):
        raise ValueError(f"There are {len(images)} pictures and {len(names)} names: pass one for each.")
    parameters = {name: value.detach().cpu().float() for name, value in model.named_parameters()}
    count = sum(value.numel() for value in parameters.values())
    if count > MOST_PARAMETERS:
        raise ValueError(
            f"The model has {count:,} parameters, and a browser takes {MOST_PARAMETERS:,}: use a smaller one."
        )
    layout, start = [], 0
    for name, value in parameters.items():
        layout.append([name, list(value.shape), start])
        start += value.numel()
    conventions = getattr(model, "conventions", None)
    return MaskedAutoencoderExplorer(
        pictures=float32_bytes(images),
        shape=list(images.shape[1:]),
        names=names,
        grid=list(grid_of(model)),
        cells=patch_cells(model).tolist(),
        class_first=conventions is None or conventions.class_token == "first",
        heads=[model.blocks[0].attn.heads, model.decoder_blocks[0].attn.heads],
        depths=[len(model.blocks), len(model.decoder_blocks)],
        layout_of_weights=layout,
        weights=float16_bytes(torch.cat([value.flatten() for value in parameters.values()])),
        low_high=[images.min().item(), images.max().item()],
    )


def _pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)
