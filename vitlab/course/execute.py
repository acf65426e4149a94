"""Runs a solved lesson and keeps of its outputs what is the same on every machine."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode

from vitlab.course.notebooks import code_cells
from vitlab.course.widgets import keep_explorers

CELL_TIMEOUT = 300  # seconds


class ExecutionError(Exception):
    """A cell failed. cell: its number in the notebook from 0; message: what happened, in a line."""

    def __init__(self, cell: int, message: str):
        self.cell, self.message = cell, message
        super().__init__(message)


def execute(
    notebook: NotebookNode,
    folder: str | Path,
    *,
    timeout: float = CELL_TIMEOUT,
    executed: Callable[[], None] = lambda: None,
) -> NotebookNode:
    """Runs a copy of the notebook from top to bottom, and returns it with its normalised outputs.

    folder: where it runs. timeout: seconds a cell. executed: called after each code cell.
    The student's progress (VITLAB_HOME) goes to a temporary folder. Raises ExecutionError for the cell that fails.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    running = [0]
    scratch = copy.deepcopy(notebook)  # nbclient writes the machine's Python version and more into its metadata
    client = NotebookClient(
        scratch,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=True,
        on_cell_start=lambda cell, cell_index: running.__setitem__(0, cell_index),
        on_cell_executed=lambda cell, cell_index, execute_reply: executed(),
    )
    with tempfile.TemporaryDirectory(prefix="vitlab-") as home:
        try:
            client.execute(env={**os.environ, "VITLAB_HOME": home})
        except CellExecutionError as error:
            raise ExecutionError(running[0], f"{error.ename}: {error.evalue}") from error
        except CellTimeoutError as error:
            raise ExecutionError(running[0], f"the cell ran for over {timeout:g} s") from error
        except DeadKernelError as error:
            raise ExecutionError(running[0], "the kernel died in this cell (memory?)") from error
    result = copy.deepcopy(notebook)
    for cell, was in zip(code_cells(result), code_cells(scratch), strict=True):
        cell.outputs, cell.execution_count = was.outputs, was.execution_count
    if "widgets" in scratch.metadata:
        result.metadata["widgets"] = scratch.metadata.widgets
    return normalise(result, Path(folder).resolve().parent)


def normalise(notebook: NotebookNode, root: Path) -> NotebookNode:
    """Takes out what differs from run to run and from machine to machine; changes the notebook and returns it.

    Left out: cell timings, stderr (progress bars, warnings with paths), widgets other than explorers. The project's
    folder, `root`, reads "." in texts. Cells are numbered from 1.
    """
    keep_explorers(notebook)
    for count, cell in enumerate(code_cells(notebook), 1):
        cell.metadata.pop("execution", None)
        if cell.execution_count is not None:
            cell.execution_count = count
        cell.outputs = _joined([_output(output, count, root) for output in cell.outputs if not _is_stderr(output)])
    return notebook


def _is_stderr(output: NotebookNode) -> bool:
    return output.output_type == "stream" and output.name == "stderr"


def _output(output: NotebookNode, count: int, root: Path) -> NotebookNode:
    output.pop("transient", None)
    if output.output_type == "execute_result":
        output.execution_count = count
    if output.output_type == "stream":
        output.text = output.text.replace(str(root), ".")
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(value, str):
            output.data[kind] = value.replace(str(root), ".")
    return output


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Prints that follow each other become one: how they were cut is chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = as_seen(output.text)
    return joined


def as_seen(text: str) -> str:
    """A printed text as a screen shows it in the end: of a line that was written over (a progress bar), the last."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
