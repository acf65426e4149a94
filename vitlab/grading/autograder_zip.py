"""`vitlab export gradescope`: the zip from which Gradescope builds an autograder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from vitlab.course.secret import conventions_of
from vitlab.files import write
from vitlab.grading.autograder import SETTINGS
from vitlab.grading.batch import known_lessons
from vitlab.grading.store import StoreError
from vitlab.zips import installable_files, zipped

SCRIPTS = Path(__file__).parent / "gradescope_scripts"


def export_gradescope(root: Path, out: Path, lessons: tuple[str, ...] = (), secret: str | None = None) -> None:
    """Writes the zip: a project's grader, for these lessons (none: any) and the conventions of a secret.

    Raises CollectError for a lesson that does not exist, SecretError for a secret that is none, and StoreError where
    `out` does not end in .zip or cannot be written.
    """
    if out.suffix != ".zip":
        raise StoreError(f"{out}: name a file that ends in .zip, such as autograder.zip; Gradescope takes no other.")
    known_lessons(root, lessons)
    if secret is not None:
        conventions_of(secret)
    try:
        write(out, autograder_zip(root, lessons, secret))
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}.") from None
    out.chmod(0o600)  # it holds the solutions


def autograder_zip(root: Path, lessons: tuple[str, ...], secret: str | None) -> bytes:
    """The zip's bytes: setup.sh and run_autograder at its top, as Gradescope wants them, the project beside them."""
    content = {path.name: path.read_bytes() for path in SCRIPTS.iterdir() if path.is_file()}
    runnable = set(content)
    content |= {path.relative_to(root).as_posix(): path.read_bytes() for path in _project_files(root)}
    content[SETTINGS] = json.dumps({"lessons": lessons, "secret": secret}).encode()
    return zipped(content, runnable)


def _project_files(root: Path) -> Iterator[Path]:
    yield root / "constraints.txt"
    yield from (root / "solutions").glob("[0-9][0-9]_*.py")
    yield from installable_files(root)
