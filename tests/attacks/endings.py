"""Leave, crash, stop, stay: nothing outlives its answer and nothing takes another one along."""

GROUP = "exit, crash, signals, threads, atexit"
WALLS = True  # they depend on the level of isolation

BODIES = {
    "leaves by os._exit": "import os; os._exit(0)",
    "leaves by sys.exit": "import sys; sys.exit(0)",
    "reads a null pointer": "import ctypes; ctypes.string_at(0)",
    "overflows the C stack": """
        import sys
        sys.setrecursionlimit(10**9)
        def deep(n):
            return deep(n + 1) + 1
        return deep(0)
    """,
    "aborts": "import os; os.abort()",
    "raises its own alarm": """
        import signal, time
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(1)
        return order
    """,
    "stops itself": """
        import os, signal
        os.kill(os.getpid(), signal.SIGSTOP)
        return order
    """,
    "stops its parent": """
        import os, signal
        os.kill(os.getppid() or 1, signal.SIGSTOP)
        return order
    """,
    "interrupts process 1 of its namespace": """
        import os, signal
        if os.getppid() != 1:
            raise OSError("Operation not permitted: only where the zygote is process 1")
        os.kill(1, signal.SIGINT)
        return order
    """,
    "signals its parent by another call": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        number = {"x86_64": 297, "aarch64": 240}[os.uname().machine]  # rt_tgsigqueueinfo
        info = (ctypes.c_int * 32)(15, 0, -1)
        if libc.syscall(number, os.getppid(), os.getppid(), 15, info):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return order
    """,
    "signals its parent by a pipe's owner": """
        import fcntl, os, signal
        out, into = os.pipe()
        fcntl.fcntl(out, fcntl.F_SETOWN, os.getppid())
        fcntl.fcntl(out, 10, signal.SIGKILL)
        fcntl.fcntl(out, fcntl.F_SETFL, os.O_ASYNC)
        os.write(into, b"x")
        return order
    """,
    "limits its parent": """
        import os, resource
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (1, 1))
        return order
    """,
    "slows its parent down": """
        import os
        os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)
        os.sched_setaffinity(os.getppid(), {0})
        return order
    """,
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises what cannot be told": """
        class Dumb(BaseException):
            def __str__(self):
                raise self
            __repr__ = __str__
        raise Dumb
    """,
    "raises what is told without end": """
        class Long(Exception):
            def __str__(self):
                while True:
                    pass
        raise Long
    """,
    "raises from itself": """
        error = ValueError()
        error.__cause__ = error.__context__ = error
        raise error
    """,
    "raises a class without a name": """
        raise type("", (Exception,), {"__module__": None})
    """,
    "raises a metaclass that lies": """
        class Meta(type):
            __name__ = property(lambda cls: 1 / 0)
        class E(Exception, metaclass=Meta):
            pass
        raise E
    """,
    "registers an exit handler": """
        import atexit, time
        atexit.register(time.sleep, 99)
        return order
    """,
    "ignores every signal": """
        import signal
        for number in range(1, 32):
            try:
                signal.signal(number, signal.SIG_IGN)
            except OSError:
                pass
        while True:
            pass
    """,
    "leaves a thread": """
        import threading, time
        threading.Thread(target=time.sleep, args=(99,)).start()
        return order
    """,
    "leaves a thread that answers for it": """
        import os, threading
        def spam():
            while True:
                for number in range(3, 64):
                    try:
                        os.write(number, b"x")
                    except OSError:
                        pass
        threading.Thread(target=spam, daemon=True).start()
        return order
    """,
    "holds the interpreter's lock": """
        import re
        return re.match("(a+)+$", "a" * 64 + "b")
    """,
    "leaves a process": """
        import os, time
        if not os.fork():
            while True:
                time.sleep(1)
        return order
    """,
    "leaves a process in another session": """
        import os, time
        if not os.fork():
            os.setsid()
            if not os.fork():
                while True:
                    time.sleep(1)
            os._exit(0)
        return order
    """,
    "leaves a process that executes another": """
        import subprocess
        subprocess.Popen(["sleep", "99"], start_new_session=True)
        return order
    """,
    "kills all": """
        import os, signal
        if os.getppid() != 1:
            raise OSError("Operation not permitted: only in a namespace of its own")
        os.kill(-1, signal.SIGKILL)
        return order
    """,
    "deletes itself while it runs": """
        import gc, sys
        sys.modules.clear()
        for thing in gc.get_objects():
            if isinstance(thing, dict) and "__builtins__" in thing:
                thing.clear()
        return order
    """,
    "closes the interpreter": """
        import ctypes
        ctypes.pythonapi.Py_Finalize()
        return order
    """,
    "writes over small integers": """
        import ctypes
        ctypes.memset(id(1) + 24, 7, 4)
        return order
    """,
}

CELLS = {
    "leaves while it is defined": ("inverse_permutation", "import os\ninverse_permutation = os._exit(0)\n"),
    "never ends while it is defined": (
        "inverse_permutation",
        "def inverse_permutation(order):\n    return order\nwhile True:\n    inverse_permutation.x = 1\n",
    ),
    "exits in a decorator": (
        "inverse_permutation",
        "import sys\n@sys.exit\ndef inverse_permutation(order):\n    return order\n",
    ),
    "is an object that never lets go": (
        "inverse_permutation",
        "class C:\n    def __call__(self, order): return order\n    def __del__(self):\n        while True: pass\n"
        "    def __getattribute__(self, name):\n        while True: pass\ninverse_permutation = C()\n",
    ),
}
