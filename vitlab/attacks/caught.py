"""Which layer stopped an attack, as the report's own words tell it."""

from __future__ import annotations

import re
from collections.abc import Collection

SIGNS = (  # the first that is found in what the report says
    ("course is not there", r"part of the course|No module named"),
    ("nothing there to find", r"nothing found|nothing: "),
    ("a process of its own", r"Its process ended"),
    ("seccomp", r"Operation not permitted|Function not implemented|EPERM|ENOSYS"),
    ("landlock", r"Permission denied|EACCES"),
    ("read-only root", r"Read-only file system|EROFS"),
    ("namespace", r"No such file|No such process|Network is unreachable|ENETUNREACH|No such device|ESRCH|ENOENT"),
    ("no network", r"Connection refused|Name or service|Temporary failure|not supported|Cannot assign|unreachable"),
    ("limits", r"maximum limit"),
    ("file size limit", r"File too large|No space left"),
    ("open files limit", r"Too many open files"),
    ("memory limit", r"[Mm]emory|can't start new thread|unable to mmap"),
    ("process limit", r"Resource temporarily unavailable"),
    ("empty environment", r"KeyError"),
    ("time limit", r"ran for over|time for this whole"),
    ("channel", r"no answer:"),
    (
        "exact types",
        r"It returns (a|an) |returns None|cannot be sent|It returns -?inf|It returns nan|has dtype|whole numbers",
    ),
    ("recursion limit", r"RecursionError|recursion"),
    (
        "read as data",
        r"SyntaxError|is no JSON|not a notebook|no notebook|It is a link|leads out of|no zip|It has |MB|statements",
    ),
)
OTHERWISE = {"not attempted": "nothing defined", "crashed": "an error of its own", "unread": "read as data"}


def caught_by(verdict: str, message: str, layers: Collection[str] = ()) -> str:
    """The layer that a verdict and its message name, else how the answer was judged.

    layers: those in force; where one is not, its error comes from the kernel's own rules.
    """
    for layer, sign in SIGNS:
        if re.search(sign, message):
            return layer if layer not in ("seccomp", "landlock") or layer in layers else "no privilege"
    return OTHERWISE.get(verdict, "compared outside")
