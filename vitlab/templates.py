"""How every page of the project is filled in: Jinja templates that escape what they print and know every name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates(folder: Path, **options: Any) -> Environment:
    """The templates of a folder. All that they print is escaped; a name that they are not given raises UndefinedError.

    options: more of jinja2's for its Environment.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
