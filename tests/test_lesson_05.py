"""Lesson 05: without positions corners cannot be told apart, codes know distances, tables follow the grid."""

import json
from pathlib import Path
from statistics import mean
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.data import fashion_mnist
from helpers.exercises import find
from helpers.experiment import load_shipped
from helpers.figures import positional_encodings as figures
from helpers.models.checkpoints import load_vit
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.corners import draw_corners, in_corners, in_every_corner
from helpers.models.patches import patchify
from helpers.models.positions import (
    FixedPositions,
    LearnedGridPositions,
    LearnedPositions,
    PositionedViT,
    interpolate_positions,
    rope_2d,
    rotary_vit,
    rows_and_columns,
    sincos_1d,
    sincos_2d,
)
from helpers.models.vit import ViT
from helpers.papers import VIT_NO_POSITIONS
from helpers.train import evaluate
from vitlab.course.parse import parse

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "solutions" / "05_positional_encodings.py"
CHECKPOINT = ROOT / "helpers" / "models" / "checkpoints" / "vit_fashion.json"


def small_vit(**changes):
    torch.manual_seed(0)
    return ViT(**{**dict(image_size=24, patch_size=4, channels=1, num_classes=4, dim=16, depth=2, heads=2), **changes})


@pytest.fixture(scope="module")
def four():
    """A garment in each of the four corners, float64."""
    test = fashion_mnist("test", 1)
    return in_every_corner(test.images.double(), test.images.min().item())[0]


@pytest.fixture(scope="module")
def solved():
    """What the solved lesson's exercise cells define, and nothing else of the lesson."""
    namespace = {}
    exec("import torch\nimport torch.nn.functional as F\nfrom torch import nn", namespace)
    for cell in parse(SOURCE, find=find, words=STANDARD.words()).cells:
        if cell.task == "exercise":
            exec(compile(cell.solved, f"{SOURCE.name}:{cell.line}", "exec"), namespace)
    return namespace


# ------------------------------------------------------------------------------------------------------ what and where


def test_corners_hold_the_same_patches_in_other_places(four):
    bags = [sorted(map(tuple, patchify(picture[None], 4)[0].tolist())) for picture in four]
    assert bags[0] == bags[1] == bags[2] == bags[3]
    assert not torch.equal(four[0], four[1])


def test_a_garment_lies_in_the_corner_that_was_asked_for():
    garments = torch.ones(4, 1, 28, 28)
    pictures = in_corners(garments, torch.tensor([0, 1, 2, 3]), background=0.0)
    quarters = pictures.reshape(4, 2, 12, 2, 12).mean((2, 4)).flatten(1)  # (4, 4)
    assert torch.allclose(quarters, torch.eye(4))


def test_corners_are_drawn_evenly_and_repeatably():
    corners = draw_corners(4_000, seed=1)
    assert torch.equal(corners, draw_corners(4_000, seed=1))
    assert corners.bincount().min() > 900


def test_without_positions_all_corners_get_the_same_logits_and_with_them_they_do_not(four):
    vit = small_vit().double()
    nn.init.normal_(vit.pos_embed)
    with torch.no_grad():
        seeing, blind = vit(four), PositionedViT(vit, nn.Identity())(four)
    assert (blind - blind[0]).abs().max() < 1e-12
    assert (seeing - seeing[0]).abs().max() > 1e-3


def test_without_positions_where_is_a_quarter_whatever_the_weights():
    test = fashion_mnist("test", 50)
    pictures, corners = in_every_corner(test.images.double(), test.images.min().item())
    model = PositionedViT(small_vit(), nn.Identity()).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    assert evaluate(model, pictures, corners) == 25.0


def test_a_move_by_one_pixel_gives_the_lessons_garment_one_other_bag_in_all_corners():
    test = fashion_mnist("test", 10)  # garment 7 has an empty last column, so that nothing goes round the edge
    four = in_every_corner(test.images[7:8], test.images.min().item())[0]
    before, *after = (
        sorted(map(tuple, patchify(picture[None], 4)[0].tolist())) for picture in (four[0], *four.roll(1, dims=3))
    )
    assert before != after[0]
    assert all(bag == after[0] for bag in after)


def test_a_move_by_one_pixel_is_seen_without_positions(four):
    blind = PositionedViT(small_vit().double(), nn.Identity())
    with torch.no_grad():
        assert (blind(four) - blind(four.roll(1, dims=3))).abs().max() > 1e-6


# --------------------------------------------------------------------------------------------------------------- codes


def test_products_of_codes_depend_on_the_displacement_alone():
    table = sincos_2d(5, 7, 32).double().reshape(5, 7, 32)
    here = (table[1, 2] * table[3, 5]).sum()
    assert torch.isclose(here, (table[2, 1] * table[4, 4]).sum(), atol=1e-5)
    assert torch.isclose((table[4, 6] ** 2).sum(), torch.tensor(16.0, dtype=torch.float64), atol=1e-5)


def test_codes_are_in_the_order_of_the_patch_sequence():
    across = sincos_2d(3, 5, 8).reshape(3, 5, 8)
    down = sincos_2d(3, 5, 8, Conventions(sequence="column-major")).reshape(5, 3, 8)
    assert torch.equal(across, down.transpose(0, 1))
    row, col = rows_and_columns((3, 5))
    assert (row[7].item(), col[7].item()) == (1, 2)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: sincos_1d(4, 7), "the width is even"),
    (lambda: sincos_2d(2, 2, 6), "a multiple of 4"),
    (lambda: interpolate_positions(torch.zeros(1, 14, 4), (3, 4), (5, 5)), r"3x4 has a table of shape \(1, 12, D\)"),
    (lambda: rope_2d(torch.zeros(13, 8), torch.zeros(13, 8), (3, 4)), "Leave the class token out"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_scores_of_turned_queries_depend_on_the_displacement_alone():
    q, k = torch.randn(2, 8, dtype=torch.float64)
    turned_q, turned_k = rope_2d(q.expand(35, 8), k.expand(35, 8), (5, 7))
    scores = (turned_q @ turned_k.T).reshape(5, 7, 5, 7)
    assert torch.allclose(scores[1, 2, 3, 5], scores[0, 1, 2, 4], atol=1e-6)
    assert torch.allclose(turned_q.norm(dim=1), q.norm(), atol=1e-6)  # a turn keeps lengths


# -------------------------------------------------------------------------------------------------------------- models


def positioned(kind):
    vit = small_vit()
    return {
        "table": lambda: PositionedViT(vit, FixedPositions(sincos_2d(6, 6, 16))),
        "grid": lambda: PositionedViT(vit, LearnedGridPositions(6, 6, 16)),
        "turns": lambda: rotary_vit(vit),
    }[kind]()


@pytest.mark.parametrize("kind", ["table", "grid", "turns"])
def test_each_kind_of_positions_tells_corners_apart_and_is_trained(kind, four):
    model = positioned(kind).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    logits = model(four)
    assert (logits - logits[0]).abs().max() > 1e-4
    logits.square().sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_a_fixed_table_of_any_precision_is_added_to_float32_tokens():
    positions = FixedPositions(sincos_2d(6, 6, 16).double())  # as a right answer of a student may be
    model = PositionedViT(small_vit(), positions)
    assert model(torch.randn(2, 1, 24, 24)).dtype == torch.float32
    assert torch.equal(positions(torch.zeros(1, 37, 16))[0, 1:], sincos_2d(6, 6, 16))


def test_a_rotary_vit_on_a_grid_of_one_place_is_the_vit_without_positions():
    images = torch.randn(3, 1, 4, 4, dtype=torch.float64)
    rotary = rotary_vit(small_vit(image_size=4)).double()
    plain = PositionedViT(small_vit(image_size=4), nn.Identity()).double()
    with torch.no_grad():
        assert torch.allclose(rotary(images), plain(images), atol=1e-12)


def test_a_table_resized_to_its_own_grid_is_itself():
    table = torch.randn(1, 1 + 12, 5, dtype=torch.float64)
    assert torch.allclose(interpolate_positions(table, (3, 4), (3, 4)), table, atol=1e-12)


def test_the_class_token_stands_where_the_conventions_put_it():
    table = torch.randn(1, 1 + 12, 5)
    last = interpolate_positions(table, (3, 4), (6, 5), Conventions(class_token="last"))
    assert torch.equal(last[:, -1], table[:, -1])
    first = interpolate_positions(table, (3, 4), (6, 5))
    assert torch.equal(first[:, 0], table[:, 0])


def test_the_trained_vit_reads_larger_pictures_with_its_table_resized_and_not_with_old_rows():
    trained, test = load_vit(), fashion_mnist("test", 200)
    table = trained.pos_embed.detach()
    large = F.interpolate(test.images, size=(40, 40), mode="bilinear")
    accuracy = {}
    for name, rows in {
        "resized": interpolate_positions(table, (7, 7), (10, 10)),
        "repeated": torch.cat([table[:, :1], table[:, 1:][:, torch.arange(100) % 49]], dim=1),
    }.items():
        model = ViT(40, 4, 1, 10, dim=48, depth=3, heads=4)
        model.load_state_dict({**trained.state_dict(), "pos_embed": rows})
        accuracy[name] = evaluate(model, large, test.labels)
    assert accuracy["resized"] > 70
    assert accuracy["repeated"] < 45


def test_the_trained_vit_found_the_grid_by_itself():
    table = load_vit().pos_embed.detach()[0, 1:]
    alt = figures.all_similarities(table, (7, 7)).alt
    touching, far = (float(alt.split(before)[1].split()[0].rstrip(".")) for before in ("cosine of ", "steps apart "))
    assert touching > far + 0.2


# -------------------------------------------------------------------------------------------------- lesson and figures


def test_the_solved_lesson_gives_the_numbers_that_it_tells(solved):
    table = solved["sincos_1d"](3, 4)
    assert torch.allclose(table[2], torch.tensor([0.909, 0.020, -0.416, 1.000]), atol=1e-3)
    assert torch.allclose(solved["sincos_2d"](4, 6, 24), sincos_2d(4, 6, 24), atol=1e-5)
    parameters = LearnedPositions(197, 768).parameters()
    assert find("learned_parameters").answer.value == sum(parameter.numel() for parameter in parameters)
    q, k = torch.randn(2, 3, 12, 8)
    for ours, theirs in zip(solved["rope_2d"](q, k, (3, 4)), rope_2d(q, k, (3, 4)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_shipped_seeds_bear_out_what_the_text_says_in_words():
    shipped = load_shipped("05_positional_encodings")
    tasks, kinds, at_40 = (shipped[f"predict_{name}"] for name in ("what_where", "kinds", "resolution"))
    assert set(tasks["where, no positions"]) == {25.0}  # "the second one is exact"
    assert abs(mean(tasks["what, learned positions"]) - mean(tasks["what, no positions"])) < 2  # "about as well"
    for none, table, grid, *knowing in zip(
        *(kinds[name] for name in ("none", "learned 1-D", "learned 2-D", "sin-cos 2-D", "RoPE 2-D")), strict=True
    ):
        assert none < table < min(knowing)  # "that there are positions matters", "a learned table has not got far"
        assert grid <= table  # "is no better for it"
    assert abs(mean(kinds["sin-cos 2-D, base 10"]) - mean(kinds["sin-cos 2-D"])) < 2  # "and the accuracy hardly"
    lost = {name: mean(at_40["at 28 x 28, as trained"]) - mean(values) for name, values in at_40.items()}
    assert lost["resized as a grid"] < 6  # "only a few points"
    assert lost["old rows, repeated"] > lost["one row for all"] > 50  # "wrong positions can be worse than none"
    assert mean(at_40["one row for all"]) < mean(kinds["none"]) - 30  # "never had any does far better"
    part_4, here = json.loads(CHECKPOINT.read_text(encoding="utf-8")), 3  # epochs of the kinds
    assert part_4["epochs"] == 10 * here  # "ten times as many epochs"
    assert "epochs=3, batch_size=32" in SOURCE.read_text(encoding="utf-8")


def test_figures_say_in_words_what_is_seen(four):
    assert "the same to the pixel" in figures.bags(four[[0, 3]], 4, ["one", "two"]).alt
    assert "not the same" in figures.bags(torch.stack([four[0], four[3] + 1]), 4, ["one", "two"]).alt
    said = figures.logit_changes({"a": torch.zeros(4, 3), "b": torch.eye(4)[:, :3]}, ["x", "y", "z"]).alt
    assert "a: none" in said
    assert "b: up to 1" in said
    assert "with the places beside" in figures.similarity({"waves": sincos_2d(5, 7, 16)}, (5, 7), (0, 6)).alt
    assert "first turns about 10 times" in figures.waves(sincos_1d(64, 64)).alt
    score = torch.zeros(3, 4)
    score[1, 2] = 1
    assert "highest at row 1, column 2" in figures.scores({"query": score}, [(1, 2)]).alt
    assert "24x24" in figures.corners(four, "Bag", 4).alt


def test_the_paper_stands_beside_what_was_measured_only_once_there_is_something():
    measured, nothing = SimpleNamespace(values={"none": 60.0, "learned 1-D": 69.0}), SimpleNamespace(values={})
    alt = figures.beside_the_paper(measured, VIT_NO_POSITIONS.values).alt
    assert "learned 1-D +9.0" in alt
    assert "1-D +2.8, 2-D +2.6, relative +2.6" in alt
    assert "predict" in figures.beside_the_paper(nothing, VIT_NO_POSITIONS.values)
