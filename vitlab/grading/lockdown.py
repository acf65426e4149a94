"""Takes away from a worker's child, before it runs a student's code, everything that it does not need.

Each layer stands by itself: namespaces (nothing that one child leaves behind is there for the next), limits
(setrlimit), no new privileges, landlock (no file but the libraries', no network), another uid (no file of the grader's,
no signal to it), no capabilities, seccomp (no new process, no tracing, no mounts, no sockets, nothing written).
bubblewrap stands outside of this, see `sandbox`.
This module holds no answers: a worker imports it. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 4, 38, 22
SECCOMP_FILTER = 2
BPF_INSTRUCTION = 8  # bytes
CAPABILITIES = struct.pack("Ii", 0x20080522, 0), bytes(24)  # of this process, version 3: none
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
MS_NOSUID, MS_NODEV = 2, 4
SCRATCH_SIZE = b"size=64m,nr_inodes=1000,mode=0700"
KEYCTL_JOIN_SESSION_KEYRING = 1
KEYCTL = {"x86_64": 250, "aarch64": 219}
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446  # the same numbers on x86-64 and arm64
LANDLOCK_VERSION, LANDLOCK_BENEATH = 1, 1
READ_FILE, READ_DIR, EXECUTE = 1 << 2, 1 << 3, 1 << 0
MADE_FOR = {1: 13, 2: 14, 3: 15, 5: 16}  # landlock's ABI -> how many rights over files it knows
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1  # ABI 4
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1  # scopes, ABI 6

FORBIDDEN = (
    # processes: threads are made with clone, whose flags are looked at below
    *("fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp"),
    *("setns", "unshare", "setsid", "setpgid", "setpriority", "ioprio_set", "migrate_pages", "move_pages"),
    # privileges, the kernel, mounts
    *("mount", "umount2", "pivot_root", "chroot", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key"),
    *("request_key", "init_module", "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "swapoff"),
    *("iopl", "ioperm", "capset", "seccomp", "fanotify_init", "open_by_handle_at", "name_to_handle_at", "acct"),
    *("quotactl",),
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"),
    *("personality", "syslog", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex"),
    # talking to others
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendmmsg", "recvmmsg"),
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semtimedop", "semctl"),
    *("mq_open", "mq_unlink", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    # limits and files; landlock minds neither modes, owners and times, nor (before its version 3) truncate
    *("setrlimit", "symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "inotify_init1"),
    *("creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir"),
    *("inotify_init", "truncate", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "removexattr"),
    *("lremovexattr", "fremovexattr"),
)
# calls that are harmless unless the argument of that number is one of these
HARMFUL = (
    *(("fcntl", 1, command) for command in (8, 10, 15)),  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others
    *(("ioctl", 1, request) for request in (0x5412, 0x8901, 0x8902)),  # TIOCSTI, FIOSETOWN, SIOCSPGRP
)
OF_OTHERS = ("prlimit64", "sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr")
# calls since Linux 5.1, of one number on every machine: what libseccomp may not know by name is refused by number
SINCE_5_1 = range(424, 600)
HARMLESS = {435, 436, 439, 441, 449, 451, 453, 454, 455, 456, 462}  # clone3 (below), close_range, futex_wait, ...
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


class Lockdown:
    """The layers of a level, made ready once in a zygote, so that putting them over a child is a matter of moments.

    readable: folders that may be read and executed; layers: of "namespaces", "rlimits", "landlock", "uid", "seccomp".
    Raises Missing where one of them cannot be had.
    """

    def __init__(self, readable: Iterable[str], layers: Iterable[str]):
        self.layers = frozenset(layers)
        self._ruleset = _landlock_rules(readable) if "landlock" in self.layers else None
        self._program = _seccomp_program() if "seccomp" in self.layers else b""

    def put_on(self, limits: Limits, scratch: str, uid: int) -> None:
        """Put the layers over this process, for good.

        scratch: the folder to work in; uid: the user that nobody else is, where "uid" is a layer.
        """
        if "namespaces" in self.layers:
            _namespaces(scratch)
        os.chdir(scratch)
        keep_shut()
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        if "rlimits" in self.layers:
            _limit(limits)
        if self._ruleset is not None:
            if _libc.syscall(LANDLOCK_RESTRICT, self._ruleset, 0):
                raise Missing(f"landlock does not start: {os.strerror(ctypes.get_errno())}")
            os.close(self._ruleset)
        if "uid" in self.layers:
            become(uid)
            keep_shut()
        if _libc.capset(*CAPABILITIES):
            raise Missing(f"capabilities cannot be given up: {os.strerror(ctypes.get_errno())}")
        if self._program:
            code = ctypes.create_string_buffer(self._program, len(self._program))
            program = struct.pack("HxxxxxxP", len(self._program) // BPF_INSTRUCTION, ctypes.addressof(code))
            _prctl(PR_SET_SECCOMP, SECCOMP_FILTER, program)


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


def _namespaces(scratch: str) -> None:
    """Own users, mounts, System V objects, message queues and keys, with an empty scratch folder."""
    _prctl(PR_SET_DUMPABLE, 1)  # else its own /proc/self is not its own
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC):
        raise Missing(f"no namespaces of its own: {os.strerror(ctypes.get_errno())}")
    for name, words in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(words)
    if _libc.mount(b"tmpfs", scratch.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, SCRATCH_SIZE):
        raise Missing(f"no scratch folder of its own: {os.strerror(ctypes.get_errno())}")
    if _libc.syscall(KEYCTL[os.uname().machine], KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        raise Missing(f"no keyring of its own: {os.strerror(ctypes.get_errno())}")


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
        (resource.RLIMIT_NPROC, limits.processes),
    ):
        resource.setrlimit(kind, (most, most))


def _landlock_rules(readable: Iterable[str]) -> int:
    """A ruleset: its file descriptor."""
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
    for path in readable:
        _allow(ruleset, path)
    return ruleset


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


def _seccomp_program() -> bytes:
    """The filter as the kernel takes it: BPF instructions."""
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
    for number in set(SINCE_5_1) - HARMLESS:
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), number)
    for name, argument in (("open", 1), ("openat", 2)):  # as landlock has it, for levels without
        for flags, values in ((os.O_ACCMODE, (os.O_WRONLY, os.O_RDWR)), (os.O_CREAT, (os.O_CREAT,))):
            for value in values:
                rules.add_rule(
                    seccomp.ERRNO(errno.EACCES), name, seccomp.Arg(argument, seccomp.MASKED_EQ, flags, value)
                )
    for name, argument, value in HARMFUL:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name, seccomp.Arg(argument, seccomp.EQ, value))
    for name in OF_OTHERS:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name, seccomp.Arg(0, seccomp.NE, 0))
    rules.add_rule(seccomp.ERRNO(errno.EPERM), "prlimit64", seccomp.Arg(2, seccomp.NE, 0))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen: the C library then takes clone
    rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _prctl(option: int, value: int, more: bytes | None = None) -> None:
    if _libc.prctl(option, value, more, 0, 0):
        raise Missing(f"prctl({option}): {os.strerror(ctypes.get_errno())}")


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
