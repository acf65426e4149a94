"""`vitlab export archive`: the course in one zip that pip installs, for Google Colab and for releases."""

from __future__ import annotations

from pathlib import Path

from vitlab.files import write
from vitlab.project import ProjectError
from vitlab.zips import installable_files, zipped

FOLDER = "vitlab"  # the one folder at the zip's top, which pip looks into


def archive(root: Path) -> bytes:
    """The zip's bytes, the same for the same files: pyproject.toml, README.md, LICENSE, helpers, vitlab."""
    return zipped(
        {f"{FOLDER}/{path.relative_to(root).as_posix()}": path.read_bytes() for path in installable_files(root)}
    )


def export_archive(root: Path, out: Path) -> None:
    """Writes the archive of the project in `root`.

    Raises ProjectError where the name does not end in .zip, by which pip knows it, or where it cannot be written.
    """
    if out.suffix != ".zip":
        raise ProjectError(f"{out}: name a file that ends in .zip, such as vitlab.zip; pip takes no other.")
    try:
        write(out, archive(root))
    except OSError as error:
        raise ProjectError(f"{out} cannot be written: {error.strerror}.") from None
