"""Lesson 08: right answers in several independent spellings."""

import math

import torch
import torch.nn.functional as F
from einops.layers.torch import Rearrange
from torch import nn

# ------------------------------------------------------------------------------------------------------------ ConvStem


class _StemByLists(nn.Module):
    """Channels by halving from the top, flatten and transpose."""

    def __init__(self, in_channels, dim, patch_size):
        super().__init__()
        steps = round(math.log2(patch_size))
        if 2**steps != patch_size:
            raise ValueError("patch_size has to be a power of two")
        widths = [in_channels] + [dim // 2**k for k in reversed(range(steps))]
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for k in range(steps):
            self.convs.append(nn.Conv2d(widths[k], widths[k + 1], 3, 2, 1, bias=False))
            self.norms.append(nn.BatchNorm2d(widths[k + 1]))
        self.proj = nn.Conv2d(dim, dim, 1)

    def forward(self, images):
        x = images
        for k in range(len(self.convs)):
            x = torch.relu(self.norms[k](self.convs[k](x)))
        return self.proj(x).flatten(2).transpose(1, 2)


class _StemByDoubling(nn.Module):
    """Channels by doubling from the bottom; norm and 1x1 convolution written out as formulas."""

    def __init__(self, in_channels, dim, patch_size):
        super().__init__()
        if bin(patch_size).count("1") != 1:
            raise ValueError(f"{patch_size} is no power of two")
        convs, norms, width, side = [], [], 2 * dim // patch_size, 1
        while side < patch_size:
            convs.append(nn.Conv2d(in_channels, width, kernel_size=3, stride=2, padding=1, bias=False))
            norms.append(nn.BatchNorm2d(width))
            in_channels, width, side = width, 2 * width, 2 * side
        self.convs, self.norms = nn.ModuleList(convs), nn.ModuleList(norms)
        self.proj = nn.Conv2d(dim, dim, kernel_size=(1, 1))

    def forward(self, images):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = conv(images)
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            images = (x * scale[:, None, None] + (norm.bias - norm.running_mean * scale)[:, None, None]).clamp_min(0)
        grid = images.permute(0, 2, 3, 1)  # (B, H/P, W/P, D)
        return (grid @ self.proj.weight[:, :, 0, 0].T + self.proj.bias).flatten(1, 2)


class _StemByUnfold(_StemByLists):
    """Convolutions as matrix products on unfolded neighbourhoods."""

    def forward(self, images):
        x = images
        for conv, norm in zip(self.convs, self.norms, strict=True):
            height, width = x.shape[-2] // 2, x.shape[-1] // 2
            columns = F.unfold(x, 3, padding=1, stride=2)  # (B, 9*C, N)
            maps = (conv.weight.flatten(1) @ columns).unflatten(2, (height, width))
            x = F.relu(norm(maps))
        rows = torch.stack([self.proj(picture[None])[0].flatten(1).T for picture in x])  # (B, N, D)
        return rows


class _StemByFold(_StemByLists):
    """The sequential form with the last step as an einops layer; the norm folded into the convolution."""

    def __init__(self, in_channels, dim, patch_size):
        super().__init__(in_channels, dim, patch_size)
        self.to_tokens = Rearrange("b d h w -> b (h w) d")

    def forward(self, images):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            kernel = conv.weight * scale[:, None, None, None]
            images = F.relu(F.conv2d(images, kernel, norm.bias - norm.running_mean * scale, stride=2, padding=1))
        return self.to_tokens(self.proj(images))


# --------------------------------------------------------------------------------------------------------------- costs


def _flops_by_loop(in_channels, dim, patch_size, image_size):
    height, width = image_size
    grid = (height // patch_size) * (width // patch_size)
    total, k = 2 * grid * dim * dim, 1
    while 2**k <= patch_size:
        above = dim * 2**k // patch_size
        below = in_channels if k == 1 else above // 2
        total += 18 * (height // 2**k) * (width // 2**k) * below * above
        k += 1
    return total


def _flops_by_counting(in_channels, dim, patch_size, image_size):
    """PyTorch's own counter on a model without data."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = _StemByLists(in_channels, dim, patch_size).eval()
        images = torch.zeros(1, in_channels, *image_size)
    with FlopCounterMode(display=False) as counter:
        model(images)
    return counter.get_total_flops()


def _flops_from_the_top(in_channels, dim, patch_size, image_size):
    """From the tokens down: places times four, channels by half."""
    places, above = (image_size[0] // patch_size) * (image_size[1] // patch_size), dim
    total = 2.0 * places * dim**2
    for k in range(int(math.log2(patch_size)), 0, -1):
        total += 2 * 9 * places * above * (in_channels if k == 1 else above / 2)
        places, above = 4 * places, above / 2
    return total


def _flops_as_tensor(in_channels, dim, patch_size, image_size):
    steps = patch_size.bit_length() - 1
    above = torch.tensor([dim >> (steps - k) for k in range(1, steps + 1)])
    below = torch.cat([torch.tensor([in_channels]), above[:-1]])
    places = torch.tensor([image_size[0] * image_size[1] // 4**k for k in range(1, steps + 1)])
    return (18 * places * below * above).sum() + 2 * places[-1] * dim**2


def _extra_and_block(in_channels, dim, patch_size, image_size):
    tokens = (image_size[0] // patch_size) * (image_size[1] // patch_size)
    stem = _flops_by_loop(in_channels, dim, patch_size, image_size)
    block = 24 * (tokens + 1) * dim**2 + 4 * (tokens + 1) ** 2 * dim
    return stem - 2 * tokens * in_channels * patch_size**2 * dim, block


def _drop_by_ceil(in_channels, dim, patch_size, image_size):
    extra, block = _extra_and_block(in_channels, dim, patch_size, image_size)
    return max(0, math.ceil(extra / block))


def _drop_by_loop(in_channels, dim, patch_size, image_size):
    extra, block = _extra_and_block(in_channels, dim, patch_size, image_size)
    count = 0
    while count * block < extra:
        count += 1
    return count


def _drop_by_divmod(in_channels, dim, patch_size, image_size):
    extra, block = _extra_and_block(in_channels, dim, patch_size, image_size)
    if extra <= 0:
        return 0.0
    whole, rest = divmod(extra, block)
    return whole + (rest > 0)


# --------------------------------------------------------------------------------------------------- depthwise_on_grid


def _depthwise_by_conv(tokens, weight, grid):
    maps = tokens.transpose(1, 2).unflatten(2, grid)
    return F.conv2d(maps, weight, padding=1, groups=tokens.shape[2]).flatten(2).transpose(1, 2)


def _depthwise_by_shifts(tokens, weight, grid):
    """Nine shifted copies of the grid, each times its weight."""
    rows, cols = grid
    maps = F.pad(tokens.unflatten(1, grid), (0, 0, 1, 1, 1, 1))  # (B, rows+2, cols+2, D)
    result = 0
    for down in range(3):
        for right in range(3):
            result = result + maps[:, down : down + rows, right : right + cols] * weight[:, 0, down, right]
    return result.flatten(1, 2)


def _depthwise_by_loops(tokens, weight, grid):
    rows, cols = grid
    found = []
    for row in range(rows):
        for col in range(cols):
            total = torch.zeros_like(tokens[:, 0])
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    if 0 <= row + down < rows and 0 <= col + right < cols:
                        near = tokens[:, (row + down) * cols + col + right]
                        total = total + near * weight[:, 0, down + 1, right + 1]
            found.append(total)
    return torch.stack(found, dim=1)


def _depthwise_by_einsum(tokens, weight, grid):
    maps = tokens.mT.unflatten(2, grid)
    columns = F.unfold(maps, 3, padding=1).unflatten(1, (tokens.shape[2], 9))  # (B, D, 9, N)
    return torch.einsum("bdkn,dk->bnd", columns, weight.flatten(1))


CORRECT = {
    "hybrid_patch": {"int": 1, "text": "1", "float": 1.0},
    "ConvStem": {
        "lists": _StemByLists,
        "doubling, formulas": _StemByDoubling,
        "unfold": _StemByUnfold,
        "norm folded into the convolution": _StemByFold,
    },
    "token_sees_stem": {"int": 31, "text": "31", "with unit": "31 pixels"},
    "stem_norm_mixes": {"letter": "b", "capital": "B", "spaces": " b "},
    "conv_stem_flops": {
        "loop": _flops_by_loop,
        "FlopCounterMode": _flops_by_counting,
        "from the top": _flops_from_the_top,
        "tensor": _flops_as_tensor,
    },
    "blocks_to_drop": {"ceil": _drop_by_ceil, "loop": _drop_by_loop, "divmod": _drop_by_divmod},
    "parameters_conv_stem": {"int": 1_021_488, "text": "1,021,488", "with unit": "1.021488 M parameters"},
    "what_adamw_divides": {"letter": "b", "capital": "B", "spaces": " b"},
    "depthwise_on_grid": {
        "conv2d": _depthwise_by_conv,
        "shifts": _depthwise_by_shifts,
        "loops": _depthwise_by_loops,
        "einsum on unfold": _depthwise_by_einsum,
    },
    "which_convolution_places": {"letter": "c", "capital": "C", "spaces": " c"},
}
