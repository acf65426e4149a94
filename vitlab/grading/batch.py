"""`vitlab grade`: collects hand-ins, has each of them graded once, and writes every report."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vitlab.course.secret import conventions_of
from vitlab.grading.collect import MOST_BYTES, CollectError, HandIn, collect
from vitlab.grading.escape import show
from vitlab.grading.job import Job, Options
from vitlab.grading.levels import NO_ISOLATION, best_level
from vitlab.grading.pool import grade_all
from vitlab.grading.report import print_summary, write_reports
from vitlab.grading.store import Store, StoreError
from vitlab.grading.tally import handed_in
from vitlab.grading.team import UNPROVEN
from vitlab.grading.version import version

MOST_FILES = 200  # of one hand-in: each in a zip in a zip has all of that one unpacked again
MOST_IN_HAND_IN = 128 << 20  # bytes, in memory at once; a zip of less than one MB may unpack to it
Backend = Callable[[Iterable[Job], Path, Options], Iterator[tuple[Job, dict[str, Any]]]]


def run_batch(
    submissions: Path,
    grades: Path,
    *,
    root: Path,
    seed: str | None = None,
    lessons: tuple[str, ...] = (),
    secret: str | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    timeout: float | None = None,
    unsafe: bool = False,
) -> bool:
    """Grades every hand-in in a folder or zip into a folder of grades; whether each of them could be graded.

    Arguments are those of the command. Raises ProjectError with a sentence where nothing can be graded at all.
    """
    console = Console()
    known_lessons(root, lessons)
    if secret is not None:
        conventions_of(secret)  # an empty one would grade a homework as the lessons
    apart(grades, submissions)
    hand_ins = collect(submissions)
    store = Store(grades)
    level = best_level(unsafe).name
    seconds = Options.timeout if timeout is None else timeout
    asked = Options(seed or "", level, lessons, secret, seconds, version(root))
    with store.locked():
        options = store.begin(asked if seed or resume else _with_seed(asked), resume)
        if timeout not in (None, options.timeout):
            raise StoreError(f"This batch was begun with --timeout {options.timeout:g}: leave it out to go on with it.")
        if level == NO_ISOLATION.name:
            console.print(f"Isolation: none. {UNPROVEN}", style="bold", highlight=False)
        with _progress(console) as progress:
            task = progress.add_task("grading", total=len(hand_ins))

            def to_do() -> Iterator[Job]:
                for hand_in in hand_ins:
                    job = read(hand_in)
                    if resume and store.has(job):
                        progress.advance(task)
                    else:
                        yield job

            try:
                for job, record in _backend(jobs, scheduler)(to_do(), root, options):
                    store.put(job, record)
                    progress.advance(task)
            except KeyboardInterrupt:
                console.print(
                    "Stopped. What is graded is kept: the same command with --resume goes on.", highlight=False
                )
                raise
        records, complaints = write_reports(grades, store.records())
    print_summary(console, records, complaints)
    console.print(f"Isolation: {options.level}. Reports: {show(str(grades))}", markup=False, highlight=False)
    return not any(record.get("failed") or not handed_in(record["lessons"]) for record in records)


def known_lessons(root: Path, lessons: tuple[str, ...]) -> None:
    """Raises CollectError where one of these lessons does not exist."""
    there = sorted(path.name[:2] for path in (root / "solutions").glob("[0-9][0-9]_*.py"))
    for number in lessons:
        if number not in there:
            raise CollectError(f"There is no lesson {show(number)}; there are {', '.join(there)}.")


def apart(grades: Path, submissions: Path) -> None:
    """Raises CollectError where the grades would lie among the submissions, and be taken for hand-ins the next time."""
    inside, outside = grades.resolve(), submissions.resolve()
    if submissions.is_dir() and (inside == outside or outside in inside.parents):
        raise CollectError(f"{show(str(grades))} lies among the submissions: choose a folder beside them for --out.")


def read(hand_in: HandIn) -> Job:
    """A hand-in with its files' contents; what cannot be read becomes a problem."""
    files, problems, size = [], list(hand_in.problems), 0
    for number, file in enumerate(hand_in.files):
        if number == MOST_FILES or size > MOST_IN_HAND_IN:
            most = f"{MOST_FILES} notebooks or {MOST_IN_HAND_IN >> 20} MB"
            problems.append(f"{file.name}: It is not read, nor what comes after it: no hand-in may have over {most}.")
            break
        try:
            content = file.read()
        except OSError as error:
            problems.append(f"{file.name}: It cannot be read: {error.strerror or error}.")
            continue
        if len(content) > MOST_BYTES:
            problems.append(f"{file.name}: It has over {MOST_BYTES >> 20} MB, so it is not read.")
        else:
            files.append((file.name, content))
            size += len(content)
    return Job(hand_in.student, tuple(files), tuple(problems))


def _with_seed(options: Options) -> Options:
    return Options(**{**options.as_data(), "seed": secret_seed(), "lessons": options.lessons})


def secret_seed() -> str:
    """A seed that nobody knows."""
    return secrets.token_hex(16)


def _backend(jobs: int, scheduler: str | None) -> Backend:
    if scheduler:
        from vitlab.grading.cluster import grade_on_cluster

        return lambda to_do, root, options: grade_on_cluster(to_do, options, scheduler)
    return lambda to_do, root, options: grade_all(to_do, root, options, jobs)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
