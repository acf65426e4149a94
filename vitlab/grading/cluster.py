"""Grades hand-ins on an existing Dask cluster (extra `cluster`): the same code runs on each of its workers.

A worker that dies costs no result: Dask gives its hand-ins to others; one at which several workers died is recorded as
such. Hand-ins travel as data, so the machines share no disk; each has the project installed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from vitlab.grading.job import Job, Options, not_graded
from vitlab.grading.pool import grade_one
from vitlab.grading.version import version
from vitlab.project import ProjectError, find_project

AHEAD = 4  # hand-ins a thread of the cluster, so that none waits
ANSWERS_WITHIN = "20s"
_one_at_a_time = threading.Lock()  # a grader serves one hand-in at a time, whatever threads its process has


class ClusterError(ProjectError):
    """A cluster that cannot be used; the message says why."""


def grade_on_cluster(jobs: Iterable[Job], options: Options, address: str) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Each job with its record, as they are done.

    address: of the scheduler, such as tcp://10.0.0.1:8786. Raises ClusterError where none answers there or it goes,
    where it has no worker, or one of another version of the course; Unsafe where a machine does not give the isolation
    of these options.
    """
    try:
        from distributed import CancelledError, Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise ClusterError("--scheduler needs Dask: pip install 'vitlab[cluster]', here and on its workers.") from None
    try:
        client = Client(address, timeout=ANSWERS_WITHIN, set_as_default=False)
    except (OSError, ValueError) as error:
        hint = "" if "://" in address else f" Its address has to say how, as tcp://{address} does."
        raise ClusterError(f"No Dask scheduler answers at {address} ({type(error).__name__}).{hint}") from None
    jobs = iter(jobs)
    with client, client.as_current():
        try:
            client.wait_for_workers(1, timeout=ANSWERS_WITHIN)
        except TimeoutError:
            raise ClusterError(f"The scheduler at {address} has no worker: start some with `dask worker`.") from None
        threads = sum(client.nthreads().values())
        running = {}

        def more(count: int) -> list:
            started = {client.submit(grade_here, options, job, pure=False): job for job in islice(jobs, count)}
            running.update(started)
            return list(started)

        done = as_completed(more(threads * AHEAD))
        for future in done:
            job = running.pop(future)
            try:
                record = future.result()
            except KilledWorker:
                record = not_graded(job, "every worker of the cluster that took it died.")
            except CancelledError:
                raise ClusterError(
                    f"The scheduler at {address} is gone, or was told to restart. What is graded is kept: "
                    "the same command with --resume goes on."
                ) from None
            future.release()
            yield job, record
            for new in more(1):
                done.add(new)


def grade_here(options: Options, job: Job) -> dict[str, Any]:
    """One record, on the machine and in the project where this runs.

    Raises ClusterError where these are not of the version of the options.
    """
    root = find_project()
    if version(root) != options.course:
        raise ClusterError(
            f"{socket.gethostname()}, a machine of the cluster, has another version of the course than the batch: "
            "install the same on every machine, start its workers anew, and go on with --resume."
        )
    with _one_at_a_time:
        return grade_one(root, options, job)
