"""Lesson 04: formula, measurement and definition of a receptive field agree, and what the lesson says is so."""

import itertools
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.exercises import find, items
from helpers.exercises.definition import Exercise
from helpers.exercises.judge import RIGHT, judge
from helpers.explorers.receptive_field import explore
from helpers.figures import receptive_field as figures
from helpers.models import receptive_field as fields
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.far_apart import MARK, local_cnn, two_marks
from helpers.models.vit import ViT
from helpers.runner import LocalRunner
from vitlab.course.parse import parse

SOURCE = Path(__file__).parent.parent / "solutions" / "04_receptive_field.py"


@pytest.fixture(scope="module")
def solved():
    """The names that the solved lesson's exercise, answer and predict cells define."""
    lesson = parse(SOURCE, find=find, words=STANDARD.words())
    names = {"torch": torch, "nn": nn}
    for cell in lesson.cells:
        if cell.kind == "code" and cell.task:
            exec(cell.solved, names)
    return names


def small_vit(**options):
    torch.manual_seed(0)
    return ViT((12, 20), 4, 3, 5, dim=16, depth=2, heads=2, **options).eval()


@pytest.mark.parametrize("item", [item for item in items("04") if isinstance(item, Exercise)], ids=lambda item: item.id)
def test_the_lessons_own_answers_are_right(item, solved):
    assert judge(item, LocalRunner(solved, lambda name: None)).kind == RIGHT


@pytest.mark.parametrize("seed", range(30))
def test_outside_the_formulas_square_a_change_is_exactly_nothing(seed):
    generator = torch.Generator().manual_seed(seed)
    layers = fields.random_layers(generator)
    torch.manual_seed(seed)
    model = fields.conv_stack(layers).double()
    image = torch.randn(1, 3, 144, 144, generator=generator, dtype=torch.float64)
    middle = model(image).shape[-1] // 2
    unit = (0, slice(None), middle, middle)
    first = fields.field_start(layers, middle)
    last = first + fields.cnn_receptive_field([layer[:3] for layer in layers]) - 1
    inside = [(first, first), (first, last), (last, first), (last, last)]
    outside = [(first - 1, first), (first, first - 1), (last + 1, last), (last, last + 1), (0, 0), (143, middle)]
    assert all(fields.reacts(model, image, unit, pixel) for pixel in inside)
    assert not any(fields.reacts(model, image, unit, pixel) for pixel in outside)


def test_gradient_and_change_find_the_same_pixels_also_between_the_holes_of_a_dilation():
    torch.manual_seed(0)
    model = fields.conv_stack([(3, 2, 1), (3, 1, 2)], channels=2).double()
    image = torch.randn(1, 2, 16, 13, dtype=torch.float64)
    found = fields.measured_receptive_field(model, image, (0, 3, 4, 2))
    for pixel in itertools.product(range(16), range(13)):
        assert fields.reacts(model, image, (0, 3, 4, 2), pixel) == found[pixel]


def test_a_unit_that_is_not_one_number_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"index of one number.*\(8,\)"):
        fields.measured_receptive_field(fields.conv_stack([(3, 1, 1)]), torch.rand(1, 3, 6, 6), (0, slice(None), 2, 2))


def test_famous_networks_have_the_fields_that_the_lesson_names():
    conv, down, pool = (3, 1, 1), (3, 2, 1), (2, 2, 1)
    vgg16 = [conv, conv, pool] * 2 + [conv, conv, conv, pool] * 3
    resnet50 = [(7, 2, 1), down] + [conv] * 3 + [down] + [conv] * 3 + [down] + [conv] * 5 + [down] + [conv] * 2
    assert fields.cnn_receptive_field(vgg16) == 212
    assert fields.cnn_receptive_field(resnet50) == 427
    assert fields.cnn_receptive_field([conv] * 111) < 224 <= fields.cnn_receptive_field([conv] * 112)


def test_a_token_sees_its_patch_before_the_first_block_and_everything_after_it():
    vit, image = small_vit(), torch.rand(1, 3, 12, 20)
    before = fields.measured_receptive_field(lambda x: vit.stages(x)["with_positions"], image, (0, 1 + 7, 3))
    after = fields.measured_receptive_field(lambda x: vit.stages(x)["block_0"], image, (0, 1 + 7, 3))
    patch = torch.zeros(12, 20, dtype=torch.bool)
    patch[4:8, 8:12] = True  # patch 7 of a 3 x 5 grid: row 1, column 2
    assert torch.equal(before, patch)
    assert after.all()


def test_the_class_token_sees_nothing_before_the_first_block():
    vit, image = small_vit(), torch.rand(1, 3, 12, 20)
    assert not fields.reacts(lambda x: vit.stages(x)["with_positions"], image, (0, 0), (5, 5))
    assert fields.reacts(lambda x: vit.stages(x)["block_0"], image, (0, 0), (5, 5))


def test_the_effective_share_halves_where_the_depth_grows_fourfold():
    shares = [
        sum(fields.effective_side(fields.reaction_of_random_cnns(depth, seed)) for seed in range(3)) / (3 + 6 * depth)
        for depth in (6, 24)
    ]
    assert shares[0] / shares[1] == pytest.approx(2, rel=0.25)


def test_the_reaction_of_a_deep_random_cnn_is_near_a_gaussian():
    assert fields.gaussian_fit(fields.reaction_of_random_cnns(16, seed=1))[2] > 0.85


def test_the_fit_tells_a_gaussian_from_a_box():
    places = torch.arange(-20.0, 21.0)
    bell = (-places.square() / 50).exp()
    assert fields.gaussian_fit(bell[:, None] * bell)[2] > 0.999
    assert fields.gaussian_fit(((places.abs() < 9)[:, None] * torch.ones(41)).float())[2] < 0.9


def test_the_distance_worked_out_by_hand_in_the_lesson_comes_out():
    weights = torch.tensor([[0.5, 0.25, 0.25]]).expand(3, 3)
    first = (weights * fields.patch_distances((1, 3)))[0].sum()
    assert first == pytest.approx(0.75)
    assert fields.patch_distances((2, 2))[0, 3] == pytest.approx(math.sqrt(2))


def test_the_distance_follows_the_order_of_the_sequence():
    weights = torch.rand(2, 3, 6, 6).softmax(-1)
    columns = Conventions(sequence="column-major")
    turned = torch.arange(6).reshape(2, 3).T.flatten()  # raster number of each patch, column by column
    expected = fields.attention_distance(weights, (2, 3))
    found = fields.attention_distance(weights[..., turned[:, None], turned], (2, 3), columns)
    assert torch.allclose(found, expected)


def test_a_window_of_one_patch_in_each_direction_looks_at_nine():
    rows = fields.window_weights((4, 5))[0, 0]
    assert torch.allclose(rows.sum(-1), torch.ones(20))
    assert (rows > 0).sum(-1).unflatten(0, (4, 5))[1, 1] == 9
    assert (rows > 0).sum(-1).unflatten(0, (4, 5))[0, 0] == 4


def test_reactions_of_tokens_agree_with_the_gradient_of_each_feature():
    vit, image = small_vit().double(), torch.rand(1, 3, 12, 20, dtype=torch.float64)
    many = fields.token_reactions(vit, image, [7], probes=400)[1, 0].square()
    exact = 0
    for feature in range(16):
        pixels = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(vit.stages(pixels)["block_0"][0, 1 + 7, feature], pixels)
        exact = exact + gradient[0].square().sum(0)  # (C, H, W) -> (H, W)
    assert torch.allclose(many.sum(), exact.sum(), rtol=0.2)
    assert many[4:8, 8:12].sum() > 0.5 * many.sum()  # patch 7 of a 3 x 5 grid


def test_two_marks_are_alike_where_the_label_says_so_and_never_near_each_other():
    images, alike = two_marks(200, torch.Generator().manual_seed(0))
    assert images.shape == (200, 1, 24, 24)
    assert 70 < alike.sum() < 130
    for image, label in zip(images[:, 0], alike, strict=True):
        bright = image > 1
        assert not bright[:, 2 * MARK : 4 * MARK].any()
        left, right = (_cut(half) for half in (bright[:, : 3 * MARK], bright[:, 3 * MARK :]))
        assert torch.equal(left, right) == bool(label)


def _cut(half):
    """The MARK x MARK cell of a half picture that holds its mark."""
    cells = half.unfold(0, MARK, MARK).unfold(1, MARK, MARK).flatten(0, 1)
    return cells[cells.sum((1, 2)).argmax()]


def test_no_sum_of_votes_beats_the_bound_of_the_lesson():
    pairs = list(itertools.combinations(range(4), 2))
    best = 0.0
    for votes in itertools.product(range(7), repeat=4):
        for threshold in range(13):
            like = sum(2 * vote > threshold for vote in votes) / 4
            unlike = sum(votes[i] + votes[j] <= threshold for i, j in pairs) / 6
            best = max(best, 50 * like + 50 * unlike)
    assert best == pytest.approx(find("best_without_seeing_both").answer.value)


def test_the_small_cnns_have_the_fields_in_their_names():
    for layers, side in (([(3, 2, 1), (3, 1, 1)], 7), ([(3, 2, 1), (3, 1, 1), (3, 1, 2), (3, 1, 4)], 31)):
        assert fields.cnn_receptive_field(layers) == side
        assert local_cnn(layers, 2)(torch.rand(2, 1, 24, 24)).shape == (2, 2)


def test_the_explorer_sends_what_each_cell_reacts_to_in_raster_order():
    image, photograph = torch.rand(3, 12, 20), torch.rand(3, 40, 600)
    for sequence, place in (("row-major", "first"), ("column-major", "last")):
        vit = small_vit(conventions=Conventions(sequence=sequence, class_token=place))
        widget = explore(vit, image, photograph)
        shares = torch.frombuffer(bytearray(widget.shares), dtype=torch.float16).reshape(3, 15, 15)
        assert torch.equal(shares[0].float(), 100 * torch.eye(15))
        assert torch.allclose(shares.float().sum(-1), torch.full((3, 15), 100.0), atol=0.3)
        assert widget.counts == [[16] * 15, [240] * 15, [240] * 15]
        assert widget.photograph_shape == [3, 17, 252]
        assert [len(heads) for heads in widget.distances] == [2, 2]


def test_the_explorer_leaves_the_models_mode_alone():
    vit = small_vit().train()
    explore(vit, torch.rand(3, 12, 20), torch.rand(3, 20, 30))
    assert vit.training


def test_the_explorer_refuses_a_batch_in_a_sentence():
    with pytest.raises(ValueError, match="one picture"):
        explore(small_vit(), torch.rand(2, 3, 12, 20), torch.rand(3, 20, 30))


def test_figures_say_their_numbers():
    mask = torch.zeros(10, 20, dtype=torch.bool)
    mask[2:5, 3:10] = True
    assert "a unit: 3 by 7 pixels, 10.5% of the picture" in repr(
        figures.fields(torch.rand(3, 10, 20), {"a unit": mask})
    )
    assert "of the 13 pixels that its field spans" in repr(figures.growth([(3, 1, 1), (3, 2, 1), (3, 1, 2)]))
    heads = [torch.tensor([1.0, 2.0])]
    assert "block 1: heads from 1.00 to 2.00, mean 1.50" in repr(figures.head_distances(heads, 3.6, 1.0))
