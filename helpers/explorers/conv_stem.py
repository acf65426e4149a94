"""Lesson 08: the filters of patchify and of a conv stem, and what they give on one picture."""

import torch
import traitlets
from torch import Tensor

from helpers.explorers.base import HERE, Explorer, browser_module, float32_bytes, one_picture
from helpers.models.patches import check_fit


class ConvStemExplorer(Explorer):
    """The widget: weights and one picture are sent, conv_stem.js runs the stem."""

    _esm = browser_module("conv_stem")
    _css = Explorer._css + (HERE / "conv_stem.css").read_text(encoding="utf-8")
    about = "an explorer of the filters of two stems"

    picture = traitlets.Bytes().tag(sync=True)  # float32 (C, H, W)
    picture_shape = traitlets.List(traitlets.Int()).tag(sync=True)
    patch = traitlets.Int().tag(sync=True)  # P
    patchify = traitlets.Bytes().tag(sync=True)  # float32 (D, C, P, P)
    patchify_bias = traitlets.Bytes().tag(sync=True)  # float32 (D,)
    widths = traitlets.List(traitlets.Int()).tag(sync=True)  # channels of the picture and after each convolution
    kernels = traitlets.Bytes().tag(sync=True)  # float32, the 3x3 kernels of all convolutions, one after another
    scales = traitlets.Bytes().tag(sync=True)  # float32, what the norms multiply by, all channels of all convolutions
    shifts = traitlets.Bytes().tag(sync=True)  # float32, what the norms add
    last = traitlets.Bytes().tag(sync=True)  # float32 (D, channels), the 1x1 convolution
    last_bias = traitlets.Bytes().tag(sync=True)  # float32 (D,)


@torch.no_grad()
def explore(plain, convolutional, image) -> ConvStemExplorer:
    """Look at the filters that two ViTs learned, patchify's and the conv stem's, at every place of one picture.

    plain:         a ViT with patchify
    convolutional: a ViT with a ConvStem, for patches and pictures of the same size
    image:         one picture (C, H, W) or (1, C, H, W) as both take it, float
    Returns the widget. Raises ValueError where the two have patches of different sizes, or the picture does not fit.
    """
    images = one_picture(image)  # (1, C, H, W)
    patchify, stem = plain.patch_embed, convolutional.patch_embed
    if patchify.patch_size != stem.patch_size:
        raise ValueError(
            f"Both models should have patches of the same size to be compared, but patchify's are "
            f"{patchify.patch_size} pixels and the conv stem's {stem.patch_size}."
        )
    for name, reads in (("patchify", patchify.proj.in_channels), ("the conv stem", _channels_in(stem))):
        if images.shape[1] != reads:
            raise ValueError(
                f"The picture has {images.shape[1]} channels, and {name} reads {reads}: pass a picture such as the "
                "models were trained on."
            )
    check_fit(tuple(images.shape[-2:]), stem.patch_size)
    if len(stem.convs) == 0:
        raise ValueError("A stem for patches of one pixel has no 3x3 convolution: there are no filters to look at.")
    folded = [_folded(norm) for norm in stem.norms]
    return ConvStemExplorer(
        picture=float32_bytes(images),
        picture_shape=list(images.shape[1:]),
        patch=stem.patch_size,
        patchify=float32_bytes(patchify.proj.weight),
        patchify_bias=float32_bytes(patchify.proj.bias),
        widths=[images.shape[1], *(conv.out_channels for conv in stem.convs)],
        kernels=float32_bytes(torch.cat([conv.weight.flatten() for conv in stem.convs])),
        scales=float32_bytes(torch.cat([scale for scale, _ in folded])),
        shifts=float32_bytes(torch.cat([shift for _, shift in folded])),
        last=float32_bytes(stem.proj.weight),
        last_bias=float32_bytes(stem.proj.bias),
    )


def _channels_in(stem) -> int:
    first = stem.convs[0] if len(stem.convs) else stem.proj
    return first.in_channels


def _folded(norm) -> tuple[Tensor, Tensor]:
    """What a BatchNorm does in evaluation mode: a scale and a shift for each channel, (c,) each."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale
