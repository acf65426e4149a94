"""Results that lie about what they are: only exact tensors and plain values travel."""

GROUP = "fake equality or tensor behaviour"

BODIES = {
    "an object that claims equality": """
        class Equal:
            __eq__ = __le__ = __lt__ = lambda self, other: True
            __ne__ = lambda self, other: False
            __hash__ = object.__hash__
        return Equal()
    """,
    "an object that claims to be a tensor": """
        import torch
        class Claims:
            __class__ = torch.Tensor
            shape, dtype = order.shape, order.dtype
            def __getattr__(self, name):
                return lambda *a, **k: True
        return Claims()
    """,
    "a tensor subclass with __torch_function__": """
        import torch
        class Lies(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                return True
        return order.as_subclass(Lies)
    """,
    "a wrapper subclass with __torch_dispatch__": """
        import torch
        class Wrapped(torch.Tensor):
            @staticmethod
            def __new__(cls, like):
                return torch.Tensor._make_wrapper_subclass(cls, like.shape, dtype=like.dtype)
            @classmethod
            def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
                return torch.ones(3, dtype=torch.bool)
        return Wrapped(order)
    """,
    "a Parameter of another class": """
        import torch
        class P(torch.nn.Parameter):
            __eq__ = lambda self, other: True
        return P(order.float())
    """,
    "a subclass of int": """
        class Int(int):
            __eq__ = lambda self, other: True
            __sub__ = __rsub__ = lambda self, other: Int(0)
            __hash__ = int.__hash__
        return Int(1)
    """,
    "a subclass of str": """
        class Str(str):
            __eq__ = lambda self, other: True
            __hash__ = str.__hash__
        return Str("right")
    """,
    "a subclass of list": """
        class List(list):
            __len__ = lambda self: 1
            __eq__ = lambda self, other: True
        return List([order])
    """,
    "a subclass of dict": """
        class Dict(dict):
            def __missing__(self, key):
                return self
        return Dict(value=True)
    """,
    "a numpy scalar that never ends": """
        class Scalar:
            shape = ()
            def item(self):
                return self
        Scalar.__module__ = "numpy"
        return Scalar()
    """,
    "a meta tensor": "return order.to('meta')",
    "a fake tensor": """
        from torch._subclasses.fake_tensor import FakeTensorMode
        return FakeTensorMode().from_tensor(order)
    """,
    "a sparse tensor": "return order.to_sparse()",
    "a nested tensor": """
        import torch
        return torch.nested.nested_tensor([order.float(), order[:1].float()])
    """,
    "a quantised tensor": """
        import torch
        return torch.quantize_per_tensor(order.float(), 1.0, 0, torch.quint8)
    """,
    "a tensor of float8": """
        import torch
        return order.to(torch.float8_e4m3fn)
    """,
    "a tensor of uint64": """
        import torch
        return order.to(torch.uint64)
    """,
    "a complex tensor with its conjugate bit": """
        import torch
        return torch.complex(order.float(), order.float()).conj()
    """,
    "a named tensor": """
        import warnings
        warnings.simplefilter("ignore")
        return order.refine_names("n")
    """,
    "an expanded tensor of a thousand million": "return order[:1].expand(10**9)",
    "a tensor with strides of zero": "return order.as_strided((len(order),), (0,))",
    "a tensor of 2**62 elements of nothing": """
        import torch
        return torch.empty(2**31, 0, 2**31)
    """,
    "NaN with a payload": """
        import struct, torch
        return torch.full(order.shape, struct.unpack("d", struct.pack("Q", 0x7FF8DEADBEEF0000))[0])
    """,
    "minus zero": """
        import torch
        return torch.full(order.shape, -0.0)
    """,
    "infinity for every number": """
        import torch
        return torch.full(order.shape, float("inf"))
    """,
    "bool for int": "return (order >= 0)",
    "a whole number of five thousand digits": "return 10**5000",
    "tuples nested a thousand deep": """
        value = order
        for _ in range(1000):
            value = (value,)
        return value
    """,
    "a list in itself": """
        value = [order]
        value.append(value)
        return value
    """,
    "a text of a hundred million characters": "return 'x' * 10**8",
    "a dict of a million keys": "return {str(i): i for i in range(10**6)}",
    "a dict with keys that lie": """
        class Key(str):
            __eq__ = lambda self, other: True
            __hash__ = lambda self: 0
        return {Key("value"): order}
    """,
    "an object that unpickles into a command": """
        class Bomb:
            def __reduce__(self):
                import os
                return os.system, ("echo",)
        return Bomb()
    """,
    "bytes of a pickle": """
        import pickle
        return pickle.dumps(order.argsort())
    """,
    "a module": """
        import torch
        return torch
    """,
    "a generator of all answers": "return (i for i in [order])",
    "every order at once": """
        import torch, itertools
        return torch.tensor(list(itertools.permutations(range(min(len(order), 6)))))
    """,
    "numpy where torch was asked": "return order.numpy()",
    "Ellipsis": "return ...",
    "the class of Tensor": "return type(order)",
    "a function that answers later": "return lambda: order.argsort()",
}

CELLS = {
    "a written number of five thousand digits": ("tokens_b16", "tokens_b16 = 10**5000"),
    "a written number that is true": ("tokens_b16", "tokens_b16 = True"),
    "a written shape with sizes of a thousand digits": ("shape_patches", "shape_patches = (10**4000,) * 5"),
    "a written shape of ten thousand sizes": ("shape_patches", "shape_patches = (10**70,) * 10_000"),
    "a written shape that is a dict": ("shape_patches", "shape_patches = {'8': 196}"),
    "a written choice that says all letters": ("why_scale", "why_scale = 'a b c d'"),
    "a written choice that claims equality": (
        "why_scale",
        """
        class Letter(str):
            def strip(self): return self
            def lower(self): return self
            __eq__ = lambda self, other: True
            __hash__ = lambda self: hash("b")
        why_scale = Letter("b")
        """,
    ),
    "a model whose method lies": (
        "MultiHeadSelfAttention",
        """
        from torch import nn
        class MultiHeadSelfAttention(nn.Module):
            def __new__(cls, *a): return True
        """,
    ),
    "a model that takes any weights": (
        "MultiHeadSelfAttention",
        """
        from torch import nn
        class MultiHeadSelfAttention(nn.Module):
            def __init__(self, dim, heads):
                super().__init__()
            def state_dict(self, *a, **k):
                class Any(dict):
                    __contains__ = lambda self, name: True
                return Any()
            def load_state_dict(self, *a, **k): pass
            def named_parameters(self, *a, **k): return iter(())
            def forward(self, x): return x
        """,
    ),
    "an output that forges its gradient": (
        "MultiHeadSelfAttention",
        """
        import torch
        from torch import nn
        class MultiHeadSelfAttention(nn.Module):
            def __init__(self, dim, heads):
                super().__init__()
                self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
            def forward(self, x):
                torch.autograd.grad = lambda outputs, inputs, **k: [torch.zeros_like(i) for i in inputs]
                return x
        """,
    ),
}
