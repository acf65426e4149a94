"""Lesson 04: right answers in several independent spellings."""

import itertools
import math

import torch

# ------------------------------------------------------------------------------------------------- cnn_receptive_field


def field_from_the_top(layers):
    """One unit at the top needs `side` units of the layer below, down to the pixels."""
    side = 1
    for kernel, stride, dilation in reversed(layers):
        side = (side - 1) * stride + (kernel - 1) * dilation + 1
    return side


def field_as_a_sum(layers):
    strides = [stride for _, stride, _ in layers]
    return 1 + sum((k - 1) * d * math.prod(strides[:i]) for i, (k, _, d) in enumerate(layers))


def field_by_recursion(layers):
    if not layers:
        return 1
    kernel, stride, dilation = layers[0]
    return (field_by_recursion(layers[1:]) - 1) * stride + (kernel - 1) * dilation + 1


def field_by_sets(layers):
    """The pixels themselves: which places does the unit at place 0 read?"""
    places = {0}
    for kernel, stride, dilation in reversed(layers):
        places = {place * stride + tap * dilation for place in places for tap in range(kernel)}
    return max(places) - min(places) + 1


def field_as_a_tensor(layers):
    table = torch.tensor(layers, dtype=torch.long).reshape(-1, 3)
    steps = torch.cat([torch.ones(1, dtype=torch.long), table[:, 1].cumprod(0)])[: len(table)]
    return 1 + ((table[:, 0] - 1) * table[:, 2] * steps).sum()


# -------------------------------------------------------------------------------------------- measured_receptive_field


def measured_by_backward(model, image, unit):
    image = image.clone()
    image.requires_grad_(True)
    model(image)[unit].backward()
    return (image.grad != 0).any(dim=1)[0]


def measured_on_the_argument(model, image, unit):
    image.requires_grad_()
    gradient = torch.autograd.grad(model(image)[unit], image)[0]
    return gradient.abs().sum(dim=(0, 1)) > 0


def measured_by_vjp(model, image, unit):
    _, pull_back = torch.func.vjp(lambda pixels: model(pixels)[unit], image)
    (gradient,) = pull_back(torch.ones((), dtype=image.dtype))
    return gradient[0].ne(0).amax(dim=0)


def measured_by_jacobian(model, image, unit):
    jacobian = torch.autograd.functional.jacobian(model, image)
    gradient = jacobian[unit]  # (1, C, H, W)
    return torch.count_nonzero(gradient, dim=(0, 1)).bool()


def measured_by_perturbation(model, image, unit):
    """No gradient at all: change one pixel of one channel after the other."""
    _, channels, height, width = image.shape
    field = torch.zeros(height, width, dtype=torch.bool)
    step = 1e-6 if image.dtype == torch.float64 else 1e-2
    with torch.no_grad():
        before = model(image)[unit].clone()
        for channel, row, col in itertools.product(range(channels), range(height), range(width)):
            changed = image.clone()
            changed[0, channel, row, col] += step
            field[row, col] |= bool(model(changed)[unit] != before)
    return field


# -------------------------------------------------------------------------------------------------- attention_distance


def distance_by_loops(weights, grid):
    batch, heads, tokens, _ = weights.shape
    cols = grid[1]
    result = torch.zeros(heads, dtype=weights.dtype)
    for head in range(heads):
        for picture in range(batch):
            for i in range(tokens):
                for j in range(tokens):
                    apart = math.hypot(i // cols - j // cols, i % cols - j % cols)
                    result[head] += weights[picture, head, i, j] * apart
    return result / (batch * tokens)


def distance_by_cdist(weights, grid):
    rows, cols = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    places = torch.stack([rows.flatten(), cols.flatten()], dim=1).to(weights.dtype)
    return torch.einsum("bhij,ij->h", weights, torch.cdist(places, places)) / (weights.shape[0] * weights.shape[2])


def distance_with_complex_places(weights, grid):
    number = torch.arange(grid[0] * grid[1])
    places = torch.complex((number // grid[1]).double(), (number % grid[1]).double())
    table = (places[:, None] - places[None, :]).abs()
    return (weights.double() * table).sum(dim=(0, 2, 3)) / weights[:, 0, :, 0].numel()


def distance_from_keys_first(weights, grid):
    """Averages the attention over pictures before it meets the distances."""
    axis = [torch.arange(size, dtype=weights.dtype) for size in grid]
    down = (axis[0][:, None] - axis[0][None, :])[:, None, :, None]
    across = (axis[1][:, None] - axis[1][None, :])[None, :, None, :]
    table = (down.square() + across.square()).sqrt()  # (rows, cols, rows, cols)
    mean = weights.mean(dim=0).unflatten(-1, grid).unflatten(1, grid)
    return (mean * table).sum(dim=(3, 4)).flatten(1).mean(dim=1)


CORRECT = {
    "field_three_convs": {"number": 7, "text": "7", "unit": "7 pixels"},
    "field_with_strides": {"number": 9, "text": "9", "unit": "9 pixels"},
    "cnn_receptive_field": {
        "from the top": field_from_the_top,
        "a sum of products": field_as_a_sum,
        "recursion": field_by_recursion,
        "sets of places": field_by_sets,
        "a tensor of one element": field_as_a_tensor,
    },
    "convs_to_see_all": {"number": 112, "text": "112", "unit": "112 layers"},
    "measured_receptive_field": {
        "backward": measured_by_backward,
        "gradient wanted of the argument itself": measured_on_the_argument,
        "vjp": measured_by_vjp,
        "jacobian": measured_by_jacobian,
        "perturbation": measured_by_perturbation,
    },
    "gradient_zero_once": {"plain": "b", "upper": "B", "spaces": " b "},
    "patch_token_field": {"number": 16, "text": "16", "unit": "16 pixels"},
    "vit_first_layer": {"plain": "c", "upper": "C", "spaces": " c "},
    "small_weight_field": {"plain": "b", "upper": "B", "spaces": " b "},
    "local_attention_field": {"number": 112, "text": "112", "unit": "112 pixels"},
    "erf_share": {"root": "1/sqrt(n)", "power": "n**-0.5", "order": "O(n^0.5 / n)", "long": "sqrt(n)/(2*n+1)"},
    "attention_distance": {
        "loops": distance_by_loops,
        "cdist and einsum": distance_by_cdist,
        "complex places": distance_with_complex_places,
        "over a grid of grids": distance_from_keys_first,
    },
    "best_without_seeing_both": {"number": 66.67, "text": "66.7", "fraction": 200 / 3, "unit": "66.7 %"},
}
