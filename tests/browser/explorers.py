"""Every lesson's explorer as its lesson shows it, or with a small model of the same kind where that is quicker."""

from collections.abc import Callable
from importlib import import_module

import torch

from helpers.data import CLASSES, fashion_mnist, photo
from helpers.exercises import LESSONS
from helpers.models.checkpoints import load_vit
from helpers.models.checkpoints.image_gpt_fashion import load_image_gpt
from helpers.models.checkpoints.mae_fashion import load_mae
from helpers.models.checkpoints.stems_fashion import framed, load_stems
from helpers.models.pooling import MAPHead, PooledViT


def _garments(count: int):
    return fashion_mnist("test", count).images


def _pooled():
    torch.manual_seed(0)
    return PooledViT(28, 4, 1, 10, 24, 1, 4, pool=MAPHead(24, 4)).eval()


def _one_of_each_class():
    test = fashion_mnist("test", 200)
    return torch.stack([test.images[test.labels == label][0] for label in range(len(test.names))])


ARGUMENTS: dict[str, Callable[[], tuple]] = {
    "einops": lambda: (_garments(6),),
    "patches_to_tokens": lambda: (load_vit(), _garments(1)[0], CLASSES),
    "patch_order": lambda: (load_vit(), _garments(1)[0], CLASSES),
    "attention_cost": lambda: (photo("chelsea"),),
    "receptive_field": lambda: (load_vit(), _garments(1)[0], photo("chelsea", (168, 252))),
    "positional_encodings": lambda: (load_vit(),),
    "pooling": lambda: (_pooled(), _garments(12), CLASSES),
    "masked_autoencoder": lambda: (load_mae(), _garments(4), ["ankle boot", "pullover", "trouser", "trouser"]),
    "conv_stem": lambda: (*load_stems(), framed(_garments(1))[0]),
    "autoregressive_images": lambda: (*load_image_gpt(), _one_of_each_class(), CLASSES),
}
NAMES = tuple(info.name for info in LESSONS)


def explorer(name: str):
    """The widget of a lesson, by the lesson's name such as "einops"."""
    return import_module(f"helpers.explorers.{name}").explore(*ARGUMENTS[name]())
