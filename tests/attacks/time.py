"""Use up time, or the grader's patience: the same clock stands over every level."""

GROUP = "time, memory, processes, files, disk, output"

BODIES = {
    "never ends": "while True: pass",
    "sleeps": """
        import time
        time.sleep(99)
    """,
    "waits for input": "return input()",
    "waits for a lock": """
        import threading
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    """,
    "computes a power without end": "return 9**9**9**9",
    "compares without end": """
        class Slow:
            def __eq__(self, other):
                while True:
                    pass
            shape = property(__eq__)
            __len__ = __iter__ = __float__ = lambda self: self == 1
        return Slow()
    """,
    "iterates without end": """
        import itertools
        return list(itertools.count())
    """,
    "prints without end": """
        while True:
            print("x" * 10**6)
    """,
    "warns without end": """
        import warnings
        warnings.simplefilter("always")
        for number in range(10**9):
            warnings.warn(str(number))
    """,
    "recurses without end": """
        def again(x):
            return again(x)
        return again(order)
    """,
    "is backtracking": """
        import re
        return re.fullmatch("(a|a)*b", "a" * 99)
    """,
    "compiles without end": """
        return eval("(" * 90 + "1" + ")" * 90 + "+1" * 100_000)
    """,
    "returns sixty million numbers": """
        import torch
        return torch.zeros(60_000_000, dtype=torch.int8)
    """,
    "returns ten thousand tensors": """
        return tuple(order.clone() for _ in range(10_000))
    """,
}

CELLS = {
    "sleeps between the answers": (
        "inverse_permutation",
        "import time\ndef inverse_permutation(order):\n    time.sleep(0.4)\n    return order\n",
    ),
    "is defined ten thousand lines long": (
        "inverse_permutation",
        "def inverse_permutation(order):\n" + "    order = order + 0\n" * 9_000 + "    return order\n",
    ),
}
