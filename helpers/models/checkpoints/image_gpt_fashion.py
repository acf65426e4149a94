"""A small ImageGPT of Fashion-MNIST and its codebook: load_image_gpt() gives both, running this module trains them.

python -m helpers.models.checkpoints.image_gpt_fashion
"""

import torch
from safetensors.torch import load_file

from helpers.data import fashion_mnist
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.make import save
from helpers.models.codes import Codebook, learn_codebook
from helpers.models.image_gpt import ImageGPT, measure_bits, next_code_loss
from helpers.models.ngrams import bigram_bits, place_bits, unigram_bits
from helpers.train import fit

NAME = "image_gpt_fashion"
MODEL = dict(vocabulary=256, length=49, dim=96, depth=3, heads=6, starts=10)
PATCH_SIZE = 4
EPOCHS = 10
BATCH_SIZE = 64
LEARNING_RATE = 3e-3


def load_image_gpt() -> tuple[ImageGPT, Codebook]:
    """The trained model, in evaluation mode, on the CPU, and the codebook of 256 words in whose codes it thinks.

    The start token of class c is 256 + c; patches of 4 x 4 normalised pixels, in raster order.
    Raises RuntimeError where the weights do not fit the model.
    """
    tensors = load_file(HERE / f"{NAME}.safetensors")
    words = tensors.pop("codebook")
    about = facts(NAME)
    model = ImageGPT(**about["model"])
    model.load_state_dict(tensors)
    return model.eval(), Codebook(words, about["patch_size"])


def main():
    train, test = fashion_mnist("train"), fashion_mnist("test")
    codebook = learn_codebook(train.images, MODEL["vocabulary"], PATCH_SIZE)
    codes, unseen = codebook.encode(train.images), codebook.encode(test.images)
    torch.manual_seed(0)
    model = ImageGPT(**MODEL)
    history = fit(
        model,
        codes,
        train.labels,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        lr=LEARNING_RATE,
        loss=next_code_loss,
        device="cpu",
    )
    model.eval()
    about = {
        "command": "python -m helpers.models.checkpoints.image_gpt_fashion",
        "model": MODEL,
        "patch_size": PATCH_SIZE,
        "bits_per_picture": round(measure_bits(model, unseen, test.labels), 2),
        "unigram_bits": round(unigram_bits(codes, unseen, MODEL["vocabulary"]), 2),
        "bits_by_place": round(place_bits(codes, unseen, MODEL["vocabulary"]), 2),
        "bigram_bits": round(bigram_bits(codes, unseen, MODEL["vocabulary"]), 2),
        "codebook_error": round((codebook.decode(unseen, (28, 28)) - test.images).square().mean().item(), 4),
        "trained_on": f"{len(train.labels)} embedded Fashion-MNIST pictures, normalised, told their class",
        "tested_on": f"{len(test.labels)} embedded test pictures",
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "seconds": round(history.seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    save(NAME, model.state_dict() | {"codebook": codebook.words}, about)
    print(about)


if __name__ == "__main__":
    main()
