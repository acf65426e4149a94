"""Small trained models for explorers and plots, each a safetensors file with the command that made it beside it."""

import json
from pathlib import Path

from safetensors.torch import load_file

from helpers.models.vit import ViT

HERE = Path(__file__).parent


def load_vit(name: str = "vit_fashion") -> ViT:
    """A trained ViT, in evaluation mode, on the CPU.

    name: "vit_fashion": normalised pictures of 28 x 28, patches of 4, ten garments, width 48, 3 blocks, 4 heads
    Returns the model. Raises ValueError for a name that is not here, RuntimeError where the weights do not fit it.
    """
    weights = HERE / f"{name}.safetensors"
    if not weights.is_file():
        known = ", ".join(sorted(path.stem for path in HERE.glob("*.safetensors")))
        raise ValueError(f"There is no checkpoint {name!r} here; there is: {known}.")
    model = ViT(**facts(name)["model"])
    model.load_state_dict(load_file(weights))
    return model.eval()


def facts(name: str = "vit_fashion") -> dict:
    """How a checkpoint was made: `model` (arguments), `command`, `accuracy` in percent on the test pictures."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
