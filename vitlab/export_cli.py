"""The commands `vitlab export ...`: the course in the forms that other tools take."""

from __future__ import annotations

from enum import Enum
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
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
) -> None:
    """Lay out an nbgrader course: every lesson, or those named, as assignments."""
    from vitlab.course import command
    from vitlab.project import find_project

    raise typer.Exit(0 if command.export_nbgrader(find_project(), out, lessons or []) else 1)


@export_app.command()
def gradescope(
    out: Annotated[Path, typer.Option("--out", help="The zip to write, such as autograder.zip.")],
    lesson: Annotated[list[str] | None, typer.Option(help="A lesson that was set, such as 02. Default: any.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret of the homework pack that was handed out.")] = None,
) -> None:
    """Write an autograder for Gradescope: this grader in a zip, with setup.sh and run_autograder."""
    from helpers.exercises import items
    from vitlab.grading.autograder_zip import export_gradescope
    from vitlab.project import find_project

    lessons = sorted(set(lesson or ()))
    export_gradescope(find_project(), out, tuple(lessons), secret)
    typer.echo(f"wrote {out}: for staff only, it holds the solutions{' and the secret' if secret else ''}")
    if lessons:
        typer.echo(f"the assignment's points: {sum(item.points for number in lessons for item in items(number))}")


@export_app.command()
def site(
    out: Annotated[Path, typer.Option("--out", help="A folder: new, empty or a former export.")],
    repository: Annotated[
        str | None, typer.Option(help="https://github.com/OWNER/NAME, for links to Colab and Binder.")
    ] = None,
) -> None:
    """Write the course as a static site: every lesson solved, explorers alive, readable from disk or any server."""
    from vitlab.course.build import standard_course
    from vitlab.course.editions.site.export import export_site
    from vitlab.project import find_project

    typer.echo(f"wrote {export_site(standard_course(find_project()), out, repository)}: open it in a browser")


@export_app.command()
def notes(
    out: Annotated[Path, typer.Option("--out", help="The folder for the pages.")],
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
) -> None:
    """Write the TA notes: a page a lesson, with the plan of its 50 minutes, to hold or to print."""
    from vitlab.course import command
    from vitlab.project import find_project

    raise typer.Exit(0 if command.export_notes(find_project(), out, lessons or []) else 1)


@export_app.command()
def slides(
    out: Annotated[Path, typer.Option("--out", help="The folder for the decks.")],
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
) -> None:
    """Write a deck of slides for each lesson: one HTML file that needs no network."""
    from vitlab.course import command
    from vitlab.project import find_project

    raise typer.Exit(0 if command.export_slides(find_project(), out, lessons or []) else 1)


@export_app.command()
def archive(out: Annotated[Path, typer.Option("--out", help="The zip to write, such as vitlab.zip.")]) -> None:
    """Write the course as one zip that pip installs: for Google Colab, or a release. It holds no lesson."""
    from vitlab.course.archive import export_archive
    from vitlab.project import find_project

    export_archive(find_project(), out)
    typer.echo(f"wrote {out}: {out.stat().st_size / 1e6:.1f} MB")


class Paper(str, Enum):
    """A paper size that a worksheet fits."""

    A4 = "A4"
    LETTER = "Letter"


@export_app.command()
def worksheet(
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
    paper: Annotated[Paper | None, typer.Option(case_sensitive=False, help="Default: both.")] = None,
) -> None:
    """Write a page for the 50-minute section of each lesson, and its key, as PDF and HTML."""
    from vitlab.course import command
    from vitlab.project import find_project

    papers = [paper.value] if paper else [each.value for each in Paper]
    raise typer.Exit(0 if command.export_worksheets(find_project(), out, lessons or [], papers) else 1)
