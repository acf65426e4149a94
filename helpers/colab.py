"""What the course needs on Google Colab once it is installed there: the packages that Colab lacks, and its widgets."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import invalidate_caches
from importlib.metadata import distributions, requires
from importlib.util import find_spec
from pathlib import Path

# What `helpers` imports, and the package that brings it
PACKAGES = {
    "IPython": "ipykernel",
    "PIL": "pillow",
    "anywidget": "anywidget",
    "einops": "einops",
    "ipywidgets": "ipywidgets",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "platformdirs": "platformdirs",
    "safetensors": "safetensors",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "tqdm": "tqdm",
    "traitlets": "ipywidgets",
}


def make_ready() -> str:
    """Installs what is missing, lets Colab show the explorers, and says in a sentence what happened.

    What Colab brings stays as it is, whatever its version.
    """
    missing = missing_requirements()
    if missing and not _install(missing):
        return f"The course is here, but {', '.join(missing)} could not be installed: run this cell again in a minute."
    _enable_widgets()
    return "The course is installed: go on with the next cell."


def missing_requirements() -> list[str]:
    """The requirements of the course, such as "anywidget>=0.9.13", that `helpers` imports and that are not there."""
    missing = {package for module, package in PACKAGES.items() if find_spec(module) is None}
    return [text for text in requires("vitlab") or () if _name(text) in missing and "extra ==" not in text]


def _install(requirements: list[str]) -> bool:
    """Installs packages without a change to any that is there; says whether that went well."""
    with tempfile.TemporaryDirectory() as folder:
        as_it_is = Path(folder) / "as_it_is.txt"
        as_it_is.write_text("\n".join(_pins()), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--constraint", str(as_it_is), *requirements]
        done = subprocess.run(pip, capture_output=True)
    invalidate_caches()
    return done.returncode == 0


def _pins() -> Iterator[str]:
    """Each installed package at its version."""
    seen = set()
    for found in distributions():
        if found.name not in seen:  # a second one of that name is hidden by the first
            seen.add(found.name)
            yield f"{found.name}=={found.version}"


def _name(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def _enable_widgets() -> None:
    """Colab draws widgets that it does not know, as the explorers are, only where it is asked to."""
    from google.colab import output

    output.enable_custom_widget_manager()
