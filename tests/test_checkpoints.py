"""The trained models that come with the course."""

import pytest

from helpers.data import fashion_mnist
from helpers.models.checkpoints import HERE, facts, load_vit
from helpers.train import evaluate


def test_the_vit_is_as_good_as_its_facts_say():
    test = fashion_mnist("test")
    accuracy = evaluate(load_vit(), test.images, test.labels)
    assert accuracy == pytest.approx(facts()["accuracy"], abs=0.5)
    assert accuracy >= 85


def test_every_checkpoint_is_small_and_has_the_command_that_made_it():
    checkpoints = list(HERE.glob("*.safetensors"))
    assert checkpoints
    for path in checkpoints:
        assert path.stat().st_size <= 2_000_000
        assert facts(path.stem)["command"].startswith("python -m helpers.models.checkpoints.")


def test_an_unknown_checkpoint_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"There is no checkpoint 'vit_imagenet' here; there is: .*vit_fashion"):
        load_vit("vit_imagenet")
