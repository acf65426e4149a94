"""Training throughput of the course's models beside Hugging Face's and vit-pytorch's SimpleViT, on the CPU.

All at width 64, depth 4, 4 heads, pictures of 28x28 in patches of 4x4 (49 tokens), batch 128, exact GELU, fused AdamW.
The masked autoencoders encode a quarter of the patches; their decoders have width 48, depth 2, 4 heads.
The ImageGPTs read and predict 49 codes of 256 words.
The limit is the time of the course's matrix products alone, forward and backward, in the same shapes.

    pip install -e ".[bench]" && python benchmarks/training.py
"""

import argparse
import statistics
import sys
import time
from types import ModuleType

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table

from helpers.models.image_gpt import ImageGPT, shift_right
from helpers.models.mae import MaskedAutoencoder, pretraining_loss
from helpers.models.vit import ViT
from helpers.train import keep_freed_memory

BATCH, SIDE, PATCH, CLASSES, DIM, DEPTH, HEADS = 128, 28, 4, 10, 64, 4, 4
DECODER = (48, 2, 4)  # width, depth, heads
WORDS = 256  # of the ImageGPTs
HIDDEN, HEAD_DIM, PATCHES = 4 * DIM, DIM // HEADS, (SIDE // PATCH) ** 2
TOKENS = PATCHES + 1


def course_vit():
    return ViT(SIDE, PATCH, 1, CLASSES, DIM, DEPTH, HEADS)


def hugging_face_vit():
    sys.modules["torchvision"] = None  # not needed, and a build that does not fit this torch would stop the import
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        image_size=SIDE,
        patch_size=PATCH,
        num_channels=1,
        num_labels=CLASSES,
        hidden_size=DIM,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=HIDDEN,
    )
    return ViTForImageClassification(config)


def course_mae():
    return MaskedAutoencoder(SIDE, PATCH, 1, DIM, DEPTH, HEADS, *DECODER)


def hugging_face_mae():
    sys.modules["torchvision"] = None
    from transformers import ViTMAEConfig, ViTMAEForPreTraining

    width, depth, heads = DECODER
    config = ViTMAEConfig(
        image_size=SIDE,
        patch_size=PATCH,
        num_channels=1,
        hidden_size=DIM,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=HIDDEN,
        decoder_hidden_size=width,
        decoder_num_hidden_layers=depth,
        decoder_num_attention_heads=heads,
        decoder_intermediate_size=4 * width,
    )
    return ViTMAEForPreTraining(config)


def simple_vit():
    stub_torchvision()
    from vit_pytorch import SimpleViT

    return SimpleViT(
        image_size=SIDE,
        patch_size=PATCH,
        num_classes=CLASSES,
        dim=DIM,
        depth=DEPTH,
        heads=HEADS,
        mlp_dim=HIDDEN,
        channels=1,
        dim_head=HEAD_DIM,
    )


def stub_torchvision():
    """vit-pytorch imports torchvision for a model that is not used here."""
    torchvision = ModuleType("torchvision")
    torchvision.transforms = ModuleType("torchvision.transforms")
    sys.modules["torchvision"], sys.modules["torchvision.transforms"] = torchvision, torchvision.transforms


def classification(model, images, labels):
    logits = model(images)
    return F.cross_entropy(getattr(logits, "logits", logits), labels)


def training_step(model, loss=classification):
    """A function that takes one optimiser step on a batch of noise. loss: of (model, images, labels)."""
    images, labels = torch.randn(BATCH, 1, SIDE, SIDE), torch.randint(0, CLASSES, (BATCH,))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.05, fused=True)

    def step():
        batch_loss = loss(model, images, labels)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()

    return step


def matrix_products():
    """A function that computes the matrix products of one training step of the course's ViT and nothing else."""
    rows = BATCH * TOKENS
    patches, kernel, patches_grad = operands_of(BATCH * PATCHES, PATCH**2, DIM)
    linear, heads = [operands_of(BATCH, DIM, CLASSES)], []
    for queries in [TOKENS] * (DEPTH - 1) + [1]:  # the last block is asked for the class token alone
        linear.append(operands_of(rows, DIM, 3 * DIM))
        for inputs, outputs in [(DIM, DIM), (DIM, HIDDEN), (HIDDEN, DIM)]:
            linear.append(operands_of(BATCH * queries, inputs, outputs))
        shapes = [(queries, HEAD_DIM), (TOKENS, HEAD_DIM), (TOKENS, HEAD_DIM), (queries, HEAD_DIM), (queries, TOKENS)]
        heads.append([torch.randn(BATCH * HEADS, *shape) for shape in shapes])

    def step():
        _ = patches @ kernel.T
        _ = patches_grad.T @ patches  # pictures need no gradient
        for x, weight, grad in linear:
            _ = x @ weight.T
            _ = grad @ weight
            _ = grad.T @ x
        for q, k, v, out_grad, a in heads:
            _ = q @ k.mT
            _ = a @ v
            _ = a.mT @ out_grad  # gradient of v
            _ = out_grad @ v.mT  # gradient of the attention weights
            _ = a @ k  # gradient of q
            _ = a.mT @ q  # gradient of k

    return step


def operands_of(rows, inputs, outputs):
    return torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.randn(rows, outputs)


def course_image_gpt():
    return ImageGPT(WORDS, PATCHES, DIM, DEPTH, HEADS)


def hugging_face_image_gpt():
    sys.modules["torchvision"] = None
    from transformers import ImageGPTConfig, ImageGPTForCausalImageModeling

    config = ImageGPTConfig(
        vocab_size=WORDS + 1,  # and a start token
        n_positions=PATCHES,
        n_embd=DIM,
        n_layer=DEPTH,
        n_head=HEADS,
        activation_function="gelu",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
    )
    return ImageGPTForCausalImageModeling(config)


def next_code(model, images, labels):
    """Loss of the next of 49 codes at every place; which codes they are does not matter for the time."""
    codes = torch.randint(WORDS, (BATCH, PATCHES))
    logits = model(shift_right(codes, WORDS))
    return F.cross_entropy(getattr(logits, "logits", logits).flatten(0, 1), codes.flatten())


def measure(contestants, rounds, steps):
    """Pictures per second of each contestant in each round; the contestants take turns, so that load hits all alike."""
    speeds = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            start = time.perf_counter()
            for _ in range(steps):
                contestants[name]()
            if number:  # the first round warms up
                speeds[name].append(BATCH * steps / (time.perf_counter() - start))
    return speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=5, help="training steps in a row, per round")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    keep_freed_memory()  # as fit does; all contestants profit

    contestants = {
        "this course's ViT": training_step(course_vit()),
        "Hugging Face ViT": training_step(hugging_face_vit()),
        "vit-pytorch SimpleViT": training_step(simple_vit()),
        "limit: its matrix products alone": matrix_products(),
        "this course's MAE (encoder on 25% of the tokens)": training_step(course_mae(), pretraining_loss),
        "Hugging Face ViTMAE": training_step(hugging_face_mae(), lambda model, images, labels: model(images).loss),
        "this course's ImageGPT": training_step(course_image_gpt(), next_code),
        "Hugging Face ImageGPT": training_step(hugging_face_image_gpt(), next_code),
    }
    speeds = measure(contestants, arguments.rounds, arguments.steps)
    limit = speeds["limit: its matrix products alone"]
    how = f"{arguments.threads} threads, medians of {arguments.rounds} alternating rounds, torch {torch.__version__}"
    table = Table(title=f"Training on {how}")
    table.add_column("model")
    for heading in ("images/s", "middle half", "of the limit"):
        table.add_column(heading, justify="right")
    for name, speed in speeds.items():
        low, _, high = statistics.quantiles(speed, n=4)
        share = statistics.median(mine / best for mine, best in zip(speed, limit, strict=True))
        of_limit = "" if "MAE" in name or "GPT" in name else f"{share:.0%}"  # the limit is a ViT's
        table.add_row(name, f"{statistics.median(speed):.0f}", f"{low:.0f}-{high:.0f}", of_limit)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
