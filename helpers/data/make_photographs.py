"""Make the small photographs from the originals in scikit-image's wheel.

    python -m helpers.data.make_photographs FOLDER_SKIMAGE_DATA [OUTPUT_FOLDER]

FOLDER_SKIMAGE_DATA: the folder skimage/data of the unpacked wheel, 0.26.0.
"""

import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.data.embed import encode, require, write
from helpers.data.files import EMBEDDED


class Original(NamedTuple):
    """An original photograph, the part of it that is taken, and the size it is brought to."""

    sha256: str
    box: tuple[int, int, int, int]  # left, top, right, bottom in pixels
    size: tuple[int, int]  # (height, width): multiples of 14 and 16


ORIGINALS = {
    "astronaut": Original(
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", (0, 0, 512, 512), (224, 224)
    ),
    "chelsea": Original(
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", (0, 0, 450, 300), (224, 336)
    ),
    "coffee": Original(
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", (0, 0, 600, 400), (224, 336)
    ),
}


def make(source: Path, target: Path) -> None:
    """Read the originals in `source`, write the small photographs and their manifest into `target`."""
    files = {}
    for name, original in ORIGINALS.items():
        path = source / f"{name}.png"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SystemExit(f"{path}: expected scikit-image's photograph ({error.strerror})") from None
        picture = Image.open(io.BytesIO(require(content, original.sha256, str(path)))).convert("RGB")
        height, width = original.size
        small = picture.resize((width, height), Image.Resampling.LANCZOS, box=original.box)
        files[f"{name}.png"] = encode(np.asarray(small))
    write(target, files, {})


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    make(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else EMBEDDED / "photographs")
