"""The course's ViT is Hugging Face's: the same weights give the same logits."""

import pytest
import torch
from hugging_face import hugging_face

from helpers.hub import from_hugging_face
from helpers.models.vit import ViT


def pair(transformers, *sizes):
    """Hugging Face's model with random weights, and ours with the same."""
    theirs, ours = hugging_face(transformers, *sizes), ViT(*sizes)
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


NEWER_AND_OLDER_NAMES = {
    "vit.layers.0.attention.q_proj.weight": "vit.encoder.layer.0.attention.attention.query.weight",
    "vit.layers.0.attention.k_proj.weight": "vit.encoder.layer.0.attention.attention.key.weight",
    "vit.layers.0.attention.v_proj.weight": "vit.encoder.layer.0.attention.attention.value.weight",
    "vit.layers.0.attention.o_proj.weight": "vit.encoder.layer.0.attention.output.dense.weight",
    "vit.layers.0.layernorm_before.weight": "vit.encoder.layer.0.layernorm_before.weight",
    "vit.layers.0.layernorm_after.weight": "vit.encoder.layer.0.layernorm_after.weight",
    "vit.layers.0.mlp.fc1.weight": "vit.encoder.layer.0.intermediate.dense.weight",
    "vit.layers.0.mlp.fc2.weight": "vit.encoder.layer.0.output.dense.weight",
}


def test_names_of_newer_and_older_checkpoints_are_understood():
    weights = torch.randn(8, 2, 2)
    newer = from_hugging_face(dict(zip(NEWER_AND_OLDER_NAMES.keys(), weights, strict=True)))
    older = from_hugging_face(dict(zip(NEWER_AND_OLDER_NAMES.values(), weights, strict=True)))
    expected = {
        "blocks.0.attn.qkv.weight": torch.cat([weights[0], weights[1], weights[2]]),
        "blocks.0.attn.proj.weight": weights[3],
        "blocks.0.norm1.weight": weights[4],
        "blocks.0.norm2.weight": weights[5],
        "blocks.0.mlp.fc1.weight": weights[6],
        "blocks.0.mlp.fc2.weight": weights[7],
    }
    assert newer.keys() == older.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(newer[name], tensor), name
        assert torch.equal(older[name], tensor), name


def test_a_name_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"'vit\.pooler\.dense\.weight' is not a parameter"):
        from_hugging_face({"vit.pooler.dense.weight": torch.zeros(2, 2)})
