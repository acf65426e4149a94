"""Which version of the course grades: all hand-ins of a batch are graded by the same. Imports no torch."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

RUNNING = Path(__file__).resolve().parents[2]
OF_THE_CODE = ("helpers/**/*.py", "vitlab/course/*.py", "vitlab/grading/*.py")
OF_THE_PROJECT = ("solutions/*.py", "helpers/models/*.py")  # read as text, and the project may be another than the code


@cache  # of the code as it was loaded, whatever becomes of its files
def version(root: Path) -> str:
    """Names the code that runs and the answers in a project: where any of them is another, so is the name."""
    digest = hashlib.sha256()
    for folder, patterns in ((RUNNING, OF_THE_CODE), (root, OF_THE_PROJECT)):
        for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()!r} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]
