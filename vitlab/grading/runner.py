"""Runs one student's answers in a worker: to a check it looks just like `LocalRunner`."""

from __future__ import annotations

import contextlib
import math
import socket
import time
from typing import Protocol

from helpers.runner import LONGEST_MESSAGE, Call, Crash, Reply, plain
from vitlab.grading import channel
from vitlab.grading.extract import Submission
from vitlab.grading.sandbox import Worker

SECONDS = 20.0  # of wall clock for all that is asked of one answer
TIMED_OUT = "TimedOut"  # kind of the crash


class Course(Protocol):
    """What the course gives to a child: `vitlab.grading.course.CourseSource`."""

    def piece(self, name: str) -> str:
        """The course's own source of an exercise."""

    def modules(self, name: str, given: tuple[str, ...]) -> dict[str, str]:
        """The course's modules that an answer to an exercise may import, with those given to it."""


class SandboxRunner:
    """Answers of one submission, each in a child of its own.

    course: what the course gives. Its own piece of a name, for `given`, reaches the one child that is asked for another
    exercise, never the one that is asked for that piece.
    seconds: of wall clock for one child; until: of `time.monotonic`, when the whole submission's time is over.
    """

    def __init__(
        self,
        worker: Worker,
        submission: Submission,
        course: Course,
        seconds: float = SECONDS,
        until: float = math.inf,
    ):
        self.worker, self.submission, self.course, self.seconds, self.until = worker, submission, course, seconds, until
        self._child: tuple[str, tuple[str, ...]] | None = None
        self._job: socket.socket | None = None
        self._deadline = 0.0
        self._over: Crash | None = None  # why the child of now answers no more
        self.timed_out: str | None = None  # that a child ran too long, in a sentence

    def read(self, name: str) -> Reply:
        try:
            return Reply(value=plain(self.submission.literal(name)))
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return self._ask(name, (), {"read": name}, {}, 0)

    def run(self, name: str, call: Call, given: tuple[str, ...] = ()) -> Reply:
        if name in given:
            raise ValueError(f"the course's own {name} may not be given to whoever is asked for it")
        message, tensors = channel.call_as_data(call)
        return self._ask(name, given, {"run": name, "call": message}, tensors, len(call.args))

    def close(self) -> None:
        """End the child, if one lives."""
        if self._job is not None:
            self._job.close()
            self._job = None
            with contextlib.suppress(channel.Closed, channel.TimedOut, channel.Garbled):
                self.worker.stop()
        self._child = None

    def _ask(self, name: str, given: tuple[str, ...], message: dict, tensors: dict, arguments: int) -> Reply:
        if self._child != (name, given):
            self.close()
            self._over = self._start(name, given)
        if self._over:
            return Reply(crash=self._over)
        try:
            channel.send(self._job, channel.pack(message, tensors), self._deadline)
            return channel.reply_from_data(*channel.receive(self._job, self._deadline), arguments)
        except channel.TimedOut:
            self._over = self._too_long()
        except channel.Closed:
            self._over = Crash("Ended", "Its process ended: it left Python, used too much memory, or was killed.")
        except channel.Garbled as error:
            self._over = Crash("Garbled", f"It sent something that is no answer: {error}.")
        self._job.close()
        return Reply(crash=self._over)

    def _start(self, name: str, given: tuple[str, ...]) -> Crash | None:
        self._child = (name, given)
        if time.monotonic() >= self.until:
            return self._too_long()
        if name in self.submission.broken:
            return Crash("SyntaxError", self.submission.broken[name][:LONGEST_MESSAGE])
        sources = self.submission.sources(name)
        if not sources:
            return Crash("Missing", f"There is no `{name}` in this notebook.")
        sources += [(f"the course's {piece}", self.course.piece(piece), 1) for piece in given]
        try:
            self._job = self.worker.start(sources, self.course.modules(name, given))
        except channel.Garbled:
            return Crash("Unusable", "it is with all that it uses too long to be run.")
        self._deadline = min(time.monotonic() + self.seconds, self.until)
        return None

    def _too_long(self) -> Crash:
        self.timed_out = f"It ran for over {self.seconds:.0f} s. Is there a loop that never ends?"
        if time.monotonic() >= self.until:
            self.timed_out = "The time for this whole notebook was used up before this exercise was done."
        return Crash(TIMED_OUT, self.timed_out)
