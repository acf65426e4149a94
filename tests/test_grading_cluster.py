"""`--scheduler`: the same records from a Dask cluster, and none is lost with a worker."""

import pytest
from hand_ins import RIGHT, notebook

from vitlab.grading.cluster import ClusterError, grade_here, grade_on_cluster
from vitlab.grading.job import Job, Options
from vitlab.grading.levels import LEVELS, Unsafe, possible_levels
from vitlab.grading.version import version
from vitlab.project import find_project

distributed = pytest.importorskip("distributed")
POSSIBLE = [level.name for level in LEVELS if possible_levels()[level.name] is None]
VERSION = version(find_project())
JOB = Job("ann", (("a.ipynb", notebook(RIGHT)),))
pytestmark = pytest.mark.skipif(not POSSIBLE, reason="no isolation here")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        yield cluster


def test_hand_ins_survive_the_death_of_a_worker(cluster):
    jobs = [Job(f"s{number}", (("a.ipynb", notebook(RIGHT, f"x = {number}")),)) for number in range(12)]
    found = {}
    for job, record in grade_on_cluster(jobs, Options("seed", POSSIBLE[0], course=VERSION), cluster.scheduler_address):
        if not found:
            next(iter(cluster.workers.values())).process.process.kill()
        found[job.student] = record
    assert set(found) == {job.student for job in jobs}
    for record in found.values():
        assert not record.get("failed")
        assert sum(exercise["points"] or 0 for exercise in record["lessons"][0]["exercises"]) == 2


def test_where_no_scheduler_answers_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr("vitlab.grading.cluster.ANSWERS_WITHIN", "1s")
    with pytest.raises(ClusterError, match="No Dask scheduler answers at tcp://127"):
        list(grade_on_cluster([], Options("seed", POSSIBLE[0], course=VERSION), "tcp://127.0.0.1:9"))


def test_an_address_without_its_protocol_is_told_what_is_missing():
    with pytest.raises(ClusterError, match=r"as tcp://localhost:8786 does"):
        list(grade_on_cluster([], Options("seed", POSSIBLE[0], course=VERSION), "localhost:8786"))


def test_a_scheduler_without_workers_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr("vitlab.grading.cluster.ANSWERS_WITHIN", "1s")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1") as empty,
        pytest.raises(ClusterError, match="has no worker"),
    ):
        list(grade_on_cluster([JOB], Options("seed", POSSIBLE[0], course=VERSION), empty.scheduler_address))


def test_a_worker_of_another_version_of_the_course_grades_nothing(cluster):
    options = Options("seed", POSSIBLE[0], course="another")
    with pytest.raises(ClusterError, match="another version of the course"):
        list(grade_on_cluster([JOB], options, cluster.scheduler_address))


def test_a_machine_that_does_not_give_the_isolation_grades_nothing(monkeypatch):
    monkeypatch.setattr("vitlab.grading.levels._answers_in_reach", lambda: True)
    with pytest.raises(Unsafe, match=r"does not give the isolation .* pip install -e"):
        grade_here(Options("a seed of this test", POSSIBLE[0], course=VERSION), JOB)


def test_what_a_worker_logs_holds_neither_seed_nor_secret_nor_answers():
    logged = repr((Options("the seed", POSSIBLE[0], secret="the secret"), JOB))
    assert "the se" not in logged
    assert "inverse_permutation" not in logged


def test_a_scheduler_that_goes_is_told_in_a_sentence():
    with distributed.LocalCluster(n_workers=1, dashboard_address=None, host="127.0.0.1") as going:
        jobs = [Job(f"s{number}", JOB.files) for number in range(12)]
        records = grade_on_cluster(jobs, Options("seed", POSSIBLE[0], course=VERSION), going.scheduler_address)
        next(records)
        going.close()
        with pytest.raises(ClusterError, match="--resume goes on"):
            list(records)
