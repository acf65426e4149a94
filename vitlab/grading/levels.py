"""Levels of isolation: how a worker is shut in, and which of them this machine can give. Imports no torch."""

from __future__ import annotations

import importlib.util
import os
import shutil
import site
import socket
import stat
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from vitlab.grading.lockdown import has_seccomp, landlock_abi
from vitlab.project import ProjectError

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


class Unsafe(ProjectError):
    """This machine gives no isolation that grading may rely on; the message says what is missing."""


@dataclass(frozen=True)
class Level:
    """How a worker is shut in. name: as it stands in every report; layers: of the lockdown in its children."""

    name: str
    bubblewrap: bool
    layers: tuple[str, ...]


LEVELS = (  # the best first; without bubblewrap a network is closed by seccomp, a file by landlock or by its owner
    Level("bubblewrap + landlock + seccomp + rlimits", True, ("rlimits", "landlock", "seccomp")),
    Level("bubblewrap + rlimits", True, ("namespaces", "rlimits")),
    Level("landlock + seccomp + separate uid + rlimits", False, ("rlimits", "landlock", "uid", "seccomp")),
    Level("landlock + seccomp + rlimits", False, ("rlimits", "landlock", "seccomp")),
    Level("seccomp + separate uid + rlimits", False, ("rlimits", "uid", "seccomp")),
)
NO_ISOLATION = Level("none", False, ("rlimits",))


def possible_levels() -> dict[str, str | None]:
    """Every level by name; None where this machine gives it, else why not."""
    return {level.name: _why_not(level) for level in LEVELS}


def level_named(name: str) -> Level:
    """The level of that name. Raises KeyError where there is none."""
    return {level.name: level for level in (*LEVELS, NO_ISOLATION)}[name]


def best_level(unsafe: bool = False) -> Level:
    """The best level of this machine. Raises Unsafe where there is none, unless `unsafe` allows to go without."""
    reasons = possible_levels()
    for level in LEVELS:
        if reasons[level.name] is None:
            return level
    if unsafe:
        return NO_ISOLATION
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise Unsafe(f"This machine gives no isolation, so nothing is graded ({told}). `--unsafe` grades all the same.")


def require(level: Level) -> None:
    """Raises Unsafe where this machine, maybe another than the one that chose the level, does not give it."""
    reason = None if level == NO_ISOLATION else _why_not(level)
    if reason is not None:
        raise Unsafe(f"{socket.gethostname()} does not give the isolation of this batch ({level.name}): {reason}.")


def _why_not(level: Level) -> str | None:
    if sys.platform != "linux":
        return "this is not Linux"
    if _answers_in_reach():
        return "the course lies among files that an answer may read, such as Python's libraries: use pip install -e"
    if "landlock" in level.layers and not landlock_abi():
        return "this kernel has no landlock"
    if "seccomp" in level.layers and not has_seccomp():
        return "libseccomp or pyseccomp is missing"
    if "uid" in level.layers:
        if os.geteuid() != 0:
            return "only root may change to another uid"
        if not _open_to_all(Path(sysconfig.get_paths()["stdlib"])) or not _open_to_all(Path(torch_folder())):
            return "Python's own files are closed to other users"
        if "landlock" not in level.layers and _open_to_all(Path(__file__).parents[2]):
            return "the course's files are open to other users: chmod 700 its folder"
    if level.bubblewrap:
        if not shutil.which("bwrap"):
            return "bubblewrap is not installed"
        nested = ["--unshare-user", "--uid", "1000"] if "namespaces" in level.layers else []
        command = ["bwrap", "--unshare-all", *nested, "--ro-bind", "/", "/", "true"]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode:
            return f"bubblewrap does not start: {tried.stderr.strip()[-200:]}"
    return None


def readable() -> set[str]:
    """Python itself, the libraries and the system's: everything besides its kit that a worker may read."""
    paths = {*SYSTEM, *DEVICES, sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"]}
    paths |= {path for path in (*site.getsitepackages(), *sys.path) if path and "site-packages" in path}
    paths |= {os.path.dirname(torch_folder()), os.path.realpath(sys.executable)}
    return {path for path in paths if os.path.exists(path)}


def _answers_in_reach() -> bool:
    """Whether this project, or a copy of its answers, lies in what a worker may read."""
    root = Path(__file__).resolve().parents[2]
    return any(
        root.is_relative_to(os.path.realpath(path)) or os.path.isdir(os.path.join(path, "helpers", "exercises"))
        for path in readable()
    )


def torch_folder() -> str:
    """Where torch is installed, without importing it."""
    return os.path.dirname(importlib.util.find_spec("torch").origin)


def _open_to_all(path: Path) -> bool:
    """Whether every user may read a folder."""
    above = all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.resolve().parents))
    return above and bool(path.stat().st_mode & stat.S_IROTH)
