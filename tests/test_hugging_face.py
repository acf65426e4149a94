"""The course's ViT is Hugging Face's: the same weights give the same logits."""

import sys

import pytest
import torch

from helpers.hub import from_hugging_face
from helpers.models.vit import ViT


@pytest.fixture(scope="module")
def transformers():
    # Not needed, and a torchvision that does not fit this torch would stop the import.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", None)
        import transformers

        _ = transformers.ViTForImageClassification
        yield transformers


def pair(transformers, image_size, patch_size, channels, classes, dim, depth, heads, mlp_ratio=4):
    """Hugging Face's model with random weights, and ours with the same."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=image_size,
        patch_size=patch_size,
        num_channels=channels,
        num_labels=classes,
        hidden_size=dim,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=mlp_ratio * dim,
        layer_norm_eps=1e-6,
    )
    theirs = transformers.ViTForImageClassification(config).eval()
    for parameter in theirs.parameters():  # far from zero, so that every one of them matters
        torch.nn.init.normal_(parameter, std=0.2)
    ours = ViT(image_size, patch_size, channels, classes, dim, depth, heads, mlp_ratio)
    ours.load_state_dict(from_hugging_face(theirs.state_dict()))
    return theirs, ours


SIZES = [
    pytest.param(((28, 28), 4, 1, 10, 32, 2, 4), id="square"),
    pytest.param(((24, 40), 8, 3, 7, 48, 3, 3), id="not-square"),
    pytest.param(((12, 6), 3, 2, 5, 20, 1, 5, 2), id="odd-sizes"),
]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("batch", [1, 3])
def test_logits_are_those_of_hugging_face(transformers, sizes, dtype, tolerance, batch):
    theirs, ours = (model.to(dtype) for model in pair(transformers, *sizes))
    images = torch.randn(batch, sizes[2], *sizes[0], dtype=dtype)
    with torch.no_grad():
        expected, found = theirs(images).logits, ours(images)
    assert expected.std() > 0.1  # logits that say something
    assert (found - expected).abs().max() <= tolerance


def test_gradients_are_those_of_hugging_face(transformers):
    theirs, ours = (model.double() for model in pair(transformers, (24, 40), 8, 3, 7, 48, 2, 3))
    images, labels = torch.randn(2, 3, 24, 40, dtype=torch.float64), torch.tensor([1, 6])
    torch.nn.functional.cross_entropy(theirs(images).logits, labels).backward()
    torch.nn.functional.cross_entropy(ours(images), labels).backward()
    expected = from_hugging_face({name: parameter.grad for name, parameter in theirs.named_parameters()})
    for name, parameter in ours.named_parameters():
        assert (parameter.grad - expected[name]).abs().max() <= 1e-9, name


def test_names_of_older_checkpoints_are_understood(transformers):
    theirs, _ = pair(transformers, (28, 28), 4, 1, 10, 32, 2, 4)
    older_names = {
        ".layers.": ".encoder.layer.",
        ".attention.q_proj.": ".attention.attention.query.",
        ".attention.k_proj.": ".attention.attention.key.",
        ".attention.v_proj.": ".attention.attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    new = {name: tensor for name, tensor in theirs.state_dict().items()}
    old = {}
    for name, tensor in new.items():
        for now, then in older_names.items():
            name = name.replace(now, then)
        old[name] = tensor
    converted, expected = from_hugging_face(old), from_hugging_face(new)
    assert old.keys() != new.keys()
    assert converted.keys() == expected.keys()
    assert all(torch.equal(converted[name], expected[name]) for name in expected)


def test_a_name_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"'vit\.pooler\.dense\.weight' is not a parameter"):
        from_hugging_face({"vit.pooler.dense.weight": torch.zeros(2, 2)})
