"""A student's answers run in a worker that holds no answers; what attacks it is in tests/attacks.

Run at each level of isolation that this machine can give.
"""

import psutil
import pytest
from processes import running_below

from helpers.exercises import find, items
from helpers.exercises.judge import RIGHT, judge
from vitlab.grading.course import CourseSource
from vitlab.grading.extract import extract
from vitlab.grading.levels import LEVELS, Unsafe, possible_levels
from vitlab.grading.runner import SandboxRunner
from vitlab.grading.sandbox import Worker
from vitlab.project import find_project

COURSE = CourseSource(find_project())
POSSIBLE = [level for level in LEVELS if possible_levels()[level.name] is None]
PATCHIFY = """
from einops import rearrange

def patchify(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)
"""
HONEST = "def inverse_permutation(order):\n    return order.argsort()"
IMPORTS = "import helpers.models.orders as o; return o.inverse_permutation(order)"
FORKS = "import os\n    if not os.fork():\n        while True: pass\n    return order"

pytestmark = pytest.mark.skipif(not POSSIBLE, reason=f"no isolation here: {possible_levels()}")


@pytest.fixture(scope="module", params=POSSIBLE, ids=lambda level: level.name)
def worker(request):
    worker = Worker(request.param)
    yield worker
    worker.close()


def graded(worker, source, names, seconds=3.0):
    """The verdicts on the named exercises of a notebook of two cells."""
    cells = [{"cell_type": "code", "id": f"c{i}", "source": text} for i, text in enumerate((PATCHIFY, source))]
    submission = extract(cells, [*items("01"), *items("02")])
    runner = SandboxRunner(worker, submission, course=COURSE, seconds=seconds)
    try:
        return [judge(find(name), runner) for name in names]
    finally:
        runner.close()


def test_honest_answers_are_right(worker):
    for verdict in graded(worker, HONEST, ["patchify", "inverse_permutation"]):
        assert verdict.kind == RIGHT, verdict.message


def test_whoever_imports_the_course_is_told_that_it_is_not_there(worker):
    source = f"def inverse_permutation(order):\n    {IMPORTS}"
    [verdict] = graded(worker, source, ["inverse_permutation"])
    assert "part of the course" in verdict.message


def test_what_one_answer_writes_the_next_does_not_find(worker):
    source = (
        "import os\ndef inverse_permutation(order):\n    open('note', 'w').write('x'); return order\n"
        "def scan_order(rows, cols, kind):\n    raise ValueError(sorted(os.listdir()))"
    )
    verdict = graded(worker, source, ["inverse_permutation", "scan_order"])[1]
    assert "note" not in verdict.message


def test_no_process_is_left_of_an_answer(worker):
    graded(worker, f"def inverse_permutation(order):\n    {FORKS}", ["inverse_permutation"])
    assert len(running_below(worker._process.pid)) <= 1  # the zygote


def test_a_closed_worker_is_gone():
    worker = Worker(POSSIBLE[0])
    graded(worker, HONEST, ["patchify"])
    processes = [psutil.Process(worker._process.pid), *psutil.Process(worker._process.pid).children(recursive=True)]
    worker.close()
    assert not psutil.wait_procs(processes, timeout=30)[1]


def test_the_last_definition_counts_and_the_report_says_so():
    sources = (HONEST, "inverse_permutation = 3")
    submission = extract([{"cell_type": "code", "source": source} for source in sources], items("02"))
    assert [source.strip() for _, source, _ in submission.sources("inverse_permutation")][-1] == sources[1]
    assert submission.remarks == {
        "inverse_permutation": ["`inverse_permutation` is defined 2 times: the last one counts."]
    }


def test_a_worker_that_is_gone_is_no_fault_of_the_student():
    worker = Worker(POSSIBLE[0])
    graded(worker, HONEST, ["patchify"])
    worker._process.kill()
    worker._process.wait()
    with pytest.raises(Unsafe, match="gone or does not answer"):
        graded(worker, HONEST, ["patchify"])
    worker.close()
