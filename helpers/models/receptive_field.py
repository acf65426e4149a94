"""What a unit can see: the field of a CNN by formula, of any model by its gradient, and how far heads look."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn

from helpers.models.conventions import STANDARD, Conventions


def cnn_receptive_field(layers: Sequence[tuple[int, int, int]]) -> int:
    """Side of the square of pixels that one unit of a stack of convolutions or poolings can see.

    layers: (kernel, stride, dilation) of each layer, from the input up; whole numbers from 1
    Returns the side in pixels: 1 + the sum over layers of (kernel-1) * dilation * (product of the strides below).
    """
    side, step = 1, 1  # step: how many pixels apart neighbouring units lie
    for kernel, stride, dilation in layers:
        side += (kernel - 1) * dilation * step
        step *= stride
    return side


def gradient_map(model: nn.Module, image: Tensor, unit: tuple[int, ...]) -> Tensor:
    """How much one unit would change with each pixel, by the gradient.

    model: takes `image`; image: (..., C, H, W), floating point; unit: index of one number of model(image)
    Returns (H, W): the largest absolute gradient over channels. Raises ValueError where `unit` is not one number.
    """
    image = image.detach().clone().requires_grad_()
    value = model(image)[unit]
    if value.numel() != 1:
        raise ValueError(
            f"`unit` has to be the index of one number, but model(image)[{unit}] has shape {tuple(value.shape)}. "
            "Add indices until one number is left."
        )
    (gradient,) = torch.autograd.grad(value.sum(), image)  # (..., C, H, W)
    return gradient.abs().flatten(0, -3).amax(0)  # (..., C, H, W) -> (H, W)


def measured_receptive_field(model: nn.Module, image: Tensor, unit: tuple[int, ...]) -> Tensor:
    """The pixels that one unit reacts to: those where its gradient is not zero.

    model: takes `image`; image: (1, C, H, W), floating point; unit: index of one number of model(image)
    Returns bool (H, W), True where the gradient of any channel is not exactly zero.
    """
    return gradient_map(model, image, unit) != 0


def patch_distances(grid: tuple[int, int], conventions: Conventions = STANDARD) -> Tensor:
    """How far apart patches lie, centre to centre, in patches.

    grid: (rows, cols); conventions: order of the sequence over the grid
    Returns (N, N), float64, N = rows * cols.
    """
    rows, cols = grid
    places = torch.cartesian_prod(torch.arange(float(rows)), torch.arange(float(cols))).double()  # (N, 2), row-major
    if conventions.sequence == "column-major":
        places = rearrange(places, "(rows cols) two -> (cols rows) two", rows=rows)
    return torch.linalg.vector_norm(places[:, None] - places[None, :], dim=-1)  # (N, 2) -> (N, N)


def attention_distance(weights: Tensor, grid: tuple[int, int], conventions: Conventions = STANDARD) -> Tensor:
    """How far each head looks: the distance between patches, weighted by attention, averaged over queries and pictures.

    weights: (B, heads, N, N), each row sums to 1, row i is where patch i looks; grid: (rows, cols), N = rows * cols
    Returns (heads,), in patches. ViT (Dosovitskiy et al., 2021), figure 7 right and appendix D.7.
    """
    distances = patch_distances(grid, conventions).to(weights)  # (N, N)
    return (weights * distances).sum(dim=-1).mean(dim=(0, 2))  # (B, heads, N, N) -> (B, heads, N) -> (heads,)


def without_class_token(weights: Tensor) -> Tensor:
    """Attention among the patches alone, each row scaled to sum to 1 again: (B, heads, 1+N, 1+N) -> (B, heads, N, N).

    The class token stands first.
    """
    weights = weights[..., 1:, 1:]
    return weights / weights.sum(dim=-1, keepdim=True)


def vit_attention(vit: nn.Module, images: Tensor) -> list[Tensor]:
    """Attention weights of every block of a ViT with the course's parameter names.

    images: (B, C, H, W)
    Returns one tensor (B, heads, 1+N, 1+N) a block.
    """
    found = []
    with torch.no_grad():
        x = vit.stages(images)["with_positions"]  # (B, 1+N, D)
        for block in vit.blocks:
            found.append(block.attn.weights(block.norm1(x)))
            x = block(x)
    return found


def conv_stack(layers: Sequence[tuple], channels: int = 3, width: int = 8, activation=nn.GELU) -> nn.Sequential:
    """A CNN with drawn weights (He et al., 2015) for trying receptive fields: each layer padded "same".

    layers: (kernel, stride, dilation), a convolution, or (kernel, stride, dilation, "max" or "mean"), a pooling
    channels: of the picture; width: channels of every layer; activation: after each convolution
    """
    parts: list[nn.Module] = []
    for kernel, stride, dilation, *pooling in layers:
        padding = _padding(kernel, dilation)
        if pooling == ["max"]:
            parts.append(nn.MaxPool2d(kernel, stride, padding, dilation))
        elif pooling == ["mean"]:
            parts.append(nn.AvgPool2d(kernel, stride, padding))
        else:
            convolution = nn.Conv2d(channels, width, kernel, stride, padding, dilation)
            nn.init.kaiming_normal_(convolution.weight)
            parts += [convolution, activation()]
            channels = width
    return nn.Sequential(*parts)


def random_layers(generator: torch.Generator) -> list[tuple]:
    """Two to four layers for `conv_stack`: convolutions with strides and dilations, max and mean poolings."""

    def choose(*options):
        return options[int(torch.randint(len(options), (1,), generator=generator))]

    layers: list[tuple] = [(choose(2, 3, 5), choose(1, 1, 2), choose(1, 1, 2))]
    for _ in range(choose(1, 2, 3)):
        kind = choose("convolution", "convolution", "max", "mean")
        if kind == "convolution":
            layers.append((choose(2, 3, 5), choose(1, 1, 2), choose(1, 1, 2)))
        else:
            layers.append((choose(2, 3), choose(1, 2), 1, kind))
    return layers


def field_start(layers: Sequence[tuple], place: int) -> int:
    """First row (or column) that the unit at row (or column) `place` of a `conv_stack` sees; may lie in the padding."""
    start, step = 0, 1
    for kernel, stride, dilation, *_ in layers:
        start -= _padding(kernel, dilation) * step
        step *= stride
    return start + place * step


def reacts(model, image: Tensor, unit: tuple[int, ...], pixel: tuple[int, int]) -> bool:
    """Whether a unit changes at all, in any digit, when one pixel is made brighter or darker, a little or very much.

    image: (1, C, H, W), best in float64; unit: index into model(image), of one number or of several, any of which
    counts; pixel: (row, col)
    """
    with torch.no_grad():
        before = model(image)[unit]
        for change in (1.0, -1.0, 1e3, -1e3, 1e6, -1e6):
            changed = image.clone()
            changed[0, :, pixel[0], pixel[1]] += change
            if not torch.equal(model(changed)[unit], before):
                return True
    return False


def reaction_of_random_cnns(depth: int, seed: int, draws: int = 30) -> Tensor:
    """How strongly the middle unit of `depth` 3x3 convolutions with ReLU reacts to each pixel.

    draws: networks and noise pictures over which the squared gradient is averaged
    Returns (H, W), not negative, one pixel wider on each side than the field of 1 + 2 * depth pixels.
    """
    size = 3 + 2 * depth
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        squares = torch.zeros(size, size)
        for _ in range(draws):
            model = conv_stack([(3, 1, 1)] * depth, activation=nn.ReLU)
            squares += gradient_map(model, torch.randn(1, 3, size, size), (0, 0, size // 2, size // 2)).square()
    return squares.sqrt()


def token_reactions(vit: nn.Module, image: Tensor, tokens: Sequence[int], probes: int = 4) -> Tensor:
    """How strongly patch tokens of a ViT react to each pixel, before the first block and after each.

    vit: with the course's parameter names; image: (1, C, H, W); tokens: numbers of patches in the sequence
    probes: random directions of a token whose squared gradients are averaged
    Returns (1 + blocks, len(tokens), H, W), not negative.
    """
    names = ["with_positions", *(f"block_{i}" for i in range(len(vit.blocks)))]
    first = 1 if getattr(vit, "class_token_index", 0) == 0 else 0
    each = torch.arange(len(tokens))
    places = torch.tensor(tokens) + first
    images = image.detach().repeat(len(tokens), 1, 1, 1).requires_grad_()  # one copy a token
    stages = vit.stages(images)
    directions = torch.randn(
        probes, stages[names[0]].shape[-1], generator=torch.Generator().manual_seed(0), dtype=image.dtype
    ).to(image.device)  # (probes, D)
    found = []
    for name in names:
        squares = 0
        for direction in directions:
            value = (stages[name][each, places] * direction).sum()
            (gradient,) = torch.autograd.grad(value, images, retain_graph=True)  # (tokens, C, H, W)
            squares = squares + gradient.square().sum(1)
        found.append((squares / probes).sqrt())
    return torch.stack(found).detach()  # (1 + blocks, tokens, H, W)


def window_weights(grid: tuple[int, int], reach: int = 1) -> Tensor:
    """The attention of a head that looks at its neighbourhood alike: (1, 1, N, N), each row sums to 1.

    grid: (rows, cols); reach: how many patches up, down, left and right; 1 gives 3x3 patches
    """
    rows, cols = grid
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(cols))  # (N, 2)
    near = ((places[:, None] - places[None, :]).abs().amax(-1) <= reach).float()  # (N, N)
    return (near / near.sum(-1, keepdim=True))[None, None]


def side_of(field: Tensor) -> int:
    """Longer side of the smallest rectangle around the True pixels of a bool (H, W); 0 where there are none."""
    rows, cols = field.any(dim=1).nonzero(), field.any(dim=0).nonzero()
    if not len(rows):
        return 0
    return int(max(rows.max() - rows.min(), cols.max() - cols.min())) + 1


def effective_side(sensitivity: Tensor, share: float = 0.9545) -> float:
    """Side of a square as large as the effective receptive field (Luo et al., 2016).

    sensitivity: (H, W), not negative; a pixel counts where it has more than 1 - share of the largest value
    """
    return float((sensitivity > (1 - share) * sensitivity.max()).sum()) ** 0.5


def gaussian_fit(sensitivity: Tensor) -> tuple[Tensor, Tensor, float]:
    """How near the squared reaction, summed over columns, comes to a Gaussian of the same centre and variance.

    sensitivity: (H, W), not negative
    Returns the profile (H,), the Gaussian (H,), each with sum 1, and the share of the profile's variance it explains.
    """
    profile = sensitivity.double().square().sum(1)  # (H, W) -> (H,)
    profile = profile / profile.sum()
    places = torch.arange(len(profile)).double()
    centre = (places * profile).sum()
    variance = ((places - centre).square() * profile).sum()
    bell = (-(places - centre).square() / (2 * variance)).exp()
    bell = bell / bell.sum()
    explained = 1 - (profile - bell).square().sum() / (profile - profile.mean()).square().sum()
    return profile, bell, float(explained)


def _padding(kernel: int, dilation: int) -> int:
    return dilation * (kernel - 1) // 2
