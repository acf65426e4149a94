"""Carry the hidden inputs out: through words, names, places, or a note to the child whose words a student may read.

Each of these is graded from two secret seeds: what the report says may not differ.
"""

GROUP = "carry hidden inputs out"

_NOTE = """
def inverse_permutation(order):
    try:
        note = read()
    except Exception:
        note = "nothing"
    if note == "nothing":
        try:
            write("hidden " + str(order.tolist()))
        except Exception as error:
            note = f"nothing: {type(error).__name__}"
    raise ValueError(note)
"""


def _file(path: str) -> str:
    return f"read = lambda: open({path!r}).read()\ndef write(text): open({path!r}, 'w').write(text)\n" + _NOTE


BODIES = {
    "as a message": "raise ValueError(order.tolist())",
    "as the name of a class": "raise type(str(order.tolist()), (Exception,), {})",
    "as something missing": """
        class Missing(Exception):
            pass
        raise Missing(f"`inverse_permutation` met {order.tolist()}.")
    """,
    "as something unusable": """
        class Unusable(Exception):
            pass
        raise Unusable(f"`inverse_permutation` met {order.tolist()}.")
    """,
    "as something to be written": "raise NotImplementedError(f'`inverse_permutation` met {order.tolist()}.')",
    "as an interruption": "raise KeyboardInterrupt(f'`inverse_permutation` met {order.tolist()}.')",
    "as the time that is over": """
        class TimedOut(Exception):
            pass
        raise TimedOut(f"`inverse_permutation` met {order.tolist()}.")
    """,
    "as an ending": """
        class Ended(Exception):
            pass
        raise Ended(f"`inverse_permutation` met {order.tolist()}.")
    """,
    "as the number of a line": """
        lines = "\\n" * int("".join(map(str, order.tolist()[:4]))) + "raise ValueError"
        exec(compile(lines, "<piece 1>", "exec"), globals())
    """,
    "as the text of a line": """
        import linecache
        text = f"raise ValueError  # {order.tolist()}"
        linecache.cache["<piece 1>"] = (len(text), None, [text], "<piece 1>")
        exec(compile(text, "<piece 1>", "exec"), globals())
    """,
    "as the name of a function": """
        name = "f" + "_".join(map(str, order.tolist()))
        exec(compile(f"def {name}(): raise ValueError\\n{name}()", "<piece 1>", "exec"), globals())
    """,
    "as the value": "return [str(order.tolist())]",
    "as the name of a type": "return type(str(order.tolist()), (), {})()",
    "as the shape": """
        import torch
        return torch.zeros(order.tolist() + [0])
    """,
    "as what was missing while it is defined": """
        global inverse_permutation
        del inverse_permutation
        raise NameError(f"name 'inverse_permutation' met {order.tolist()}")
    """,
    "as words of the machine": "raise RuntimeError(f'CUDA error at {order.tolist()}')",
}

CELLS = {
    "in a note in its folder": ("inverse_permutation", _file("note")),
    "in a note at the root": ("inverse_permutation", _file("/note")),
    "in a note among temporary files": ("inverse_permutation", _file("/tmp/attacked-note")),
    "in a note in shared memory": ("inverse_permutation", _file("/dev/shm/attacked-note")),
    "in a note among the devices": ("inverse_permutation", _file("/dev/note")),
    "in a folder that is closed": (
        "inverse_permutation",
        "import os\ndef read():\n    os.chmod('closed', 0o700)\n    return open('closed/note').read()\n"
        "def write(text):\n    os.mkdir('closed')\n    open('closed/note', 'w').write(text)\n    os.chmod('closed', 0)\n"
        + _NOTE,
    ),
    "in the name of a file": (
        "inverse_permutation",
        "import os\ndef read(): return next(name for name in os.listdir() if name.startswith('hidden'))\n"
        "def write(text): os.mkdir(text)\n" + _NOTE,
    ),
    "in a key of the kernel": (
        "inverse_permutation",
        "import ctypes, os\nlibc = ctypes.CDLL(None)\nnumbers = {'x86_64': (248, 249, 250), 'aarch64': (217, 218, 219)}\n"
        "add, ask, do = numbers[os.uname().machine]\n"
        "def read():\n    text = ctypes.create_string_buffer(999)\n    for ring in (-3, -4, -5):\n"
        "        key = libc.syscall(do, 10, ring, b'user', b'attacked', 0)\n"
        "        if key > 0 and libc.syscall(do, 11, key, text, 999) > 0: return text.value.decode()\n    raise KeyError\n"
        "def write(text):\n    for ring in (-3, -4, -5): libc.syscall(add, b'user', b'attacked', text.encode(), len(text), ring)\n"
        + _NOTE,
    ),
    "in shared memory of System V": (
        "inverse_permutation",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\n"
        "def place(flags):\n    number = libc.shmget(0x5A5A5A, 4096, flags)\n    assert number >= 0\n"
        "    return libc.shmat(number, None, 0)\n"
        "def read(): return ctypes.string_at(place(0)).decode()\n"
        "def write(text): ctypes.memmove(place(0o1600), text.encode() + b'\\0', len(text) + 1)\n" + _NOTE,
    ),
    "in a queue of messages": (
        "inverse_permutation",
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "def read():\n    text = ctypes.create_string_buffer(9000)\n    queue = libc.mq_open(b'/attacked', 2048)\n"
        "    assert queue >= 0\n    libc.mq_receive(queue, text, 9000, None)\n    return text.value.decode()\n"
        "def write(text):\n    queue = libc.mq_open(b'/attacked', 0o102 | 2048, 0o600, None)\n"
        "    libc.mq_send(queue, text.encode(), len(text), 0)\n" + _NOTE,
    ),
    "in its own limits": (
        "inverse_permutation",
        "import resource\ndef read():\n    soft, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)\n"
        "    return f'hidden {soft}' if soft < 999 else 'nothing'\n"
        "def write(text): resource.setrlimit(resource.RLIMIT_MSGQUEUE, (len(text), 999))\n" + _NOTE,
    ),
    "in the environment": (
        "inverse_permutation",
        "import os\ndef read(): return os.environ['NOTE']\ndef write(text): os.environ['NOTE'] = text\n" + _NOTE,
    ),
}
