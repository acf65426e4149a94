"""One training loop for all lessons: seeded, resumable, quiet, on whatever device there is."""

import ctypes
import hashlib
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from tqdm import tqdm

OPTIMIZERS = {"adamw": torch.optim.AdamW, "sgd": partial(torch.optim.SGD, momentum=0.9)}


@dataclass
class History:
    """What a training run leaves behind.

    loss:      the loss of each step
    accuracy:  percent of the test pictures that are right after each epoch; empty without test pictures
    seconds:   time spent, all sittings together; does not count when two histories are compared
    finished:  whether all epochs were run
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: float = field(default=0.0, compare=False)
    finished: bool = False

    def __repr__(self):
        last = f"loss {self.loss[-1]:.3f}" if self.loss else "no step"
        accuracy = f", accuracy {self.accuracy[-1]:.1f}%" if self.accuracy else ""
        state = "" if self.finished else ", not finished"
        return f"<History: {len(self.loss)} steps, {last}{accuracy}, {self.seconds:.0f} s{state}>"


def best_device() -> torch.device:
    """The fastest device here: a CUDA GPU, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def classification_loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the model's logits (B, classes) on a batch: a scalar."""
    return F.cross_entropy(model(images), labels)


def fit(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    test: tuple[Tensor, Tensor] | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    weight_decay: float = 0.05,
    seed: int = 0,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor] = classification_loss,
    optimizer: str = "adamw",
) -> History:
    """Train a model in place; the learning rate warms up, then falls along a cosine.

    images, labels:  (N, ...) and (N, ...); moved to the device once, shuffled anew in each epoch
    epochs:          how often each picture is seen
    test:            (images, labels) whose accuracy is taken after each epoch
    lr:              the highest learning rate, reached after 5% of the steps
    seed:            decides the shuffling, the augmentation and the model's dropout; the same seed on the same device
                     gives the same history and weights to the last bit, and the caller's random numbers stay untouched
    device:          best_device() unless given; afterwards the model is back where it was
    checkpoint:      a .safetensors file, written after each epoch; called again with the same arguments, fit goes on
                     from there (the weights then come from the file) and ends with the same bits as in one sitting
    augment:         callable (images, generator) -> images, applied to each training batch
    loss:            callable (model, images, labels) -> scalar
    optimizer:       "adamw" or "sgd" (with momentum 0.9); weight_decay is the one that it means: AdamW's acts on the
                     weights, SGD's is added to the gradient
    Returns a History. Interrupted by the stop button, it returns the history so far and says how to go on.
    Raises ValueError where the data, the numbers or the checkpoint do not fit.
    """
    check_data(images, labels)
    if test is not None:
        check_data(*test)
    if epochs < 1 or batch_size < 1:
        raise ValueError(f"epochs and batch_size must be at least 1, but they are {epochs} and {batch_size}.")
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"There is no optimizer {optimizer!r} here; there are {' and '.join(OPTIMIZERS)}.")
    device = best_device() if device is None else torch.device(device)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("This model has no parameters to train: each has requires_grad set to False.")
    fingerprint = checkpoint and _fingerprint(
        model, images, labels, test, epochs, batch_size, lr, weight_decay, seed, device, augment, loss, optimizer
    )

    keep_freed_memory()
    home = parameters[0].device
    with _random_numbers_kept(device), _mode(model, training=True), _repeatable():
        try:
            return _fit(
                model.to(device),
                images.to(device),
                labels.to(device),
                test and (test[0].to(device), test[1].to(device)),
                OPTIMIZERS[optimizer](parameters, lr, weight_decay=weight_decay, fused=device.type in ("cpu", "cuda")),
                epochs=epochs,
                batch_size=batch_size,
                lr=lr,
                seed=seed,
                checkpoint=checkpoint and Checkpoint(Path(checkpoint), fingerprint),
                progress=progress,
                augment=augment,
                loss=loss,
            )
        finally:
            model.to(home)


def _fit(model, images, labels, test, optimizer, *, epochs, batch_size, lr, seed, checkpoint, progress, augment, loss):
    history, done = checkpoint.load(model, optimizer) if checkpoint else (History(), 0)
    steps_per_epoch = math.ceil(len(images) / batch_size)
    total = epochs * steps_per_epoch
    before, start = history.seconds, time.perf_counter()
    # On standard output: notebooks show standard error as if something had gone wrong.
    bar = tqdm(total=total, initial=done * steps_per_epoch, ncols=88, file=sys.stdout, disable=not progress)
    try:
        with bar:
            for epoch in range(done, epochs):
                bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
                shuffling, augmenting = torch.Generator(), torch.Generator(images.device)
                _seed(f"{seed}, epoch {epoch}", images.device, shuffling, augmenting)
                for batch in torch.randperm(len(images), generator=shuffling).split(batch_size):
                    batch = batch.to(images.device)
                    batch_images = images[batch] if augment is None else augment(images[batch], augmenting)
                    for group in optimizer.param_groups:
                        group["lr"] = lr * schedule(len(history.loss), total)
                    batch_loss = loss(model, batch_images, labels[batch])
                    optimizer.zero_grad()
                    batch_loss.backward()
                    optimizer.step()
                    history.loss.append(batch_loss.item())
                    bar.update()
                if test is not None:
                    history.accuracy.append(evaluate(model, *test))
                bar.set_postfix_str(_summary(history, steps_per_epoch))
                history.seconds = before + time.perf_counter() - start
                history.finished = epoch + 1 == epochs
                if checkpoint:
                    checkpoint.save(model, optimizer, history, epoch + 1)
    except KeyboardInterrupt:
        history.seconds = before + time.perf_counter() - start
        print(_how_to_go_on(history, total, checkpoint))
    return history


def keep_freed_memory() -> None:
    """Let Linux's C library keep up to 256 MB of freed memory for the next step.

    Otherwise each training step on the CPU gives its activations back to the system and waits for fresh pages again,
    which costs a tenth of the time and more. Does nothing where there is no glibc.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(mmap_threshold, 32 * 2**20)  # the highest that glibc takes
            mallopt(trim_threshold, 256 * 2**20)


def evaluate(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Percent of the pictures for which the largest logit is the label's; the model's mode is left as it was.

    images: (N, ...); labels: (N,), long; both are moved to the model's device batch by batch
    Raises ValueError where there are no pictures, or not one label for each.
    """
    check_data(images, labels)
    device = next(model.parameters()).device
    with torch.no_grad(), _mode(model, training=False):
        right = sum(
            (model(x.to(device)).argmax(dim=-1) == y.to(device)).sum().item()
            for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True)
        )
    return 100 * right / len(labels)


def schedule(step: int, total: int) -> float:
    """The learning rate of a step over the highest one: up in a line for 5% of the steps, then down a cosine."""
    warm_up = max(1, total // 20)
    if step < warm_up:
        return (step + 1) / warm_up
    return (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up))) / 2


def check_data(images: Tensor, labels: Tensor) -> None:
    """Raise ValueError where there are no pictures, or not one label for each."""
    if len(images) == 0:
        raise ValueError("There are no pictures: the data set is empty.")
    if len(images) != len(labels):
        raise ValueError(
            f"Each picture needs one label, but there are {len(images)} pictures and {len(labels)} labels."
        )
    if images.dtype == torch.uint8:
        raise ValueError(
            "The pictures hold whole numbers from 0 to 255, but a model takes normalised floating-point numbers. "
            "Load them with normalised=True, or divide them by 255."
        )


@dataclass
class Checkpoint:
    """A run after some epoch as one safetensors file: weights, the optimiser's state and the history.

    Random numbers are drawn anew for each epoch from the seed and the epoch's number, so that number is their position.
    path:         where the file is
    fingerprint:  the arguments of the run, by name; a file with others is refused
    """

    path: Path
    fingerprint: dict

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, history: History, epochs: int) -> None:
        """Write the state after so many epochs, so that a kill at any moment leaves this file or the one before."""
        tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
        tensors["history.loss"] = torch.tensor(history.loss, dtype=torch.float64)
        tensors["history.accuracy"] = torch.tensor(history.accuracy, dtype=torch.float64)
        about = {"fingerprint": self.fingerprint, "epochs": epochs, "seconds": history.seconds}
        # A copy of each tensor: safetensors does not take two that share their memory.
        tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(self.path.name + ".tmp")
        unfinished.write_bytes(save(tensors, metadata={"run": json.dumps(about)}))
        os.replace(unfinished, self.path)

    def load(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[History, int]:
        """Put weights and optimiser back and return the history and the epochs done: none where there is no file.

        Raises ValueError where the file is damaged or is that of another run.
        """
        if not self.path.exists():
            return History(), 0
        try:
            with safe_open(self.path, framework="pt") as file:
                about = json.loads(file.metadata()["run"])
                # A copy, so that the file is not held open while it is replaced (Windows does not allow that).
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The checkpoint {self.path} is damaged or was not written by fit. Delete it to start afresh."
            ) from error
        different = [name for name, value in self.fingerprint.items() if about["fingerprint"].get(name) != value]
        if different:
            raise ValueError(
                f"The checkpoint {self.path} belongs to a run with different {' and '.join(different)}. "
                "Call fit with that run's arguments to go on with it, or delete the file to start afresh."
            )
        model.load_state_dict(_under("model.", tensors))
        states = {}
        for name, tensor in _under("optimizer.", tensors).items():
            index, key = name.split(".")
            states.setdefault(int(index), {})[key] = tensor
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
        history = History(
            loss=tensors["history.loss"].tolist(),
            accuracy=tensors["history.accuracy"].tolist(),
            seconds=about["seconds"],
            finished=about["epochs"] == self.fingerprint["epochs"],
        )
        return history, about["epochs"]


def _fingerprint(
    model, images, labels, test, epochs, batch_size, lr, weight_decay, seed, device, augment, loss, optimizer
):
    """What must be the same for a run to go on, by the name that a refusal gives it."""
    shapes = [(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in model.state_dict().items()]
    return {
        "model": f"{type(model).__name__} {hashlib.sha256(repr(shapes).encode()).hexdigest()}",
        "images": _digest(images),
        "labels": _digest(labels),
        "test": test and _digest(*test),
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "weight_decay": weight_decay,
        "seed": seed,
        "device": device.type,
        "augment": _name(augment),
        "loss": _name(loss),
        "optimizer": optimizer,
    }


def _digest(*tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def _name(function):
    return function and getattr(function, "__qualname__", type(function).__name__)


def _under(prefix, tensors):
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _summary(history, steps_per_epoch):
    mean_loss = sum(history.loss[-steps_per_epoch:]) / steps_per_epoch
    accuracy = f", accuracy {history.accuracy[-1]:.1f}%" if history.accuracy else ""
    return f"loss {mean_loss:.3f}{accuracy}"


def _how_to_go_on(history, total, checkpoint):
    stopped = f"Stopped after {len(history.loss)} of {total} steps."
    if checkpoint is None:
        return f'{stopped} A run with checkpoint="name.safetensors" could go on from here.'
    return f"{stopped} Run this cell again to go on from the last whole epoch, which is in {checkpoint.path}."


def _seed(text, device, *generators):
    """Start all random numbers of an epoch from a text: the given generators and those that dropout draws from."""
    number = random.Random(text).getrandbits(63)
    for generator in (*generators, torch.default_generator):
        generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)


@contextmanager
def _random_numbers_kept(device):
    """Leave the caller's random numbers as if nobody had drawn any in between."""
    state = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng([torch.cuda.current_device()] if device.type == "cuda" else []):
        try:
            yield
        finally:
            if state is not None:
                torch.mps.set_rng_state(state)


@contextmanager
def _repeatable():
    """Let cuDNN use only algorithms that give the same bits each time."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield


@contextmanager
def _mode(model, training):
    """Put a model into training or evaluation mode, and afterwards each of its modules into its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
