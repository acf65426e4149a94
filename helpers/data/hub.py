"""The whole of Fashion-MNIST through Hugging Face `datasets`: needs a network the first time, its cache afterwards."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import numpy as np
import torch

from helpers.data.fashion import CLASSES, SIDE, Pictures, check_split, to_pictures
from helpers.data.files import DataError

REPOSITORY = "zalando-datasets/fashion_mnist"
PATIENCE = 6.0  # seconds until the hub counts as out of reach
INSTEAD = "or go on with fashion_mnist(), whose pictures come with the course"


def full_fashion_mnist(
    split: str = "train",
    cache_dir: str | Path | None = None,
    device: str | torch.device = "cpu",
    normalised: bool = True,
) -> Pictures:
    """All 60,000 training or 10,000 test pictures of Fashion-MNIST, from the Hugging Face hub or its local cache.

    split: "train" or "test"
    cache_dir: folder of the download; by default the cache of Hugging Face `datasets`
    device, normalised: as in `fashion_mnist` (mean and standard deviation are those of the embedded subset)
    Returns Pictures, in the order of the original files.
    Raises DataError where `datasets` is not installed, or where there is neither a network nor an earlier download;
    ValueError for a split or device that does not exist.
    """
    check_split(split)
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"The full Fashion-MNIST is loaded through the package `datasets`, which is not installed here; "
            f"run `pip install datasets`, {INSTEAD}."
        ) from None
    with _quiet(datasets):
        online = _hub_answers()
        with _hub_switched_off(datasets, not online):
            try:
                rows = datasets.load_dataset(REPOSITORY, split=split, cache_dir=cache_dir and str(cache_dir))
                images, labels = _to_tensors(rows)
            except Exception as error:  # whatever the loader, its network stack or its cache may raise
                raise _not_loaded(online, error) from (error if online else None)
    return to_pictures(images, labels, device, normalised)


def _to_tensors(rows) -> tuple[torch.Tensor, torch.Tensor]:
    batches = (batch["image"] for batch in rows.iter(1000))  # twice as quick as row by row
    images = np.concatenate([np.stack([np.asarray(picture) for picture in batch]) for batch in batches])  # (N, 28, 28)
    labels = np.array(rows["label"], dtype=np.int64)  # (N,)
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise ValueError(f"expected grey pictures of {SIDE}x{SIDE} bytes, found {images.shape[1:]} {images.dtype}")
    if labels.min() < 0 or labels.max() >= len(CLASSES):
        raise ValueError(f"expected labels 0 to {len(CLASSES) - 1}, found {labels.min()} to {labels.max()}")
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)  # (N, 1, 28, 28), (N,)


def _not_loaded(online: bool, error: Exception) -> DataError:
    if not online and isinstance(error, (ConnectionError, FileNotFoundError)):
        return DataError(
            f"The full Fashion-MNIST is not on this computer yet and the Hugging Face hub cannot be reached; "
            f"run this again once there is a network, {INSTEAD}."
        )
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return DataError(
        f"The full Fashion-MNIST ({REPOSITORY}) could not be loaded through the package `datasets` "
        f"({type(error).__name__}: {reason}); try again later, {INSTEAD}."
    )


def _hub_answers() -> bool:
    """Whether the hub answers a first small question in time.

    `load_dataset` itself retries for 20 seconds and more without a network, and looking up a host name knows no
    time limit: hence a question in a thread of its own, which is left behind where it takes too long.
    """
    from huggingface_hub import HfApi

    answered = []

    def ask() -> None:
        try:
            answered.append(HfApi().dataset_info(REPOSITORY, timeout=PATIENCE))
        except Exception:  # no network, a proxy's refusal, offline mode: all mean that the cache must do
            return

    question = Thread(target=ask, daemon=True)
    question.start()
    question.join(PATIENCE)
    return bool(answered)


@contextmanager
def _hub_switched_off(datasets, off: bool) -> Iterator[None]:
    """Offline mode of `datasets`, which it otherwise reads from the environment once, at its import."""
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = before or off
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


@contextmanager
def _quiet(datasets) -> Iterator[None]:
    """No progress bars and no warnings of the loader and the hub; afterwards everything is as it was."""
    from huggingface_hub import utils as hub

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    switches = [library for library in (datasets, hub) if not library.are_progress_bars_disabled()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        for library in switches:
            library.disable_progress_bars()
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            for library in switches:
                library.enable_progress_bars()
