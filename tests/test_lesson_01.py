"""The ViT that lesson 01 has its students write is Hugging Face's: the same weights give the same logits."""

from pathlib import Path

import pytest
import torch
from hugging_face import hugging_face

from helpers.exercises import find
from helpers.hub import from_hugging_face
from helpers.models.conventions import STANDARD
from helpers.papers import VIT_B16_PARAMETERS
from vitlab.course.parse import parse

SOURCE = Path(__file__).parents[1] / "solutions" / "01_patches_to_tokens.py"
SIZES = [
    pytest.param(((28, 28), 4, 1, 10, 32, 2, 4), id="square"),
    pytest.param(((24, 40), 8, 3, 7, 48, 3, 3), id="not-square"),
    pytest.param(((12, 6), 3, 2, 5, 20, 1, 5, 2), id="odd-sizes"),
]


@pytest.fixture(scope="module")
def solved():
    """What the solved lesson's exercise cells define, and nothing else of the lesson."""
    namespace = {}
    exec("import torch\nimport torch.nn.functional as F\nfrom einops import rearrange\nfrom torch import nn", namespace)
    for cell in parse(SOURCE, find=find, words=STANDARD.words()).cells:
        if cell.task == "exercise":
            exec(compile(cell.solved, f"{SOURCE.name}:{cell.line}", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_solved_vit_gives_the_logits_of_hugging_face(solved, transformers, sizes, dtype, tolerance, batch):
    theirs = hugging_face(transformers, *sizes)
    ours = solved["ViT"](*sizes)
    ours.load_state_dict(from_hugging_face(theirs.state_dict()))
    images = torch.randn(batch, sizes[2], *sizes[0], dtype=dtype)
    with torch.no_grad():
        expected, found = theirs.to(dtype)(images).logits, ours.to(dtype)(images)
    assert expected.std() > 0.1  # logits that say something
    assert (found - expected).abs().max() <= tolerance


def test_another_order_of_q_k_v_would_not_pass_for_hugging_face(solved, transformers):
    sizes = ((24, 40), 8, 3, 7, 48, 3, 3)
    theirs = hugging_face(transformers, *sizes)
    weights = from_hugging_face(theirs.state_dict())
    for name in weights:
        if ".qkv." in name:
            weights[name] = weights[name].roll(48, dims=0)
    ours = solved["ViT"](*sizes)
    ours.load_state_dict(weights)
    images = torch.randn(2, 3, 24, 40)
    with torch.no_grad():
        assert (theirs(images).logits - ours(images)).abs().max() > 0.1


def test_the_solved_vit_b16_has_the_published_number_of_parameters(solved):
    with torch.device("meta"):
        model = solved["ViT"](224, 16, 3, 1000, 768, 12, 12)
    assert sum(p.numel() for p in model.parameters()) == VIT_B16_PARAMETERS.values["parameters"]


def test_the_parts_asked_for_add_up_to_the_published_number():
    value = {name: find(name).answer.value for name in ("parameters_tokens", "parameters_block", "parameters_b16")}
    rest = 2 * 768 + (768 * 1000 + 1000)  # final norm and head
    assert value["parameters_tokens"] + 12 * value["parameters_block"] + rest == value["parameters_b16"]
    assert value["parameters_b16"] == VIT_B16_PARAMETERS.values["parameters"]
