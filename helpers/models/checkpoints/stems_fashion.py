"""Two ViTs of Fashion-MNIST that differ in their stem: load_stems() gives them, and running this module trains them.

python -m helpers.models.checkpoints.stems_fashion
"""

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from helpers.data import fashion_mnist
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.make import save, shift
from helpers.models.stems import ConvStem
from helpers.models.vit import ViT
from helpers.train import evaluate, fit

NAME = "stems_fashion"
MODEL = dict(image_size=32, patch_size=8, channels=1, num_classes=10, dim=48, heads=4)
DEPTHS = {"patchify": 4, "conv": 3}  # a block goes for the stem
EPOCHS = 12
BATCH_SIZE = 64
LEARNING_RATE = 3e-3


def framed(images: Tensor) -> Tensor:
    """Pictures (B, 1, 28, 28) with a frame of two pixels of their background, so that patches of 8 fit: (..., 32, 32).

    The darkest value of all the pictures counts as background.
    """
    return F.pad(images, (2, 2, 2, 2), value=images.min().item())


def build(stem: str, model: dict, depth: int) -> ViT:
    """A ViT with patchify, or one with a ConvStem in its place."""
    vit = ViT(**model, depth=depth)
    if stem == "conv":
        vit.patch_embed = ConvStem(model["channels"], model["dim"], model["patch_size"])
    return vit


def load_stems() -> tuple[ViT, ViT]:
    """The trained ViTs with patchify and with a conv stem, in evaluation mode, on the CPU.

    They take normalised, `framed` pictures. Raises RuntimeError where the weights do not fit the models.
    """
    about, weights = facts(NAME), load_file(HERE / f"{NAME}.safetensors")
    models = []
    for stem, depth in about["depths"].items():
        vit = build(stem, about["model"], depth)
        vit.load_state_dict({k.removeprefix(f"{stem}."): v for k, v in weights.items() if k.startswith(f"{stem}.")})
        models.append(vit.eval())
    return tuple(models)


def main():
    train, test = fashion_mnist("train"), fashion_mnist("test")
    weights, accuracy, seconds = {}, {}, {}
    for stem, depth in DEPTHS.items():
        torch.manual_seed(0)
        vit = build(stem, MODEL, depth)
        history = fit(
            vit,
            framed(train.images),
            train.labels,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            lr=LEARNING_RATE,
            device="cpu",
            augment=shift,
        )
        accuracy[stem] = round(evaluate(vit, framed(test.images), test.labels), 2)
        seconds[stem] = round(history.seconds)
        weights |= {f"{stem}.{name}": value for name, value in vit.state_dict().items()}
        print(f"{stem}: {accuracy[stem]:.2f}% of the test pictures right after {seconds[stem]} s")
    about = {
        "command": "python -m helpers.models.checkpoints.stems_fashion",
        "model": MODEL,
        "depths": DEPTHS,
        "accuracy": accuracy,
        "trained_on": f"{len(train.labels)} embedded Fashion-MNIST pictures, normalised, framed to 32x32, shifted by "
        "up to a pixel",
        "tested_on": f"{len(test.labels)} embedded test pictures, after the last epoch",
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    save(NAME, weights, about)


if __name__ == "__main__":
    main()
