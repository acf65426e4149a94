"""The only way in which a check touches a student's code.

A `Call` says what to do with an answer, a `Reply` what came of it. Both hold tensors and plain values and nothing
else, so a runner may sit in the notebook's own process (`LocalRunner`) or in another one: a check cannot tell which.
This module holds no answers: a grading worker imports it and nothing else of the course.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import linecache
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

LONGEST_MESSAGE = 300  # characters of an error message that a reply carries
MOST_ITEMS = 10_000  # entries of a list, tuple or dict that a reply carries
LARGEST_INT = 256  # bits of a whole number that a reply carries: every comparison can take it for a float
# what this course and torch call all the time; ipykernel itself replaces `input`, so not every builtin counts
_ORIGINAL_BUILTINS = {
    function.__name__: function
    for function in (
        *(abs, all, any, bool, dict, enumerate, float, getattr, hasattr, int, isinstance, len, list, map, max, min),
        *(range, repr, round, set, sorted, str, sum, tuple, type, zip),
    )
}


@dataclass(frozen=True)
class TorchModule:
    """A module of `torch.nn` as data: what an answer is handed where its argument is a model.

    kind: a class of `torch.nn`; options: its keyword arguments; parts: the members of a `Sequential`;
    seed: its weights are drawn from it.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[TorchModule, ...] = ()
    seed: int = 0

    def build(self, dtype: torch.dtype) -> nn.Module:
        """The module, in evaluation mode, with weights of the given dtype."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            module = getattr(nn, self.kind)(*[part.build(dtype) for part in self.parts], **self.options)
        return module.to(dtype).eval()


@dataclass(frozen=True)
class Call:
    """One thing asked of an answer.

    args: tensors, plain values and `TorchModule`s; build: constructor arguments where the answer is a class, None where
    it is a function; state: weights loaded (strictly) into what was built; method: what is called on it;
    gradients: also return the gradients of a fixed weighted sum of the result; group: cases that earn credit together.
    """

    args: tuple = ()
    build: tuple | None = None
    state: Mapping[str, Tensor] | None = None
    method: str = "__call__"
    gradients: bool = False
    seed: int = 0
    group: str = ""

    def to(self, dtype: torch.dtype) -> Call:
        """The same call with every floating tensor in `dtype`."""
        state = None if self.state is None else {name: _cast(value, dtype) for name, value in self.state.items()}
        return replace(self, args=tuple(_cast(value, dtype) for value in self.args), state=state)

    @property
    def dtype(self) -> torch.dtype:
        """dtype of the first floating tensor among the arguments and weights (float32 where there is none)."""
        tensors = [*self.args, *(self.state or {}).values()]
        return next((t.dtype for t in tensors if isinstance(t, Tensor) and t.is_floating_point()), torch.float32)


@dataclass(frozen=True)
class Crash:
    """An exception out of an answer. kind: its class; line, text, function: where in the student's code it was."""

    kind: str
    message: str
    line: int | None = None
    text: str = ""
    function: str = ""


@dataclass(frozen=True)
class Foreign:
    """Stands for a returned object that is neither a plain tensor nor a plain value."""

    kind: str


@dataclass(frozen=True)
class Reply:
    """What came of a call: a value, or a crash. changed: positions of arguments that the answer wrote into."""

    value: Any = None
    gradients: Mapping[str, Tensor] = field(default_factory=dict)
    crash: Crash | None = None
    changed: tuple[int, ...] = ()
    device: str = "cpu"
    seconds: float = 0.0


class Unusable(Exception):
    """An answer that cannot be called as asked; the message is a sentence for the student."""


class Runner(Protocol):
    """Where answers live. `given` names earlier answers that are replaced by the course's own for this one call."""

    def read(self, name: str) -> Reply:
        """The value of a written answer."""

    def run(self, name: str, call: Call, given: tuple[str, ...] = ()) -> Reply:
        """Do `call` with the answer of that name."""


class LocalRunner:
    """Runs answers in this process, in the namespace of a notebook.

    course: gives the course's own piece of a name, for `given`.
    """

    def __init__(self, namespace: dict[str, Any], course: Callable[[str], Any]):
        self.namespace = namespace
        self.course = course

    def read(self, name: str) -> Reply:
        if name not in self.namespace:
            return Reply(crash=Crash("Missing", f"There is no `{name}` in this notebook yet."))
        return Reply(value=plain(self.namespace[name]))

    def run(self, name: str, call: Call, given: tuple[str, ...] = ()) -> Reply:
        if name not in self.namespace:
            return Reply(crash=Crash("Missing", f"There is no `{name}` in this notebook yet."))
        answer = self.namespace[name]
        kept = {piece: self.namespace[piece] for piece in given if piece in self.namespace}
        self.namespace.update({piece: self.course(piece) for piece in given})
        try:
            return execute(answer, call, self.namespace)
        finally:
            for piece in given:
                self.namespace.pop(piece, None)
            self.namespace.update(kept)


def replaced_builtins() -> list[str]:
    """Names of builtins that the notebook has overwritten for the whole process."""
    return [name for name, original in _ORIGINAL_BUILTINS.items() if getattr(builtins, name, None) is not original]


def execute(answer: Any, call: Call, namespace: Mapping[str, Any] | None = None) -> Reply:
    """Do one call with an answer; whatever the answer raises ends up in the reply.

    namespace: the student's globals, by which their own line is found in a traceback.
    """
    started = time.perf_counter()
    try:
        with _quiet(call.seed):
            reply = _call(answer, call)
    except BaseException as error:  # an answer may raise anything, SystemExit and KeyboardInterrupt included
        reply = Reply(crash=_crash(error, namespace))
    return replace(reply, seconds=time.perf_counter() - started)


def plain(value: Any, depth: int = 0) -> Any:
    """`value` with only exact tensors and plain values left; anything else becomes `Foreign`."""
    kind = type(value)
    if kind is int and value.bit_length() > LARGEST_INT:
        return Foreign(f"int of over {LARGEST_INT * 3 // 10} digits")
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (Tensor, nn.Parameter):
        if value.layout != torch.strided or value.device.type == "meta":
            return Foreign(f"a {str(value.layout).removeprefix('torch.')} tensor on {value.device.type}")
        return value.detach().cpu().resolve_conj().clone()
    if kind is torch.Size:
        return tuple(value)
    if depth < 5 and kind in (tuple, list) and len(value) <= MOST_ITEMS:
        return kind(plain(item, depth + 1) for item in value)
    if depth < 5 and kind is dict and len(value) <= MOST_ITEMS and all(type(key) is str for key in value):
        return {key: plain(item, depth + 1) for key, item in value.items()}
    if kind.__module__ == "numpy" and hasattr(kind, "item") and getattr(value, "shape", None) == ():
        return plain(value.item(), depth + 1)
    if value is Ellipsis:
        return Foreign("...")
    return Foreign(f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))


def _call(answer: Any, call: Call) -> Reply:
    if not callable(answer):
        kind = "class" if call.build is not None else "function"
        raise Unusable(
            f"its type is {type(answer).__name__}, and a {kind} was asked for: did a later cell reuse the name?"
        )
    inputs = [_fresh(value, call.dtype) for value in call.args]
    if call.build is None:
        if isinstance(answer, type) and issubclass(answer, nn.Module):
            raise Unusable("it is a class, and a function was asked for.")
        target, parameters = answer, {}
    else:
        module = answer(*call.build)
        if not isinstance(module, nn.Module):
            raise Unusable("it does not build a torch.nn.Module: write it as `class ...(nn.Module)`.")
        module = module.to(call.dtype).eval()
        if call.state is not None:
            _load(module, call.state)
        target, parameters = getattr(module, call.method), dict(module.named_parameters())
    if call.gradients:
        for value in inputs:
            if isinstance(value, Tensor) and value.is_floating_point():
                value.requires_grad_()
    before = [value.detach().clone() if isinstance(value, Tensor) else value for value in inputs]
    result = target(*inputs)
    changed = tuple(
        position
        for position, (now, then) in enumerate(zip(inputs, before, strict=True))
        if isinstance(now, Tensor) and (not _identical(now.detach(), then) or now.grad is not None)
    )
    value = plain(result)
    if not isinstance(value, Tensor):
        return Reply(value=value, changed=changed)
    gradients = _gradients(result, inputs, parameters, call) if call.gradients else {}
    return Reply(value=value, gradients=gradients, changed=changed, device=result.device.type)


def _load(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    own = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    for name, value in state.items():
        if name not in own:
            present = ", ".join(f"`{other}`" for other in own) or "none"
            raise Unusable(
                f"it has no parameter `{name}` (it has {present}); the names are fixed so that weights load."
            )
        if own[name] != tuple(value.shape):
            raise Unusable(f"its parameter `{name}` has shape {own[name]}, and {tuple(value.shape)} was expected.")
    extra = [name for name, _ in module.named_parameters() if name not in state]
    if extra:
        raise Unusable(f"it has a parameter `{extra[0]}` that the model does not need.")
    module.load_state_dict(state, strict=False)  # buffers of the student's own are theirs


def _gradients(result: Tensor, inputs: list, parameters: Mapping[str, Tensor], call: Call) -> dict[str, Tensor]:
    if not result.requires_grad:
        return {}
    generator = torch.Generator().manual_seed(call.seed)
    weights = torch.randn(result.shape, generator=generator, dtype=torch.float64).to(result)
    wanted = {f"argument {i}": v for i, v in enumerate(inputs) if isinstance(v, Tensor) and v.requires_grad}
    wanted |= {name: value for name, value in parameters.items() if value.requires_grad}
    found = torch.autograd.grad((result * weights).sum(), list(wanted.values()), allow_unused=True)
    return {name: grad.detach().cpu().clone() for name, grad in zip(wanted, found, strict=True) if grad is not None}


def _crash(error: BaseException, namespace: Mapping[str, Any] | None) -> Crash:
    try:
        message = str(error)
    except Exception:
        message = "its message could not be read"
    message = " ".join(message.split())[:LONGEST_MESSAGE]  # all its lines: einops says the reason in the last one
    line, text, function = None, "", ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if namespace is not None and frame.f_globals is namespace:
            line, text = number, linecache.getline(frame.f_code.co_filename, number).strip()
            function = frame.f_code.co_name
    return Crash(type(error).__name__, message, line, text, function)


@contextlib.contextmanager
def _quiet(seed: int):
    """Seeded and silent; the caller's random state, gradient mode and default dtype are left as they were."""
    dtype = torch.get_default_dtype()
    with (
        torch.random.fork_rng(devices=[]),
        torch.enable_grad(),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def _fresh(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, TorchModule):
        return value.build(dtype)
    return value.clone() if isinstance(value, Tensor) else value


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def _identical(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
