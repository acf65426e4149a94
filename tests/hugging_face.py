"""Hugging Face's ViT, for comparison."""

import torch


def hugging_face(transformers, image_size, patch_size, channels, classes, dim, depth, heads, mlp_ratio=4):
    """Hugging Face's model of that size; random weights far from zero, so that every one of them matters."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=image_size,
        patch_size=patch_size,
        num_channels=channels,
        num_labels=classes,
        hidden_size=dim,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=mlp_ratio * dim,
        layer_norm_eps=1e-6,
    )
    model = transformers.ViTForImageClassification(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model
