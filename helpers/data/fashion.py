"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747): the subset that comes with the course."""

import operator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from helpers.data.files import read_manifest, read_pixels

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIDE = 28  # pixels
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False, repr=False)
class Pictures:
    """Pictures with their labels.

    images: (N, 1, 28, 28), float32 normalised or uint8
    labels: (N,) int64, indices into names
    names: the ten class names
    """

    images: Tensor
    labels: Tensor
    names: tuple[str, ...] = CLASSES

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape, dtype = tuple(self.images.shape), str(self.images.dtype).removeprefix("torch.")
        return f"Pictures(images {shape} {dtype} on {self.images.device}, {len(self.names)} classes)"


def fashion_mnist(
    split: str = "train",
    count: int | None = None,
    device: str | torch.device = "cpu",
    normalised: bool = True,
) -> Pictures:
    """The Fashion-MNIST subset that comes with the course: 12,000 training and 2,000 test pictures.

    split: "train" or "test"
    count: take the first so many; any count holds each class equally often, give or take one
    device: where the tensors go
    normalised: float32 with mean 0 and standard deviation 1 over the training subset; else uint8, 0 to 255
    Returns Pictures with N = count; the tensors are the caller's own to change.
    Raises ValueError for a split, count or device that does not exist, DataError for a missing or damaged file.
    """
    check_split(split)
    images, labels = _subset(split)
    count = _check_count(count, split, len(labels))
    return to_pictures(images[:count], labels[:count], device, normalised)


def denormalise(images: Tensor) -> Tensor:
    """Pictures as floats between 0 and 1, for plots.

    images: any shape; floats as `fashion_mnist` normalises them, or uint8
    Returns a float tensor of the same shape; what lies outside 0 to 1 is clipped.
    """
    if not images.is_floating_point():
        return images.float() / 255
    mean, std = _mean_and_std()
    return (images * std + mean).clamp(0, 1)


def check_split(split: str) -> None:
    """Refuse anything but "train" and "test" with a sentence (ValueError)."""
    if split not in SPLITS:
        raise ValueError(f'The split is "train" or "test", but {split!r} came; try split="train".')


def to_pictures(images: Tensor, labels: Tensor, device: str | torch.device, normalised: bool) -> Pictures:
    """Copy uint8 pictures and their labels to a device, normalised if so asked.

    images: uint8 (N, 1, 28, 28); labels: int64 (N,)
    Returns Pictures that share no memory with the arguments.
    Raises ValueError where the device is not available.
    """
    try:
        images = images.to(device, copy=True)
        labels = labels.to(device, copy=True)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA raises an AssertionError
        reason = str(error).splitlines()[0]
        raise ValueError(f'The device {str(device)!r} is not to be had here ({reason}); try device="cpu".') from None
    if normalised:
        mean, std = _mean_and_std()
        images = images.float().div_(255).sub_(mean).div_(std)
    return Pictures(images, labels)


def _check_count(count: int | None, split: str, available: int) -> int:
    if count is None:
        return available
    try:
        number = operator.index(count)
    except TypeError:
        number = 0
    if not 1 <= number <= available:
        raise ValueError(
            f"count is a whole number from 1 to {available:,} for the {split} split, but {count!r} came; "
            f"leave it out for all {available:,}."
        )
    return number


@lru_cache(maxsize=len(SPLITS))
def _subset(split: str) -> tuple[Tensor, Tensor]:
    """The one decoded copy of a split in this process; never hand it out, only copies of it."""
    manifest = _manifest()
    sheet = torch.from_numpy(read_pixels("fashion_mnist", f"{split}.png", manifest))  # (rows*28, cols*28)
    labels = torch.from_numpy(read_pixels("fashion_mnist", f"{split}_labels.png", manifest))  # (rounds, 10)
    rows, cols = sheet.shape[0] // SIDE, sheet.shape[1] // SIDE
    grid = sheet.reshape(rows, SIDE, cols, SIDE).transpose(1, 2)  # (rows, cols, 28, 28)
    return grid.reshape(rows * cols, 1, SIDE, SIDE), labels.flatten().long()  # (N, 1, 28, 28), (N,)


@lru_cache(maxsize=1)
def _manifest() -> dict:
    return read_manifest("fashion_mnist")


def _mean_and_std() -> tuple[float, float]:
    """Of the training subset's pixels, on the scale from 0 to 1."""
    manifest = _manifest()
    return manifest["mean"], manifest["std"]
