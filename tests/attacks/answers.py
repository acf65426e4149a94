"""Look for the answer, or for a secret, wherever a process can look."""

GROUP = "read answers"
WALLS = True  # they depend on the level of isolation

BODIES = {
    "imports the course's module": """
        import helpers.models.orders as orders
        return orders.inverse_permutation(order)
    """,
    "imports the exercises": """
        import helpers.exercises
        return helpers.exercises.find("inverse_permutation").reference(order)
    """,
    "imports the grader": """
        from vitlab.grading.course import CourseSource
        return CourseSource
    """,
    "imports from the solutions": """
        import solutions
        return solutions
    """,
    "imports past the finder": """
        import sys, importlib.machinery
        sys.meta_path[:] = [importlib.machinery.PathFinder]
        sys.path.insert(0, "@project/..")
        import helpers.models.orders as orders
        return orders.inverse_permutation(order)
    """,
    "loads the module from its file": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("o", "@project/../helpers/models/orders.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.inverse_permutation(order)
    """,
    "reads the solved lesson": "raise ValueError(open('@project/../solutions/02_patch_order.py').read())",
    "reads a secret in the project": "raise ValueError(open('@project/secret.ipynb').read())",
    "reads a secret in the home folder": "raise ValueError(open('@home/secret.ipynb').read())",
    "lists the home folder": """
        import os
        raise ValueError(os.listdir("@home/.."))
    """,
    "searches every folder for answers": """
        import os
        found = []
        for folder, _, files in os.walk("/"):
            if folder.startswith(("/usr", "/proc", "/sys")) or "-packages" in folder or "pyenv" in folder:
                continue
            for name in files:
                if name.endswith((".ipynb", "orders.py", "judge.py")):
                    found.append(os.path.join(folder, name))
        if not found:
            raise LookupError("nothing found")
        raise ValueError(open(found[0]).read())
    """,
    "reads the environment": """
        import os
        raise ValueError(os.environ["VITLAB_ATTACKED"])
    """,
    "reads the environment it was started with": "raise ValueError(open('/proc/self/environ').read())",
    "reads its parent's environment": """
        import os
        raise ValueError(open(f"/proc/{os.getppid()}/environ").read())
    """,
    "reads its parent's memory": """
        import os
        maps = open(f"/proc/{os.getppid()}/maps").read()
        memory = open(f"/proc/{os.getppid()}/mem", "rb")
        raise ValueError(maps[:200])
    """,
    "reads its parent's command line": """
        import os
        raise ValueError(open(f"/proc/{os.getppid() or 1}/cmdline").read().index("secret"))
    """,
    "reads every process": """
        import os
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                found.append(open(f"/proc/{pid}/environ").read())
            except OSError:
                pass
        text = "".join(found)
        at = text.find("VITLAB_ATTACKED")
        raise LookupError("nothing found") if at < 0 else ValueError(text[at : at + 80])
    """,
    "walks the frames": """
        import sys
        frame, seen = sys._getframe(), []
        while frame:
            seen += [value for name, value in frame.f_locals.items() if name in ("expected", "sat", "exercise")]
            frame = frame.f_back
        if not seen:
            raise LookupError("nothing found")
        return seen[0]
    """,
    "walks all objects": """
        import gc
        for thing in gc.get_objects():
            if type(thing).__name__ in ("Exercise", "Examination", "Mistake", "Submission"):
                return thing.reference(order)
        raise LookupError("nothing found")
    """,
    "looks for functions of its own name": """
        import gc, types
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__name__.startswith("inverse"):
                if thing.__module__ != "__main__":
                    return thing(order)
        raise LookupError("nothing found")
    """,
    "looks for source in linecache and modules": """
        import linecache, sys
        for name, entry in linecache.cache.items():
            text = "".join(entry[2]) if len(entry) > 2 else ""
            if "canary" in text and "linecache" not in text:
                raise ValueError(text)
        for name in sys.modules:
            if name.split(".")[0] in ("helpers", "vitlab"):
                raise ValueError(name)
        raise LookupError("nothing found")
    """,
    "searches its memory for another's answer": """
        import ctypes, os, re
        libc, (out, into) = ctypes.CDLL(None), os.pipe()
        sign = re.compile(b"can" + b"ary[0-9a-f]{16}")
        libc.sbrk.restype = ctypes.c_void_p
        top = libc.sbrk(0)
        starts = {id(thing) & ~0xFFFFFF for thing in (object(), "x" * 600, order, re.compile, bytes(9999))}
        for start in starts | {top - n * (1 << 24) for n in (1, 2, 3, 4)}:
            for page in range(start, start + (1 << 24), 0x8000):
                if libc.write(into, ctypes.c_void_p(page), 0x8000) <= 0:  # no page: EFAULT, no crash
                    continue
                text = os.read(out, 0x8000)
                hit = b"can" + b"ary" in text and sign.search(text)
                if hit:
                    raise ValueError(hit[0].decode())
        raise LookupError("nothing found")
    """,
    "reads its memory through /proc": """
        import re
        maps = [line.split()[0] for line in open("/proc/self/maps") if "rw" in line]
        with open("/proc/self/mem", "rb", 0) as memory:
            for area in maps:
                start, end = (int(x, 16) for x in area.split("-"))
                memory.seek(start)
                hit = re.search(b"can" + b"ary[0-9a-f]{16}", memory.read(min(end - start, 64 << 20)))
                if hit:
                    raise ValueError(hit[0].decode())
        raise LookupError("nothing found")
    """,
    "asks the notebook for its own piece": """
        import __main__
        return lesson.piece("inverse_permutation")(order)
    """,
    "asks for hints": """
        answer = lesson.hint("inverse_permutation", 3)
        return answer(order)
    """,
    "reads the worker's own code": """
        import sys, os
        text = "".join(open(os.path.join(p, "vitlab/grading/worker.py")).read() for p in sys.path if "vitlab-kit" in p)
        raise ValueError(text[text.index("reference"):])
    """,
    "reads files left open": """
        import os
        found = []
        for number in range(3, 64):
            try:
                os.lseek(number, 0, 0)
                found.append(os.read(number, 1000))
            except OSError:
                pass
        raise LookupError("nothing found") if not found else ValueError(found)
    """,
    "lists a folder left open": """
        import os
        for number in range(0, 64):
            try:
                raise ValueError(os.listdir(number))
            except OSError:
                pass
        raise LookupError("nothing found")
    """,
    "climbs out by chroot": """
        import os
        os.chroot("..")
        raise ValueError(os.listdir("/"))
    """,
}

CELLS = {
    "imports the answer from a module served for another": (
        "MultiHeadSelfAttention",
        "from helpers.models.attention import MultiHeadSelfAttention",
    ),
    "takes the answer through the module's attributes": (
        "MultiHeadSelfAttention",
        """
        import helpers.models.attention as served
        MultiHeadSelfAttention = served.MultiHeadSelfAttention
        """,
    ),
    "inherits from the course's model": (
        "MultiHeadSelfAttention",
        """
        import helpers.models.vit as served
        class MultiHeadSelfAttention(served.EncoderBlock):
            pass
        """,
    ),
    "takes the answer as a piece": (
        "MultiHeadSelfAttention",
        """
        def MultiHeadSelfAttention(dim, heads):
            return lesson.piece("EncoderBlock")(dim, heads).attn
        """,
    ),
    "measures with a neighbour's answer": (
        "cnn_receptive_field",
        """
        import torch
        from helpers.models.receptive_field import conv_stack, measured_receptive_field, side_of
        def cnn_receptive_field(layers):
            image = torch.rand(1, 3, 64, 64)
            model = conv_stack([tuple(layer) for layer in layers])
            middle = model(image).shape[-1] // 2
            return side_of(measured_receptive_field(model, image, (0, 0, middle, middle)))
        """,
    ),
    "takes the pattern from the conventions": (
        "patchify",
        """
        from einops import rearrange
        from helpers.models.conventions import STANDARD
        def patchify(images, patch_size):
            return rearrange(images, STANDARD.pattern, p1=patch_size, p2=patch_size)
        """,
    ),
    "inverts the course's inverse": (
        "patchify",
        """
        import torch
        from helpers.models.patches import unpatchify
        def patchify(images, patch_size):
            return unpatchify(images, patch_size, images.shape[-2:])
        """,
    ),
}
