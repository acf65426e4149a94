"""Right answers in the many ways in which students write: each is one cell, for one exercise."""

GROUP = "ways to write"

_PATCHIFY = '    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)\n'
_INVERSE = {
    "argsort": "def inverse_permutation(order):\n    return order.argsort()\n",
    "a lambda": "inverse_permutation = lambda order: order.argsort()\n",
    "a lambda in brackets over lines": "inverse_permutation = (\n    lambda order:\n    order.argsort()\n)\n",
    "functools.partial": "import functools, torch\ninverse_permutation = functools.partial(torch.argsort, dim=0)\n",
    "torch's own function under the name": "import torch\ninverse_permutation = torch.argsort\n",
    "a class with __call__": """
class Inverse:
    def __call__(self, order):
        return order.argsort()


inverse_permutation = Inverse()
""",
    "a static method": """
class Orders:
    @staticmethod
    def inverse(order):
        return order.argsort()
inverse_permutation = Orders.inverse
""",
    "a bound method": """
class Orders:
    def inverse(self, order):
        return order.argsort()
inverse_permutation = Orders().inverse
""",
    "a function in a function": """
def inverse_permutation(order):
    def place(element):
        return int((order == element).nonzero())
    return torch.tensor([place(element) for element in range(len(order))])
""",
    "a closure": """
def make(dim):
    def inverse(order):
        return order.argsort(dim)
    return inverse
inverse_permutation = make(0)
""",
    "recursion": """
def inverse_permutation(order, found=None, place=0):
    found = [0] * len(order) if found is None else found
    if place == len(order):
        return torch.tensor(found)
    found[int(order[place])] = place
    return inverse_permutation(order, found, place + 1)
""",
    "a generator": """
def places(order):
    for element in range(len(order)):
        yield order.tolist().index(element)
def inverse_permutation(order):
    return torch.tensor(list(places(order)), dtype=torch.long)
""",
    "a loop": """
def inverse_permutation(order):
    inverse = torch.empty_like(order)
    for k in range(len(order)):
        inverse[order[k]] = k
    return inverse
""",
    "a while loop and a walrus": """
def inverse_permutation(order):
    inverse, k = torch.empty_like(order), -1
    while (k := k + 1) < len(order):
        inverse[order[k]] = k
    return inverse
""",
    "match": """
def inverse_permutation(order):
    match order.dim():
        case 1:
            return order.argsort()
        case _:
            raise ValueError("one axis")
""",
    "try and finally": """
def inverse_permutation(order):
    try:
        return order.argsort()
    finally:
        del order
""",
    "a dict comprehension": """
def inverse_permutation(order):
    places = {element: place for place, element in enumerate(order.tolist())}
    return torch.tensor([places[element] for element in sorted(places)])
""",
    "sorted with a key": """
def inverse_permutation(order):
    return torch.as_tensor(sorted(range(len(order)), key=order.tolist().__getitem__))
""",
    "numpy inside": """
import numpy as np
def inverse_permutation(order):
    return torch.from_numpy(np.argsort(order.numpy()))
""",
    "numpy inside by empty_like": """
import numpy
def inverse_permutation(order):
    order = numpy.asarray(order)
    inverse = numpy.empty_like(order)
    inverse[order] = numpy.arange(len(order))
    return torch.tensor(inverse)
""",
    "one-hot and a matrix product": """
import torch.nn.functional as F
def inverse_permutation(order):
    return (F.one_hot(order).T.float() @ torch.arange(len(order)).float()).long()
""",
    "scatter": """
def inverse_permutation(order):
    return torch.zeros_like(order).scatter_(0, order, torch.arange(len(order)))
""",
    "in-place on a clone": """
def inverse_permutation(order):
    out = order.clone()
    out[order] = torch.arange(order.numel(), device=order.device)
    return out
""",
    "prints, warns and logs": """
import logging, sys, warnings
def inverse_permutation(order):
    print("order", order)
    print("to stderr", file=sys.stderr)
    warnings.warn("a warning")
    logging.getLogger(__name__).warning("logged %s", order)
    return order.argsort()
""",
    "assertions of its own": """
def inverse_permutation(order):
    assert order.ndim == 1 and sorted(order.tolist()) == list(range(len(order))), "no order"
    inverse = torch.argsort(order)
    assert (order[inverse] == torch.arange(len(order))).all()
    return inverse
""",
    "torch.no_grad": "@torch.no_grad()\ndef inverse_permutation(order):\n    return order.argsort()\n",
    "torch.inference_mode": "@torch.inference_mode()\ndef inverse_permutation(order):\n    return order.argsort()\n",
    "a decorator of its own": """
import functools
def loud(function):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        print("called")
        return function(*args, **kwargs)
    return wrapped
@loud
def inverse_permutation(order):
    return order.argsort()
""",
    "a cache of tuples": """
from functools import lru_cache
@lru_cache(maxsize=None)
def _inverse(order):
    return tuple(sorted(range(len(order)), key=lambda k: order[k]))
def inverse_permutation(order):
    return torch.tensor(_inverse(tuple(order.tolist())))
""",
    "type hints": """
from __future__ import annotations
from typing import Annotated, TypeAlias
Order: TypeAlias = "torch.LongTensor"
def inverse_permutation(order: Annotated[Order, "(N,)"], /, *, check: bool = False) -> Order:
    inverse: Order = order.argsort()
    return inverse
""",
    "more arguments with defaults": """
def inverse_permutation(order, dim=-1, *args, **kwargs):
    return torch.argsort(order, dim=dim)
""",
    "another name for the argument": "def inverse_permutation(permutation):\n    return permutation.argsort()\n",
    "a name in Greek and a comment in Chinese": """
def inverse_permutation(π):  # 逆排列
    σ = torch.empty_like(π)
    σ[π] = torch.arange(len(π))
    return σ  # ✓
""",
    "a docstring as long as a page": (
        'def inverse_permutation(order):\n    """'
        + "Undoes an order.\n\n    " * 300
        + '"""\n    return order.argsort()\n'
    ),
    "a line of four thousand characters": (
        "def inverse_permutation(order):\n    return order.argsort()" + " + 0" * 800 + "  # " + "x" * 800 + "\n"
    ),
    "tabs": "def inverse_permutation(order):\n\tif True:\n\t\treturn order.argsort()\n",
    "one space": "def inverse_permutation(order):\n return order.argsort()\n",
    "CRLF": "def inverse_permutation(order):\r\n    inverse = order.argsort()\r\n    return inverse\r\n",
    "CR": "def inverse_permutation(order):\r    inverse = order.argsort()\r    return inverse\r",
    "a form feed": "\f\ndef inverse_permutation(order):\n    return order.argsort()\n",
    "a byte order mark": "\ufeffdef inverse_permutation(order):\n    return order.argsort()\n",
    "characters that split lines elsewhere": """
def inverse_permutation(order):
    note = "one\u2028two\x85three\x0bfour"
    return order.argsort()
""",
    "spaces that do not break": 'def inverse_permutation(order):\n    note = "a\u00a0b"\n    return order.argsort()\n',
    "all on one line": "import torch; inverse_permutation = torch.argsort; print(1)\n",
    "two statements on a line": "import torch as t; inverse_permutation = lambda x: t.argsort(x); x = 1  # yes\n",
    "a backslash": "def inverse_permutation(order):\n    return order \\\n        .argsort()\n",
    "a function behind a condition": """
if True:
    def inverse_permutation(order):
        return order.argsort()
else:
    def inverse_permutation(order):
        return order
""",
    "a function in a try": """
try:
    import triton_that_is_not_there
except ImportError:
    def inverse_permutation(order):
        return order.argsort()
""",
    "a function made in a loop": """
for name in ("inverse_permutation",):
    def inverse(order):
        return order.argsort()
inverse_permutation = inverse
""",
    "a stub first, the answer after it": """
def inverse_permutation(order):
    raise NotImplementedError
def inverse_permutation(order):
    return order.argsort()
""",
    "an answer on top of an older one": """
def inverse_permutation(order):
    return order.flip(0)
_old = inverse_permutation
def inverse_permutation(order):
    return order.argsort()
""",
    "a chain of names": "import torch\na = b = inverse_permutation = torch.argsort\n",
    "unpacking": "import torch\n(inverse_permutation, *rest) = [torch.argsort, 1, 2]\n",
    "globals()": "import torch\ninverse_permutation = None\ninverse_permutation = globals()['torch'].argsort\n",
    "a constant table filled in a loop": """
TABLE = {}
for n in range(200):
    TABLE[n] = torch.arange(n)
def inverse_permutation(order):
    out = torch.empty_like(order)
    out[order] = TABLE[len(order)]
    return out
""",
    "a table that is appended to": """
PLACES = []
PLACES.append(0)
PLACES.extend([0])
def inverse_permutation(order):
    return order.argsort(dim=PLACES[0])
""",
    "a constant that grows": """
DIM = -2
DIM += 1
def inverse_permutation(order):
    return order.argsort(dim=DIM)
""",
    "a helper that is defined later": """
def inverse_permutation(order):
    return helper(order)
def helper(order):
    return order.argsort()
""",
    "a helper imported under another name": """
from torch import argsort as where_is
def inverse_permutation(order):
    return where_is(order)
""",
    "torch under another name": "import torch as t\ndef inverse_permutation(order):\n    return t.argsort(order)\n",
    "import *": "from torch import *\ndef inverse_permutation(order):\n    return argsort(order)\n",
    "an import within": "def inverse_permutation(order):\n    import torch as th\n    return th.argsort(order)\n",
    "a dataclass": """
from dataclasses import dataclass, field
@dataclass(frozen=True)
class Order:
    places: torch.Tensor
    tags: list = field(default_factory=list)
    def inverse(self):
        return self.places.argsort()
def inverse_permutation(order):
    return Order(order).inverse()
""",
    "an enum and a named tuple": """
from enum import Enum
from typing import NamedTuple
class Way(Enum):
    THERE, BACK = 1, 2
class Step(NamedTuple):
    element: int
    place: int
def inverse_permutation(order):
    steps = sorted(Step(int(e), p) for p, e in enumerate(order))
    return torch.tensor([step.place for step in steps])
""",
    "async beside it": """
import asyncio
async def unused():
    await asyncio.sleep(1)
def inverse_permutation(order):
    return order.argsort()
""",
    "a context manager": """
from contextlib import nullcontext
def inverse_permutation(order):
    with nullcontext(order) as given:
        return given.argsort()
""",
    "a guard for CUDA": """
device = "cuda" if torch.cuda.is_available() else "cpu"
def inverse_permutation(order):
    order = order.to(device)
    if torch.cuda.is_available():
        order = order.cuda()
    return order.argsort().to(order.device)
""",
    "magics in the cell": """
%matplotlib inline
%time x = 1
!pip install nothing
def inverse_permutation(order):
    return order.argsort()
?inverse_permutation
inverse_permutation??
""",
    "a timed cell": "%%time\ndef inverse_permutation(order):\n    return order.argsort()\n",
    "a captured cell": "%%capture out\ndef inverse_permutation(order):\n    return order.argsort()\n",
    "the result shown": """
def inverse_permutation(order):
    return order.argsort()

inverse_permutation(torch.tensor([1, 0]))
""",
    "plots in the same cell": """
import matplotlib.pyplot as plt
def inverse_permutation(order):
    return order.argsort()
plt.figure(figsize=(3, 3))
plt.plot(inverse_permutation(torch.randperm(9)))
plt.show()
""",
    "comments alone after it": "def inverse_permutation(order):\n    return order.argsort()\n# done\n# really\n",
    "names of its own that are like ours": """
runner = plain = execute = channel = job = namespace = 1
class Call: pass
class Reply: pass
def inverse_permutation(order):
    return order.argsort()
""",
    "int32": "def inverse_permutation(order):\n    return order.argsort().to(torch.int32)\n",
    "a view with other strides": """
def inverse_permutation(order):
    out = torch.zeros(len(order), 2, dtype=torch.long)
    out[:, 0] = order.argsort()
    return out[:, 0]
""",
    "a Parameter": """
def inverse_permutation(order):
    return torch.nn.Parameter(order.argsort(), requires_grad=False)
""",
    "random numbers drawn on the way": """
def inverse_permutation(order):
    torch.manual_seed(3)
    torch.randn(9)
    return order.argsort()
""",
    "another default dtype": """
torch.set_default_dtype(torch.float64)
def inverse_permutation(order):
    return torch.argsort(order)
""",
    "gradients switched off for good": """
torch.set_grad_enabled(False)
def inverse_permutation(order):
    return torch.argsort(order)
""",
    "a loop that trains beside it": """
def inverse_permutation(order):
    return torch.argsort(order)
import time
for epoch in range(100):
    torch.manual_seed(epoch)
    time.sleep(0.5)
""",
    "a loop without end beside it": """
import time
def inverse_permutation(order):
    return torch.argsort(order)
while True:
    torch.manual_seed(0)
    time.sleep(1)
""",
    "input() beside it": "def inverse_permutation(order):\n    return order.argsort()\nname = input('your name')\n",
    "files beside it": """
from pathlib import Path
notes = Path("notes.txt")
notes.write_text("mine")
def inverse_permutation(order):
    return order.argsort()
""",
    "the module's main": """
def inverse_permutation(order):
    return order.argsort()
if __name__ == "__main__":
    print(inverse_permutation(torch.randperm(4)))
""",
    "doctests": '''
def inverse_permutation(order):
    """
    >>> inverse_permutation(torch.tensor([1, 0]))
    tensor([1, 0])
    """
    return order.argsort()
import doctest
doctest.testmod()
''',
}
_OTHER = {
    "einops": ("patchify", "from einops import rearrange\ndef patchify(images, patch_size):\n" + _PATCHIFY),
    "einops under another name": (
        "patchify",
        "import einops as E\ndef patchify(images, patch_size):\n    P = patch_size\n"
        '    return E.rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=P, q=P)\n',
    ),
    "the lesson's imports alone": ("patchify", "def patchify(images, patch_size):\n" + _PATCHIFY),
    "reshape and permute": (
        "patchify",
        """
def patchify(images, patch_size):
    B, C, H, W = images.shape
    h, w, P = H // patch_size, W // patch_size, patch_size
    return images.reshape(B, C, h, P, w, P).permute(0, 2, 4, 1, 3, 5).reshape(B, h * w, C * P * P)
""",
    ),
    "unfold": (
        "patchify",
        "from torch.nn import functional as F\ndef patchify(images, patch_size):\n"
        "    return F.unfold(images, patch_size, stride=patch_size).transpose(1, 2)\n",
    ),
    "two unfolds and contiguous": (
        "patchify",
        """
def patchify(images, patch_size):
    x = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)  # (B, C, h, w, P, P)
    return x.permute(0, 2, 3, 1, 4, 5).contiguous().flatten(3).flatten(1, 2)
""",
    ),
    "as_strided": (
        "patchify",
        """
def patchify(images, patch_size):
    images, P = images.contiguous(), patch_size
    B, C, H, W = images.shape
    b, c, h, w = images.stride()
    x = images.as_strided((B, H // P, W // P, C, P, P), (b, h * P, w * P, c, h, w))
    return x.reshape(B, -1, C * P * P)
""",
    ),
    "loops over patches": (
        "patchify",
        """
def patchify(images, patch_size):
    patches = []
    for i in range(0, images.shape[2], patch_size):
        for j in range(0, images.shape[3], patch_size):
            patches.append(images[:, :, i : i + patch_size, j : j + patch_size].flatten(1))
    return torch.stack(patches, dim=1)
""",
    ),
    "a tensor filled in": (
        "patchify",
        """
def patchify(images, patch_size):
    B, C, H, W = images.shape
    h, w = H // patch_size, W // patch_size
    out = torch.zeros(B, h * w, C * patch_size**2, dtype=images.dtype, device=images.device)
    for n in range(h * w):
        i, j = divmod(n, w)
        out[:, n] = images[:, :, i * patch_size :, j * patch_size :][:, :, :patch_size, :patch_size].flatten(1)
    return out
""",
    ),
    "torch.einsum": (
        "attention",
        """
def attention(q, k, v):
    scores = torch.einsum("...nd,...md->...nm", q, k) / q.shape[-1] ** 0.5
    return torch.einsum("...nm,...me->...ne", scores.softmax(-1), v)
""",
    ),
    "math.sqrt and transposes": (
        "attention",
        """
import math
def attention(query, key, value):
    weights = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    return torch.nn.functional.softmax(weights, dim=-1) @ value
""",
    ),
    "exp by hand": (
        "attention",
        """
def attention(q, k, v):
    s = q.matmul(k.mT) * k.shape[-1] ** -0.5
    e = (s - s.amax(-1, keepdim=True)).exp()
    return (e / e.sum(-1, keepdim=True)).matmul(v)
""",
    ),
    "a model with extra attributes, buffers and properties": (
        "MultiHeadSelfAttention",
        """
import torch.nn as nn
class MultiHeadSelfAttention(nn.Module):
    '''Mine.'''
    scale_power: float = -0.5
    def __init__(self, dim: int, heads: int = 8) -> None:
        nn.Module.__init__(self)
        self.register_buffer("seen", torch.zeros(1), persistent=False)
        self.heads, self.note = heads, {"a": 1}
        self.proj = nn.Linear(dim, dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.drop = nn.Dropout(0.5)
    @property
    def scale(self):
        return (self.qkv.in_features // self.heads) ** self.scale_power
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, N, D = x.shape
        q, k, v = self.qkv(x).view(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(2, 3) * self.scale).softmax(dim=-1)
        return self.drop(self.proj((weights @ v).transpose(1, 2).reshape(B, N, D)))
""",
    ),
    "a model over a base class of its own": (
        "MultiHeadSelfAttention",
        """
from torch import nn
from torch.nn import functional as F
class Base(nn.Module):
    def __init__(self, dim):
        super(Base, self).__init__()
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
class MultiHeadSelfAttention(Base):
    def __init__(self, dim, heads):
        super().__init__(dim)
        self.heads = heads
    def split(self, x):
        return rearrange(x, "b n (h d) -> b h n d", h=self.heads)
    def forward(self, x):
        q, k, v = map(self.split, self.qkv(x).chunk(3, dim=-1))
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(rearrange(x, "b h n d -> b n (h d)"))
""",
    ),
    "numbers with math": (
        "num_tokens",
        "import math\nnum_tokens = lambda height, width, p: math.prod((height // p, width // p))\n",
    ),
    "numbers as a tensor": (
        "num_tokens",
        "def num_tokens(height, width, p):\n    return torch.tensor(height // p * (width // p))\n",
    ),
    "numbers from numpy": (
        "num_tokens",
        "import numpy as np\ndef num_tokens(height, width, patch_size):\n"
        "    return np.int64(height // patch_size) * np.int64(width // patch_size)\n",
    ),
    "numbers as a float": (
        "num_tokens",
        "def num_tokens(height, width, patch_size):\n    return (height / patch_size) * (width / patch_size)\n",
    ),
}
CELLS = {name: ("inverse_permutation", cell) for name, cell in _INVERSE.items()} | _OTHER
