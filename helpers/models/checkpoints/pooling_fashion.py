"""A small ViT of Fashion-MNIST that pools with MAP: load_map_vit() gives it, and running this module trains it.

python -m helpers.models.checkpoints.pooling_fashion
"""

import time

import torch
from safetensors.torch import load_file

from helpers.data import fashion_mnist
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.make import save, shift
from helpers.models.pooling import MAPHead, PooledViT
from helpers.train import evaluate, fit

NAME = "pooling_fashion"
MODEL = dict(image_size=28, patch_size=4, channels=1, num_classes=10, dim=48, depth=2, heads=4)
EPOCHS = 10
BATCH_SIZE = 64
LEARNING_RATE = 5e-3


def build(model: dict) -> PooledViT:
    """A ViT of those sizes with a MAP head of as many heads, and no class token."""
    return PooledViT(**model, pool=MAPHead(model["dim"], model["heads"]))


def load_map_vit() -> PooledViT:
    """The trained ViT with its MAP head, in evaluation mode, on the CPU: normalised pictures of 28 x 28, patches of 4.

    Raises RuntimeError where the weights do not fit the model.
    """
    model = build(facts(NAME)["model"])
    model.load_state_dict(load_file(HERE / f"{NAME}.safetensors"))
    return model.eval()


def main():
    train, test = fashion_mnist("train"), fashion_mnist("test")
    torch.manual_seed(0)
    model = build(MODEL)
    started = time.process_time()
    fit(
        model,
        train.images,
        train.labels,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        lr=LEARNING_RATE,
        device="cpu",
        augment=shift,
    )
    seconds = time.process_time() - started  # of the processor: what else the machine does does not count
    accuracy = evaluate(model, test.images, test.labels)
    about = {
        "command": "python -m helpers.models.checkpoints.pooling_fashion",
        "model": MODEL,
        "pool": "MAPHead",
        "accuracy": round(accuracy, 2),
        "trained_on": f"{len(train.labels)} embedded Fashion-MNIST pictures, normalised, shifted by up to a pixel",
        "tested_on": f"{len(test.labels)} embedded test pictures, after the last epoch",
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "processor_seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    save(NAME, model.state_dict(), about)
    print(f"{accuracy:.2f}% of the test pictures right after {seconds:.0f} processor seconds")


if __name__ == "__main__":
    main()
