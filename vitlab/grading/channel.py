"""What goes between the grader and a worker: length-framed messages of plain values and tensors, nothing else.

A message is a JSON header and a safetensors blob. Both directions are size-capped and read with exact types: nothing is
unpickled, evaluated or imported. A worker may send any bytes that it likes; it gets `Garbled` and no more.
This module holds no answers: a worker imports it.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from helpers.runner import LARGEST_INT, LONGEST_MESSAGE, MOST_ITEMS, Call, Crash, Foreign, Reply, TorchModule

HEADER = struct.Struct(">4sII")  # magic, bytes of JSON, bytes of safetensors
MAGIC = b"vit1"
MOST_JSON, MOST_TENSORS = 4 << 20, 64 << 20  # bytes of a message
DEEPEST = 20  # nesting of a value
NUMBERS = {  # dtypes that every comparison knows
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
}
CHUNK = 1 << 16


class Garbled(Exception):
    """Bytes that are no message of ours, or too many of them."""


class Closed(Exception):
    """The other end is gone."""


class TimedOut(Exception):
    """No whole message came in time."""


def pack(message: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> bytes:
    """A message as bytes. Raises Garbled where it is larger than a message may be."""
    header = json.dumps(message, allow_nan=True).encode()
    blob = save({name: tensor.contiguous() for name, tensor in tensors.items()}) if tensors else b""
    if len(header) > MOST_JSON or len(blob) > MOST_TENSORS:
        raise Garbled(f"a message of {len(header) + len(blob):,} bytes is more than may be sent")
    return HEADER.pack(MAGIC, len(header), len(blob)) + header + blob


def send(end: socket.socket, data: bytes, deadline: float | None = None) -> None:
    """Send all of it before the deadline (of `time.monotonic`). Raises Closed or TimedOut."""
    view = memoryview(data)
    try:
        while view:
            end.settimeout(_left(deadline))
            view = view[end.send(view[:CHUNK]) :]
    except TimeoutError:
        raise TimedOut from None
    except OSError:
        raise Closed from None


def receive(end: socket.socket, deadline: float | None = None) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The next message: its JSON object and its tensors. Raises Closed, TimedOut or Garbled."""
    magic, header_size, blob_size = HEADER.unpack(_exactly(end, HEADER.size, deadline))
    if magic != MAGIC or header_size > MOST_JSON or blob_size > MOST_TENSORS:
        raise Garbled("what came is no message, or a larger one than may be sent")
    header, blob = _exactly(end, header_size, deadline), _exactly(end, blob_size, deadline)
    try:
        message = json.loads(header)
        tensors = load(blob) if blob else {}
    except (ValueError, KeyError, TypeError, RuntimeError, RecursionError, MemoryError, SafetensorError) as error:
        raise Garbled(f"a message that cannot be read: {type(error).__name__}") from None
    if type(message) is not dict:
        raise Garbled("a message that is no JSON object")
    return message, tensors


def call_as_data(call: Call) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A call as a JSON object and tensors."""
    tensors: dict[str, Tensor] = {}
    message = {
        "args": [_down(value, tensors) for value in call.args],
        "build": None if call.build is None else [_down(value, tensors) for value in call.build],
        "state": None if call.state is None else {name: _down(value, tensors) for name, value in call.state.items()},
        "method": call.method,
        "gradients": call.gradients,
        "seed": call.seed,
    }
    return message, tensors


def call_from_data(message: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Call:
    """The call that the grader sent (a worker trusts its grader)."""
    state = message["state"]
    return Call(
        args=tuple(_up(value, tensors) for value in message["args"]),
        build=None if message["build"] is None else tuple(_up(value, tensors) for value in message["build"]),
        state=None if state is None else {name: _up(value, tensors) for name, value in state.items()},
        method=message["method"],
        gradients=message["gradients"],
        seed=message["seed"],
    )


def reply_as_data(reply: Reply) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A reply as a JSON object and tensors."""
    tensors: dict[str, Tensor] = {}
    crash = reply.crash
    message = {
        "value": _down(reply.value, tensors),
        "gradients": {name: _down(value, tensors) for name, value in reply.gradients.items()},
        "crash": crash and [crash.kind, crash.message, crash.line, crash.text, crash.function],
        "changed": list(reply.changed),
        "device": reply.device,
        "seconds": reply.seconds,
    }
    return message, tensors


def reply_from_data(message: Mapping[str, Any], tensors: Mapping[str, Tensor], arguments: int) -> Reply:
    """What a worker claims to have computed, field by field and type by type. Raises Garbled where it is none.

    arguments: how many the call had.
    """
    try:
        value = _up(message["value"], tensors)
        gradients = {_text(name): _up(value, tensors) for name, value in _object(message["gradients"]).items()}
        changed = tuple(_whole(position, arguments) for position in _list(message["changed"]))
        seconds = float(message["seconds"])
        device, crash = _line(message["device"]), message["crash"]
        if crash is not None:
            kind, words, line, text, function = _list(crash)
            line = None if line is None else _whole(line, 1 << 31)
            crash = Crash(_line(kind), _line(words), line, _line(text), _line(function))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Garbled("a reply that lacks something, or holds something of another type") from None
    if not all(type(gradient) is Tensor for gradient in gradients.values()) or not math.isfinite(seconds):
        raise Garbled("a gradient that is no tensor, or a time that is no number")
    return Reply(value, gradients, crash, changed, device, seconds)


def _down(value: Any, tensors: dict[str, Tensor]) -> Any:
    """A value as JSON: what JSON has no word for becomes an object of one key."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if isinstance(value, Tensor):
        if value.dtype not in NUMBERS:
            return {"foreign": f"a tensor of {value.dtype}"}
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if kind in (list, tuple):
        return {kind.__name__: [_down(item, tensors) for item in value]}
    if kind is dict:
        return {"dict": {name: _down(item, tensors) for name, item in value.items()}}
    if kind is TorchModule:
        parts = [_down(part, tensors) for part in value.parts]
        return {"module": [value.kind, _down(dict(value.options), tensors), parts, value.seed]}
    if kind is Foreign:
        return {"foreign": value.kind}
    raise TypeError(f"a {kind.__name__} cannot be sent")


def _up(value: Any, tensors: Mapping[str, Tensor], depth: int = 0) -> Any:
    if type(value) is int and value.bit_length() > LARGEST_INT:
        raise ValueError("too large a number")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is not dict or len(value) != 1 or depth > DEEPEST:
        raise ValueError("no value of ours")
    [(kind, inner)] = value.items()
    if kind == "tensor":
        tensor = tensors[_text(inner)]
        return tensor if tensor.dtype in NUMBERS else Foreign(f"a tensor of {tensor.dtype}")
    if kind in ("list", "tuple"):
        items = [_up(item, tensors, depth + 1) for item in _list(inner)]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return {_text(name): _up(item, tensors, depth + 1) for name, item in _object(inner).items()}
    if kind == "module":
        name, options, parts, seed = _list(inner)
        built = tuple(_up(part, tensors, depth + 1) for part in _list(parts))
        return TorchModule(_text(name), _up(options, tensors, depth + 1), built, _whole(seed, 1 << 62))
    if kind == "foreign":
        return Foreign(_line(inner))
    raise ValueError("no value of ours")


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > MOST_JSON:
        raise ValueError("not a text")
    return value


def _line(value: Any) -> str:
    return _text(value)[:LONGEST_MESSAGE]


def _list(value: Any) -> list:
    if type(value) is not list or len(value) > MOST_ITEMS:
        raise ValueError("not a list")
    return value


def _object(value: Any) -> dict:
    if type(value) is not dict or len(value) > MOST_ITEMS:
        raise ValueError("not an object")
    return value


def _whole(value: Any, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ValueError("not such a number")
    return value


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _exactly(end: socket.socket, count: int, deadline: float | None) -> bytes:
    parts, missing = [], count
    try:
        while missing:
            end.settimeout(_left(deadline))
            part = end.recv(min(missing, CHUNK))
            if not part:
                raise Closed
            parts.append(part)
            missing -= len(part)
    except TimeoutError:
        raise TimedOut from None
    except OSError:
        raise Closed from None
    return b"".join(parts)
