"""Takes away from a worker's child, before it runs a student's code, everything that it does not need.

Each layer stands by itself: limits (setrlimit), no new privileges, landlock (no file but the libraries', no network),
another uid (no file of the grader's, no signal to it), seccomp (no new process, no tracing, no mounts, no sockets).
bubblewrap stands outside of this, see `sandbox`.
This module holds no answers: a worker imports it. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446  # the same numbers on x86-64 and arm64
LANDLOCK_VERSION, LANDLOCK_BENEATH = 1, 1
READ_FILE, READ_DIR, EXECUTE = 1 << 2, 1 << 3, 1 << 0
MADE_FOR = {1: 13, 2: 14, 3: 15, 5: 16}  # landlock's ABI -> how many rights over files it knows
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1  # ABI 4
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1  # scopes, ABI 6

FORBIDDEN = (
    # processes: threads are made with clone, whose flags are looked at below
    *("fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "process_madvise", "setns", "unshare", "setsid", "setpgid"),
    # privileges, the kernel, mounts
    *("mount", "umount2", "pivot_root", "chroot", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key"),
    *("request_key", "init_module", "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "swapoff"),
    *("open_by_handle_at", "name_to_handle_at", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("fsopen", "fsmount", "fsconfig", "move_mount", "open_tree", "mount_setattr", "quotactl", "acct"),
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"),
    *("personality", "syslog", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex"),
    # talking to others
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendmmsg", "recvmmsg"),
    *("shmget", "shmat", "msgget", "semget", "mq_open", "kill", "tkill", "tgkill", "rt_sigqueueinfo"),
    # limits and files
    *("setrlimit", "symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "memfd_secret", "inotify_init1"),
)
CLONE_THREAD = 0x00010000


@dataclass(frozen=True)
class Limits:
    """What one answer may use.

    seconds: of processor time; memory: bytes beyond what the worker holds; files: open; processes: and threads, of its
    user, where it has a user of its own (root is never held to it, seccomp holds everybody).
    """

    seconds: int = 20
    memory: int = 2 << 30
    file_size: int = 1 << 20
    files: int = 64
    processes: int = 256

    def as_data(self) -> dict[str, int]:
        return asdict(self)


class Missing(Exception):
    """A layer that this machine does not give; the message says which and why."""


def lock_down(limits: Limits, readable: Iterable[str], layers: Iterable[str], uid: int) -> None:
    """Put the layers over this process, for good.

    readable: folders that may be read and executed; layers: of "rlimits", "landlock", "uid", "seccomp"; uid: the user
    (and group) that nobody else is, for the layer of that name.
    Raises Missing where one of them cannot be had.
    """
    layers = set(layers)
    keep_shut()
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if "rlimits" in layers:
        _limit(limits)
    if "landlock" in layers:
        _landlock(readable)
    if "uid" in layers:
        become(uid)
        keep_shut()
    if "seccomp" in layers:
        _seccomp()


def keep_shut() -> None:
    """Let no other process of this user look into this one."""
    _prctl(PR_SET_DUMPABLE, 0)


def become(uid: int) -> None:
    """Be another user, who owns nothing here. Raises PermissionError where this process is not root."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def landlock_abi() -> int:
    """The version of landlock that this kernel has; 0 without it."""
    return max(0, _libc.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION))


def has_seccomp() -> bool:
    """Whether libseccomp and its Python binding are here."""
    try:
        import pyseccomp  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def _limit(limits: Limits) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_AS, held + limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.processes),
    ):
        resource.setrlimit(kind, (most, most))


def _landlock(readable: Iterable[str]) -> None:
    abi = landlock_abi()
    if not abi:
        raise Missing("this kernel has no landlock")
    rights = (1 << max(count for version, count in MADE_FOR.items() if version <= abi)) - 1
    network = BIND_TCP | CONNECT_TCP if abi >= 4 else 0
    scopes = ABSTRACT_SOCKETS | SIGNALS if abi >= 6 else 0
    attributes = struct.pack("QQQ", rights, network, scopes)
    attributes = attributes[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise Missing(f"landlock refuses its rules: {os.strerror(ctypes.get_errno())}")
    try:
        for path in readable:
            _allow(ruleset, path)
        if _libc.syscall(LANDLOCK_RESTRICT, ruleset, 0):
            raise Missing(f"landlock does not start: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = READ_FILE | READ_DIR | EXECUTE if os.path.isdir(path) else READ_FILE
        if _libc.syscall(LANDLOCK_ADD, ruleset, LANDLOCK_BENEATH, struct.pack("=Qi", rights, folder), 0):
            raise Missing(f"landlock does not take {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(folder)


def _seccomp() -> None:
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise Missing(f"seccomp needs libseccomp and pyseccomp: {error}") from None
    import errno

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in FORBIDDEN:
        try:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
        except (ValueError, OSError):
            continue  # no such call on this machine
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen: the C library then takes clone
    rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    rules.load()


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise Missing(f"prctl({option}): {os.strerror(ctypes.get_errno())}")


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
