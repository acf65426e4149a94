"""What stops a build."""

from __future__ import annotations

from pathlib import Path


class BuildError(Exception):
    """A lesson cannot be built.

    file: the lesson's source. line: where in it, counted from 1. message: a sentence: what is wrong, what to do.
    """

    def __init__(self, file: str | Path, line: int, message: str):
        self.file, self.line, self.message = Path(file), line, message
        super().__init__(f"{self.file}:{line}: {message}")
