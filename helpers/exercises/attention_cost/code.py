"""Code exercises of lesson 03: counting tokens and FLOPs."""

from __future__ import annotations

import torch

from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.drawing import whole
from helpers.models import costs
from helpers.runner import Call

HALF = (
    "Your count is half of what was expected in every case. A multiply-add counts 2 here: one multiplication and one "
    "addition (published GFLOPs often count it once)."
)


def _picture(generator: torch.Generator) -> tuple[int, int, int]:
    """Height, width and patch size in pixels; the grid is never square and neither side is a single patch."""
    patch = whole(generator, 3, 20)
    rows = whole(generator, 4, 20)
    cols = rows + whole(generator, 2, 9)
    return rows * patch, cols * patch, patch


# --------------------------------------------------------------------------------------------------------- num_tokens


def _token_cases(generator: torch.Generator) -> list[Call]:
    sizes = [(224, 224, 16), (224, 336, 14), (384, 128, 32), _picture(generator), (7, 21, 7), (5, 3, 1)]
    return [Call(args=size, group=f"picture {i}") for i, size in enumerate(sizes)]


def num_tokens() -> Exercise:
    """Patches of a picture."""
    mistakes = (
        Mistake(
            "class token counted",
            "One too many in every case: this function counts patches. The class token joins later.",
            lambda height, width, patch_size: (height // patch_size) * (width // patch_size) + 1,
        ),
        Mistake(
            "one direction only",
            "You count the patches that stand below each other, which is one column of the grid. How many columns are "
            "there?",
            lambda height, width, patch_size: height // patch_size,
        ),
        Mistake(
            "one row only",
            "You count the patches that stand side by side, which is one row of the grid. How many rows are there?",
            lambda height, width, patch_size: width // patch_size,
        ),
        Mistake(
            "pixels divided by the side",
            "You divide the pixels of the picture by the *side* of a patch. How many pixels does a patch hold?",
            lambda height, width, patch_size: height * width // patch_size,
        ),
        Mistake(
            "square pictures only",
            "Right for square pictures, and these are not: you square the number of rows.",
            lambda height, width, patch_size: (height // patch_size) ** 2,
        ),
        Mistake(
            "square pictures only, by the width",
            "Right for square pictures, and these are not: you square the number of columns.",
            lambda height, width, patch_size: (width // patch_size) ** 2,
        ),
        Mistake(
            "rows plus columns",
            "You add rows and columns. A grid of 2 rows and 3 columns holds how many patches?",
            lambda height, width, patch_size: height // patch_size + width // patch_size,
        ),
        Mistake(
            "pixels",
            "That is the number of pixels in the picture. A token stands for a whole patch of them.",
            lambda height, width, patch_size: height * width,
        ),
        Mistake(
            "pixels of a patch",
            "That is the number of pixels in one patch: how many such patches cover the picture?",
            lambda height, width, patch_size: patch_size**2,
        ),
    )
    return Exercise(
        "num_tokens",
        "Tokens of a picture",
        points=1,
        minutes=3,
        difficulty=1,
        cases=_token_cases,
        reference=costs.num_tokens,
        mistakes=mistakes,
        hints=(
            "How many patches stand below each other, and how many side by side?",
            "A picture of `height` pixels has `height // patch_size` rows of patches.",
            "Multiply the number of rows by the number of columns; the class token is not counted.",
        ),
    )


# ---------------------------------------------------------------------------------------------------- attention_flops


def _attention_cases(generator: torch.Generator) -> list[Call]:
    sizes = [
        (224, 224, 16, 768),
        (224, 336, 16, 384),
        (96, 32, 8, 48),
        (*_picture(generator), whole(generator, 50, 200)),
        (21, 14, 7, 5),
    ]
    return [Call(args=size, group=f"picture {i}") for i, size in enumerate(sizes)]


def attention_flops() -> Exercise:
    """QK^T and AV."""

    def tokens(height, width, patch_size):
        return height * width / patch_size**2

    def mistake(name, message, count):
        """count(tokens, dim, height, width, patch_size)."""

        def answer(height, width, patch_size, dim):
            return count(tokens(height, width, patch_size), dim, height, width, patch_size)

        return Mistake(name, message, answer)

    mistakes = (
        mistake(
            "half",
            "Half of what was expected, in every case: either one of the two products QK^T and AV is missing, or each "
            "multiply-add is counted once. Here it counts 2.",
            lambda n, d, *_: 2 * n**2 * d,
        ),
        mistake(
            "a quarter",
            "A quarter of what was expected: N^2 D is the number of multiply-adds of *one* product. There are two "
            "products, and a multiply-add counts 2.",
            lambda n, d, *_: n**2 * d,
        ),
        mistake(
            "N for N^2",
            "This grows with N. But every token looks at every token: how many dot products are there in QK^T?",
            lambda n, d, *_: 4 * n * d,
        ),
        mistake(
            "P^2 for P^4",
            "The number of tokens comes out too large: a picture has HW / P^2 of them, and that number gets squared, "
            "so P goes in to the fourth power.",
            lambda n, d, height, width, patch_size: 4 * (height * width / patch_size) ** 2 * d,
        ),
        mistake(
            "pixels for tokens",
            "You let every *pixel* look at every pixel. Tokens are patches: use num_tokens.",
            lambda n, d, height, width, patch_size: 4 * (height * width) ** 2 * d,
        ),
        mistake(
            "projections counted",
            "You also count the four projections (q, k, v and output), 8 N D^2 in all. They were excluded: only QK^T "
            "and AV here.",
            lambda n, d, *_: 4 * n**2 * d + 8 * n * d**2,
        ),
        mistake(
            "q, k and v counted",
            "You also count the making of q, k and v, 6 N D^2 in all. That was excluded: only QK^T and AV here.",
            lambda n, d, *_: 4 * n**2 * d + 6 * n * d**2,
        ),
        mistake(
            "projections in place of products",
            "That is the cost of making q, k, v and the output, 8 N D^2. Asked for are the two products in which "
            "tokens meet tokens.",
            lambda n, d, *_: 8 * n * d**2,
        ),
        mistake(
            "whole block",
            "That is a whole block, with projections and MLP. Asked for are QK^T and AV alone.",
            lambda n, d, *_: 4 * n**2 * d + 24 * n * d**2,
        ),
        mistake(
            "width forgotten",
            "The width is missing: each of the N^2 scores is a dot product of D numbers.",
            lambda n, d, *_: 4 * n**2,
        ),
        mistake(
            "width squared",
            "D comes in once too often: each of the N^2 scores is *one* dot product of D numbers.",
            lambda n, d, *_: 4 * n**2 * d**2,
        ),
        mistake(
            "N and D exchanged",
            "You have N D^2 where it should be N^2 D: write down the shapes of Q and K^T and multiply the three sizes.",
            lambda n, d, *_: 4 * n * d**2,
        ),
        mistake(
            "class token counted",
            "You count a class token. This function takes the patches alone (vit_flops will add the class token).",
            lambda n, d, *_: 4 * (n + 1) ** 2 * d,
        ),
        mistake(
            "square pictures only",
            "Right for square pictures only: the grid has height/P rows and *width*/P columns.",
            lambda n, d, height, width, patch_size: 4 * (height // patch_size) ** 4 * d,
        ),
        mistake(
            "softmax counted",
            "You count something for the softmax as well. Only the matrix products are counted here, as PyTorch does.",
            lambda n, d, *_: 4 * n**2 * d + n**2,
        ),
    )
    return Exercise(
        "attention_flops",
        "FLOPs of attention alone",
        points=2,
        minutes=4,
        difficulty=2,
        cases=_attention_cases,
        reference=costs.attention_flops,
        mistakes=mistakes,
        hints=(
            "Write down the shapes of the two products for one picture: Q and K^T, then the weights A and V.",
            "(N, D) times (D, N), and (N, N) times (N, D). A product of (a, b) and (b, c) takes 2*a*b*c FLOPs.",
            "Both products take 2 * N**2 * dim; N is num_tokens(height, width, patch_size).",
        ),
        needs=("num_tokens",),
    )


# -------------------------------------------------------------------------------------------------------- block_flops


def _block_cases(generator: torch.Generator) -> list[Call]:
    sizes = [
        (197, 768),
        (50, 384, 4),
        (577, 1024, 3),
        (whole(generator, 20, 400), 8 * whole(generator, 5, 40), 2),
        (7, 64, 1.5),
        (3, 10, 8),
    ]
    return [Call(args=size, group=f"block {i}") for i, size in enumerate(sizes)]


def block_flops() -> Exercise:
    """One encoder block."""

    def mistake(name, message, count):
        """count(n, d, r), r the ratio of the MLP."""
        return Mistake(name, message, lambda tokens, dim, mlp_ratio=4: count(tokens, dim, mlp_ratio))

    mistakes = (
        mistake("multiply-add counted once", HALF, lambda n, d, r: (4 + 2 * r) * n * d**2 + 2 * n**2 * d),
        mistake(
            "MLP forgotten",
            "The MLP is missing: two linear layers, from D to mlp_ratio * D and back.",
            lambda n, d, r: 8 * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "attention products forgotten",
            "The linear layers are all there. The two products in which tokens meet tokens, QK^T and AV, are missing.",
            lambda n, d, r: (8 + 4 * r) * n * d**2,
        ),
        mistake(
            "one attention product",
            "One of the two products QK^T and AV is missing; each takes 2 N^2 D.",
            lambda n, d, r: (8 + 4 * r) * n * d**2 + 2 * n**2 * d,
        ),
        mistake(
            "output projection forgotten",
            "One projection is missing: after the heads are joined, `proj` goes from D to D.",
            lambda n, d, r: (6 + 4 * r) * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "qkv counted as one projection",
            "`qkv` makes three vectors of width D for each token: it goes from D to 3 D, not from D to D.",
            lambda n, d, r: (4 + 4 * r) * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "q, k and v forgotten",
            "The making of q, k and v is missing: a linear layer from D to 3 D.",
            lambda n, d, r: (2 + 4 * r) * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "no projections",
            "The four projections of attention are missing: q, k, v and the output, each from D to D.",
            lambda n, d, r: 4 * r * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "half an MLP",
            "The MLP has *two* linear layers: from D to mlp_ratio * D, and back to D.",
            lambda n, d, r: (8 + 2 * r) * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "hidden layer to hidden layer",
            "The second layer of the MLP goes back from mlp_ratio * D to D, so the ratio enters once in each layer.",
            lambda n, d, r: (8 + 2 * r + 2 * r**2) * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "mlp_ratio ignored",
            "Right for mlp_ratio = 4 only: the argument is not used.",
            lambda n, d, r: 24 * n * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "class token added",
            "`tokens` already counts the whole sequence: do not add a class token here.",
            lambda n, d, r: (8 + 4 * r) * (n + 1) * d**2 + 4 * (n + 1) ** 2 * d,
        ),
        mistake(
            "N for N^2",
            "The attention products grow with N^2: every token meets every token.",
            lambda n, d, r: (8 + 4 * r) * n * d**2 + 4 * n * d,
        ),
        mistake(
            "weights counted, not uses",
            "That counts each weight once. A linear layer is applied to each of the N tokens.",
            lambda n, d, r: (8 + 4 * r) * d**2 + 4 * n**2 * d,
        ),
        mistake(
            "biases counted",
            "You count the biases too. Only matrix products are counted here, as PyTorch does: no bias, norm, softmax "
            "or GELU.",
            lambda n, d, r: (8 + 4 * r) * n * d**2 + 4 * n**2 * d + (5 + r) * n * d,
        ),
    )
    return Exercise(
        "block_flops",
        "FLOPs of an encoder block",
        points=2,
        minutes=5,
        difficulty=2,
        cases=_block_cases,
        reference=costs.block_flops,
        mistakes=mistakes,
        hints=(
            "List the matrix products of a block: qkv, QK^T, AV, proj, fc1, fc2.",
            "A linear layer from a to b on N tokens takes 2*N*a*b. qkv: from D to 3D; fc1: from D to mlp_ratio*D.",
            "8*N*D**2 for the projections, 4*N**2*D for attention, 4*mlp_ratio*N*D**2 for the MLP.",
        ),
    )


# ---------------------------------------------------------------------------------------------------------- vit_flops


def _vit_cases(generator: torch.Generator) -> list[Call]:
    height, width, patch = _picture(generator)
    sizes = [
        (224, 16, 768, 12),
        (224, 32, 768, 12, 4, 3, 21),
        ((96, 64), 16, 64, 3, 2, 1, 10),
        ((height, width), patch, 8 * whole(generator, 4, 20), whole(generator, 2, 7), 3, 2, 17),
        ((28, 56), 7, 48, 2, 1.5, 1, 5),
    ]
    return [Call(args=size, group=f"model {i}") for i, size in enumerate(sizes)]


def vit_flops() -> Exercise:
    """The whole model."""

    def mistake(name, message, count):
        """count(n, p, d, depth, r, channels, classes, rows): n patches without the class token."""

        def answer(image_size, patch_size, dim, depth, mlp_ratio=4, channels=3, num_classes=1000):
            height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
            n = costs.num_tokens(height, width, patch_size)
            return count(n, patch_size, dim, depth, mlp_ratio, channels, num_classes, height // patch_size)

        return Mistake(name, message, answer)

    def whole(n, p, d, depth, r, channels, classes, *_):
        return 2 * n * channels * p**2 * d + depth * costs.block_flops(n + 1, d, r) + 2 * d * classes

    mistakes = (
        mistake("multiply-add counted once", HALF, lambda *a: whole(*a) / 2),
        mistake(
            "no class token",
            "The blocks see one token more than there are patches: the class token has joined.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * channels * p**2 * d + depth * costs.block_flops(n, d, r) + 2 * d * classes
            ),
        ),
        mistake(
            "class token embedded",
            "The class token does not come from a patch: the patch embedding is applied to the patches only.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * (n + 1) * channels * p**2 * d + depth * costs.block_flops(n + 1, d, r) + 2 * d * classes
            ),
        ),
        mistake(
            "one block",
            "You count a single block: there are `depth` of them.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * channels * p**2 * d + costs.block_flops(n + 1, d, r) + 2 * d * classes
            ),
        ),
        mistake(
            "blocks only",
            "Those are the blocks. Before them the patches are embedded, and after them comes the head.",
            lambda n, p, d, depth, r, *_: depth * costs.block_flops(n + 1, d, r),
        ),
        mistake(
            "head forgotten",
            "The head is missing: a linear layer from D to num_classes, applied to the class token.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * channels * p**2 * d + depth * costs.block_flops(n + 1, d, r)
            ),
        ),
        mistake(
            "patch embedding forgotten",
            "The patch embedding is missing: a linear layer from C*P*P numbers to D, applied to each patch.",
            lambda n, p, d, depth, r, channels, classes, *_: depth * costs.block_flops(n + 1, d, r) + 2 * d * classes,
        ),
        mistake(
            "head on every token",
            "The head reads one token of each picture, the class token, not all of them.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * channels * p**2 * d + depth * costs.block_flops(n + 1, d, r) + 2 * (n + 1) * d * classes
            ),
        ),
        mistake(
            "channels ignored",
            "A patch holds P*P pixels in each of `channels` channels; yours always has one.",
            lambda n, p, d, depth, r, channels, classes, *_: whole(n, p, d, depth, r, 1, classes),
        ),
        mistake(
            "num_classes not used",
            "Right for 1,000 classes only: the head has `num_classes` results.",
            lambda n, p, d, depth, r, channels, classes, *_: whole(n, p, d, depth, r, channels, 1000),
        ),
        mistake(
            "channels not used",
            "Right for 3 channels only: a patch holds P*P pixels in each of `channels` channels.",
            lambda n, p, d, depth, r, channels, classes, *_: whole(n, p, d, depth, r, 3, classes),
        ),
        mistake(
            "head counted once",
            "In the head a multiply-add counts 2 as well.",
            lambda n, p, d, depth, r, channels, classes, *_: whole(n, p, d, depth, r, channels, classes / 2),
        ),
        mistake(
            "P for P^2",
            "A patch holds P*P pixels in each channel, so that many numbers enter the embedding, not P.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * channels * p * d + depth * costs.block_flops(n + 1, d, r) + 2 * d * classes
            ),
        ),
        mistake(
            "embedding of pixels",
            "The embedding is applied once to a patch, not at each of its pixels.",
            lambda n, p, d, depth, r, channels, classes, *_: (
                2 * n * p**2 * channels * p**2 * d + depth * costs.block_flops(n + 1, d, r) + 2 * d * classes
            ),
        ),
        mistake(
            "mlp_ratio not passed on",
            "Right for mlp_ratio = 4 only: hand the argument on to the blocks.",
            lambda n, p, d, depth, r, channels, classes, *_: whole(n, p, d, depth, 4, channels, classes),
        ),
        mistake(
            "square pictures only",
            "Right for square pictures only: `image_size` may be (H, W), and the grid has H/P rows and W/P columns.",
            lambda n, p, d, depth, r, channels, classes, rows: whole(rows**2, p, d, depth, r, channels, classes),
        ),
        mistake(
            "in GFLOPs",
            "That is in GFLOPs: return FLOPs, without dividing by 10^9.",
            lambda *a: whole(*a) / 1e9,
        ),
        mistake(
            "in GFLOPs, multiply-add counted once",
            "That is in GFLOPs with a multiply-add counted once, as model cards have it. Return FLOPs, and count it 2.",
            lambda *a: whole(*a) / 2e9,
        ),
    )
    return Exercise(
        "vit_flops",
        "FLOPs of a whole ViT",
        points=3,
        minutes=7,
        difficulty=2,
        cases=_vit_cases,
        reference=costs.vit_flops,
        mistakes=mistakes,
        hints=(
            "Three parts: the embedding of the patches, `depth` blocks, the head.",
            "A patch holds channels * P**2 numbers. The blocks see 1 + N tokens. The head reads one token.",
            "2*N*(channels*P**2)*dim + depth * block_flops(1 + N, dim, mlp_ratio) + 2*dim*num_classes.",
        ),
        needs=("num_tokens", "block_flops"),
    )


# ------------------------------------------------------------------------------------------- windowed_attention_flops


def _windowed_cases(generator: torch.Generator) -> list[Call]:
    window = whole(generator, 3, 6)
    rows = window * whole(generator, 3, 6)
    cols = rows + window * whole(generator, 2, 4)
    patch = whole(generator, 5, 20)
    sizes = [
        (224, 224, 16, 768, 7),
        (224, 448, 16, 96, 7),
        (96, 32, 4, 48, 4),
        (rows * patch, cols * patch, patch, whole(generator, 50, 200), window),
        (30, 60, 10, 5, 3),
    ]
    return [Call(args=size, group=f"picture {i}") for i, size in enumerate(sizes)]


def windowed_attention_flops() -> Exercise:
    """QK^T and AV within windows."""

    def mistake(name, message, count):
        """count(n, d, w, rows, p)."""

        def answer(height, width, patch_size, dim, window):
            n = costs.num_tokens(height, width, patch_size)
            return count(n, dim, window, height // patch_size, patch_size)

        return Mistake(name, message, answer)

    mistakes = (
        mistake(
            "half",
            "Half of what was expected: one of the two products is missing, or each multiply-add is counted once.",
            lambda n, d, w, *_: 2 * n * w**2 * d,
        ),
        mistake(
            "full attention",
            "That is attention without windows: every token still meets all N tokens. Here it meets those of its own "
            "window only.",
            lambda n, d, w, *_: 4 * n**2 * d,
        ),
        mistake(
            "one window only",
            "That is the attention within a single window. How many windows are there?",
            lambda n, d, w, *_: 4 * w**4 * d,
        ),
        mistake(
            "side for area",
            "A window is `window` patches *on a side*: how many patches does a token meet in it?",
            lambda n, d, w, *_: 4 * n * w * d,
        ),
        mistake(
            "too many windows",
            "You count N / window windows. A window covers window * window patches.",
            lambda n, d, w, *_: 4 * n * w**3 * d,
        ),
        mistake(
            "a window for each token",
            "You count a whole window's attention for every token. Windows do not overlap: there are N / window^2.",
            lambda n, d, w, *_: 4 * n * w**4 * d,
        ),
        mistake(
            "windows attend to windows",
            "You let the windows attend to each other. It is the patches within a window that do.",
            lambda n, d, w, *_: 4 * (n / w**2) ** 2 * d,
        ),
        mistake(
            "window in pixels",
            "`window` is counted in patches, not in pixels: no need to divide it by the patch size.",
            lambda n, d, w, rows, p: 4 * n * (w / p) ** 2 * d,
        ),
        mistake(
            "patches per window for partners",
            "That is N^2 over the size of a window. Each token has window * window partners, however many there are.",
            lambda n, d, w, *_: 4 * n**2 * d / w**2,
        ),
        mistake(
            "projections counted",
            "You also count the four projections. As in attention_flops, only QK^T and AV are asked for.",
            lambda n, d, w, *_: 4 * n * w**2 * d + 8 * n * d**2,
        ),
        mistake(
            "square pictures only",
            "Right for square pictures only: the grid has height/P rows and *width*/P columns.",
            lambda n, d, w, rows, p: 4 * rows**2 * w**2 * d,
        ),
        mistake(
            "width forgotten",
            "The width is missing: each score is a dot product of D numbers.",
            lambda n, d, w, *_: 4 * n * w**2,
        ),
    )
    return Exercise(
        "windowed_attention_flops",
        "FLOPs of attention within windows",
        points=2,
        minutes=4,
        difficulty=2,
        cases=_windowed_cases,
        reference=costs.windowed_attention_flops,
        mistakes=mistakes,
        hints=(
            "How many patches are there in one window, and how many windows in the picture?",
            "Within a window of w*w patches, attention costs what it costs for a picture of w*w patches.",
            "(N / w**2) windows, each 4 * (w**2)**2 * dim. That simplifies.",
        ),
        needs=("num_tokens", "attention_flops"),
    )
