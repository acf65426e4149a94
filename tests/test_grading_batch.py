"""`vitlab grade` over a folder: every hand-in gets one record, whatever it holds and whatever happens to the grader."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from hand_ins import READS, RIGHT, WRONG, fresh, notebook, solved
from processes import running_below

from vitlab.grading.job import Job, Options
from vitlab.grading.levels import possible_levels
from vitlab.grading.store import Store, StoreError
from vitlab.project import find_project

pytestmark = pytest.mark.skipif(None not in possible_levels().values(), reason="no isolation here")
MANY = 200


def vitlab(*arguments, start=False):
    command = [sys.executable, "-m", "vitlab", *map(str, arguments)]
    options = {"cwd": find_project(), "env": {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}, "text": True}
    if start:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    return subprocess.run(command, capture_output=True, check=False, **options)


def records(grades):
    return {path: json.loads(path.read_text()) for path in (grades / "records").glob("*.json")}


def earned(record):
    return sum(exercise["points"] or 0 for lesson in record["lessons"] for exercise in lesson["exercises"])


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A folder with hand-ins of every kind, graded once: the command's outcome, and the records by student."""
    folder = tmp_path_factory.mktemp("batch")
    (folder / "in" / "two").mkdir(parents=True)
    (folder / "in" / "nothing").mkdir()
    for name, content in {
        "solved.ipynb": solved("02"),
        "fresh.ipynb": fresh("02"),
        "half.ipynb": notebook(RIGHT, "scan_order = 3"),
        "wrong.ipynb": notebook(WRONG, READS),
        "garbage.ipynb": b"\x00 no notebook",
        "other.ipynb": notebook("x = 1"),
        "two/a.ipynb": notebook(RIGHT),
        "two/00_einops.ipynb": fresh("00"),
    }.items():
        (folder / "in" / name).write_bytes(content)
    (folder / "in" / os.fsdecode(b"caf\xe9.ipynb")).write_bytes(notebook(RIGHT))
    told = vitlab("grade", folder / "in", "--out", folder / "out", "--seed", "a")
    return told, {record["student"]: record for record in records(folder / "out").values()}, folder


def test_every_hand_in_gets_a_record(graded):
    told, found, _ = graded
    assert told.returncode == 3, told.stderr  # some hold nothing that can be graded
    assert set(found) == {"solved", "fresh", "half", "wrong", "garbage", "other", "two", "nothing", "caf\ufffd"}


def test_points_are_those_of_the_right_answers(graded):
    _, found, _ = graded
    free_text = [e for e in found["solved"]["lessons"][0]["exercises"] if e["kind"] == "free text"]
    everything = sum(exercise["most"] for exercise in found["solved"]["lessons"][0]["exercises"])
    assert earned(found["solved"]) == everything - sum(exercise["most"] for exercise in free_text)
    assert earned(found["fresh"]) == 0
    assert earned(found["half"]) == earned(found["caf\ufffd"]) == earned(found["two"]) == 2
    assert earned(found["wrong"]) < 2


def test_what_cannot_be_graded_is_told_in_a_sentence(graded):
    _, found, _ = graded
    assert found["garbage"]["problems"] == [
        "garbage.ipynb: The file is not a notebook: it is no JSON that could be read."
    ]
    assert "no notebook of this course" in found["other"]["problems"][0]
    assert found["nothing"]["problems"] == ["There is no notebook in it."]


def test_a_second_run_must_be_told_to_go_on(graded):
    _, _, folder = graded
    told = vitlab("grade", folder / "in", "--out", folder / "out")
    assert told.returncode == 1
    assert "--resume" in told.stderr


def test_a_resumed_batch_is_graded_by_the_same_rules(graded):
    _, _, folder = graded
    told = vitlab("grade", folder / "in", "--out", folder / "out", "--resume", "--lesson", "02")
    assert told.returncode == 1
    assert "begun without --lesson: go on with the same" in told.stderr


def test_a_resumed_batch_keeps_its_timeout_and_says_so(graded):
    _, _, folder = graded
    told = vitlab("grade", folder / "in", "--out", folder / "out", "--resume", "--timeout", "600")
    assert told.returncode == 1
    assert "begun with --timeout 300: leave it out" in told.stderr


def test_a_batch_of_another_version_of_the_course_is_not_gone_on_with(tmp_path):
    store = Store(tmp_path)
    store.begin(Options("seed", "none", course="earlier"), resume=False)
    with pytest.raises(StoreError, match="begun with another version of the course"):
        store.begin(Options("", "none", course="later"), resume=True)


def test_a_batch_that_has_no_record_yet_is_begun_anew(tmp_path):
    store = Store(tmp_path)
    store.begin(Options("one", "none"), resume=False)
    assert store.begin(Options("two", "none", lessons=("01",)), resume=False).seed == "two"
    store.put(Job("ann", ()), {"student": "ann", "lessons": []})
    with pytest.raises(StoreError, match="holds a batch already"):
        store.begin(Options("two", "none", lessons=("01",)), resume=False)


def test_a_resumed_batch_grades_only_what_is_new(graded):
    _, _, folder = graded
    before = {path: path.stat().st_mtime_ns for path in records(folder / "out")}
    (folder / "in" / "half.ipynb").write_bytes(notebook(RIGHT, READS))
    told = vitlab("grade", folder / "in", "--out", folder / "out", "--resume")
    after = records(folder / "out")
    changed = [record["student"] for path, record in after.items() if path.stat().st_mtime_ns != before.get(path)]
    assert told.returncode == 3, told.stderr
    assert changed == ["half"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "There is no folder or file nowhere."),
        (("tests/zoo", "--lesson", "77"), "There is no lesson 77; there are 00, 01"),
        (("tests/zoo",), "There is nothing to grade in tests/zoo"),
        (("README.md",), "neither a folder nor a zip"),
        (("tests/zoo", "--resume"), "There is nothing to grade"),
        (("tests/zoo", "--secret", ""), "The secret is empty"),
    ],
)
def test_what_cannot_begin_says_why(tmp_path, arguments, sentence):
    told = vitlab("grade", *arguments, "--out", tmp_path / "out")
    assert told.returncode == 1
    assert sentence in " ".join(told.stderr.split())
    assert len(told.stderr.splitlines()) < 4


@pytest.mark.parametrize("out", ["", "grades"])
def test_grades_do_not_go_among_the_submissions(tmp_path, out):
    (tmp_path / "ann.ipynb").write_bytes(notebook(RIGHT))
    told = vitlab("grade", tmp_path, "--out", tmp_path / out)
    assert told.returncode == 1
    assert "among the submissions" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["ann.ipynb"]


def test_lessons_that_were_set_and_not_handed_in_count_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_bytes(notebook(RIGHT))
    (tmp_path / "in" / "bob.ipynb").write_bytes(fresh("00"))
    told = vitlab("grade", tmp_path / "in", "--out", tmp_path / "out", "--lesson", "02")
    assert told.returncode == 3  # bob's holds no lesson that was set
    found = {record["student"]: record for record in records(tmp_path / "out").values()}
    assert earned(found["ann"]) == 2
    assert earned(found["bob"]) == 0
    assert found["bob"]["problems"] == [
        "bob.ipynb: This is lesson 00, and what was set is 02.",
        "Lesson 02 was not handed in.",
    ]


def test_a_killed_batch_goes_on_where_it_stopped(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(MANY):
        (tmp_path / "in" / f"s{number:03}.ipynb").write_bytes(notebook(RIGHT, f"nothing = {number}"))
    first = vitlab("grade", tmp_path / "in", "--out", tmp_path / "out", start=True)
    while len(list((tmp_path / "out").glob("records/*.json"))) < MANY // 3:
        assert first.poll() is None
        time.sleep(0.05)
    graders = psutil.Process(first.pid).children(recursive=True)
    second = vitlab("grade", tmp_path / "in", "--out", tmp_path / "out", "--resume")
    assert second.returncode == 1
    assert "at work" in second.stderr
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not psutil.wait_procs(graders, timeout=30)[1]  # nobody grades on
    before = {path: path.stat().st_mtime_ns for path in records(tmp_path / "out")}
    assert MANY // 3 <= len(before) < MANY
    told = vitlab("grade", tmp_path / "in", "--out", tmp_path / "out", "--resume")
    assert told.returncode == 0, told.stderr
    after = records(tmp_path / "out")
    assert {record["student"] for record in after.values()} == {f"s{number:03}" for number in range(MANY)}
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert all(earned(record) == 2 for record in after.values())


def test_an_interrupted_batch_stops_at_once_and_goes_on_later(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_bytes(notebook("def inverse_permutation(order):\n    while True: pass"))
    first = vitlab("grade", tmp_path / "in", "--out", tmp_path / "out", "--jobs", "1", start=True)
    while not any("-I" in line for line in running_below(first.pid)):
        assert first.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    graders = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=8) not in (0, 3)
    assert not psutil.wait_procs(graders, timeout=30)[1]
    assert not records(tmp_path / "out")


def test_free_text_is_found_where_its_cell_has_lost_its_id(tmp_path):
    content = json.loads(solved("02"))
    for cell in content["cells"]:
        cell["metadata"], cell["id"] = {}, f"c{id(cell)}"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(json.dumps(content))
    vitlab("grade", tmp_path / "in", "--out", tmp_path / "out")
    [record] = records(tmp_path / "out").values()
    [text] = [e for e in record["lessons"][0]["exercises"] if e["kind"] == "free text"]
    assert text["verdict"] == "unread"
    assert len(text["text"]) > 50
    assert text["of_the_course"]  # and said so on the page for marking
