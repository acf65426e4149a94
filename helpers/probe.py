"""What a frozen encoder knows: a linear probe, one linear layer trained on its features."""

import torch
from torch import Tensor, nn

from helpers.models.vit import ViT
from helpers.train import evaluate, fit


@torch.no_grad()
def patch_features(encoder: ViT, images: Tensor, batch_size: int = 500) -> Tensor:
    """The mean of the encoder's patch tokens after its last norm: images (B, C, H, W) -> (B, D), on the CPU."""
    device = next(encoder.parameters()).device
    patches = slice(1, None) if encoder.class_token_index == 0 else slice(None, -1)
    found = [encoder.stages(batch.to(device))["norm"][:, patches].mean(dim=1) for batch in images.split(batch_size)]
    return torch.cat(found).cpu()


def linear_probe(encoder: ViT, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], seed: int = 0) -> float:
    """Test accuracy in percent of one linear layer on the encoder's features; the encoder itself is not trained.

    train, test: (images, labels); seed: draws the layer's weights and shuffles
    As in MAE (He et al., 2022), features are standardised by a BatchNorm without weights of its own.
    """
    features, labels = patch_features(encoder, train[0]), train[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = nn.Sequential(
            nn.BatchNorm1d(features.shape[1], affine=False), nn.Linear(features.shape[1], encoder.head.out_features)
        )
    fit(layer, features, labels, epochs=20, lr=1e-2, seed=seed, device="cpu", progress=False)
    return evaluate(layer, patch_features(encoder, test[0]), test[1])
