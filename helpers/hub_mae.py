"""The published masked autoencoder from the Hugging Face hub, under this course's (and the paper's own) names."""

import re
from collections.abc import Mapping

import torch
from einops import rearrange
from safetensors.torch import load_file
from torch import Tensor, nn

from helpers.hub import HubError, download

PUBLISHED_MAE = "facebook/vit-mae-base"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of each channel: ImageNet's
CHANNELS = 3


def load_published_mae(model_class: type[nn.Module], name: str = PUBLISHED_MAE) -> nn.Module:
    """The published MAE with its decoder, ViT-B/16, in a class such as the one that a student wrote.

    model_class: called as model_class(224, 16, 3, 768, 12, 12, 512, 8, 16)
    name:        a repository on the hub that holds Hugging Face's ViTMAEForPreTraining of that size
    Returns the model in evaluation mode, for pictures (B, 3, 224, 224) normalised with MEAN and STD.
    Raises HubError where there is no network, huggingface_hub is not installed, the repository has no safetensors or
    its weights do not fit.
    MAE (He et al., 2022): pre-trained on ImageNet-1K without labels.
    """
    published = load_file(download(name, "model.safetensors"))
    model = model_class(224, 16, CHANNELS, 768, 12, 12, 512, 8, 16)
    try:
        model.load_state_dict(from_hugging_face_mae(published, CHANNELS))
    except (RuntimeError, ValueError, KeyError) as error:  # other names or shapes, or one missing
        problem = " ".join(str(error).split())[:300]
        raise HubError(f"The weights of {name} do not fit {model_class.__name__}: {problem}") from error
    return model.eval()


def normalise(image: Tensor) -> Tensor:
    """A photograph (..., 3, H, W) between 0 and 1 as the published model takes it."""
    return (image - _channels(MEAN)) / _channels(STD)


def denormalise(image: Tensor) -> Tensor:
    """The opposite of normalise, clipped to 0..1."""
    return (image * _channels(STD) + _channels(MEAN)).clamp(0, 1)


def from_hugging_face_mae(state_dict: Mapping[str, Tensor], channels: int) -> dict[str, Tensor]:
    """The weights of Hugging Face's ViTMAEForPreTraining under the names of helpers.models.mae.MaskedAutoencoder.

    state_dict: what ViTMAEForPreTraining.state_dict() gives; channels: of its pictures
    Returns a state dict; queries, keys and values are joined into one qkv, in that order. Its decoder paints patches
    channel-last, ours channel-first, so the rows of `decoder_pred` change places.
    Raises ValueError for a name that such a model does not have.
    """
    converted = {}
    for old, tensor in state_dict.items():
        for pattern, replacement in _NAMES:
            name, count = re.subn(pattern, replacement, old)
            if count:
                break
        else:
            raise ValueError(f"{old!r} is not a parameter of ViTMAEForPreTraining.")
        converted[name] = tensor
    for name in [name for name in converted if ".attn.q." in name]:
        parts = [converted.pop(name.replace(".q.", f".{part}.")) for part in "qkv"]
        converted[name.replace(".q.", ".qkv.")] = torch.cat(parts)  # 3 x (D, D) -> (3*D, D)
    for name in ("decoder_pred.weight", "decoder_pred.bias"):
        converted[name] = rearrange(converted[name], "(p c) ... -> (c p) ...", c=channels)
    return converted


def _channels(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]  # (C, 1, 1)


# First the names since version 5 of transformers, then the older ones, which published checkpoints still have.
_NAMES = (
    (r"^vit\.embeddings\.cls_token$", "cls_token"),
    (r"^vit\.embeddings\.position_embeddings$", "pos_embed"),
    (r"^vit\.embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^vit\.layernorm\.", "norm."),
    (r"^decoder\.(mask_token|decoder_pos_embed|decoder_embed\.|decoder_norm\.|decoder_pred\.)", r"\1"),
    *(
        pair
        for new, old, ours in (
            (r"^vit\.layers\.(\d+)", r"^vit\.encoder\.layer\.(\d+)", r"blocks.\1"),
            (r"^decoder\.decoder_layers\.(\d+)", r"^decoder\.decoder_layers\.(\d+)", r"decoder_blocks.\1"),
        )
        for pair in (
            (rf"{new}\.layernorm_before\.", rf"{ours}.norm1."),
            (rf"{new}\.layernorm_after\.", rf"{ours}.norm2."),
            (rf"{new}\.attention\.([qkv])_proj\.", rf"{ours}.attn.\2."),
            (rf"{new}\.attention\.o_proj\.", rf"{ours}.attn.proj."),
            (rf"{new}\.mlp\.(fc[12])\.", rf"{ours}.mlp.\2."),
            (rf"{old}\.layernorm_before\.", rf"{ours}.norm1."),
            (rf"{old}\.layernorm_after\.", rf"{ours}.norm2."),
            (rf"{old}\.attention\.attention\.([qkv])(?:uery|ey|alue)\.", rf"{ours}.attn.\2."),
            (rf"{old}\.attention\.output\.dense\.", rf"{ours}.attn.proj."),
            (rf"{old}\.intermediate\.dense\.", rf"{ours}.mlp.fc1."),
            (rf"{old}\.output\.dense\.", rf"{ours}.mlp.fc2."),
        )
    ),
)
