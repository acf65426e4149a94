"""Grades hand-ins on the cores of one machine: a pool of processes, each with a worker of its own.

A process that dies costs no result: what it may have had in hand is tried again, one hand-in at a time, and one at
which a process dies again is recorded as such.
"""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitlab.grading.job import Job, Options, not_graded
from vitlab.grading.levels import level_named, require
from vitlab.grading.sandbox import Worker

if TYPE_CHECKING:
    from vitlab.grading.grade import Grader

PR_SET_PDEATHSIG = 1
AHEAD = 2  # hand-ins a process, so that none waits
_graders: dict[tuple[Path, Options], Grader] = {}  # of this process: one


def grade_all(
    jobs: Iterable[Job], root: Path, options: Options, processes: int
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Each job with its record, as they are done. Raises Unsafe where no worker starts."""
    jobs = iter(jobs)
    while True:
        suspects = yield from _grade(jobs, root, options, processes)
        if suspects is None:
            return
        for job in suspects:
            if (yield from _grade(iter([job]), root, options, 1)):
                yield job, not_graded(job, "a grader's process ended at it, twice.")


def _grade(
    jobs: Iterator[Job], root: Path, options: Options, processes: int
) -> Iterator[tuple[Job, dict[str, Any]], None, list[Job] | None]:
    """Grades until the jobs are done, or until a process dies: then gives back what was in hand."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start) as pool:
        in_hand: dict[int, Job] = {}
        running: dict[Future, Job] = {}
        try:
            while True:
                for job in islice(jobs, processes * AHEAD - len(running)):
                    in_hand[id(job)] = job
                    running[pool.submit(grade_one, root, options, job)] = job
                if not running:
                    return None
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    record, job = future.result(), running.pop(future)
                    del in_hand[id(job)]
                    yield job, record
        except BrokenProcessPool:
            return list(in_hand.values())
        except BaseException:  # Ctrl-C: nobody waits for what is in hand, --resume takes it up
            for process in multiprocessing.active_children():
                process.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    """In a new process of the pool: it goes when its parent goes, and Ctrl-C is its parent's affair."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def grader(root: Path, options: Options) -> Grader:
    """The grader of this process, made when it is first needed.

    Raises Unsafe where this machine does not give the isolation of the options, or its worker does not start.
    """
    if (root, options) not in _graders:
        _close()
        level = level_named(options.level)
        require(level)
        worker = Worker(level)  # it imports torch while this process does
        sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would take a second for a grammar of addresses
        import torch

        from vitlab.grading.grade import Grader

        torch.set_num_threads(1)
        try:
            _graders[root, options] = Grader(root, options, worker)
        except BaseException:
            worker.close()
            raise
    return _graders[root, options]


@atexit.register
def _close() -> None:
    while _graders:
        _graders.popitem()[1].close()


def grade_one(root: Path, options: Options, job: Job) -> dict[str, Any]:
    """One record, whatever the hand-in holds. Raises Unsafe where no worker starts."""
    mine = grader(root, options)
    try:
        return mine.grade(job.student, job.files, job.problems)
    except Exception as error:  # ours, not the student's: the batch goes on and the report says so
        return not_graded(job, f"{type(error).__name__} in the grader itself.")
