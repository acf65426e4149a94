"""Earn points without an answer: constants, errors that are asked for, tables of what the notebook's check asks."""

import torch

from helpers.exercises import find
from helpers.exercises.judge import PUBLIC_SEED, examination
from helpers.runner import Reply

GROUP = "partial credit"


def _table(exercise: str) -> str:
    """What the notebook's own check asks and wants, as a student may note it down."""
    sat = examination(find(exercise), PUBLIC_SEED)
    rows = []
    for call, want in zip(sat.cases, sat.expected, strict=True):
        assert isinstance(want, Reply)
        if isinstance(want.value, torch.Tensor):
            key = tuple(a.tolist() if isinstance(a, torch.Tensor) else a for a in call.args)
            rows.append((repr(key), want.value.tolist()))
    return repr(dict(rows))


BODIES = {
    "always the identity": "import torch; return torch.arange(len(order))",
    "always backwards": "return order.flip(0)",
    "always nothing": "return order[:0]",
    "a guess": "import torch; return torch.randperm(len(order))",
    "always an error": "raise ValueError('asked for')",
    "an error that takes every name": """
        class ValueError(TypeError, IndexError, RuntimeError): pass
        raise ValueError
    """,
    "one number for all": "import torch; return torch.tensor([0])",
    "a table that broadcasts": "return order.new_zeros(1).expand(len(order))",
    "answers what a seed gives": """
        import torch
        torch.manual_seed(182)
        return torch.randperm(len(order))
    """,
    "counts its calls": """
        inverse_permutation.calls = getattr(inverse_permutation, "calls", 0) + 1
        return order if inverse_permutation.calls > 2 else order.flip(0)
    """,
}

CELLS = {
    "a table of the public check": (
        "inverse_permutation",
        f"import torch\nTABLE = {_table('inverse_permutation')}\ndef inverse_permutation(order):\n"
        "    found = TABLE.get(repr((order.tolist(),)))\n    return order if found is None else torch.tensor(found)\n",
    ),
    "an error for every order of walking": (
        "scan_order",
        "def scan_order(rows, cols, kind):\n    raise ValueError('there is no such kind')\n",
    ),
    "all pixels": (
        "measured_receptive_field",
        "import torch\ndef measured_receptive_field(model, image, unit):\n"
        "    return torch.ones(image.shape[-2:], dtype=torch.bool)\n",
    ),
    "the picture itself": (
        "patchify",
        "def patchify(images, patch_size):\n    return images.flatten(1)[:, None]\n",
    ),
    "the kept tokens as they came": (
        "random_masking",
        "def random_masking(x, keep_length, ids_shuffle):\n"
        "    return x[:, :keep_length], x[:, :, 0] * 0, ids_shuffle.argsort(dim=1) * 0\n",
    ),
    "one block for most models, none for others": (
        "blocks_to_drop",
        "def blocks_to_drop(in_channels, dim, patch_size, image_size):\n    return 1 if in_channels < 8 else 0\n",
    ),
    "both numbers at once": ("tokens_b16", "tokens_b16 = '196 or 197'"),
    "no number": ("tokens_b16", "tokens_b16 = float('nan')"),
    "infinity": ("tokens_b16", "tokens_b16 = float('inf')"),
    "a list of all letters": ("why_scale", "why_scale = ['a', 'b', 'c', 'd']"),
    "growth of nothing by nothing": ("growth_in_tokens", "growth_in_tokens = '0/0'"),
    "growth that is complex": ("growth_in_tokens", "growth_in_tokens = '((0-1)^.5)^1'"),
    "growth that overflows": ("growth_in_tokens", "growth_in_tokens = 'N^9^9^9^9^9'"),
    "growth with a thousand roots": ("growth_in_tokens", "growth_in_tokens = 'sqrt ' * 79 + 'N'"),
    "growth in brackets": ("growth_in_tokens", "growth_in_tokens = '(' * 199 + 'N'"),
    "growth as Python": ("growth_in_tokens", "growth_in_tokens = '__import__(\"os\").abort()'"),
}
