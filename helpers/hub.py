"""Published weights from the Hugging Face hub: only cells marked "optional, needs a network" use this."""

import json
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

PUBLISHED_VIT = "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k"
CLASS_NAMES_FROM = "google/vit-base-patch16-224"
MEAN = STD = 0.5  # these weights take pictures scaled from [0, 1] to [-1, 1], in each channel
_SECONDS = 5  # that a server may take for its first answer


class HubError(RuntimeError):
    """The published weights could not be had; the message is one sentence for the student."""


def load_published_vit(model_class: type[nn.Module], name: str = PUBLISHED_VIT) -> nn.Module:
    """A published ViT-B/16 in a class that has timm's parameter names, such as the one that a student wrote.

    model_class: called as model_class(224, 16, 3, 1000, 768, 12, 12)
    name:        a repository of timm's on the hub whose model.safetensors has that size
    Returns the model in evaluation mode, for pictures (B, 3, 224, 224) normalised with MEAN and STD.
    Raises HubError where there is no network, huggingface_hub is not installed or the weights do not fit.
    How to train your ViT? (Steiner et al., 2022): trained on ImageNet-21k, then on ImageNet-1k.
    """
    weights = load_file(download(name, "model.safetensors"))
    model = model_class(224, 16, 3, 1000, 768, 12, 12)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise HubError(f"The weights of {name} do not fit {model_class.__name__}: {problem}") from error
    return model.eval()


def class_names(name: str = CLASS_NAMES_FROM) -> tuple[str, ...]:
    """The names of a published model's classes, in the order of its logits.

    Raises HubError where there is no network or huggingface_hub is not installed.
    """
    names = json.loads(download(name, "config.json").read_text(encoding="utf-8"))["id2label"]
    return tuple(names[str(i)] for i in range(len(names)))


def from_hugging_face(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of Hugging Face's ViTForImageClassification under the names of this course's ViT (timm's).

    state_dict: what ViTForImageClassification.state_dict() gives
    Returns a state dict for helpers.models.vit.ViT; queries, keys and values are joined into one qkv, in that order.
    Raises ValueError for a name that such a model does not have.
    """
    converted = {}
    for old, tensor in state_dict.items():
        for pattern, replacement in _HUGGING_FACE_NAMES:
            name, count = re.subn(pattern, replacement, old)
            if count:
                break
        else:
            raise ValueError(f"{old!r} is not a parameter of ViTForImageClassification.")
        converted[name] = tensor
    for name in [name for name in converted if ".attn.q." in name]:
        parts = [converted.pop(name.replace(".q.", f".{part}.")) for part in "qkv"]
        converted[name.replace(".q.", ".qkv.")] = torch.cat(parts)  # 3 x (D, D) -> (3*D, D)
    return converted


def download(name: str, file: str) -> Path:
    """A file of a repository on the hub: from the local cache, else over the network.

    Raises HubError, one sentence within seconds, where that does not work.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError:
        raise HubError(
            "Published weights come through the package huggingface_hub, which is not installed here; "
            "run `pip install huggingface_hub`, or go on without this optional cell."
        ) from None
    with _quiet():
        try:
            return Path(hf_hub_download(name, file, local_files_only=True))
        except LocalEntryNotFoundError:
            pass
        if not _hub_answers(name):
            raise HubError(
                f"{name} is not on this computer yet and the Hugging Face hub cannot be reached; "
                "run this again once there is a network, or go on without this optional cell."
            )
        try:
            return Path(hf_hub_download(name, file))
        except Exception as error:  # whatever the hub, the network or the disk may answer
            if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
                raise HubError(
                    f"{name} has no {file}, and this course reads no other form of weights (nothing is unpickled); "
                    "go on without this optional cell."
                ) from error
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise HubError(f"{file} of {name} could not be downloaded: {reason}") from error


def _hub_answers(name: str) -> bool:
    """Whether the hub answers a first small question in time.

    A download retries for 20 seconds and more without a network, and looking up a host's name knows no time limit:
    hence a question in a thread of its own, which is left behind where it takes too long.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    answered = []

    def ask() -> None:
        try:
            answered.append(HfApi().model_info(name, timeout=_SECONDS))
        except HfHubHTTPError as refusal:  # an answer too; the download then says which
            answered.append(refusal)
        except Exception:  # no network, no such host, offline mode
            return

    question = Thread(target=ask, daemon=True)
    question.start()
    question.join(_SECONDS)
    return bool(answered)


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no log lines of the hub; the progress bar of a download stays."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


# Where Hugging Face keeps what under which name: first the names since its version 5, then the older ones,
# which published checkpoints still have.
_HUGGING_FACE_NAMES = (
    (r"^vit\.embeddings\.cls_token$", "cls_token"),
    (r"^vit\.embeddings\.position_embeddings$", "pos_embed"),
    (r"^vit\.embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^vit\.layernorm\.", "norm."),
    (r"^classifier\.", "head."),
    (r"^vit\.(?:encoder\.layer|layers)\.(\d+)\.layernorm_before\.", r"blocks.\1.norm1."),
    (r"^vit\.(?:encoder\.layer|layers)\.(\d+)\.layernorm_after\.", r"blocks.\1.norm2."),
    (r"^vit\.layers\.(\d+)\.attention\.([qkv])_proj\.", r"blocks.\1.attn.\2."),
    (r"^vit\.layers\.(\d+)\.attention\.o_proj\.", r"blocks.\1.attn.proj."),
    (r"^vit\.layers\.(\d+)\.mlp\.(fc[12])\.", r"blocks.\1.mlp.\2."),
    (r"^vit\.encoder\.layer\.(\d+)\.attention\.attention\.([qkv])(?:uery|ey|alue)\.", r"blocks.\1.attn.\2."),
    (r"^vit\.encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"blocks.\1.attn.proj."),
    (r"^vit\.encoder\.layer\.(\d+)\.intermediate\.dense\.", r"blocks.\1.mlp.fc1."),
    (r"^vit\.encoder\.layer\.(\d+)\.output\.dense\.", r"blocks.\1.mlp.fc2."),
)
