"""The folder of a batch: its options, one record a hand-in, and a lock; everything is written in one step."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vitlab.files import write
from vitlab.grading.job import Job, Options
from vitlab.project import ProjectError

RUN, RECORDS, LOCK = "run.json", "records", ".lock"


class StoreError(ProjectError):
    """A folder of grades that cannot be used as asked; the message says why and what to do."""


class Store:
    """GRADES. run.json holds the seed of the hidden inputs, and records what only staff may read."""

    def __init__(self, folder: Path):
        self.folder = folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one grader. Raises StoreError where another one has it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / LOCK, "a", encoding="utf-8")  # noqa: SIM115  (below, as long as it is held)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be written: {error.strerror}.") from None
        with file:
            if not _lock(file):
                raise StoreError(f"Another `vitlab grade` is at work in {self.folder}: wait for it, or choose another.")
            yield

    def begin(self, options: Options, resume: bool) -> Options:
        """Notes a new batch's options, or checks them against those of the one to go on with; gives those in force.

        A batch that has no record yet is begun anew. Raises StoreError where the folder holds another batch, or where
        there is none to go on with.
        """
        path = self.folder / RUN
        if not resume:
            if path.exists() and self._paths():
                raise StoreError(
                    f"{self.folder} holds a batch already: --resume goes on with it, or choose another folder."
                )
            write(path, json.dumps(options.as_data(), indent=1))
            path.chmod(0o600)
            return options
        if not path.exists():
            raise StoreError(f"There is no batch in {self.folder} to go on with: leave --resume out.")
        try:
            before = Options.from_data(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{path} cannot be read, so this batch cannot go on: choose another folder.") from None
        for name, value in options.as_data().items():
            if name not in ("seed", "timeout") and Options.as_data(before)[name] != value:
                raise StoreError(_other(name, Options.as_data(before)[name]))
        if options.seed and options.seed != before.seed:
            raise StoreError("This batch was begun with another seed: leave --seed out to go on with it.")
        return before

    def has(self, job: Job) -> bool:
        """Whether this very hand-in has its record."""
        record = self._read(self._path(job.student))
        return record is not None and record.get("digest") == job.digest and not record.get("failed")

    def put(self, job: Job, record: dict[str, Any]) -> None:
        """Writes a record in one step."""
        path = self._path(job.student)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write(path, json.dumps({**record, "digest": job.digest}, indent=1))

    def records(self) -> list[dict[str, Any]]:
        """Every record, by student. Raises StoreError where one is damaged: its student would be in no report."""
        found = []
        for path in self._paths():
            record = self._read(path)
            if record is None:
                raise StoreError(
                    f"{path} is no record that can be read, so no report is written: "
                    "remove it, and `vitlab grade --resume` grades that hand-in anew."
                )
            found.append(record)
        return sorted(found, key=lambda record: record["student"])

    def _paths(self) -> list[Path]:
        """Of the records; what `write` leaves where it is killed begins with a dot."""
        return sorted((self.folder / RECORDS).glob("[!.]*.json"))

    def _path(self, student: str) -> Path:
        return self.folder / RECORDS / f"{key(student)}.json"

    def _read(self, path: Path) -> dict[str, Any] | None:
        """A record; None where there is none, or no whole one of the student whom the file is named after."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return record if record["lessons"] is not None and self._path(record["student"]) == path else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def _other(name: str, before: Any) -> str:
    """Which option of a batch is not the one that it was begun with; never the secret itself."""
    was = {
        "lessons": f"for {' and '.join(before or ())}" if before else "without --lesson",
        "secret": "with another --secret" if before else "without --secret",
        "course": "with another version of the course",
        "level": f"under {before}, which this machine or --unsafe changes",
    }.get(name, f"with another {name}")
    return f"This batch was begun {was}: go on with the same, or choose another folder."


def key(student: str) -> str:
    """A file name for a student, the student's own letters where they are safe, and no other's."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", student)[:60].strip("_")
    return f"{plain}-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}".lstrip("-")


def _lock(file) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: the sandbox needs Linux anyway
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
