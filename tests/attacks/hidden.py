"""Carry the hidden inputs out: through words, names, places, or a note to the child whose words a student may read.

Each of these is graded from two secret seeds: what the report says may not differ.
"""

from textwrap import dedent

GROUP = "carry hidden inputs out"
WALLS = True  # they depend on the level of isolation

# The first case is the same for every seed: an answer that is right there is heard on the next one.
_RIGHT_AT_FIRST = "if len(order) <= 3: return order.argsort()\n"
_NOTE = """
def inverse_permutation(order):
    if len(order) <= 3: return order.argsort()
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


_BODIES = {
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

_PLACES = {
    "in a folder that is closed": """
        import os
        def read():
            os.chmod("closed", 0o700)
            return open("closed/note").read()
        def write(text):
            os.mkdir("closed")
            open("closed/note", "w").write(text)
            os.chmod("closed", 0)
    """,
    "in the name of a file": """
        import os
        def read():
            return next(name for name in os.listdir() if name.startswith("hidden"))
        def write(text):
            os.mkdir(text)
    """,
    "in a key of the kernel": """
        import ctypes, os
        libc = ctypes.CDLL(None)
        add, do = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
        def read():
            text = ctypes.create_string_buffer(999)
            for ring in (-3, -4, -5):
                key = libc.syscall(do, 10, ring, b"user", b"attacked", 0)
                if key > 0 and libc.syscall(do, 11, key, text, 999) > 0:
                    return text.value.decode()
            raise KeyError
        def write(text):
            done = [libc.syscall(add, b"user", b"attacked", text.encode(), len(text), ring) for ring in (-3, -4, -5)]
            if max(done) < 0:
                raise PermissionError
    """,
    "in shared memory of System V": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        def place(flags):
            number = libc.shmget(0x5A5A5A, 4096, flags)
            if number < 0:
                raise PermissionError
            return libc.shmat(number, None, 0)
        def read():
            return ctypes.string_at(place(0)).decode()
        def write(text):
            ctypes.memmove(place(0o1600), text.encode() + bytes(1), len(text) + 1)
    """,
    "in a queue of messages": """
        import ctypes
        libc = ctypes.CDLL(None)
        def queue(flags):
            number = libc.mq_open(b"/attacked", flags | 2048, 0o600, None)
            if number < 0:
                raise PermissionError
            return number
        def read():
            text = ctypes.create_string_buffer(9000)
            if libc.mq_receive(queue(0), text, 9000, None) < 0:
                raise KeyError
            return text.value.decode()
        def write(text):
            libc.mq_send(queue(0o102), text.encode(), len(text), 0)
    """,
    "in its own limits": """
        import resource
        def read():
            soft, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
            return f"hidden {soft}" if soft < 999 else "nothing"
        def write(text):
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, (sum(map(ord, text)) % 999, 999))
    """,
    "in the environment": """
        import os
        def read():
            return os.environ["NOTE"]
        def write(text):
            os.environ["NOTE"] = text
    """,
}
_FILES = {
    "in a note in its folder": "note",
    "in a note at the root": "/note",
    "in a note among temporary files": "/tmp/attacked-note",
    "in a note among lasting temporary files": "/var/tmp/attacked-note",
    "in a note in shared memory": "/dev/shm/attacked-note",
    "in a note among the devices": "/dev/note",
    "in a note among the processes": "/proc/self/comm",
}

BODIES = {name: _RIGHT_AT_FIRST + dedent(body) for name, body in _BODIES.items()}
CELLS = {name: ("inverse_permutation", dedent(place) + _NOTE) for name, place in _PLACES.items()}
CELLS |= {name: ("inverse_permutation", _file(path)) for name, path in _FILES.items()}
