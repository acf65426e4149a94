"""Which layer stopped an attack, as the report's own words tell it."""

from __future__ import annotations

import re

SIGNS = (  # the first that is found in what the report says
    ("course is not there", r"part of the course|No module named"),
    ("nothing there to find", r"nothing found|nothing: "),
    ("a process of its own", r"Its process ended"),
    ("seccomp", r"Operation not permitted|Function not implemented|EPERM|ENOSYS"),
    ("landlock or owner", r"Permission denied|EACCES"),
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
        r"does not parse|is no JSON|not a notebook|no notebook|It is a link|leads out of|no zip|It has |MB|statements",
    ),
)


def caught_by(verdict: str, message: str) -> str:
    """The layer that a verdict and its message name; else that values are compared outside."""
    for layer, sign in SIGNS:
        if re.search(sign, message):
            return layer
    return {"not attempted": "nothing defined", "crashed": "an error of its own"}.get(verdict, "compared outside")
