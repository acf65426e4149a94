"""A solved lesson 02, its notebook changed in ways that say nothing about its answers."""

import copy
import json
import random

from vitlab.attacks.notebook import code, markdown

GROUP = "odd notebooks"


def _saved(cells, **more):
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}).encode()


def _each(change):
    """A change of every cell; None takes it out."""
    return lambda cells: _saved([cell for cell in map(change, copy.deepcopy(cells)) if cell is not None])


def _without(tag):
    return _each(lambda cell: None if tag in cell["metadata"].get("tags", ()) else cell)


def _set(**fields):
    return _each(lambda cell: {**cell, **fields})


def _drop(*names):
    return _each(lambda cell: {name: cell[name] for name in cell if name not in names})


def _text(change):
    return _each(lambda cell: {**cell, "source": change("".join(cell["source"]))})


def _with(*extra, at=0):
    return lambda cells: _saved([*cells[:at], *extra, *cells[at:]])


def _shuffled(cells):
    cells = list(cells)
    random.Random(0).shuffle(cells)
    return _saved(cells)


def _answers_only(cells):
    return _saved([cell for cell in cells if {"exercise", "answer"} & set(cell["metadata"].get("tags", ()))])


def _one_big_cell(cells):
    tags = {"exercise", "answer"}
    answers = [c for c in cells if c["cell_type"] == "code" and tags & set(c["metadata"].get("tags", ()))]
    return _saved([code("\n\n".join("".join(cell["source"]) for cell in answers))])


def _line_by_line(cells):
    """Lists of lines, as Jupyter saves them."""
    return _each(lambda cell: {**cell, "source": "".join(cell["source"]).splitlines(keepends=True)})(cells)


def _split(cells):
    """Imports in one cell, the answer in the next, as some like it."""
    return _with(code("import torch\nfrom functools import cache"), code("HELP = 1"), at=3)(cells)


def _full_of_output(cells):
    output = {"output_type": "stream", "name": "stdout", "text": ["x" * 1000 + "\n"] * 10_000}
    cells = copy.deepcopy(cells)
    next(cell for cell in cells if cell["cell_type"] == "code")["outputs"] = [output]
    return _saved(cells)


def _pictures(cells):
    attached = {"picture.png": {"image/png": "iVBORw0KGgo" * 100_000}}
    return _with(markdown("![picture](attachment:picture.png)", attachments=attached))(cells)


def _twice(cells):
    return _saved([*cells, *cells])


def _copied_ids(cells):
    """A cell copied and pasted with its id, empty in the copy."""
    answers = [cell for cell in cells if "exercise" in cell["metadata"].get("tags", ())]
    return _saved([*cells, *[{**cell, "source": "# a copy"} for cell in answers]])


def _stubs_first(cells):
    """The stub kept above the answer."""
    out = []
    for cell in cells:
        if "exercise" in cell["metadata"].get("tags", ()):
            name = cell["metadata"]["exercise"]
            out.append({**cell, "source": f"def {name}(*args):\n    raise NotImplementedError\n"})
            cell = {**cell, "id": f"{name}-mine"}
        out.append(cell)
    return _saved(out)


_COLAB = {
    "colab": {"provenance": [{"file_id": "1a", "timestamp": 1}], "toc_visible": True, "gpuType": "T4"},
    "accelerator": "GPU",
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
}
_KAGGLE = {"kaggle": {"accelerator": "none", "dataSources": [], "isGpuEnabled": False}, "papermill": {"duration": 1.5}}
_VSCODE = {"language_info": {"name": "python"}, "orig_nbformat": 4, "vscode": {"interpreter": {"hash": "a1"}}}

NOTEBOOKS = {
    "as it is": _saved,
    "run, with counts": _set(execution_count=7),
    "ids lost": _drop("id"),
    "ids of Colab": _each(lambda cell: {**cell, "id": "aBc" + cell["id"][:5], "metadata": {"id": "x"}}),
    "ids and metadata lost": _each(lambda cell: {**cell, "id": "", "metadata": {}}),
    "metadata lost": _set(metadata={}),
    "one id for all": _set(id="cell"),
    "ids that are numbers": _set(id=1),
    "tags lost": _each(lambda c: {**c, "metadata": {k: v for k, v in c["metadata"].items() if k != "tags"}}),
    "tags that are null": _each(lambda c: {**c, "metadata": {**c["metadata"], "tags": None}}),
    "nbgrader's metadata lost": _each(lambda c: {**c, "metadata": {"tags": c["metadata"].get("tags", [])}}),
    "saved by Colab": lambda cells: _saved(cells, metadata=_COLAB, nbformat_minor=0),
    "saved by Kaggle": lambda cells: _saved(cells, metadata=_KAGGLE, nbformat_minor=4),
    "saved by VS Code": lambda cells: _saved(cells, metadata=_VSCODE, nbformat_minor=2),
    "nbformat 4.0": lambda cells: _saved(cells, nbformat_minor=0),
    "nbformat 4.99": lambda cells: _saved(cells, nbformat_minor=99),
    "no minor format": lambda cells: json.dumps({"cells": cells, "nbformat": 4}).encode(),
    "a missing kernel": lambda cells: _saved(cells, metadata={"kernelspec": {"name": "not-here", "display_name": "x"}}),
    "a kernel of another language": lambda cells: _saved(cells, metadata={"language_info": {"name": "julia"}}),
    "checks deleted": _without("check"),
    "checks changed": _each(
        lambda c: {**c, "source": "lesson.check('nothing')"} if "check" in c["metadata"].get("tags", ()) else c
    ),
    "checks first": lambda cells: _saved(
        sorted(cells, key=lambda cell: "check" not in cell["metadata"].get("tags", ()))
    ),
    "set-up deleted": _without("setup"),
    "set-up broken": _each(
        lambda c: {**c, "source": "import nothing_here"} if "setup" in c["metadata"].get("tags", ()) else c
    ),
    "texts deleted": _each(lambda cell: None if cell["cell_type"] == "markdown" else cell),
    "the answers alone": _answers_only,
    "the answers in one cell": _one_big_cell,
    "cells in any order": _shuffled,
    "cells in reverse": lambda cells: _saved(cells[::-1]),
    "all of it twice": _twice,
    "copied cells with their ids": _copied_ids,
    "stubs kept above the answers": _stubs_first,
    "lines as a list": _line_by_line,
    "sources as one text": _text(lambda source: source),
    "CRLF": _text(lambda source: source.replace("\n", "\r\n")),
    "spaces at the ends of lines": _text(lambda source: source.replace("\n", "   \n") + "   "),
    "no spaces at the ends": _text(str.strip),
    "a comment before each cell": _text(lambda source: "# Anna Ash, group 3\n" + source),
    "solution marks removed": _text(
        lambda source: "\n".join(line for line in source.split("\n") if "### " not in line)
    ),
    "a byte order mark": lambda cells: b"\xef\xbb\xbf" + _saved(cells),
    "indented JSON with all characters": lambda cells: json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=4, ensure_ascii=False
    ).encode(),
    "ten megabytes of output": _full_of_output,
    "pictures attached": _pictures,
    "outputs lost": _drop("outputs", "execution_count"),
    "fields that nobody knows": _each(lambda cell: {**cell, "mine": {"a": [1, 2]}, "collapsed": True}),
    "a heading cell": _with({"cell_type": "heading", "level": 1, "source": "Mine"}),
    "raw cells": _with({"cell_type": "raw", "source": "{{ raw }}", "metadata": {}}),
    "empty cells": _with(*[code("")] * 50, code("# nothing"), markdown("")),
    "a thousand extra cells": _with(*[code(f"x{i} = {i}") for i in range(1000)]),
    "magics in other cells": _with(
        code("%load_ext autoreload\n%autoreload 2\n!nvidia-smi\n%pip install torch\n?print")
    ),
    "other languages in cells": _with(
        code("%%bash\nls -la | grep x"), code("%%html\n<b>x</b>"), code("%%writefile x\na b")
    ),
    "a cell that does not parse": _with(code("def broken(:\n    return (")),
    "a cell of another version's Python": _with(code("print 'hello'\nexec 'x'")),
    "a cell that raises": _with(code("raise RuntimeError('this does not run')"), code("1 / 0")),
    "a cell that imports what is not there": _with(code("import tensorflow as tf\nimport my_own_module")),
    "a cell that asks for input": _with(code("name = input()\npassword = __import__('getpass').getpass()")),
    "a cell that never ends": _with(code("while True:\n    pass")),
    "a cell that exits": _with(code("import sys\nsys.exit()"), code("exit()"), code("quit")),
    "a cell that shadows builtins": _with(code("id = input = 1\nfilter = type\nprint = None\nhash = {}")),
    "a cell that deletes": _with(code("x = 1\ndel x"), code("%reset -f")),
    "plots in other cells": _with(code("import matplotlib.pyplot as plt\nplt.plot([1])\nplt.savefig('x.png')")),
    "training in other cells": _with(
        code("model = torch.nn.Linear(9, 9)\nopt = torch.optim.SGD(model.parameters(), 0.1)"),
        code(
            "for epoch in range(10**9):\n    torch.manual_seed(epoch)\n"
            "    model(torch.randn(9)).sum().backward()\n    opt.step()"
        ),
        at=4,
    ),
    "scratch work with the names of arguments": _with(
        code("order = torch.randperm(9)\nrows, cols, kind = 3, 4, 'raster'\ntokens = encoder = None"), at=4
    ),
    "warnings and logging set up": _with(
        code("import warnings, logging\nwarnings.simplefilter('error')\nlogging.basicConfig()")
    ),
    "tests of one's own": _with(
        code("def test_inverse():\n    assert inverse_permutation(torch.tensor([0])) == 0\ntest_inverse()"),
        at=30,
    ),
    "pieces under other names": _with(
        code(
            "inverse = lesson.piece('inverse_permutation')\nscan = lesson.piece('scan_order')\nscan_order = scan_order"
        ),
        at=30,
    ),
    "pieces fetched over one's own": lambda cells: _saved(
        [
            *cells,
            code("inverse_permutation = lesson.piece('inverse_permutation')\nscan_order = lesson.piece('scan_order')"),
        ]
    ),
    "checks and hints called in between": _with(
        code("lesson.check('inverse_permutation')\nlesson.hint('scan_order', 2)\nlesson"), at=30
    ),
}
