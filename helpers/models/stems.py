"""The convolutional stem of a ViT (lesson 08), what it costs, and how many blocks pay for it."""

from itertools import pairwise

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from helpers.models.conventions import STANDARD, Conventions
from helpers.models.costs import block_flops
from helpers.models.patches import check_fit


class ConvStem(nn.Module):
    """Pictures to tokens by a few small convolutions: (B, C, H, W) -> (B, N, dim), N = (H/P) * (W/P).

    log2(P) times a 3x3 convolution of stride 2, batch normalisation and ReLU; then a 1x1 convolution, the only one
    with a bias. Channels double with each 3x3 convolution and end at dim: for P = 16 and dim = 384 they are 48, 96,
    192 and 384.

    in_channels: C
    dim:         width of a token; a multiple of P/2, so that channels can be halved on the way down
    patch_size:  P, a power of two: each convolution of stride 2 halves both sides
    conventions: order of the tokens over the grid
    Raises ValueError where patch_size is no power of two or dim no multiple of P/2.
    Early convolutions help transformers see better (Xiao et al., NeurIPS 2021).
    """

    def __init__(self, in_channels: int, dim: int, patch_size: int, conventions: Conventions = STANDARD):
        super().__init__()
        channels = [in_channels, *channel_plan(dim, patch_size)]
        self.patch_size = patch_size
        self.conventions = conventions
        self.convs = nn.ModuleList(
            nn.Conv2d(below, above, kernel_size=3, stride=2, padding=1, bias=False)  # the norm has a bias of its own
            for below, above in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in channels[1:])
        self.proj = nn.Conv2d(channels[-1], dim, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        check_fit(tuple(images.shape[-2:]), self.patch_size)
        features = self.proj(self.stages(images)[-1])  # (B, dim, H/P, W/P)
        order = "(h w)" if self.conventions.sequence == "row-major" else "(w h)"
        return rearrange(features, f"b d h w -> b {order} d")  # (B, dim, H/P, W/P) -> (B, N, dim)

    def stages(self, images: Tensor) -> list[Tensor]:
        """The picture, then the feature maps after each convolution with norm and ReLU: (B, channels, H/2^k, W/2^k)."""
        found = [images]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            found.append(F.relu(norm(conv(found[-1]))))  # (B, c, h, w) -> (B, c', h/2, w/2)
        return found


def channel_plan(dim: int, patch_size: int) -> list[int]:
    """Channels after each 3x3 convolution of a ConvStem: doubled each time, dim at the end; empty for a patch of 1.

    Raises ValueError where patch_size is no power of two or dim no multiple of patch_size/2.
    """
    if patch_size < 1 or patch_size & (patch_size - 1):
        raise ValueError(
            f"Convolutions of stride 2 halve a picture again and again, so patch_size must be a power of two "
            f"(2, 4, 8, 16, ...), but it is {patch_size}."
        )
    halvings = patch_size.bit_length() - 1  # log2(P)
    if dim < 1 or (halvings and dim % (patch_size // 2)):
        raise ValueError(
            f"Channels double from convolution to convolution up to dim, so dim must be a multiple of "
            f"{patch_size // 2} for patches of {patch_size}, but it is {dim}."
        )
    return [dim >> (halvings - k) for k in range(1, halvings + 1)]


def patchify_flops(in_channels: int, dim: int, patch_size: int, image_size: tuple[int, int]) -> int:
    """FLOPs of the linear map of patches on one picture of (H, W) pixels. A multiply-add counts 2."""
    height, width = image_size
    tokens = (height // patch_size) * (width // patch_size)
    return 2 * tokens * in_channels * patch_size**2 * dim


def conv_stem_flops(in_channels: int, dim: int, patch_size: int, image_size: tuple[int, int]) -> int:
    """FLOPs of a ConvStem's convolutions on one picture of (H, W) pixels, multiples of patch_size.

    A multiply-add counts 2; norms, ReLU and the bias are left out, as FlopCounterMode leaves them out.
    """
    height, width = image_size
    total, below = 0, in_channels
    for above in channel_plan(dim, patch_size):
        height, width = height // 2, width // 2
        total += 2 * height * width * 9 * below * above
        below = above
    return total + 2 * height * width * below * dim  # the 1x1 convolution


def blocks_to_drop(in_channels: int, dim: int, patch_size: int, image_size: tuple[int, int]) -> int:
    """The smallest number of blocks without which a ViT with a ConvStem costs no more than the whole with patchify.

    Blocks see N patches and a class token. 0 where the ConvStem is no dearer than the linear map.
    """
    height, width = image_size
    sizes = (in_channels, dim, patch_size, image_size)
    extra = conv_stem_flops(*sizes) - patchify_flops(*sizes)
    block = block_flops(1 + (height // patch_size) * (width // patch_size), dim)
    return max(0, -(-extra // block))  # division that rounds up
