"""Where the project's folder is."""

from __future__ import annotations

import re
from pathlib import Path


class ProjectError(Exception):
    """The project's folder cannot be found; the message says what to do."""


def find_project(start: str | Path | None = None) -> Path:
    """The folder of the course: the nearest one from `start` (default: the current folder) upwards, else the one
    that this package was installed from (`pip install -e .`).

    Raises ProjectError where neither is there.
    """
    here = Path(start or Path.cwd()).resolve()
    installed = Path(__file__).resolve().parent.parent
    for folder in (here, *here.parents, installed):
        if is_project(folder):
            return folder
    raise ProjectError(
        f"The course's folder (with pyproject.toml and notebooks/) is neither {here} nor above it: "
        "change into your clone of the course and try again."
    )


def is_project(folder: Path) -> bool:
    """Whether a folder is a clone of the course."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r'^name = "vitlab"$', text, re.MULTILINE) is not None


def release_address(root: Path) -> str:
    """Where the course's archive can be had: `release` under `[tool.vitlab]` in pyproject.toml, else empty.

    Raises ProjectError for what is no https address of a zip.
    """
    text = (root / "pyproject.toml").read_text(encoding="utf-8") if is_project(root) else ""
    section = re.search(r"^\[tool\.vitlab\]$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    given = re.search(r'^release *= *"(.*)"', section[1], re.MULTILINE) if section else None
    address = given[1] if given else ""
    if address and not re.fullmatch(r"https://[^\s\"\\]+\.zip", address):
        raise ProjectError(f"pyproject.toml: release = {address!r} is no address of the form https://.../vitlab.zip.")
    return address
