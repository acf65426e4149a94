"""Where a lesson can be run: addresses in the course's repository on GitHub, for Colab and Binder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vitlab.course.editions.solved import EditionError


@dataclass(frozen=True)
class Repository:
    """The course's repository on GitHub, its branch main."""

    owner: str
    name: str

    @property
    def address(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    def colab(self, lesson: str) -> str:
        """The address that opens the student's notebook of a lesson ("01_patches_to_tokens") on Google Colab."""
        return f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/main/notebooks/{lesson}.ipynb"

    def binder(self, lesson: str) -> str:
        """The address that opens the student's notebook of a lesson in JupyterLab on Binder."""
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/main?urlpath=lab/tree/notebooks/{lesson}.ipynb"


def repository(root: Path, given: str | None) -> Repository | None:
    """The repository of that address, else of `Repository` under `[project.urls]` in pyproject.toml, else None.

    Raises EditionError for an address that is not https://github.com/OWNER/NAME.
    """
    address = given or _declared(root)
    if not address:
        return None
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", address)
    if not match:
        raise EditionError(f"{address!r} is no address of the form https://github.com/OWNER/NAME.")
    return Repository(match[1], match[2])


def _declared(root: Path) -> str | None:
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    urls = re.search(r"^\[project\.urls\]$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    found = re.search(r'^repository *= *"(.*)"', urls[1], re.MULTILINE | re.IGNORECASE) if urls else None
    return found[1] if found else None
