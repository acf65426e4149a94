"""What an executed notebook keeps of its widgets: the explorers, which a page can draw without a kernel."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from vitlab.course.notebooks import code_cells

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Explorer:
    """A saved explorer. module: its ES module's text; css: its style; traits: what the module reads, bytes as bytes."""

    module: str
    css: str
    traits: dict[str, Any]


def keep_explorers(notebook: NotebookNode) -> None:
    """Keeps the state and views of explorers (widgets that bring their own module), under ids that tell their cell.

    Every other widget (progress bars) goes: without a kernel it is an empty box. Changes the notebook.
    """
    state = _models(notebook)
    kept: dict[str, Any] = {}
    for cell in code_cells(notebook):
        for output in cell.outputs:
            model = output.get("data", {}).get(VIEW, {}).get("model_id")
            if model is None:
                continue
            if "_esm" not in state.get(model, {}).get("state", {}):
                del output.data[VIEW]
                continue
            name, layout = cell.id, f"{cell.id}-layout"
            held = state[model]["state"]
            kept[layout] = state[held["layout"].removeprefix("IPY_MODEL_")]
            kept[name] = {**state[model], "state": {**held, "layout": f"IPY_MODEL_{layout}"}}
            output.data[VIEW]["model_id"] = name
    notebook.metadata.pop("widgets", None)
    if kept:
        notebook.metadata["widgets"] = {STATE: {"version_major": 2, "version_minor": 0, "state": kept}}


def saved_explorer(notebook: NotebookNode, output: NotebookNode) -> Explorer | None:
    """The explorer that an output shows, or None for an output that shows none."""
    view = output.get("data", {}).get(VIEW)
    saved = _models(notebook).get(view["model_id"]) if view else None
    if saved is None:
        return None
    traits = {name: value for name, value in saved["state"].items() if not name.startswith("_") and name not in OWN}
    for buffer in saved.get("buffers", ()):
        (name,) = buffer["path"]
        traits[name] = base64.b64decode(buffer["data"])
    return Explorer(saved["state"]["_esm"], saved["state"]["_css"], traits)


OWN = ("layout", "tabbable", "tooltip")  # every widget's, of no meaning to a module


def _models(notebook: NotebookNode) -> dict[str, Any]:
    return notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
