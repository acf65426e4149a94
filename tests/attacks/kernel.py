"""Ask the kernel for more than an answer needs."""

GROUP = "the kernel"
WALLS = True  # they depend on the level of isolation


def _calls(x86: int, arm: int, arguments: str = "0, 0, 0, 0, 0", setup: str = "") -> str:
    return f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
{setup}
got = libc.syscall({{"x86_64": {x86}, "aarch64": {arm}}}[os.uname().machine], {arguments})
if got < 0:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
raise ValueError(f"the kernel gave {{got}}")
"""


BODIES = {
    "traces its parent": _calls(101, 117, "16, os.getppid(), 0, 0"),
    "reads its parent by process_vm_readv": _calls(
        310, 270, "os.getppid(), vector, 1, vector, 1, 0", "vector = bytes(16)"
    ),
    "writes its parent by process_vm_writev": _calls(
        311, 271, "os.getppid(), vector, 1, vector, 1, 0", "vector = bytes(16)"
    ),
    "writes its parent's memory": """
        import os
        with open(f"/proc/{os.getppid() or 1}/mem", "r+b", 0) as memory:
            memory.write(b"x")
    """,
    "a handle of its parent": _calls(434, 434, "os.getppid(), 0"),
    "io_uring": _calls(425, 425, "8, parameters", "parameters = bytes(120)"),
    "bpf": _calls(321, 280, "0, attributes, 64", "attributes = bytes(64)"),
    "userfaultfd": _calls(323, 282, "1"),
    "perf_event_open": _calls(298, 241, "attributes, 0, -1, -1, 0", "attributes = bytes(128)"),
    "keys of others": _calls(250, 219, "0, -4, 0"),
    "a key for the next one": _calls(248, 217, "b'user', b'note', b'x', 1, -4"),
    "another user": "import os\nos.setuid(12345)\nos.setuid(0)\nreturn order",
    "its capabilities": _calls(
        126, 91, "head, data", "head = b'\\x22\\x05\\x08\\x20' + bytes(4); data = b'\\xff' * 24"
    ),
    "a mount": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"none", b"/", b"tmpfs", 0, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    """,
    "the namespaces of process 1": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    """,
    "handles of files": _calls(304, 265, "-100, bytes(64), 0"),
    "a kernel module": _calls(175, 105, "bytes(8), 8, b''"),
    "the kernel's log": _calls(103, 116, "3, buffer, 99", "buffer = bytes(100)"),
    "another root": "import os\nos.chroot('/usr')\nraise ValueError(os.listdir('/'))",
    "another program": "import os\nos.execv('/bin/true', ['true'])",
    "a program in memory": """
        import os
        file = os.memfd_create("program")
        os.write(file, open("/bin/true", "rb").read())
        os.execve(file, ["true"], {"LD_PRELOAD": "x.so"})
    """,
    "a library put before all others": """
        import os
        os.environ["LD_PRELOAD"] = "/scratch/x.so"
        open("sitecustomize.py", "w").write("print()")
        os.system("true")
        return order
    """,
    "a device": "return open('/dev/kvm', 'r+b')",
    "the disk": "import os\nos.mknod('disk', 0o60600, os.makedev(8, 0))\nreturn open('disk', 'rb').read(1)",
    "the clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)",
    "that it may be traced": """
        import ctypes, os
        ctypes.CDLL(None).prctl(4, 1)
        raise ValueError(open("/proc/self/environ").read())
    """,
    "system calls of 32 bits": """
        import ctypes, mmap, os
        if os.uname().machine != "x86_64":
            raise OSError("Function not implemented: only on x86-64")
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes([0x53, 0xB8, 2, 0, 0, 0, 0xCD, 0x80, 0x5B, 0xC3]))  # fork by int 0x80
        got = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        if got < 0:
            raise OSError(-got, os.strerror(-got))
        while True:
            pass
    """,
    "a keystroke on the terminal": """
        import fcntl
        fcntl.ioctl(open("/dev/tty"), 0x5412, b"x")
        return order
    """,
}
