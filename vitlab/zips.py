"""Zips that are the same bytes whenever they hold the same files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

DATE = (1980, 1, 1, 0, 0, 0)  # of every file in a zip
UNIX = 3  # the system that a zip says it was made on, for the modes of its files
TO_INSTALL = ("pyproject.toml", "README.md", "LICENSE")  # what pip needs beside the packages
PACKAGES = ("helpers", "vitlab")


def zipped(content: Mapping[str, bytes], runnable: Collection[str] = ()) -> bytes:
    """A zip's bytes. content: name -> bytes; runnable: the names that a shell may start."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(content):
            member = zipfile.ZipInfo(name, DATE)
            member.create_system, member.compress_type = UNIX, zipfile.ZIP_DEFLATED
            member.external_attr = (0o100755 if name in runnable else 0o100644) << 16
            archive.writestr(member, content[name])
    return memory.getvalue()


def installable_files(root: Path) -> Iterator[Path]:
    """The files of a project from which pip installs it: no lessons, no tests, nothing that a run has left behind."""
    yield from (root / name for name in TO_INSTALL)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                yield path
