"""Files written in one step, so that nobody ever reads half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all, and its folder where that is missing. Text becomes UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.name[-20:])
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode(errors="surrogatepass") if isinstance(content, str) else content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_changed(path: Path, content: bytes) -> bool:
    """Writes a file only if that changes it; says whether it did."""
    if path.exists() and path.read_bytes() == content:
        return False
    write(path, content)
    return True
