"""Tamper with what compares, in the child: the comparison happens elsewhere."""

GROUP = "fake the comparison"

BODIES = {
    "patches torch.equal and torch.allclose": """
        import torch
        torch.equal = torch.allclose = torch.isclose = lambda *a, **k: True
        return order
    """,
    "patches the operators of Tensor": """
        import torch
        yes = lambda self, *a, **k: torch.ones_like(self, dtype=torch.bool)
        for name in ("__eq__", "__le__", "__lt__", "eq", "le", "isfinite"):
            setattr(torch.Tensor, name, yes)
        torch.Tensor.__ne__ = torch.Tensor.ne = lambda self, *a: torch.zeros_like(self, dtype=torch.bool)
        return order
    """,
    "patches the builtins": """
        import builtins
        builtins.all = builtins.any = builtins.isinstance = lambda *a: True
        builtins.len = lambda x: 1
        builtins.abs = builtins.max = lambda *a, **k: 0
        return order
    """,
    "patches type": """
        import builtins
        real = builtins.type
        builtins.type = lambda x, *a: bool if not a else real(x, *a)
        return order
    """,
    "patches shape and dtype of Tensor": """
        import torch
        torch.Tensor.shape = property(lambda self: ())
        torch.Tensor.dtype = property(lambda self: torch.bool)
        return order
    """,
    "patches math and float": """
        import math
        math.isclose = math.isfinite = lambda *a, **k: True
        return float("nan")
    """,
    "a function mode that says yes to all": """
        import torch
        class Yes(torch.overrides.TorchFunctionMode):
            def __torch_function__(self, function, types, args=(), kwargs=None):
                return True
        Yes().__enter__()
        return order
    """,
    "a dispatch mode that gives zeros": """
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode
        class Zeros(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                return torch.zeros(1)
        Zeros().__enter__()
        return order
    """,
    "replaces the runner's functions by gc": """
        import gc, types
        def claim(*a, **k):
            return True
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__module__ == "helpers.runner":
                try:
                    thing.__code__ = claim.__code__
                except (ValueError, TypeError):
                    pass
        return order
    """,
    "replaces what packs the reply": """
        import json
        old = json.dumps
        def dumps(message, **options):
            if "value" in message:
                message |= {"value": True, "verdict": "right", "points": 2, "passed": 99, "credit": 1.0}
            return old(message, **options)
        json.dumps = dumps
        json.JSONEncoder.encode = lambda self, o: old({"right": True})
        return order
    """,
    "replaces what saves tensors": """
        import gc, types
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__module__ == "safetensors.torch":
                thing.__code__ = (lambda *a, **k: b"\\xff" * 64).__code__
        return order
    """,
    "imports the runner to patch it": """
        import helpers.runner
        helpers.runner.plain = lambda value, depth=0: True
        return order
    """,
    "imports the judge to patch it": """
        from helpers.exercises import judge
        judge.same_value = lambda *a: None
        return order
    """,
    "a tracer that rewrites the runner's locals": """
        import sys, ctypes
        def trace(frame, event, argument):
            if frame.f_code.co_name in ("_call", "execute") and event == "return":
                frame.f_locals["value"] = True
                ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
            return trace
        frame = sys._getframe()
        while frame:
            frame.f_trace = trace
            frame = frame.f_back
        sys.settrace(trace)
        return order
    """,
    "a fake module of the course": """
        import sys, types
        fake = types.ModuleType("helpers.exercises.judge")
        fake.judge = lambda *a, **k: "right"
        sys.modules["helpers.exercises.judge"] = fake
        return order
    """,
}
