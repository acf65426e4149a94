"""A button that hands in: it puts the notebooks with an answer into one zip, as the command `vitlab submit` does."""

from __future__ import annotations

import os
import subprocess
import sys
from html import escape
from importlib.util import find_spec
from pathlib import Path

import ipywidgets
from IPython.display import HTML, display

FILE = "hand_in.zip"
LONGEST = 120  # seconds: the command reads notebooks and runs none of them
COLOURED = ("FORCE_COLOR", "CLICOLOR_FORCE")  # by which a kernel asks commands for a terminal's codes
ON_COLAB = (
    "Google Colab keeps each notebook for itself. In each lesson that you want to hand in, choose File > Download > "
    "Download .ipynb, and hand in these files."
)
NOT_INSTALLED = "The command vitlab is not installed here: hand in the notebooks themselves, as files."


class HandIn(ipywidgets.VBox):
    """The button and, once it was pressed, what the command says and a link to the zip beside the notebook."""

    def __init__(self) -> None:
        self.button = ipywidgets.Button(description="Bundle my notebooks", layout={"width": "max-content"})
        self.said = ipywidgets.Output()
        first = ipywidgets.HTML(
            "Save every notebook first (Ctrl+S): what is handed in are the files as you saved them."
        )
        super().__init__([first, self.button, self.said])
        self.button.on_click(self._pressed)

    def __repr__(self) -> str:
        return "[a button that makes hand_in.zip; in a terminal: vitlab submit]"

    def _pressed(self, _: ipywidgets.Button) -> None:
        self.button.disabled = True
        try:
            self._say("Looking at your notebooks ...")
            made, words = bundle(Path(FILE))
            self._say(words, Path(FILE) if made else None)
        finally:
            self.button.disabled = False

    def _say(self, words: str, made: Path | None = None) -> None:
        link = f'<p><a href="{made}" download="{made}">Download {made}</a></p>' if made else ""
        self.said.clear_output(wait=True)
        with self.said:
            display(HTML(f'<div role="status"><pre style="white-space:pre-wrap">{escape(words)}</pre>{link}</div>'))


def hand_in() -> HandIn:
    """The button, for the last line of a cell."""
    return HandIn()


def bundle(out: Path) -> tuple[bool, str]:
    """Runs `vitlab submit` on the saved notebooks. out: the zip. Returns whether it was made, and what was said."""
    if find_spec("google") and find_spec("google.colab"):
        return False, ON_COLAB
    if find_spec("vitlab") is None:
        return False, NOT_INSTALLED
    command = [sys.executable, "-m", "vitlab", "submit", "--out", str(out)]
    environment = {name: value for name, value in os.environ.items() if name not in COLOURED}
    environment |= {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=LONGEST, env=environment)
    except subprocess.TimeoutExpired:
        return False, f"Nothing was made within {LONGEST} seconds: try again, or type vitlab submit in a terminal."
    said = (done.stdout + done.stderr).strip()
    if done.returncode and done.stderr.lstrip().startswith("Traceback"):
        said = f"vitlab submit stopped with an error; nothing was made. Its last words: {said.splitlines()[-1]}"
    return done.returncode == 0, said
