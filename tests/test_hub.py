"""Published weights: what a student's class gets, and what is said where there is no network."""

import sys
import time

import pytest
import torch
from safetensors.torch import save_file

from helpers import hub
from helpers.models.vit import ViT


def small_vit(*sizes):
    """A stand-in for a student's class: as it is built for the published weights, but small."""
    assert sizes == (224, 16, 3, 1000, 768, 12, 12)
    return ViT(32, 16, 3, 11, 24, 2, 3)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small checkpoint in the place of the published one; gives its model."""
    torch.manual_seed(0)
    model = ViT(32, 16, 3, 11, 24, 2, 3)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"id2label": {"1": "goldfish", "0": "tench", "2": "great white shark"}}')
    monkeypatch.setattr(hub, "download", lambda name, file: tmp_path / file)
    return model


def test_published_weights_load_as_they_are_into_a_class_with_timms_names(published):
    model = hub.load_published_vit(small_vit)
    images = torch.randn(1, 3, 32, 32)
    assert not model.training
    assert torch.equal(model(images), published(images))


def test_weights_that_do_not_fit_are_refused_in_one_sentence(published):
    with pytest.raises(hub.HubError, match=r"The weights of timm/.* do not fit .*blocks\.1") as error:
        hub.load_published_vit(lambda *sizes: ViT(32, 16, 3, 11, 24, 1, 3))
    assert "\n" not in str(error.value)


def test_class_names_come_in_the_order_of_the_logits(published):
    assert hub.class_names() == ("tench", "goldfish", "great white shark")


def test_without_a_network_one_sentence_comes_soon_and_nothing_is_printed(tmp_path, capfd, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    start = time.perf_counter()
    with pytest.raises(hub.HubError, match="cannot be reached") as error:
        hub.load_published_vit(ViT)
    assert time.perf_counter() - start < 10
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_without_huggingface_hub_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(hub.HubError, match="pip install huggingface_hub"):
        hub.class_names()
