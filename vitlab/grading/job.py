"""What is asked of a grader, as data: it travels to other processes and to other machines. Imports no torch."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

# verdicts besides those of a check
NOT_GRADED = "not graded"  # the machine failed, not the student
UNREAD = "unread"  # a person has to read it
MARKED = "marked"  # a person has read it


@dataclass(frozen=True)
class Options:
    """How a batch is graded.

    seed: draws the hidden inputs; level: name of the isolation; lessons: those assigned, none for whichever come;
    secret: of a homework pack; timeout: seconds for one hand-in; course: its version, as `version` names it.
    """

    seed: str = field(repr=False)  # what a cluster's worker logs of a task that failed is its repr
    level: str
    lessons: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    timeout: float = 300.0
    course: str = ""

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Options:
        return cls(**{**data, "lessons": tuple(data["lessons"])})


@dataclass(frozen=True)
class Job:
    """One hand-in, read. files: (name, content); problems: sentences about what could not be read."""

    student: str
    files: tuple[tuple[str, bytes], ...] = field(repr=False)
    problems: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Tells whether it is the same hand-in as before."""
        digest = hashlib.sha256(repr((self.student, self.problems)).encode())
        for name, content in self.files:
            digest.update(f"\n{name!r} {len(content)}\n".encode() + content)
        return digest.hexdigest()


def not_graded(job: Job, why: str) -> dict[str, Any]:
    """The record of a hand-in at which graders themselves stopped."""
    files = [name for name, _ in job.files]
    return {
        "student": job.student,
        "files": files,
        "level": "",
        "problems": [*job.problems, f"It could not be graded, and a person has to look at it: {why}"],
        "lessons": [],
        "seconds": 0.0,
        "failed": True,
    }
