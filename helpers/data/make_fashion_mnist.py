"""Make the embedded subset of Fashion-MNIST from the four original IDX files.

    python -m helpers.data.make_fashion_mnist FOLDER_OF_THE_IDX_GZ_FILES [OUTPUT_FOLDER]

The same originals give the same pictures in the same order always, and the same bytes with the same Pillow.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

from helpers.data.embed import encode, require, write
from helpers.data.fashion import CLASSES, SIDE
from helpers.data.files import EMBEDDED

SEED = 1708  # the paper is arXiv 1708.07747
PER_CLASS = {"train": 1200, "test": 200}
COLUMNS = 100  # pictures side by side on a sheet
# sha256 of the uncompressed files: the .gz around them differs from mirror to mirror
ORIGINALS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def read_originals(source: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The original pictures, uint8 (N, 28, 28), and labels, uint8 (N,), of a split."""
    prefix = {"train": "train", "test": "t10k"}[split]
    images = _read(source, f"{prefix}-images-idx3-ubyte")
    labels = _read(source, f"{prefix}-labels-idx1-ubyte")
    # an IDX file begins with its sizes: 16 bytes for pictures, 8 for labels
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, SIDE, SIDE),
        np.frombuffer(labels, np.uint8, offset=8),
    )


def choose(labels: np.ndarray, split: str) -> np.ndarray:
    """Which originals are taken, and in which order: rounds of ten, one picture of each class, shuffled.

    labels: uint8 (N,)
    Returns indices (rounds, 10).
    """
    # RandomState, since numpy promises that its stream never changes
    random = np.random.RandomState([SEED, ("train", "test").index(split)])
    columns = [random.permutation(np.flatnonzero(labels == c))[: PER_CLASS[split]] for c in range(len(CLASSES))]
    rounds = np.stack(columns, axis=1)  # (rounds, 10), class c in column c
    return np.stack([random.permutation(row) for row in rounds])


def to_sheet(images: np.ndarray) -> np.ndarray:
    """Lay pictures out on one sheet, row by row: (N, 28, 28) -> (N/100 * 28, 100 * 28)."""
    grid = images.reshape(-1, COLUMNS, SIDE, SIDE)  # (rows, 100, 28, 28)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3)).reshape(-1, COLUMNS * SIDE)


def mean_and_std(images: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of uint8 pixels on the scale from 0 to 1, exact up to the last rounding."""
    counts = np.bincount(images.ravel(), minlength=256).tolist()
    pixels = sum(counts)
    total = sum(value * n for value, n in enumerate(counts))
    squares = sum(value**2 * n for value, n in enumerate(counts))
    return total / (255 * pixels), (squares * pixels - total**2) ** 0.5 / (255 * pixels)


def make(source: Path, target: Path) -> None:
    """Read the originals in `source`, write the subset and its manifest into `target`."""
    files, facts = {}, {"seed": SEED}
    for split in PER_CLASS:
        images, labels = read_originals(source, split)
        chosen = choose(labels, split)
        subset = images[chosen.ravel()]  # (N, 28, 28)
        if split == "train":
            facts["mean"], facts["std"] = mean_and_std(subset)
        files[f"{split}.png"] = encode(to_sheet(subset))
        files[f"{split}_labels.png"] = encode(labels[chosen])  # (rounds, 10)
    write(target, files, facts)


def _read(source: Path, name: str) -> bytes:
    path = source / f"{name}.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise SystemExit(f"{path}: expected the gzip file of the original data set ({error})") from None
    return require(content, ORIGINALS[name], str(path))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    make(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else EMBEDDED / "fashion_mnist")
