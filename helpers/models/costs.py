"""What a ViT costs in matrix products. A multiply-add counts 2; norms, biases, softmax and GELU are left out."""


def num_tokens(height: int, width: int, patch_size: int) -> int:
    """Number of patches of a picture of height x width pixels; patches have patch_size x patch_size pixels."""
    return (height // patch_size) * (width // patch_size)


def attention_flops(height: int, width: int, patch_size: int, dim: int) -> int:
    """FLOPs of the two products of attention, QK^T and AV, among the patches of one picture.

    dim: width of the queries, keys and values, all heads together
    Attention Is All You Need (Vaswani et al., 2017), equation 1.
    """
    tokens = num_tokens(height, width, patch_size)
    return 4 * tokens**2 * dim


def block_flops(tokens: int, dim: int, mlp_ratio: float = 4) -> int:
    """FLOPs of one encoder block on one sequence: q, k, v and output projections, both attention products, the MLP.

    ViT (Dosovitskiy et al., 2021), equations 2 and 3.
    """
    projections = 4 * 2 * tokens * dim**2
    attention = 2 * 2 * tokens**2 * dim
    mlp = 2 * 2 * tokens * dim * int(dim * mlp_ratio)
    return projections + attention + mlp


def vit_flops(
    image_size: int | tuple[int, int],
    patch_size: int,
    dim: int,
    depth: int,
    mlp_ratio: float = 4,
    channels: int = 3,
    num_classes: int = 1000,
) -> int:
    """FLOPs of a ViT with a class token on one picture: patch embedding, blocks, head.

    image_size: (H, W) in pixels, or one number for a square picture
    ViT (Dosovitskiy et al., 2021), equations 1-4.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    tokens = num_tokens(height, width, patch_size)
    embedding = 2 * tokens * (channels * patch_size**2) * dim
    blocks = depth * block_flops(1 + tokens, dim, mlp_ratio)
    head = 2 * dim * num_classes
    return embedding + blocks + head


def windowed_attention_flops(height: int, width: int, patch_size: int, dim: int, window: int) -> int:
    """FLOPs of QK^T and AV where a patch attends within its own window of window x window patches.

    Windows tile the grid: rows and columns of patches are multiples of window.
    """
    return 4 * num_tokens(height, width, patch_size) * window**2 * dim
