"""Use up memory, processes, files, disk and output. What multiplies is bounded: a machine is shared."""

GROUP = "time, memory, processes, files, disk, output"
WALLS = True  # they depend on the level of isolation

BODIES = {
    "takes all memory in a tensor": """
        import torch
        return torch.ones(10**10)
    """,
    "takes all memory in pieces": """
        kept = []
        while True:
            kept.append(bytearray(64 << 20))
    """,
    "takes memory in C": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        for _ in range(4096):
            block = libc.malloc(ctypes.c_size_t(16 << 20))
            if not block:
                raise MemoryError("malloc gives no more memory")
            ctypes.memset(block, 1, 16 << 20)
        return order
    """,
    "takes memory in a mapping": """
        import mmap
        kept = [mmap.mmap(-1, 256 << 20) for _ in range(99)]
        return order
    """,
    "takes memory in a file of memory": """
        import os
        file = os.memfd_create("big")
        for _ in range(999):
            os.write(file, bytes(1 << 20))
        return order
    """,
    "raises its own limits": """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return order
    """,
    "raises its own limits by another call": """
        import os, resource
        resource.prlimit(os.getpid(), resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return order
    """,
    "forks again and again": """
        import os, time
        for _ in range(200):
            if not os.fork():
                time.sleep(99)
        return order
    """,
    "starts threads again and again": """
        import threading, time
        threading.stack_size(65536)
        for _ in range(2000):
            threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
        return order
    """,
    "asks torch for a thousand threads": """
        import torch
        torch.set_num_threads(1000)
        torch.ones(2000, 2000) @ torch.ones(2000, 2000)
        return order
    """,
    "starts a pool of processes": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(4) as pool:
            pool.map(abs, range(9))
        return order
    """,
    "opens files without end": """
        kept = [open("/dev/null") for _ in range(10_000)]
        return order
    """,
    "fills the disk": """
        with open("big", "wb") as file:
            while True:
                file.write(bytes(1 << 20))
    """,
    "fills the disk in small files": """
        for number in range(500):
            with open(f"f{number}", "wb") as file:
                file.write(bytes(1 << 20))
        return order
    """,
    "uses up the inodes": """
        import os
        for number in range(5000):
            os.mkdir(f"d{number}")
        return order
    """,
    "fills shared memory": """
        with open("/dev/shm/big", "wb") as file:
            file.write(bytes(1 << 20))
        return order
    """,
    "fills the folder for temporary files": """
        with open("/tmp/big", "wb") as file:
            file.write(bytes(1 << 20))
        return order
    """,
    "writes to stdout and stderr without end": """
        import os
        for _ in range(10_000):
            os.write(1, b"x" * 10**5)
            os.write(2, b"x" * 10**5)
        return order
    """,
    "writes a core dump": """
        import ctypes, resource
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
        ctypes.string_at(0)
    """,
}

CELLS = {
    "takes all memory while it is defined": (
        "inverse_permutation",
        "table = [0]\nwhile True:\n    table = table * 2\ndef inverse_permutation(order):\n    return table\n",
    ),
}
