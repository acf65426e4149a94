"""A JupyterLab server with fresh settings, and running a notebook in it as a student does."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_WITHIN = 60  # seconds
QUIET = [
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


@dataclass(frozen=True)
class Lab:
    """A running server: its address, its token, and the folder that it shows."""

    address: str
    token: str
    folder: Path


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab over `folder` on a free port of 127.0.0.1, its settings and progress in a hidden folder there."""
    home = folder / ".jupyter-home"
    settings = home / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(NO_NEWS), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", *QUIET]
    command += [f"--LabApp.app_settings_dir={settings.parent}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "VITLAB_HOME": str(home / "progress"),
    }
    log = home / "lab.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api/status?token={token}", process, log)
        yield Lab(address, token, folder)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start within {STARTS_WITHIN} s. Its log:\n{log.read_text()[-3000:]}")


def open_notebook(page, lab: Lab, path: str) -> None:
    """Open a notebook (its path in the lab's folder; its metadata must name a kernel) and wait for that kernel."""
    page.goto(f"{lab.address}/doc/tree/{path}?token={lab.token}&reset")
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context !== undefined", timeout=60_000)
    _finish(
        page,
        """async () => {
          const panel = window.jupyterapp.shell.currentWidget;
          await panel.context.ready;
          await panel.sessionContext.ready;
        }""",
        60,
    )


def _finish(page, asynchronous: str, seconds: float) -> None:
    """Wait for an async function in the page; Playwright's own evaluate would wait for ever."""
    page.evaluate(f"() => {{ window.finished = false; ({asynchronous})().then(() => {{ window.finished = true; }}); }}")
    page.wait_for_function("window.finished", timeout=1000 * seconds)


def run_all(page, lab: Lab, path: str, seconds: float = 120) -> list[dict]:
    """Open a notebook and run all its cells.

    path: the notebook, in the lab's folder; seconds: how long its cells may take together
    Returns the outputs of all code cells, in order, each a dict as in an .ipynb file; a cell that failed shows as one
    with output_type "error". Raises AssertionError where a cell did not run.
    """
    open_notebook(page, lab, path)
    _finish(page, "() => window.jupyterapp.commands.execute('notebook:run-all-cells')", seconds)
    cells = page.evaluate(
        """() => {
          const model = window.jupyterapp.shell.currentWidget.content.model;
          return Array.from(model.cells, (cell) => cell.toJSON()).filter((cell) => cell.cell_type === "code");
        }"""
    )
    for number, cell in enumerate(cells, 1):
        source = "".join(cell["source"])
        assert not source.strip() or cell["execution_count"], f"code cell {number} of {path} did not run:\n{source}"
    return [output for cell in cells for output in cell["outputs"]]


def shut_down(page) -> None:
    """End the open notebook's kernel, which would hold its memory until the server ends."""
    _finish(page, "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()", 30)


def set_theme(page, name: str) -> None:
    """Switch JupyterLab to a theme: "JupyterLab Light" or "JupyterLab Dark"."""
    light = "true" if name.endswith("Light") else "false"
    page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
    page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=light)
