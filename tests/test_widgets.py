"""What an executed notebook keeps of its widgets: explorers whole, everything else not at all."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from vitlab.course.execute import execute, normalise
from vitlab.course.notebooks import dumps
from vitlab.course.widgets import STATE, VIEW, saved_explorer

EXPLORER = """
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = "export default { render({ model, el }) { el.textContent = model.get('count'); } }"
    _css = ".counter { color: black }"
    count = traitlets.Int(3).tag(sync=True)
    raw = traitlets.Bytes(b"\\x00\\x01\\xff").tag(sync=True)
Counter()
"""
BAR = "import ipywidgets\nipywidgets.IntProgress(value=3)"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    notebook = new_notebook(cells=[new_code_cell(EXPLORER, id="play-1"), new_code_cell(BAR, id="wait-1")])
    return execute(notebook, tmp_path_factory.mktemp("folder"))


def test_an_explorer_is_kept_with_its_module_its_style_and_its_values(executed):
    explorer = saved_explorer(executed, executed.cells[0].outputs[0])
    assert "export default" in explorer.module
    assert explorer.css == ".counter { color: black }"
    assert explorer.traits == {"count": 3, "raw": b"\x00\x01\xff"}


def test_a_progress_bar_is_not_kept(executed):
    (output,) = executed.cells[1].outputs
    assert VIEW not in output.data
    assert saved_explorer(executed, output) is None
    assert set(executed.metadata.widgets[STATE]["state"]) == {"play-1", "play-1-layout"}


def test_every_reference_in_the_state_leads_somewhere(executed):
    state = executed.metadata.widgets[STATE]["state"]
    assert executed.cells[0].outputs[0].data[VIEW]["model_id"] in state
    assert state["play-1"]["state"]["layout"] == "IPY_MODEL_play-1-layout"


def test_what_is_kept_is_a_valid_notebook_and_keeping_it_again_changes_nothing(executed, tmp_path):
    once = dumps(executed)
    again = normalise(nbformat.reads(once.decode(), as_version=4), tmp_path)
    assert dumps(again) == once


def test_a_notebook_without_explorers_has_no_widget_state(tmp_path):
    assert "widgets" not in execute(new_notebook(cells=[new_code_cell(BAR)]), tmp_path).metadata
