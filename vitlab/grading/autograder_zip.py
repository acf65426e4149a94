"""`vitlab export gradescope`: the zip from which Gradescope builds an autograder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from vitlab.course.secret import conventions_of
from vitlab.files import write
from vitlab.grading.autograder import SETTINGS
from vitlab.grading.batch import known_lessons
from vitlab.grading.store import StoreError

SCRIPTS = Path(__file__).parent / "gradescope_scripts"
FILES = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")  # what pip needs beside the packages
PACKAGES = ("helpers", "vitlab")
DATE = (1980, 1, 1, 0, 0, 0)  # the same bytes from the same files


def export_gradescope(root: Path, out: Path, lessons: tuple[str, ...] = (), secret: str | None = None) -> None:
    """Writes the zip: a project's grader, for these lessons (none: any) and the conventions of a secret.

    Raises CollectError for a lesson that does not exist, SecretError for a secret that is none, and StoreError where
    `out` cannot be written.
    """
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
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(content):
            member = zipfile.ZipInfo(name, DATE)
            member.create_system, member.compress_type = 3, zipfile.ZIP_DEFLATED  # 3: Unix, for the modes
            member.external_attr = (0o100755 if name in runnable else 0o100644) << 16
            archive.writestr(member, content[name])
    return file.getvalue()


def _project_files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in FILES)
    yield from (root / "solutions").glob("[0-9][0-9]_*.py")
    for package in PACKAGES:
        for path in (root / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                yield path
