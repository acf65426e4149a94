"""The reference models: shapes by hand, equalities, and sentences where sizes do not fit."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from helpers.models.attention import MultiHeadSelfAttention, attention, attention_weights
from helpers.models.cnn import SmallCNN
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.orders import KINDS, inverse_permutation, permutation_gap, scan_order
from helpers.models.patches import linear_to_conv, patchify, unpatchify
from helpers.models.vit import EncoderBlock, PatchEmbed, ViT

ALL_CONVENTIONS = [
    Conventions(sequence, patch, class_token)
    for sequence, patch, class_token in product(
        ("row-major", "column-major"), ("channel-first", "channel-last"), ("first", "last")
    )
]
NOT_SQUARE = (8, 12)


def draw(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def vit(image_size=NOT_SQUARE, conventions=STANDARD):
    torch.manual_seed(0)
    return ViT(image_size, 4, 3, 5, 16, 2, 4, conventions=conventions).double()


# Conventions


def test_the_standard_pattern_is_that_of_the_course():
    assert STANDARD.pattern == "b c (h p1) (w p2) -> b (h w) (c p1 p2)"


def test_the_four_patterns_differ_and_undo_themselves():
    assert len({conventions.pattern for conventions in ALL_CONVENTIONS}) == 4
    for conventions in ALL_CONVENTIONS:
        there, back = conventions.pattern.split(" -> ")
        assert conventions.inverse_pattern == f"{back} -> {there}"


def test_the_words_say_what_the_conventions_are():
    assert STANDARD.words() == {
        "pattern": "b c (h p1) (w p2) -> b (h w) (c p1 p2)",
        "sequence_words": "row by row",
        "patch_words": "channel first: all of one channel's pixels, then the next channel's",
        "class_token_words": "first",
        "masked_value": "1",
    }
    other = Conventions("column-major", "channel-last", "last", 0).words()
    assert other["sequence_words"] == "column by column"
    assert other["class_token_words"] == "last"
    assert other["masked_value"] == "0"
    assert all(other[name] != word for name, word in STANDARD.words().items())


@pytest.mark.parametrize(
    "wrong", [dict(sequence="rows"), dict(patch="hwc"), dict(class_token="none"), dict(masked=2), dict(masked="1")]
)
def test_an_unknown_convention_is_refused_with_what_there_is(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(ValueError, match=rf"{name!r} must be .* or .*, but it is {value!r}"):
        Conventions(**wrong)


# Patches


def patch_by_hand(images, patch_size, conventions):
    """patchify as the words of the conventions say it, with loops."""
    rows, cols = images.shape[2] // patch_size, images.shape[3] // patch_size
    cells = [(row, col) for row in range(rows) for col in range(cols)]
    if conventions.sequence == "column-major":
        cells.sort(key=lambda cell: (cell[1], cell[0]))
    patches = []
    for row, col in cells:
        top, left = row * patch_size, col * patch_size
        patch = images[:, :, top : top + patch_size, left : left + patch_size]  # (B, C, P, P)
        if conventions.patch == "channel-last":
            patch = patch.permute(0, 2, 3, 1)  # (B, P, P, C)
        patches.append(patch.flatten(1))
    return torch.stack(patches, dim=1)


@pytest.mark.parametrize("conventions", ALL_CONVENTIONS, ids=lambda c: c.pattern)
@pytest.mark.parametrize("size", [(1, 3, 8, 12), (2, 1, 12, 4), (3, 2, 4, 4)])
def test_patches_are_cut_as_the_conventions_say(conventions, size):
    images = torch.arange(torch.Size(size).numel()).reshape(size)
    patches = patchify(images, 4, conventions)
    assert torch.equal(patches, patch_by_hand(images, 4, conventions))
    assert torch.equal(unpatchify(patches, 4, size[2:], conventions), images)


def test_patches_are_those_of_einops_and_unfold():
    images = draw(2, 3, *NOT_SQUARE)
    patches = patchify(images, 4)
    assert torch.equal(patches, rearrange(images, "b c (h p1) (w p2) -> b (h w) (c p1 p2)", p1=4, p2=4))
    assert torch.equal(patches, F.unfold(images, kernel_size=4, stride=4).mT)


@pytest.mark.parametrize("conventions", ALL_CONVENTIONS, ids=lambda c: c.pattern)
def test_a_linear_map_of_patches_is_a_convolution(conventions):
    images, weight = draw(2, 3, *NOT_SQUARE), draw(7, 48)
    by_patches = patchify(images, 4, conventions) @ weight.T  # (B, N, D)
    kernel = linear_to_conv(weight, 3, 4, conventions)
    grid = "b d h w -> b (w h) d" if conventions.sequence == "column-major" else "b d h w -> b (h w) d"
    torch.testing.assert_close(by_patches, rearrange(F.conv2d(images, kernel, stride=4), grid), atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: patchify(torch.zeros(3, 8, 8), 4), r"got \(3, 8, 8\).*batch dimension"),
        (lambda: patchify(torch.zeros(1, 3, 8, 12), 3), "8x12 pixels cannot be cut.*Patch sizes that fit: 1, 2, 4"),
        (lambda: patchify(torch.zeros(1, 3, 8, 12), 16), "cannot be cut into patches of 16x16"),
        (lambda: patchify(torch.zeros(1, 3, 8, 12), 0), "patch_size must be at least 1"),
        (lambda: unpatchify(torch.zeros(1, 6, 48), 5, (8, 12)), "8x12 pixels cannot be cut"),
        (lambda: unpatchify(torch.zeros(1, 5, 48), 4, (8, 12)), "2x3 = 6 patches.*but got 5"),
        (lambda: unpatchify(torch.zeros(1, 6, 47), 4, (8, 12)), "multiple of 16.*hold 47"),
        (lambda: unpatchify(torch.zeros(6, 48), 4, (8, 12)), r"\(batch, N, C\*P\*P\).*\(6, 48\)"),
        (lambda: linear_to_conv(torch.zeros(7, 47), 3, 4), r"shape \(D, 48\), but got \(7, 47\)"),
        (lambda: linear_to_conv(torch.zeros(48), 3, 4), r"but got \(48,\)"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


# Attention


def test_attention_is_that_of_pytorch():
    q, k, v = draw(2, 3, 5, 4), draw(2, 3, 7, 4) + 1, draw(2, 3, 7, 6)
    torch.testing.assert_close(attention(q, k, v), F.scaled_dot_product_attention(q, k, v), atol=1e-12, rtol=0)


def test_attention_takes_any_leading_dimensions():
    q, k, v = draw(2, 3, 5, 4), draw(2, 3, 7, 4), draw(2, 3, 7, 6)
    assert attention(q, k, v).shape == (2, 3, 5, 6)
    torch.testing.assert_close(attention(q[1, 2], k[1, 2], v[1, 2]), attention(q, k, v)[1, 2], atol=1e-12, rtol=0)


def test_the_weights_of_each_query_sum_to_one():
    weights = attention_weights(draw(2, 5, 4), 10 * draw(2, 7, 4))
    assert weights.shape == (2, 5, 7)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5, dtype=torch.float64))


def test_multi_head_attention_is_that_of_pytorch():
    ours = MultiHeadSelfAttention(12, 3).double()
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.proj.state_dict())
    x = draw(2, 5, 12)
    expected, weights = theirs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(ours(x), expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(ours.weights(x), weights, atol=1e-12, rtol=0)


@pytest.mark.parametrize("heads", [5, 0])
def test_heads_that_do_not_divide_the_width_are_refused(heads):
    with pytest.raises(ValueError, match="12 must be a multiple of the number of heads"):
        MultiHeadSelfAttention(12, heads)


# The ViT


def test_parameter_names_are_timms():
    names = set(vit().state_dict())
    block = {f"{part}.{kind}" for part in BLOCK_PARTS for kind in ("weight", "bias")}
    outside = {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"}
    outside |= {"norm.weight", "norm.bias", "head.weight", "head.bias"}
    assert names == outside | {f"blocks.{i}.{name}" for i in range(2) for name in block}


BLOCK_PARTS = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")


def test_vit_b16_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = ViT(224, 16, 3, 1000, 768, 12, 12)
    assert sum(parameter.numel() for parameter in model.parameters()) == 86_567_656


@pytest.mark.parametrize("batch", [1, 3])
def test_every_stage_has_its_name_and_shape(batch):
    stages = vit().stages(draw(batch, 3, *NOT_SQUARE))
    assert {name: tuple(stage.shape) for name, stage in stages.items()} == {
        "patch_tokens": (batch, 6, 16),
        "with_class_token": (batch, 7, 16),
        "with_positions": (batch, 7, 16),
        "block_0": (batch, 7, 16),
        "block_1": (batch, 7, 16),
        "norm": (batch, 7, 16),
        "class_token": (batch, 16),
        "logits": (batch, 5),
    }


def test_each_stage_follows_from_the_one_before():
    model, images = vit(), draw(2, 3, *NOT_SQUARE)
    nn.init.normal_(model.cls_token)
    stages = model.stages(images)
    tokens = rearrange(model.patch_embed.proj(images), "b d h w -> b (h w) d")
    torch.testing.assert_close(stages["patch_tokens"], tokens, atol=1e-12, rtol=0)
    assert torch.equal(stages["with_class_token"][:, 0], model.cls_token[0].expand(2, -1))
    assert torch.equal(stages["with_class_token"][:, 1:], stages["patch_tokens"])
    assert torch.equal(stages["with_positions"], stages["with_class_token"] + model.pos_embed)
    assert torch.equal(stages["block_0"], model.blocks[0](stages["with_positions"]))
    assert torch.equal(stages["norm"], model.norm(stages["block_1"]))
    assert torch.equal(stages["class_token"], stages["norm"][:, 0])
    assert torch.equal(stages["logits"], model.head(stages["class_token"]))


@pytest.mark.parametrize("conventions", ALL_CONVENTIONS, ids=str)
def test_the_same_model_under_other_conventions_gives_the_same_logits(conventions):
    standard, images = vit(), draw(2, 3, *NOT_SQUARE)
    other = vit(conventions=conventions)
    weights = standard.state_dict()
    cls, grid = weights["pos_embed"][:, :1], weights["pos_embed"][:, 1:]
    if conventions.sequence == "column-major":
        grid = grid[:, scan_order(2, 3, "column")]
    weights["pos_embed"] = torch.cat([cls, grid] if conventions.class_token == "first" else [grid, cls], dim=1)
    other.load_state_dict(weights)
    torch.testing.assert_close(other(images), standard(images), atol=1e-12, rtol=0)


@pytest.mark.parametrize("conventions", [STANDARD, Conventions(class_token="last")], ids=lambda c: c.class_token)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_logits_and_their_gradients_are_those_of_the_last_stage(conventions, batch):
    model, images = vit(conventions=conventions), draw(batch, 3, *NOT_SQUARE)
    parameters = list(model.parameters())
    short, whole = model(images), model.stages(images)["logits"]
    torch.testing.assert_close(short, whole, atol=1e-12, rtol=0)
    gradients = [torch.autograd.grad(logits.square().sum(), parameters) for logits in (short, whole)]
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("rows", [slice(0, 1), slice(-1, None), slice(1, 4)], ids=str)
def test_a_block_asked_for_some_tokens_gives_those_of_all(rows):
    block, x = EncoderBlock(12, 3).double(), draw(2, 5, 12)
    torch.testing.assert_close(block(x, rows), block(x)[:, rows], atol=1e-12, rtol=0)


def test_a_vit_without_blocks_is_refused():
    with pytest.raises(ValueError, match="at least one block, but depth is 0"):
        ViT(28, 4, 1, 10, 16, 0, 4)


def test_the_class_token_stands_last_where_the_conventions_say_so():
    model = vit(conventions=Conventions(class_token="last"))
    stages = model.stages(draw(2, 3, *NOT_SQUARE))
    assert torch.equal(stages["with_class_token"][:, :-1], stages["patch_tokens"])
    assert torch.equal(stages["class_token"], stages["norm"][:, -1])


def test_a_block_adds_attention_then_its_mlp_to_what_came_in():
    block, x = EncoderBlock(12, 3, mlp_ratio=2).double(), draw(2, 5, 12)
    y = x + block.attn(F.layer_norm(x, (12,), block.norm1.weight, block.norm1.bias, 1e-6))
    hidden = F.linear(F.layer_norm(y, (12,), block.norm2.weight, block.norm2.bias, 1e-6), block.mlp.fc1.weight)
    hidden = hidden + block.mlp.fc1.bias
    hidden = hidden * (1 + torch.erf(hidden / 2**0.5)) / 2
    assert hidden.shape[-1] == 24
    torch.testing.assert_close(block(x), y + block.mlp.fc2(hidden), atol=1e-12, rtol=0)


def test_gradients_reach_every_parameter():
    model = vit()
    F.cross_entropy(model(draw(2, 3, *NOT_SQUARE)), torch.tensor([0, 4])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_picture_does_not_depend_on_the_others_in_its_batch():
    model, images = vit(), draw(3, 3, *NOT_SQUARE)
    torch.testing.assert_close(model(images[1:2]), model(images)[1:2], atol=1e-12, rtol=0)


@pytest.mark.parametrize("shape", [(1, 3, 12, 8), (1, 1, 8, 12), (3, 8, 12), (1, 3, 16, 12)])
def test_pictures_of_another_size_are_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match=r"built for pictures of shape \(batch, 3, 8, 12\), but got"):
        vit()(torch.zeros(shape, dtype=torch.float64))


def test_a_size_that_patches_do_not_tile_is_refused():
    with pytest.raises(ValueError, match="28x30 pixels cannot be cut into patches of 4x4"):
        vit(image_size=(28, 30))


def test_patch_embed_is_its_own_convolution():
    embed, images = PatchEmbed(4, 3, 7).double(), draw(1, 3, *NOT_SQUARE)
    expected = rearrange(embed.proj(images), "b d h w -> b (h w) d")
    torch.testing.assert_close(embed(images), expected, atol=1e-12, rtol=0)


# The CNN


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (12, 20)])
def test_the_cnn_takes_pictures_of_any_size_stage_by_stage(size):
    height, width = size
    model = SmallCNN(3, 5, width=4).eval()
    stages = model.stages(draw(1, 3, *size, dtype=torch.float32))
    assert {name: tuple(stage.shape) for name, stage in stages.items()} == {
        "conv_1": (1, 4, height // 2, width // 2),
        "conv_2": (1, 8, height // 4, width // 4),
        "conv_3": (1, 16, height // 4, width // 4),
        "pooled": (1, 16),
        "logits": (1, 5),
    }
    assert torch.equal(stages["logits"], model(draw(1, 3, *size, dtype=torch.float32)))


def test_gradients_reach_every_parameter_of_the_cnn():
    model = SmallCNN(1, 3, width=4).double()
    F.cross_entropy(model(draw(4, 1, 28, 28)), torch.tensor([0, 1, 2, 0])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 1e-6, name


# Orders

GRIDS = [(1, 1), (1, 5), (4, 1), (4, 4), (7, 7), (3, 5), (6, 2), (8, 8)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grid", GRIDS)
def test_a_scan_visits_every_patch_once_from_the_top_left(kind, grid):
    order = scan_order(*grid, kind)
    assert order.dtype == torch.long
    assert order[0] == 0
    assert torch.equal(order.sort().values, torch.arange(grid[0] * grid[1]))


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("raster", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("column", [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
        ("snake", [0, 1, 2, 3, 7, 6, 5, 4, 8, 9, 10, 11]),
        ("spiral", [0, 1, 2, 3, 7, 11, 10, 9, 8, 4, 5, 6]),
        ("hilbert", [0, 1, 5, 4, 8, 9, 10, 11, 7, 6, 2, 3]),
    ],
)
def test_scans_of_three_rows_and_four_columns_are_as_drawn_by_hand(kind, order):
    assert scan_order(3, 4, kind).tolist() == order


@pytest.mark.parametrize(
    ("kind", "grid"),
    [("snake", (3, 5)), ("spiral", (3, 5)), ("spiral", (4, 4)), *[("hilbert", (n, n)) for n in (2, 4, 8, 16)]],
)
def test_consecutive_patches_are_neighbours(kind, grid):
    order = scan_order(*grid, kind)
    rows, cols = order // grid[1], order % grid[1]
    assert torch.equal(rows.diff().abs() + cols.diff().abs(), torch.ones(len(order) - 1, dtype=torch.long))


def test_an_unknown_scan_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'zigzag'; the kinds are raster, column, snake, spiral, hilbert"):
        scan_order(2, 2, "zigzag")


def test_an_empty_grid_is_refused():
    with pytest.raises(ValueError, match="this one is 0x3"):
        scan_order(0, 3, "raster")


@pytest.mark.parametrize("length", [1, 2, 9])
def test_the_inverse_undoes_a_permutation(length):
    order = torch.randperm(length, generator=torch.Generator().manual_seed(length))
    assert torch.equal(inverse_permutation(order), order.argsort())
    assert torch.equal(order[inverse_permutation(order)], torch.arange(length))


def test_an_encoder_does_not_mind_the_order_but_a_convolution_does():
    tokens, order = draw(2, 9, 16), scan_order(3, 3, "spiral")
    encoder = nn.Sequential(EncoderBlock(16, 4), EncoderBlock(16, 4)).double()
    convolution = nn.Conv1d(9, 9, 3, padding=1).double()
    assert permutation_gap(encoder, tokens, order) < 1e-12
    assert permutation_gap(convolution, tokens, order) > 0.1
