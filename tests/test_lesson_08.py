"""Lesson 08: the stem is the paper's, its price is PyTorch's count, and what the text says was measured."""

import json
import statistics
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers.data import fashion_mnist
from helpers.exercises import find
from helpers.exercises.judge import WRONG, judge
from helpers.experiment import MEASURED, Result, load_shipped
from helpers.figures import conv_stem as figures
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.stems_fashion import framed, load_stems
from helpers.models.conv_places import ConvMLP, ConvPositions
from helpers.models.conventions import STANDARD, Conventions
from helpers.models.costs import block_flops
from helpers.models.orders import permutation_gap
from helpers.models.patches import patchify
from helpers.models.stems import ConvStem, blocks_to_drop, channel_plan, conv_stem_flops, patchify_flops
from helpers.models.vit import EncoderBlock, PatchEmbed, ViT
from helpers.papers import CONV_STEM, CONV_STEM_EPOCHS, CONV_STEM_SGD
from helpers.runner import LocalRunner
from helpers.sweeps import decades_that_work
from helpers.train import evaluate
from vitlab.course.parse import parse

SOURCE = Path(__file__).parents[1] / "solutions" / "08_conv_stem.py"
SIZES = [(3, 384, 16, (224, 224)), (1, 48, 4, (28, 28)), (3, 64, 8, (32, 56)), (2, 10, 2, (6, 4))]


def counted(model, *shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval().to("meta")(torch.zeros(1, *shape, device="meta"))
    return counter.get_total_flops()


def test_the_channels_are_the_papers():
    plan = [CONV_STEM.values[name] for name in ("first", "second", "third", "fourth")]
    assert channel_plan(384, 16) == plan
    stem = ConvStem(3, 384, 16)
    assert [conv.kernel_size for conv in stem.convs] == 4 * [(3, 3)]
    assert [conv.stride for conv in stem.convs] == 4 * [(2, 2)]
    assert [conv.out_channels for conv in stem.convs] == plan


@pytest.mark.parametrize("sizes", SIZES)
def test_both_counts_are_pytorchs(sizes):
    channels, dim, patch, image = sizes
    assert conv_stem_flops(*sizes) == counted(ConvStem(channels, dim, patch), channels, *image)
    assert patchify_flops(*sizes) == counted(PatchEmbed(patch, channels, dim), channels, *image)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_blocks_that_go_pay_for_the_stem_and_no_fewer_would(sizes):
    _, dim, patch, image = sizes
    tokens = 1 + (image[0] // patch) * (image[1] // patch)
    extra = conv_stem_flops(*sizes) - patchify_flops(*sizes)
    blocks = blocks_to_drop(*sizes)
    assert blocks * block_flops(tokens, dim) >= extra
    assert blocks == 0 or (blocks - 1) * block_flops(tokens, dim) < extra


def test_the_paper_drops_as_many_blocks_as_our_count_says():
    assert blocks_to_drop(3, 384, 16, (224, 224)) == CONV_STEM.values["blocks_dropped"]


def test_the_lessons_model_with_the_stem_costs_27_percent_less():
    plain, stemmed = ViT(28, 4, 1, 10, 48, 3, 4), ViT(28, 4, 1, 10, 48, 2, 4)
    stemmed.patch_embed = ConvStem(1, 48, 4)
    saved = 1 - counted(stemmed, 1, 28, 28) / counted(plain, 1, 28, 28)
    assert round(100 * saved) == 27
    assert "needs 27% fewer FLOPs" in SOURCE.read_text(encoding="utf-8")


def test_the_parameters_asked_for_are_the_models():
    assert find("parameters_conv_stem").answer.value == sum(p.numel() for p in ConvStem(3, 384, 16).parameters())


@pytest.mark.parametrize("sequence", ["row-major", "column-major"])
def test_tokens_come_in_the_order_of_patchify(sequence):
    torch.manual_seed(0)
    conventions = Conventions(sequence=sequence)
    stem, images = ConvStem(1, 4, 4, conventions).eval(), torch.randn(2, 1, 12, 20)  # a grid of 3 x 5
    places = torch.arange(15.0).reshape(1, 1, 3, 5).repeat_interleave(4, 2).repeat_interleave(4, 3)
    order = patchify(places, 4, conventions)[0, :, 0].long()  # the place of each token, counted row by row
    with torch.no_grad():
        maps = stem.proj(stem.stages(images)[-1]).flatten(2)  # (B, 4, 15), row by row
        assert torch.allclose(stem(images), maps[..., order].mT)


def test_a_token_sees_as_many_pixels_as_the_lesson_says():
    torch.manual_seed(0)
    stem = ConvStem(3, 64, 16).eval()
    images = torch.randn(20, 3, 80, 80, requires_grad=True)
    stem(images)[:, 12].sum().backward()
    seen = images.grad.abs().amax((0, 1)) > 0
    assert seen.any(1).sum() == seen.any(0).sum() == find("token_sees_stem").answer.value


def test_sizes_that_do_not_fit_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="patch_size must be a power of two"):
        ConvStem(3, 48, 6)
    with pytest.raises(ValueError, match="dim must be a multiple of 8 for patches of 16, but it is 100"):
        ConvStem(3, 100, 16)
    with pytest.raises(ValueError, match="A picture of 28x30 pixels cannot be cut into patches of 4x4"):
        ConvStem(1, 8, 4)(torch.zeros(1, 1, 28, 30))


def test_a_vit_with_a_stem_keeps_its_stages_and_refuses_other_pictures():
    vit = ViT((16, 24), 8, 3, 5, 16, 1, 2)
    vit.patch_embed = ConvStem(3, 16, 8)
    stages = vit.stages(torch.randn(2, 3, 16, 24))
    assert stages["patch_tokens"].shape == (2, 6, 16)
    assert stages["logits"].shape == (2, 5)
    with pytest.raises(ValueError, match=r"built for pictures of shape \(batch, 3, 16, 24\)"):
        vit(torch.randn(2, 1, 16, 24))


class _KernelOf2(ConvStem):
    def __init__(self, in_channels, dim, patch_size):
        super().__init__(in_channels, dim, patch_size)
        for conv in self.convs:
            conv.weight = nn.Parameter(torch.randn(*conv.weight.shape[:2], 2, 2))


class _LastOf3(ConvStem):
    def __init__(self, in_channels, dim, patch_size):
        super().__init__(in_channels, dim, patch_size)
        self.proj = nn.Conv2d(dim, dim, 3, padding=1)


class _Biases(ConvStem):
    def __init__(self, in_channels, dim, patch_size):
        super().__init__(in_channels, dim, patch_size)
        for conv in self.convs:
            conv.bias = nn.Parameter(torch.zeros(conv.out_channels))


class _AllDim(ConvStem):
    def __init__(self, in_channels, dim, patch_size):
        super().__init__(in_channels, dim, patch_size)
        self.convs[0] = nn.Conv2d(in_channels, dim, 3, 2, 1, bias=False)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (_KernelOf2, "`convs.0.weight` has shape (3, 3, 2, 2), and (3, 3, 3, 3) was expected"),
        (_LastOf3, "`proj.weight` has shape (6, 6, 3, 3), and (6, 6, 1, 1) was expected"),
        (_Biases, "parameter `convs.0.bias` that the model does not need"),
        (_AllDim, "`convs.0.weight` has shape (6, 3, 3, 3), and (3, 3, 3, 3) was expected"),
    ],
)
def test_a_stem_of_other_weights_is_told_which(answer, sentence):
    verdict = judge(find("ConvStem"), LocalRunner({"ConvStem": answer}, lambda name: find(name).reference))
    assert verdict.kind == WRONG
    assert sentence in verdict.message


def test_a_stem_that_lets_any_patch_through_with_another_number_of_convolutions_is_wrong_too():
    class RoundsUp(ConvStem):
        def __init__(self, in_channels, dim, patch_size):
            super().__init__(in_channels, dim, 1 << (patch_size - 1).bit_length())

    verdict = judge(find("ConvStem"), LocalRunner({"ConvStem": RoundsUp}, lambda name: find(name).reference))
    assert verdict.kind == WRONG
    assert "should raise a ValueError" in verdict.message


def test_convolutions_among_tokens_mind_their_order_and_a_plain_block_does_not():
    torch.manual_seed(0)
    tokens = torch.randn(1, 13, 8, dtype=torch.float64)
    order = torch.cat([torch.tensor([0]), 1 + torch.randperm(12)])
    block, conv_block = EncoderBlock(8, 2).double(), EncoderBlock(8, 2).double()
    conv_block.mlp = ConvMLP(8, 32, grid=(3, 4)).double()
    assert permutation_gap(block, tokens, order) < 1e-12
    assert permutation_gap(conv_block, tokens, order) > 1e-3
    assert permutation_gap(ConvPositions(8, grid=(3, 4)).double(), tokens, order) > 1e-3


def test_the_class_token_passes_by_the_convolutions():
    torch.manual_seed(0)
    one, other = torch.randn(2, 1, 13, 8)
    other[:, 0] = one[:, 0]
    for module in (ConvMLP(8, 32, grid=(3, 4)), ConvPositions(8, grid=(3, 4))):
        assert torch.allclose(module(one)[:, 0], module(other)[:, 0])
        assert not torch.allclose(module(one)[:, 1:], module(other)[:, 1:])


def test_the_range_that_works_ends_where_the_line_falls_below():
    curve = {1e-4: 50.0, 1e-3: 60.0, 1e-2: 62.0, 1e-1: 22.0}
    assert decades_that_work(curve) == pytest.approx(0.2 + 1.0 + 0.1)  # 58 lies 2/10 below 60 and 4/40 beyond 62
    assert decades_that_work(dict(reversed(curve.items()))) == decades_that_work(curve)


def test_the_range_that_works_ends_at_the_rates_that_were_tried():
    assert decades_that_work({1e-3: 70.0, 1e-2: 71.0, 1e-1: 70.5}) == pytest.approx(2.0)
    assert decades_that_work({1e-3: 70.0}) == 0.0


def test_a_second_hill_does_not_count():
    assert decades_that_work({1e-4: 60.0, 1e-3: 10.0, 1e-2: 60.0}) == pytest.approx(2 * 4 / 50 / 2)


def test_an_empty_sweep_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="no learning rate"):
        decades_that_work({})


def test_the_pair_of_models_is_as_good_as_its_facts_say():
    test, about = fashion_mnist("test"), facts("stems_fashion")
    for model, stem in zip(load_stems(), ("patchify", "conv"), strict=True):
        accuracy = evaluate(model, framed(test.images), test.labels)
        assert accuracy == pytest.approx(about["accuracy"][stem], abs=0.5)
        assert accuracy > 80
    assert (HERE / "stems_fashion.safetensors").stat().st_size < 2_000_000


def test_a_frame_is_background():
    framed_pictures = framed(torch.tensor([[[[1.0, 2.0], [-3.0, 4.0]]]]))
    assert framed_pictures.shape == (1, 1, 6, 6)
    assert framed_pictures[0, 0, 2:4, 2:4].tolist() == [[1.0, 2.0], [-3.0, 4.0]]
    assert (framed_pictures == -3).sum() == 33


def test_what_the_text_says_of_the_paper_follows_from_its_table():
    text = " ".join(SOURCE.read_text(encoding="utf-8").replace("\n# ", " ").split())
    table = CONV_STEM_EPOCHS.values
    for size, first, last in (("1GF", "4.6", "3.0"), ("4GF", "2.4", "1.0")):
        leads = [f"{table[f'{size} P {epochs}'] - table[f'{size} C {epochs}']:.1f}" for epochs in (100, 400)]
        assert leads == [first, last]
    assert (
        "the stem leads by 4.6 points after 100 epochs and by 3.0 after 400 with 1GF models, and by 2.4 and 1.0" in text
    )
    gaps = CONV_STEM_SGD.values
    assert gaps["P SGD"] - gaps["P AdamW"] == pytest.approx(gaps["P gap"])
    assert gaps["C SGD"] - gaps["C AdamW"] == pytest.approx(gaps["C gap"])


def test_what_the_text_says_was_measured():
    text = " ".join(SOURCE.read_text(encoding="utf-8").replace("\n# ", " ").split())
    mean = {
        (experiment, variant): statistics.mean(values)
        for experiment, variants in load_shipped("08_conv_stem").items()
        for variant, values in variants.items()
    }
    adamw = [mean["predict_adamw", f"{stem}, AdamW"] for stem in ("conv stem", "patchify")]
    sgd = [mean["predict_sgd", f"{stem}, SGD"] for stem in ("conv stem", "patchify")]
    lost = [mean["predict_sgd", f"{stem}, lost against AdamW"] for stem in ("patchify", "conv stem")]
    assert f"the means are {adamw[0]:.1f}% against {adamw[1]:.1f}%" in text
    assert f"patchify loses {lost[0]:.1f} points and the conv stem {lost[1]:.1f}" in text
    assert f"by {adamw[0] - adamw[1]:.0f} points with AdamW and by {sgd[0] - sgd[1]:.0f} with SGD" in text
    for name, said in (("AdamW", "1.1"), ("SGD", "1.3")):
        for stem in ("patchify", "conv stem"):
            assert f"{mean['predict_range', f'{stem}, {name}']:.1f}" == said
    assert "about 1.1 decades for either stem with AdamW and 1.3 for either with SGD" in text
    gaps = CONV_STEM_SGD.values
    assert f"on ImageNet, these are {gaps['P gap']} and {gaps['C gap']}" in text


def test_the_claims_hold_over_the_shipped_seeds():
    for identifier, variants in load_shipped("08_conv_stem").items():
        experiment = find(identifier)
        result = Result(
            experiment, experiment.outcome, {name: values[0] for name, values in variants.items()}, {}, variants
        )
        assert [claim for claim in experiment.claims if not result.holds(claim)] == []


def test_the_figures_say_what_is_to_be_seen():
    stages = [torch.rand(1, 1, 8, 8), torch.rand(1, 3, 4, 4), torch.rand(1, 6, 2, 2)]
    assert "1 of 8x8, then 3 of 4x4, then 6 of 2x2" in figures.feature_maps(stages).alt
    assert "stem 25%" in figures.flops({"a model": {"stem": 1e6, "blocks": 2.9e6, "head": 0.1e6}}).alt
    curve = {1e-3: 60.0, 1e-2: 70.0, 1e-1: 20.0}
    alt = figures.sweeps({"SGD": {"patchify": curve}}).alt
    assert "SGD, patchify: best 70.0% at 0.01, within 4 points over 0.5 decades" in alt
    assert "predict first" not in alt
    assert "Nothing has been measured" in figures.sweeps({})
    assert (
        "from 0.1 (a) to 2 (patch_embed.b)" in figures.relative_gradients({"x": {"a": 0.1, "patch_embed.b": 2.0}}).alt
    )
    inside = torch.ones(3, 3)
    inside[1, 1] = 2
    assert "x: 2 different values; y: 1 different value" in figures.borders({"x": inside, "y": torch.ones(3, 3)}).alt


def test_every_experiment_was_measured_over_three_seeds():
    shipped = load_shipped("08_conv_stem")
    assert set(shipped) == {"predict_adamw", "predict_sgd", "predict_range"}
    for variants in shipped.values():
        assert all(len(values) == 3 for values in variants.values())
    measured = json.loads((MEASURED / "08_conv_stem.json").read_text(encoding="utf-8"))
    assert measured["provenance"]["command"] == "vitlab experiments --lesson 08 --seeds 3"


def test_the_starred_parts_fit_into_a_section():
    lesson = parse(SOURCE, find=find, words=STANDARD.words())
    assert sum(part.minutes for part in lesson.parts if part.section) <= 50
