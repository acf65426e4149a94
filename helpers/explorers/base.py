"""What the explorers of all lessons share in Python: their browser module, their look, pictures as arrays."""

import re
from pathlib import Path

import anywidget
import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent


def browser_module(name: str) -> str:
    """The one ES module of an explorer: shared.js and name.js joined, since anywidget resolves no imports."""
    shared = re.sub(r"^export ", "", (HERE / "shared.js").read_text(encoding="utf-8"), flags=re.MULTILINE)
    own = (HERE / f"{name}.js").read_text(encoding="utf-8")
    return shared + re.sub(r'^import .*? from "\./shared\.js";\n', "", own, flags=re.MULTILINE | re.DOTALL)


class Explorer(anywidget.AnyWidget):
    """A widget drawn in the browser; where no browser shows it, it says so in one sentence."""

    _css = (HERE / "shared.css").read_text(encoding="utf-8")
    about = "an explorer"

    def __repr__(self) -> str:
        return f"[{self.about}: needs a notebook that shows widgets]"


def one_picture(image) -> Tensor:
    """One picture as a float32 tensor.

    image: (C, H, W) or (1, C, H, W), tensor or array; uint8 is divided by 255.
    Returns (1, C, H, W). Raises ValueError for another shape.
    """
    picture = torch.as_tensor(np.asarray(image) if not isinstance(image, Tensor) else image).detach().cpu()
    if picture.ndim == 3:
        picture = picture[None]  # (1, C, H, W)
    if picture.ndim != 4 or picture.shape[0] != 1 or picture.shape[1] not in (1, 3):
        raise ValueError(
            f"Expected one picture of shape (C, H, W) with 1 or 3 channels, got shape {tuple(np.shape(image))}. "
            "Pass one picture of a batch: images[0]."
        )
    return picture.float() / 255 if picture.dtype == torch.uint8 else picture.float()


def float32_bytes(values: Tensor) -> bytes:
    """The values (any shape) as little-endian float32 bytes, row-major."""
    return values.detach().cpu().numpy().astype("<f4").tobytes()


def float16_bytes(values: Tensor) -> bytes:
    """The values (any shape) as little-endian float16 bytes, row-major: half the size, three digits."""
    return values.detach().cpu().numpy().astype("<f2").tobytes()
