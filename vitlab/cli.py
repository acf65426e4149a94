"""The command `vitlab`. Each command imports what it needs when it runs, so that `vitlab --help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitlab.export_cli import export_app

app = typer.Typer(
    name="vitlab",
    help="A hands-on lab on Vision Transformers and Masked Autoencoders.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(export_app, name="export")


@app.command()
def lab(
    extra: Annotated[list[str] | None, typer.Argument(help="Further arguments of JupyterLab, after --.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: the first free one from 8888.")] = None,
) -> None:
    """Open JupyterLab at the first lesson."""
    from vitlab.lab import serve
    from vitlab.project import find_project

    serve(find_project(), browser=browser, port=port, extra=extra or [])


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_every_test(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PYTEST ARGS]", help="With any: only pytest, with these arguments."),
    ] = None,
) -> None:
    """Run every test: ruff, pytest, the solved lessons and the student notebooks."""
    from vitlab.project import find_project
    from vitlab.testing import run_tests

    raise typer.Exit(0 if run_tests(find_project(), arguments or []) else 1)


@app.command()
def build(
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where a file would change.")] = False,
    execute: Annotated[
        bool | None,
        typer.Option("--execute/--no-execute", help="Run the solved lessons. Default: where their code changed."),
    ] = None,
) -> None:
    """Build the notebooks of every lesson, or of those named, from solutions/*.py."""
    from vitlab.course import command
    from vitlab.project import find_project

    run = command.check if check else command.build
    raise typer.Exit(0 if run(find_project(), lessons or [], execute) else 1)


@app.command()
def homework(
    secret: Annotated[str, typer.Option(help="Any text. Grading needs it again; students must not know it.")],
    out: Annotated[Path, typer.Option(help="A new or an empty folder, or that of an earlier pack of this secret.")],
    lessons: Annotated[list[str] | None, typer.Argument(metavar="[LESSON]...", help="02, 02_name or all.")] = None,
) -> None:
    """Make a homework pack whose conventions are drawn from a secret, so that the public solutions do not pass."""
    from vitlab.course import command
    from vitlab.project import find_project

    raise typer.Exit(0 if command.homework(find_project(), lessons or [], secret, out) else 1)


@app.command()
def zoo() -> None:
    """Judge every known wrong answer, every correct variant and every untouched stub, and print the table."""
    from vitlab.zoo import run_zoo

    raise typer.Exit(0 if run_zoo() else 1)


@app.command()
def experiments(
    lesson: Annotated[str | None, typer.Option(help="A lesson's number, such as 02. Default: every lesson.")] = None,
    seeds: Annotated[int, typer.Option(min=2, help="How many seeds, from 0.")] = 5,
    full: Annotated[bool, typer.Option("--full", help="Start afresh: forget what earlier runs have finished.")] = False,
    table: Annotated[bool, typer.Option("--table", help="Measure nothing: print what is shipped.")] = False,
) -> None:
    """Measure the lessons' experiments over several seeds and write helpers/measured; goes on where it stopped.

    At the end prints one table: measured, expected, published.
    """
    from helpers.exercises import LESSONS
    from vitlab.experiments import ExperimentError, run_experiments
    from vitlab.project import find_project
    from vitlab.results import print_results

    chosen = [info for info in LESSONS if lesson in (None, info.number)]
    if not chosen:
        raise ExperimentError(f"There is no lesson {lesson}; there are {', '.join(info.number for info in LESSONS)}.")
    if not table:
        run_experiments(find_project(), lesson, seeds, full=full)
    print_results(chosen)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder or zip of notebooks, of folders, or of zips.")],
    out: Annotated[Path, typer.Option(help="Folder for records and reports.")],
    seed: Annotated[str | None, typer.Option(help="Draws the hidden inputs. Default: a new secret one.")] = None,
    lesson: Annotated[list[str] | None, typer.Option(help="A lesson that was set, such as 02. Default: any.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret of the homework pack that was handed out.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one a core.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://...")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the batch in --out.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds that one hand-in may take. Default: 300, or the batch's.")
    ] = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Grade even where nothing shuts student code in.")] = False,
) -> None:
    """Grade every submission in a sandbox and write records, feedback, gradebook and statistics.

    Exit code 0: all graded; 1: nothing could be graded, a sentence says why; 2: wrong arguments; 3: graded, but some
    hand-ins hold no lesson that could be.
    """
    import os

    from vitlab.grading.batch import run_batch
    from vitlab.project import find_project

    all_graded = run_batch(
        submissions,
        out,
        root=find_project(),
        seed=seed,
        lessons=tuple(sorted(set(lesson or ()))),
        secret=secret,
        jobs=jobs or os.cpu_count() or 1,
        scheduler=scheduler,
        resume=resume,
        timeout=timeout,
        unsafe=unsafe,
    )
    raise typer.Exit(0 if all_graded else 3)


@app.command()
def report(
    grades: Annotated[Path, typer.Argument(help="A folder that `vitlab grade --out` filled.")],
    marks: Annotated[Path | None, typer.Option(help="marks.csv, as free_text.html gives it.")] = None,
) -> None:
    """Write a batch's reports anew, with the marks of its free text.

    Exit code 1: nothing is changed, and a sentence for each line says what is wrong with it.
    """
    from rich.console import Console

    from vitlab.grading.report import run_report

    run_report(grades, marks, Console())


@app.command()
def attacks() -> None:
    """Attack this machine's sandbox, hand in what is honest and odd, and print both tables."""
    from vitlab.attacks.table import run_attacks

    raise typer.Exit(0 if run_attacks() else 1)


@app.command()
def submit(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="Default: every lesson with an answer in it.")] = None,
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("hand_in.zip"),
) -> None:
    """Put your notebooks into one zip to hand in, after a look at whether they can be graded."""
    from vitlab.grading.submit import submit as hand_in
    from vitlab.project import find_project

    hand_in(find_project(), notebooks or [], out)


@app.command()
def doctor() -> None:
    """Say how well this machine can shut a student's code in."""
    from vitlab.grading.levels import possible_levels

    reasons = possible_levels()
    for name, reason in reasons.items():
        typer.echo(f"{'yes' if reason is None else 'no '}  {name}{f': {reason}' if reason else ''}")
    raise typer.Exit(0 if None in reasons.values() else 1)


def main() -> None:
    """Runs the command line; what a person can put right is one sentence and exit code 1."""
    from vitlab.project import ProjectError

    try:
        app()
    except ProjectError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from None
