"""Pictures to patches and back, and the linear map of patches as a convolution."""

from einops import rearrange
from torch import Tensor

from helpers.models.conventions import STANDARD, Conventions


def patchify(images: Tensor, patch_size: int, conventions: Conventions = STANDARD) -> Tensor:
    """Cut each picture into a sequence of flattened patches.

    images:      (B, C, H, W), any dtype; H and W are multiples of patch_size
    patch_size:  side P of a patch in pixels
    Returns (B, N, C*P*P) with N = (H/P) * (W/P), in the order that `conventions.pattern` says.
    Raises ValueError where images is not 4-D or a patch does not fit.
    ViT (Dosovitskiy et al., 2021), section 3.1: the x_p of equation 1.
    """
    if images.ndim != 4:
        raise ValueError(
            f"patchify expects images of shape (batch, channels, height, width), but got {tuple(images.shape)}. "
            "Add a batch dimension with images[None] if this is a single picture."
        )
    check_fit(tuple(images.shape[-2:]), patch_size)
    # (B, C, H, W) -> (B, N, C*P*P)
    return rearrange(images, conventions.pattern, p1=patch_size, p2=patch_size)


def unpatchify(
    patches: Tensor, patch_size: int, image_size: tuple[int, int], conventions: Conventions = STANDARD
) -> Tensor:
    """Put the pictures together again: undoes patchify.

    patches:     (B, N, C*P*P), any dtype
    patch_size:  side P of a patch in pixels
    image_size:  (H, W) in pixels
    Returns (B, C, H, W); the number of channels follows from the length of a patch.
    Raises ValueError where the number or the length of the patches does not fit.
    """
    height, width = image_size
    check_fit((height, width), patch_size)
    if patches.ndim != 3:
        raise ValueError(f"unpatchify expects patches of shape (batch, N, C*P*P), but got {tuple(patches.shape)}.")
    rows, cols = height // patch_size, width // patch_size
    if patches.shape[1] != rows * cols:
        raise ValueError(
            f"A picture of {height}x{width} pixels has {rows}x{cols} = {rows * cols} patches of "
            f"{patch_size}x{patch_size} pixels, but got {patches.shape[1]}. Pass image_size as (height, width)."
        )
    if patches.shape[2] % patch_size**2:
        raise ValueError(
            f"A patch of {patch_size}x{patch_size} pixels holds a multiple of {patch_size**2} numbers, "
            f"but these patches hold {patches.shape[2]}. Is patch_size the one that patchify was given?"
        )
    # (B, N, C*P*P) -> (B, C, H, W)
    return rearrange(patches, conventions.inverse_pattern, h=rows, w=cols, p1=patch_size, p2=patch_size)


def linear_to_conv(weight: Tensor, channels: int, patch_size: int, conventions: Conventions = STANDARD) -> Tensor:
    """The kernel of the stride-P convolution that is the same map as a linear layer on flattened patches.

    weight:      (D, C*P*P), the weight of nn.Linear(C*P*P, D)
    channels:    C
    patch_size:  side P of a patch in pixels
    Returns (D, C, P, P), the weight of nn.Conv2d(C, D, kernel_size=P, stride=P).
    Raises ValueError where the weight's second dimension is not C*P*P.
    """
    expected = channels * patch_size**2
    if weight.ndim != 2 or weight.shape[1] != expected:
        raise ValueError(
            f"With {channels} channels and patches of {patch_size}x{patch_size} pixels the weight has shape "
            f"(D, {expected}), but got {tuple(weight.shape)}."
        )
    flat = conventions.pattern.split()[-3:]  # the three axes of one patch, such as (c p1 p2)
    # (D, C*P*P) -> (D, C, P, P)
    return rearrange(weight, f"d {' '.join(flat)} -> d c p1 p2", c=channels, p1=patch_size, p2=patch_size)


def check_fit(image_size: tuple[int, int], patch_size: int) -> None:
    """Raise ValueError, with sizes that would fit, where patches do not tile a picture of (H, W) pixels exactly."""
    height, width = image_size
    if patch_size < 1:
        raise ValueError(f"patch_size must be at least 1 pixel, but it is {patch_size}.")
    if height < patch_size or width < patch_size or height % patch_size or width % patch_size:
        fitting = [p for p in range(1, min(height, width) + 1) if height % p == 0 and width % p == 0]
        raise ValueError(
            f"A picture of {height}x{width} pixels cannot be cut into patches of {patch_size}x{patch_size} pixels: "
            f"both sides must be multiples of {patch_size}. Patch sizes that fit: {', '.join(map(str, fitting))}."
        )
