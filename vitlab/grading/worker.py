"""The process that runs students' code: a zygote with torch imported, which forks one locked-down child an exercise.

It holds no answers: it imports `helpers.runner`, the channel and the lockdown, and its sandbox shows it nothing else of
the course. Control messages come over one socket, each job over a socket of its own, which the child alone keeps.

    control:  {"start": limits} with the job's socket                          ->  {"started": true}
              {"stop": true}                                                   ->  {"stopped": how it ended}
    job:      {"define": sources, "modules": {...}}                            ->  nothing
              {"read": name} or {"run": name, "call": {...}}                   ->  a reply, as `channel` has it

What a student wrote goes to the child alone: nothing of it, nor of what the course gives to one child, is ever in the
zygote's memory, which every later child inherits.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import io
import linecache
import os
import shutil
import signal
import socket
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence

import torch

from helpers.runner import Call, Crash, Foreign, Reply, execute, plain
from vitlab.grading import channel
from vitlab.grading.lockdown import Limits, Lockdown, become, keep_shut

OURS = ("helpers", "vitlab", "solutions")  # what an answer must not import here
LARGE_PAGE, MADV_HUGEPAGE, MADV_COLLAPSE = 2 << 20, 14, 25
_libc = ctypes.CDLL(None)
STILL = 2.0  # seconds until what was killed must be gone


class CourseModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the course's modules that came with a job, and refuses all others in words."""

    def __init__(self, sources: Mapping[str, str]):
        self.sources = sources

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.split(".")[0] not in OURS:
            return None
        inside = any(other.startswith(f"{name}.") for other in self.sources)
        if name not in self.sources and not inside:
            raise ImportError(_not_here(name))
        return importlib.util.spec_from_loader(name, self, is_package=inside)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self.sources.get(module.__name__, ""), f"<{module.__name__}>", "exec"), module.__dict__)
        module.__dict__.setdefault("__getattr__", lambda name: _absent(module.__name__, name))


class Notebook:
    """Stands for the `lesson` of a notebook: gives pieces, checks nothing, shows nothing."""

    def __init__(self, namespace: Mapping[str, object]):
        self._namespace = namespace

    def piece(self, name: str) -> object:
        return self._namespace[name]

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **options: None


def _not_here(name: str) -> str:
    return f"`{name}` is part of the course and not there when an answer is graded: write it yourself."


def _absent(module: str, name: str) -> Callable[..., object]:
    """Stands for what was left out of a module, so that its other names can be imported beside it."""
    if name.startswith("__"):
        raise AttributeError(name)

    def absent(*arguments: object, **options: object) -> object:
        raise ImportError(_not_here(f"{module}.{name}"))

    return absent


def main(control: socket.socket, readable: Sequence[str], layers: Sequence[str], scratch: str, uid: int) -> None:
    """Serve jobs until the control socket closes. uid: of the children, where "uid" is one of the layers."""
    keep_shut()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's own handler would let a child stop process 1
    torch.set_num_threads(1)
    _warm()
    lockdown = Lockdown(readable, layers)
    ours = [name for name in sys.modules if name.split(".")[0] in OURS]  # here: a child would copy what it looks at
    gc.collect()
    gc.freeze()  # or a child's first collection would copy all of it
    _into_large_pages()
    child = None
    while True:
        try:
            message, job = _take(control)
        except channel.Closed:
            _end(child, layers, uid)
            return
        if "start" in message:
            _end(child, layers, uid)
            child = os.fork()
            if not child:
                control.close()
                _child(job, message["start"], lockdown, ours, scratch, uid)
            job.close()
            answer = {"started": True}
        else:
            answer = {"stopped": _end(child, layers, uid)}
            child = None
            shutil.rmtree(scratch, ignore_errors=True)  # where no layer keeps a child from writing there
            os.makedirs(scratch, exist_ok=True)
            if "uid" in layers:
                os.chown(scratch, uid, uid)
        channel.send(control, channel.pack(answer))


def _take(control: socket.socket) -> tuple[dict, socket.socket | None]:
    """A control message, and the job's socket where one comes along."""
    data, handles, _, _ = socket.recv_fds(control, 1, 1)  # the socket comes with a byte of its own
    if not data:
        raise channel.Closed
    message, _ = channel.receive(control)
    return message, socket.socket(fileno=handles[0]) if handles else None


def _end(child: int | None, layers: Sequence[str], uid: int) -> str:
    """Kill the child and whatever it has left behind; says how it ended."""
    if child is None:
        return "nothing was running"
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    if os.getpid() == 1:  # in a namespace of our own everybody else is the child's
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(-1, signal.SIGKILL)
    elif "uid" in layers:  # whoever else runs under the child's uid is the child's
        helper = os.fork()
        if not helper:
            with contextlib.suppress(OSError):
                become(uid)
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
    status, until = 0, time.monotonic() + STILL
    while time.monotonic() < until:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == child:
            status = ended
        elif not pid:
            time.sleep(0.001)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _child(
    job: socket.socket, limits: Mapping, lockdown: Lockdown, ours: Sequence[str], scratch: str, uid: int
) -> None:
    """Never returns."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        try:
            lockdown.put_on(Limits(**limits), scratch, uid)
        except Exception as error:
            channel.send(job, channel.pack({"failed": f"{type(error).__name__}: {error}"}))
            os._exit(4)
        channel.send(job, channel.pack({"ready": True}))
        message, _ = channel.receive(job)
        sys.meta_path.insert(0, CourseModules(message["modules"]))
        for name in ours:
            del sys.modules[name]  # our own functions keep what they use
        namespace = {"__name__": "__main__"}
        namespace["lesson"] = Notebook(namespace)
        crash = _define(message["define"], namespace)
        _serve(job, namespace, crash)
    except BaseException:
        os._exit(3)
    os._exit(0)


def _define(sources: Sequence[Sequence], namespace: dict) -> Crash | None:
    """Run what a student wrote, piece by piece; the last crash, which tells why a name is missing."""
    crash = None
    for name, source, line in sources:
        file = f"<{name}>"
        source = "\n" * (line - 1) + source  # so that a traceback has the line in the student's cell
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(source, file, "exec"), namespace)
        except BaseException as error:
            crash = Crash(type(error).__name__, " ".join(_words(error).split())[:300], getattr(error, "lineno", None))
    return crash


def _serve(job: socket.socket, namespace: dict, crash: Crash | None) -> None:
    while True:
        try:
            message, tensors = channel.receive(job)
        except channel.Closed:
            return
        name = message.get("read", message.get("run"))
        if name not in namespace:
            why = crash or Crash("Missing", f"There is no `{name}` in this notebook.")
            reply = Reply(crash=why)
        elif "read" in message:
            reply = Reply(value=plain(namespace[name]))
        else:
            call: Call = channel.call_from_data(message["call"], tensors)
            reply = execute(namespace[name], call, namespace)
        channel.send(job, _packed(reply))


def _packed(reply: Reply) -> bytes:
    try:
        return channel.pack(*channel.reply_as_data(reply))
    except (channel.Garbled, TypeError, ValueError, RuntimeError) as error:
        words = Foreign(f"a result that cannot be sent ({error})")
        return channel.pack(*channel.reply_as_data(Reply(value=words, device=reply.device)))


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return "its message could not be read"


def _into_large_pages() -> None:
    """Gather this process's memory into pages of 2 MB, of which a fork copies and an exit frees far fewer entries.

    It halves the cost of a child. Where the kernel knows no such call (before Linux 6.1) nothing changes.
    """
    with open("/proc/self/maps", encoding="ascii") as file:
        lines = [line.split() for line in file]
    for span, rights, *_, name in ([*line, ""] if len(line) < 6 else line for line in lines):
        if rights.startswith("rw") and name in ("", "[heap]"):
            start, end = (int(address, 16) for address in span.split("-"))
            start, end = -(-start // LARGE_PAGE) * LARGE_PAGE, end // LARGE_PAGE * LARGE_PAGE
            if start < end:
                for advice in (MADV_HUGEPAGE, MADV_COLLAPSE):
                    _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), advice)


def _warm() -> None:
    """Do once what each child does, so that it has the modules and the memory for it: import, call, send, receive.

    No gradient: after one here a child could take none (autograd and fork).
    """
    import einops
    import numpy  # noqa: F401
    import torch.nn.functional

    def answer(x: torch.Tensor) -> torch.Tensor:
        return einops.rearrange(x, "a (b c) -> c (a b)", c=3)

    here, there = socket.socketpair()
    with here, there:
        call, tensors = channel.call_as_data(Call((torch.ones(2, 6, dtype=torch.float64),)))
        channel.send(here, channel.pack(call, tensors))
        reply = execute(answer, channel.call_from_data(*channel.receive(there)), {})
        channel.send(there, channel.pack(*channel.reply_as_data(reply)))
        channel.receive(here)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16).double().eval()
    execute(layer.forward, Call((torch.ones(1, 3, 8, dtype=torch.float64),)), {})
