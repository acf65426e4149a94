"""`vitlab lab`: JupyterLab on this machine, at the first lesson."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from vitlab.project import ProjectError

FIRST_LESSON = "notebooks/00_einops.ipynb"
HOST, FIRST_PORT = "127.0.0.1", 8888
SETTINGS = Path(__file__).parent / "jupyter"  # defaults of JupyterLab's settings: no pop-up about news or updates


def serve(root: Path, *, browser: bool = True, port: int | None = None, extra: Sequence[str] = ()) -> None:
    """Serves the course's folder until it is interrupted, and prints the address.

    root: the project's folder. browser: open one, if there is a screen. port: default the first free one from 8888.
    extra: further arguments of JupyterLab. Raises ProjectError where the first lesson is missing or the port is taken.
    """
    if not (root / FIRST_LESSON).exists():
        raise ProjectError(f"{FIRST_LESSON} is missing in {root}: make it with 'vitlab build', or with git checkout.")
    port = free_port() if port is None else port
    if not _is_free(port):
        raise ProjectError(f"Port {port} is taken: stop what runs there, or choose another with --port.")
    token = os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(24))
    own = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), *([own] if own else [])])
    print(f"JupyterLab: http://{HOST}:{port}/lab/tree/{FIRST_LESSON}?token={token}")
    print("Stop it with Ctrl-C.", flush=True)

    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(arguments(root, port, browser and has_screen(os.environ), extra))


def arguments(root: Path, port: int, browser: bool, extra: Sequence[str] = ()) -> list[str]:
    """JupyterLab's command line; `extra` comes last, so that it wins."""
    given = [
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.open_browser={browser}",
        "--Application.log_level=WARN",
        f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        given.append("--allow-root")
    return [*given, *extra]


def has_screen(environment: Mapping[str, str], platform: str = sys.platform, root: str | Path = "/") -> bool:
    """Whether a browser can be opened: not in CI, not in a container, on Linux only with a display."""
    in_container = (Path(root) / ".dockerenv").exists() or (Path(root) / "run/.containerenv").exists()
    if environment.get("CI") or in_container:
        return False
    return not platform.startswith("linux") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def free_port(first: int = FIRST_PORT) -> int:
    """The first free port from `first` on. Raises ProjectError where 100 are taken."""
    for port in range(first, first + 100):
        if _is_free(port):
            return port
    raise ProjectError(f"No free port from {first} to {first + 99}: choose one with --port.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
