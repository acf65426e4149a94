"""How long each notebook takes from top to bottom, and how much memory its kernel needs at most."""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).resolve().parent.parent


def run(path: Path) -> tuple[float, float]:
    """Seconds and peak resident memory (MB) of executing one notebook, its kernel's start included."""
    notebook = nbformat.read(path, as_version=4)
    done, peak = threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.1):
            resident = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    resident += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], resident / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    finally:
        done.set()
        watcher.join()
    return time.perf_counter() - started, peak[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers of lessons, such as 01 (default: all)")
    lessons = parser.parse_args().lessons
    table = Table(title="Restart & Run All (goals: student 60 s, solved 120 s, 2,000 MB)")
    for column in ("notebook", "seconds", "peak memory, MB"):
        table.add_column(column, justify="left" if column == "notebook" else "right")
    with tempfile.TemporaryDirectory() as home:
        os.environ["VITLAB_HOME"] = home
        for path in sorted([*FOLDER.glob("notebooks/*.ipynb"), *FOLDER.glob("solutions/*.ipynb")]):
            if not lessons or path.name[:2] in lessons:
                seconds, memory = run(path)
                table.add_row(f"{path.parent.name}/{path.name}", f"{seconds:.0f}", f"{memory:.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
