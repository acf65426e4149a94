"""The commands `vitlab export ...`: the course in the forms that other tools take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

export_app = typer.Typer(help="Write the course in a form that another tool takes.", no_args_is_help=True)


@export_app.callback()
def main() -> None:
    """Write the course in a form that another tool takes."""


@export_app.command()
def nbgrader(
    out: Annotated[Path, typer.Option("--out", help="A folder: new, empty or a former export.")],
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="01 or 01_name.")] = None,
) -> None:
    """Lay out an nbgrader course: every lesson, or those named, as assignments."""
    from vitlab.course import command
    from vitlab.project import find_project

    raise typer.Exit(0 if command.export_nbgrader(find_project(), out, lessons or []) else 1)
