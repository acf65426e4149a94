"""The figures of lesson 01 say in words what they show."""

import torch

from helpers.figures import patches_to_tokens as figures
from helpers.models.conventions import Conventions
from helpers.models.patches import patchify
from helpers.train import History

PICTURE = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))


def test_patches_in_the_right_order_show_the_picture_again():
    assert "show the picture again" in figures.cut_apart(PICTURE, patchify(PICTURE[None], 2)[0], 2).alt


def test_a_bare_reshape_does_not_show_the_picture():
    assert "do not show the picture" in figures.cut_apart(PICTURE, PICTURE.reshape(6, -1), 2).alt


def test_patches_follow_the_conventions():
    other = Conventions(patch="channel-last")
    patches = patchify(PICTURE[None], 2, other)[0]
    assert "show the picture again" in figures.cut_apart(PICTURE, patches, 2, other).alt


def test_learning_curves_name_the_accuracy_reached():
    history = History(loss=[2.0, 1.0, 0.5], accuracy=[60.0, 81.4], finished=True)
    assert "81%" in figures.learning_curves({"ViT": history}).alt


def test_learning_curves_without_a_run_say_so():
    assert "predict first" in figures.learning_curves({}).alt


def test_class_attention_names_the_patch_that_each_head_looks_at():
    attention = torch.full((2, 6), 0.1)
    attention[0, 5] = attention[1, 1] = 0.5
    alt = figures.class_attention(torch.rand(1, 4, 6), attention, (2, 3)).alt
    assert "head 0 most at row 1, column 2 (50%)" in alt
    assert "head 1 most at row 0, column 1 (50%)" in alt


def test_predictions_name_what_was_wrong():
    logits = torch.tensor([[0.0, 5.0], [5.0, 0.0]])
    alt = figures.predictions(torch.rand(2, 1, 4, 4), torch.tensor([1, 1]), logits, ("Bag", "Coat")).alt
    assert alt == "2 test pictures and what the model takes them for: Coat, Bag (it is Coat)."


def test_parameters_give_each_part_its_share():
    assert "head 25 (25.0%)" in figures.parameters({"blocks": 75, "head": 25}).alt


def test_kernels_of_noise_are_told_apart_from_smooth_ones():
    def said(weight):
        return float(figures.kernels(weight).alt.split("differ by ")[1].split()[0])

    smooth = torch.linspace(-1, 1, 8).expand(32, 1, 8, 8)
    assert said(torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))) > 1 > 0.5 > said(smooth)
