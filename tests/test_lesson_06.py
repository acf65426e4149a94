"""Lesson 06: three ways to pool do what the lesson says of them, and the trained MAP head is as good as its facts."""

import re
from pathlib import Path
from statistics import mean

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.data import fashion_mnist
from helpers.exercises import find
from helpers.experiment import Result, load_shipped
from helpers.figures import pooling as figures
from helpers.models.checkpoints import facts
from helpers.models.checkpoints.pooling_fashion import NAME, load_map_vit
from helpers.models.conventions import Conventions
from helpers.models.pooling import MAPHead, PooledViT, class_token_pool, global_average_pool, mean_of_patches
from helpers.models.vit import ViT
from helpers.papers import PLAIN_VIT_GAP, POOLING_SCALING, VIT_POOLING
from helpers.train import evaluate

TEXT = (Path(__file__).parents[1] / "solutions" / "06_pooling.py").read_text(encoding="utf-8")
PROSE = " ".join(line.removeprefix("# ") for line in TEXT.splitlines() if line.startswith("# "))


def double_head(dim=12, heads=3):
    torch.manual_seed(0)
    return MAPHead(dim, heads).double()


def test_a_query_of_zeros_gives_the_mean_of_the_values_exactly():
    head, tokens = double_head(), torch.randn(3, 7, 12, dtype=torch.float64)
    assert (head(tokens) - head.proj(global_average_pool(head.v(tokens)))).abs().max() > 1e-3
    with torch.no_grad():
        head.query.zero_()
    assert (head(tokens) - head.proj(global_average_pool(head.v(tokens)))).abs().max() < 1e-14


def test_map_is_pytorchs_multi_head_attention_with_one_query():
    head, tokens = double_head(), torch.randn(3, 7, 12, dtype=torch.float64)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([head.q.weight, head.k.weight, head.v.weight]))
        theirs.in_proj_bias.copy_(torch.cat([torch.zeros(24), head.v.bias]))
        theirs.out_proj.load_state_dict(head.proj.state_dict())
        expected, weights = theirs(head.query.expand(3, -1, -1), tokens, tokens, average_attn_weights=False)
        assert torch.allclose(head(tokens), expected[:, 0], atol=1e-12)
        assert torch.allclose(head.weights(tokens), weights[:, :, 0], atol=1e-12)


def test_a_bias_in_the_key_layer_would_change_nothing():
    head, tokens = double_head(), torch.randn(3, 7, 12, dtype=torch.float64)
    biased = double_head()
    biased.k = nn.Linear(12, 12).double()
    with torch.no_grad():
        biased.k.weight.copy_(head.k.weight)
        biased.k.bias.fill_(5.0)
    assert (biased(tokens) - head(tokens)).abs().max() < 1e-12


def test_gap_and_map_do_not_mind_the_order_and_reading_a_place_does():
    head, tokens = double_head(), torch.randn(2, 9, 12, dtype=torch.float64)
    order = torch.tensor([4, 0, 8, 1, 5, 2, 7, 3, 6])
    for pool in (head, global_average_pool):
        assert (pool(tokens[:, order]) - pool(tokens)).abs().max() < 1e-14
    assert not torch.equal(class_token_pool(tokens[:, order]), class_token_pool(tokens))


def test_the_class_token_is_left_out_wherever_it_stands():
    sequence = torch.randn(2, 5, 3)
    last = Conventions(class_token="last")
    assert torch.equal(mean_of_patches(sequence), sequence[:, 1:].mean(1))
    assert torch.equal(mean_of_patches(sequence, last), sequence[:, :-1].mean(1))
    assert torch.equal(class_token_pool(sequence, last), sequence[:, -1])


@pytest.mark.parametrize("heads", [0, 5])
def test_heads_that_do_not_divide_the_width_are_refused_in_a_sentence(heads):
    with pytest.raises(ValueError, match="must be a multiple of the number of heads"):
        MAPHead(12, heads)


def test_with_a_class_token_a_pooled_vit_is_the_vit():
    sizes = ((12, 20), 4, 3, 5, 24, 2, 3)
    torch.manual_seed(0)
    vit = ViT(*sizes).double()
    pooled = PooledViT(*sizes, pool=class_token_pool, class_token=True).double()
    pooled.load_state_dict(vit.state_dict())
    images = torch.randn(2, 3, 12, 20, dtype=torch.float64)
    assert torch.allclose(pooled(images), vit(images), atol=1e-12)


def test_without_a_class_token_there_is_one_position_for_each_patch_and_no_more():
    model = PooledViT((12, 20), 4, 3, 5, 24, 2, 3, pool=MAPHead(24, 3))
    stages = model.stages(torch.randn(1, 3, 12, 20))
    assert stages["norm"].shape == (1, 15, 24)
    assert stages["pooled"].shape == (1, 24)
    assert "cls_token" not in model.state_dict()
    assert {name for name, _ in model.pool.named_parameters()} == {
        "query", "q.weight", "k.weight", "v.weight", "v.bias", "proj.weight", "proj.bias"
    }  # fmt: skip
    for parameter in model.parameters():
        assert parameter.grad is None
    F.cross_entropy(model(torch.randn(2, 3, 12, 20)), torch.tensor([0, 3])).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_the_number_of_parameters_asked_for_is_that_of_the_head():
    with torch.device("meta"):
        head = MAPHead(768, 12)
    assert sum(p.numel() for p in head.parameters()) == find("map_parameters").answer.value


def test_the_trained_map_head_is_as_good_as_its_facts_say_and_looks_somewhere():
    test = fashion_mnist("test")
    model = load_map_vit()
    assert evaluate(model, test.images, test.labels) == pytest.approx(facts(NAME)["accuracy"], abs=0.5)
    assert facts(NAME)["accuracy"] > 80
    with torch.no_grad():
        weights = model.pool.weights(model.stages(test.images[:200])["norm"])  # (B, heads, N)
    assert torch.allclose(weights.sum(-1), torch.ones(200, 4), atol=1e-5)
    assert weights.amax(-1).mean() > 2 / 49  # far from equal shares


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(
            lambda: figures.looks(torch.randn(2, 1, 12, 20), torch.rand(2, 3, 15), (3, 5), ["a", "b"]), id="looks"
        ),
        pytest.param(lambda: figures.query_strength(torch.randn(15), (0, 1, 8)), id="query strength"),
        pytest.param(
            lambda: figures.by_rate({"class token": {1e-3: 70.0, 3e-4: 60.0}, "GAP": {1e-3: 71.0}, "MAP": {1e-3: 1.0}}),
            id="by rate",
        ),
    ],
)
def test_every_figure_says_in_words_what_is_seen(picture):
    drawn = picture()
    assert drawn.png.startswith(b"\x89PNG")
    assert len(drawn.alt) > 60


def test_before_anything_is_measured_the_last_figure_says_so():
    assert "Nothing has been measured yet" in repr(figures.by_rate({"class token": {}, "GAP": {}, "MAP": {}}))


def test_the_published_figures_in_the_text_are_those_of_the_papers():
    rates = re.search(r"class token at (\S+), GAP at (\S+) \|", PROSE)
    assert [float(rate) for rate in rates.groups()] == [
        VIT_POOLING.values["class_token_rate"],
        VIT_POOLING.values["gap_rate"],
    ]
    epochs, accuracy = re.search(r"ViT-S/16 with GAP, (\d+) epochs of ImageNet \| ([\d.]+)%", PROSE).groups()
    assert int(epochs) == PLAIN_VIT_GAP.values["epochs"]
    assert float(accuracy) == PLAIN_VIT_GAP.values["accuracy"]


def test_the_padding_asked_for_is_that_of_the_paper():
    tokens, multiple = POOLING_SCALING.values["tokens"], POOLING_SCALING.values["multiple"]
    assert find("padded_tokens").answer.value == -(-tokens // multiple) * multiple


def test_a_query_of_zeros_costs_the_trained_head_what_the_note_says():
    test, model = fashion_mnist("test"), load_map_vit()
    said = re.search(r"(\d+)% are right then, and (\d+)% with the query as trained", PROSE).groups()
    trained = evaluate(model, test.images, test.labels)
    with torch.no_grad():
        model.pool.query.zero_()
    asked_nothing = evaluate(model, test.images, test.labels)
    assert [int(percent) for percent in said] == pytest.approx([asked_nothing, trained], abs=1)


@pytest.fixture(scope="module")
def shipped():
    """Of both experiments: variant -> one accuracy a seed."""
    found = load_shipped("06_pooling")
    assert set(found) == {"predict_same_rate", "predict_own_rate"}
    return found


@pytest.mark.parametrize("name", ["predict_same_rate", "predict_own_rate"])
def test_the_shipped_numbers_bear_out_what_the_lesson_claims(shipped, name):
    numbers = shipped[name]
    assert min(len(seeds) for seeds in numbers.values()) >= 3
    result = Result(find(name), find(name).outcome, {who: mean(seeds) for who, seeds in numbers.items()}, {}, numbers)
    assert [claim for claim in find(name).claims if not result.holds(claim)] == []


def test_what_the_text_says_of_the_comparison_is_what_was_measured(shipped):
    same = {name.partition(",")[0]: mean(seeds) for name, seeds in shipped["predict_same_rate"].items()}
    own = {name.partition(",")[0]: mean(seeds) for name, seeds in shipped["predict_own_rate"].items()}
    points = {"one": 1, "two": 2, "three": 3, "four": 4}
    lead = re.search(r"some (\w+) points over GAP", PROSE)[1]
    assert points[lead] == round(same["class token"] - same["GAP"])
    behind = re.search(r"MAP stays some (\w+) points behind the class token", PROSE)[1]
    assert points[behind] == round(own["class token"] - own["MAP"])
    # "Each gains more from its own rate than the three differed at 3e-4."
    assert min(own[name] - same[name] for name in same) > max(same.values()) - min(same.values())
