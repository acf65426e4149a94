"""Which processes still run below one, asked while any of them may end."""

from contextlib import suppress

import psutil


def running_below(pid: int) -> list[list[str]]:
    """The command line of each process below ``pid`` that runs: not of a zombie, nor of one that ends meanwhile."""
    lines = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie has no command line: psutil's error of that is one of these
            lines.append(process.cmdline())
    return lines
