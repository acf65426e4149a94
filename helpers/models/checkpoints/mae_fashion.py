"""A small masked autoencoder of Fashion-MNIST: load_mae() gives it, and running this module trains it.

python -m helpers.models.checkpoints.mae_fashion
"""

import torch
from safetensors.torch import load_file
from torch import Tensor

from helpers.data import fashion_mnist
from helpers.data.fashion import Pictures
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.make import save
from helpers.models.mae import MaskedAutoencoder, encoder_of, masked_loss, pretraining_loss, random_order
from helpers.models.patches import patchify
from helpers.probe import linear_probe
from helpers.train import fit

NAME = "mae_fashion"
MODEL = dict(
    image_size=28, patch_size=4, channels=1, dim=64, depth=4, heads=4, decoder_dim=48, decoder_depth=2, decoder_heads=4
)
EPOCHS = 40
BATCH_SIZE = 128
LEARNING_RATE = 2e-3


def load_mae() -> MaskedAutoencoder:
    """The trained masked autoencoder, in evaluation mode, on the CPU: normalised pictures of 28 x 28, patches of 4.

    Raises RuntimeError where the weights do not fit the model.
    """
    model = MaskedAutoencoder(**facts(NAME)["model"])
    model.load_state_dict(load_file(HERE / f"{NAME}.safetensors"))
    return model.eval()


@torch.no_grad()
def reconstruction_error(model: MaskedAutoencoder, images: Tensor, seed: int = 0) -> float:
    """Mean squared error over the masked patches of pictures (B, C, H, W), masks drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        order = random_order(len(images), model.tokens)
    prediction, mask = model(images, order)
    return masked_loss(prediction, patchify(images, model.patch_size), mask).item()


def probe_accuracy(model: MaskedAutoencoder, train: Pictures, test: Pictures) -> float:
    """Test accuracy in percent of a linear probe on the encoder."""
    return linear_probe(encoder_of(model), (train.images, train.labels), (test.images, test.labels))


def main():
    train, test = fashion_mnist("train"), fashion_mnist("test")
    torch.manual_seed(0)
    model = MaskedAutoencoder(**MODEL)
    history = fit(
        model,
        train.images,
        train.labels,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        lr=LEARNING_RATE,
        loss=pretraining_loss,
        device="cpu",
    )
    about = {
        "command": "python -m helpers.models.checkpoints.mae_fashion",
        "model": MODEL,
        "reconstruction_error": round(reconstruction_error(model.eval(), test.images), 4),
        "linear_probe_accuracy": round(probe_accuracy(model, train, test), 2),
        "trained_on": f"{len(train.labels)} embedded Fashion-MNIST pictures, normalised, without labels; 75% masked",
        "tested_on": f"{len(test.labels)} embedded test pictures; the probe's labels: those of the training pictures",
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seconds": round(history.seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    save(NAME, model.state_dict(), about)
    print(about)


if __name__ == "__main__":
    main()
