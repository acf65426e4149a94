"""Starts workers so that a student's code reaches nothing.

The channel, and torch with it, is imported where it is used: a worker is started before this process imports its own
torch, so that the two imports run side by side.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vitlab.grading.levels import DEVICES, SYSTEM, Level, Unsafe
from vitlab.grading.levels import readable as allowed
from vitlab.grading.lockdown import Limits

KIT = (  # all of this project that a worker may see: none of it holds an answer
    *("helpers/__init__.py", "helpers/runner.py", "vitlab/__init__.py", "vitlab/grading/__init__.py"),
    *("vitlab/grading/channel.py", "vitlab/grading/lockdown.py", "vitlab/grading/worker.py"),
)
STARTS_WITHIN = 60.0  # seconds; torch has to be imported
ANSWERS_WITHIN = 10.0  # seconds, for control messages
SCRATCH = "/scratch"
OWN_UIDS = 1 << 20  # beyond them nobody has a uid; each grader's process takes one of its own


class Worker:
    """One zygote in its sandbox. `start` gives a socket to a fresh child; only one child lives at a time."""

    def __init__(self, level: Level, limits: Limits | None = None):
        self.level, self.limits = level, limits or Limits()
        self._kit = Path(tempfile.mkdtemp(prefix="vitlab-kit-"))
        _fill(self._kit)
        uid = OWN_UIDS + os.getpid() if "uid" in level.layers else os.geteuid()
        self._control, theirs = socket.socketpair()
        readable = sorted({str(self._kit), *allowed()})
        scratch = SCRATCH if level.bubblewrap else str(self._kit / "scratch")
        os.makedirs(self._kit / "scratch", exist_ok=True)
        if "uid" in level.layers:
            os.chmod(self._kit, 0o755)
            os.chown(scratch, uid, uid)
        code = (
            f"import sys; sys.path.insert(0, {str(self._kit)!r}); "
            "import socket; from vitlab.grading.worker import main; "
            f"main(socket.socket(fileno={theirs.fileno()}), {readable!r}, {list(level.layers)!r}, {scratch!r}, {uid})"
        )
        command = [sys.executable, "-I", "-X", "utf8", "-c", code]
        if level.bubblewrap:
            command = [*bubblewrap(readable, "namespaces" in level.layers), *command]
        environment = {"PATH": "/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "OMP_NUM_THREADS": "1"}
        environment["TORCHINDUCTOR_CACHE_DIR"] = scratch  # there already: parts of torch make it when imported
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the worker lives)
        self._process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            start_new_session=True,
        )
        theirs.close()

    def start(self, sources: Sequence[tuple[str, str, int]], modules: Mapping[str, str] | None = None) -> socket.socket:
        """A socket to a fresh child, in which these sources (name, text, number of its first line) are run in order.

        modules: the course's modules (name, source) that they may import; no other is there.

        Raises Unsafe where the worker is gone or its child could not be locked down: that is no fault of a student's;
        channel.Garbled where the sources are more than a message may hold.
        """
        from vitlab.grading import channel

        define = channel.pack({"define": [list(source) for source in sources], "modules": dict(modules or {})})
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self._control, [b"j"], [theirs.fileno()])
            self._ask({"start": self.limits.as_data()}, STARTS_WITHIN)
            theirs.close()  # the child's end alone stays, so that its death is seen
            deadline = time.monotonic() + ANSWERS_WITHIN
            state, _ = channel.receive(ours, deadline)
            if "ready" in state:
                channel.send(ours, define, deadline)
        except (OSError, channel.Closed, channel.TimedOut):
            ours.close()
            raise Unsafe(f"A worker is gone or does not answer. Its last words: {self._last_words()}") from None
        finally:
            theirs.close()
        if "failed" in state:
            ours.close()
            raise Unsafe(f"A worker could not be locked down ({state['failed']}), so nothing is graded with it.")
        return ours

    @property
    def pid(self) -> int:
        """The process that was started: the zygote, or what shuts it in."""
        return self._process.pid

    def stop(self) -> str:
        """End the child and all that it started; how it ended."""
        from vitlab.grading import channel

        try:
            socket.send_fds(self._control, [b"j"], [])
            return self._ask({"stop": True}, ANSWERS_WITHIN)["stopped"]
        except OSError:
            raise channel.Closed from None

    def close(self) -> None:
        """End the worker and everything in it."""
        with contextlib.suppress(OSError):
            self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._kit, ignore_errors=True)

    def _last_words(self) -> str:
        """What the worker itself wrote to stderr."""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")

    def _ask(self, message: dict, within: float) -> dict:
        from vitlab.grading import channel

        deadline = time.monotonic() + within
        channel.send(self._control, channel.pack(message), deadline)
        answer, _ = channel.receive(self._control, deadline)
        return answer


def bubblewrap(readable: list[str], nested: bool) -> list[str]:
    """The command that shuts the rest of its line in: own namespaces, a read-only view of the libraries, no network.

    nested: whether children make namespaces in their turn, which nobody who is root here could.
    """
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    if nested:
        command += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    command += ["--hostname", "worker", "--proc", "/proc", "--size", str(64 << 20), "--tmpfs", SCRATCH]
    command += ["--dir", "/dev"]
    for device in DEVICES:
        command += ["--dev-bind", device, device]
    for path in sorted(readable, key=len):
        if os.path.islink(path) and path in SYSTEM:
            command += ["--symlink", os.readlink(path), path]
        elif os.path.exists(path) and path not in DEVICES:
            command += ["--ro-bind", path, path]
    return [*command, "--remount-ro", "/", "--chdir", SCRATCH, "--"]


def _fill(kit: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    for name in KIT:
        target = kit / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
