"""Notebooks open in any editor: what VS Code, Colab and others read in the file itself."""

import json
import re

import nbformat
import pytest

from helpers.cards import LOOKS, Card
from vitlab.project import find_project

ROOT = find_project()
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "solutions").glob("*.ipynb"))]
WIDGET = "application/vnd.jupyter.widget-view+json"  # VS Code and Colab draw them too
ANYWHERE = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/svg+xml", WIDGET}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_a_notebook_is_nbformat_4_5_with_an_id_on_every_cell(notebook):
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids)
    nbformat.validate(nbformat.from_dict(notebook))


def test_a_notebook_asks_for_a_kernel_that_every_editor_has(notebook):
    kernel = notebook["metadata"]["kernelspec"]
    assert (kernel["name"], kernel["language"]) == ("python3", "python")
    assert notebook["metadata"]["language_info"]["name"] == "python"


def test_no_output_needs_jupyterlab(notebook):
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds <= ANYWHERE
    assert all("text/plain" in output["data"] for output in outputs if "data" in output)


def test_no_output_is_drawn_in_colours_that_only_jupyterlab_defines(notebook):
    for cell in notebook["cells"]:
        assert "--jp-" not in json.dumps(cell.get("outputs", [])), cell["id"]


@pytest.mark.parametrize("kind", LOOKS)
def test_a_card_takes_text_and_background_from_the_page_that_shows_it(kind):
    html = Card(kind, "title", ["a line"], [("a", "b"), ("c", "d")], True, [("more", "text")])._repr_html_()
    assert "background" not in html
    words = re.sub(r"<span[^>]*>.</span>", "", html)  # the sign alone may have a colour, beside its word
    assert not re.search(r"[\";]\s*color\s*:", words)


def test_code_runs_in_any_kernel_without_magics(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), cell["id"], "exec")
