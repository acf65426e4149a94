"""Trains vit_fashion on the embedded pictures: python -m helpers.models.checkpoints.make"""

import json
import os

import torch
from safetensors.torch import save_file
from torch import nn

from helpers.data import fashion_mnist
from helpers.models.checkpoints import HERE
from helpers.models.vit import ViT
from helpers.train import evaluate, fit

MODEL = dict(image_size=28, patch_size=4, channels=1, num_classes=10, dim=48, depth=3, heads=4)
EPOCHS = 30
BATCH_SIZE = 64
LEARNING_RATE = 5e-3


def shift(images, generator):
    """A batch (B, 1, H, W) moved by up to one pixel, the same way for all its pictures."""
    down, right = torch.randint(-1, 2, (2,), generator=generator).tolist()
    return images.roll((down, right), (-2, -1))  # (B, 1, H, W)


def main():
    train, test = fashion_mnist("train"), fashion_mnist("test")
    torch.manual_seed(0)
    model = ViT(**MODEL)
    start_as_timm(model)
    history = fit(
        model,
        train.images,
        train.labels,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        lr=LEARNING_RATE,
        seed=0,
        device="cpu",
        augment=shift,
    )
    accuracy = evaluate(model, test.images, test.labels)
    facts = {
        "command": "python -m helpers.models.checkpoints.make",
        "model": MODEL,
        "accuracy": round(accuracy, 2),
        "trained_on": f"{len(train.labels)} embedded Fashion-MNIST pictures, normalised, shifted by up to a pixel",
        "tested_on": f"{len(test.labels)} embedded test pictures, after the last epoch",
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seconds": round(history.seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    save("vit_fashion", model.state_dict(), facts)
    print(f"{accuracy:.2f}% of the test pictures right after {history.seconds:.0f} s")


def start_as_timm(model):
    """Linear layers from a truncated normal of 0.02, biases zero: with this many epochs any start will do."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)


def save(name, tensors, facts):
    """Both files of a checkpoint in place at once, so that weights and facts never disagree for long."""
    drafts = [HERE / f"{name}.safetensors.new", HERE / f"{name}.json.new"]
    save_file({key: value.contiguous() for key, value in tensors.items()}, drafts[0])
    drafts[1].write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for draft in drafts:
        os.replace(draft, draft.with_suffix(""))


if __name__ == "__main__":
    main()
