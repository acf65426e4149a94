"""`--scheduler`: the same records from a Dask cluster, and none is lost with a worker."""

import pytest
from hand_ins import RIGHT, notebook

from vitlab.grading.cluster import ClusterError, grade_on_cluster
from vitlab.grading.job import Job, Options
from vitlab.grading.levels import LEVELS, possible_levels

distributed = pytest.importorskip("distributed")
POSSIBLE = [level.name for level in LEVELS if possible_levels()[level.name] is None]
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
    for job, record in grade_on_cluster(jobs, Options("seed", POSSIBLE[0]), cluster.scheduler_address):
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
        list(grade_on_cluster([], Options("seed", POSSIBLE[0]), "tcp://127.0.0.1:9"))
