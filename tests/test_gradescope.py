"""Gradescope: a record as results.json, the autograder's zip, and its own scripts in a tree like Gradescope's."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from hand_ins import READS, RIGHT, notebook, solved
from hand_made_records import RUBRIC, every_verdict, free_text, lesson, record, right
from typer.testing import CliRunner

from vitlab.cli import app
from vitlab.grading import autograder
from vitlab.grading.autograder_zip import autograder_zip, export_gradescope
from vitlab.grading.collect import CollectError
from vitlab.grading.gradescope import results
from vitlab.grading.levels import possible_levels
from vitlab.grading.marks import Mark, with_marks
from vitlab.grading.store import StoreError
from vitlab.project import find_project

ROOT = find_project()
SECRET = "a secret of the staff"
isolated = pytest.mark.skipif(None not in possible_levels().values(), reason="no isolation here")
TOP = {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility", "tests"}
TEST = {"name", "score", "max_score", "status", "output", "output_format", "number", "visibility"}


def output_of(found, name):
    [test] = [test for test in found["tests"] if test["name"].endswith(f"({name})")]
    return test["output"]


# a record as results.json


def test_results_have_the_fields_that_gradescope_reads():
    found = results(every_verdict("ann"))
    assert set(found) == TOP
    assert all(set(test) == TEST for test in found["tests"])
    assert (found["visibility"], found["stdout_visibility"]) == ("visible", "hidden")
    assert json.loads(json.dumps(found)) == found


def test_the_score_is_the_sum_of_the_tests_and_only_full_points_pass():
    found = results(every_verdict("ann"))
    assert found["score"] == sum(test["score"] for test in found["tests"]) == 7.0
    assert [test["status"] == "passed" for test in found["tests"]] == [
        test["score"] == test["max_score"] for test in found["tests"]
    ]


def test_a_test_says_the_verdict_the_mistake_its_message_and_the_facts():
    said = output_of(results(every_verdict("ann")), "scan_order")
    for words in ("✗ wrong: inverse order", "This is the inverse", "expected: (6,) int64", "3 of 5 cases passed"):
        assert words in said


def test_free_text_is_0_of_its_points_until_it_is_marked_and_says_so():
    unread = record("ann", lesson(free_text("why_order_is_free", "Because.")))
    found = results(unread)
    assert (found["tests"][0]["score"], found["tests"][0]["max_score"]) == (0.0, 3.0)
    assert "not yet read" in found["output"]
    assert "A person reads this one" in found["tests"][0]["output"]
    assert RUBRIC[0] not in json.dumps(found)
    found = results(*with_marks([unread], {("ann", "why_order_is_free"): Mark(3.0, "Well said.")}))
    assert (found["score"], found["tests"][0]["status"]) == (3.0, "passed")
    assert "Well said." in found["tests"][0]["output"]
    assert "not yet read" not in json.dumps(found)


def test_control_codes_of_a_student_do_not_get_into_results():
    hostile = record("ann", lesson(right("a", 1)), problems=("\x1b[2J\u202e.zip: It is encrypted.",))
    assert results(hostile)["output"].startswith("\ufffd[2J\ufffd.zip")


# the student's name


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ('{"users": [{"name": "Ann", "email": "a@x"}]}', "Ann"),
        ('{"users": [{"name": "Ann"}, {"name": "", "email": "b@x"}]}', "Ann and b@x"),
        ('{"users": [{"name": "a\\u001b[2J"}]}', "a?[2J"),
        ('{"users": []}', autograder.NOBODY),
        ('{"users": [{"name": 7}, {}]}', autograder.NOBODY),
        ('{"users": ["ann"]}', autograder.NOBODY),
        ('{"users": 3}', autograder.NOBODY),
        ("[" * 100_000, autograder.NOBODY),
        ("no JSON", autograder.NOBODY),
        (None, autograder.NOBODY),
    ],
)
def test_a_name_comes_from_gradescopes_metadata_or_is_a_word_for_anybody(metadata, name, tmp_path):
    if metadata is not None:
        (tmp_path / "metadata.json").write_text(metadata)
    assert autograder.student_of(tmp_path / "metadata.json") == name


# the zip


@pytest.fixture(scope="module")
def archive():
    return autograder_zip(ROOT, ("02",), None)


def test_the_zip_holds_the_scripts_at_its_top_and_the_project_beside_them(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        modes = {member.filename: member.external_attr >> 16 for member in found.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o100755
    assert {"pyproject.toml", "constraints.txt", "LICENSE", "solutions/02_patch_order.py"} <= set(modes)
    assert {"helpers/exercises/judge.py", "vitlab/grading/templates/feedback.html.j2"} <= set(modes)
    assert not [name for name in modes if "__pycache__" in name or name.endswith(".ipynb")]
    assert list(modes) == sorted(modes)


def test_the_same_project_gives_the_same_bytes(archive):
    assert autograder_zip(ROOT, ("02",), None) == archive


def test_a_zip_for_staff_alone_is_written_or_a_sentence_says_why_not(tmp_path):
    export_gradescope(ROOT, tmp_path / "a.zip", ("02",), SECRET)
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600
    with pytest.raises(CollectError, match="There is no lesson 77"):
        export_gradescope(ROOT, tmp_path / "b.zip", ("77",))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export_gradescope(ROOT, tmp_path / "file" / "b.zip")


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_a_script_is_one_that_bash_can_read(script):
    path = ROOT / "vitlab/grading/gradescope_scripts" / script
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", path], check=True)


# a tree like Gradescope's


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """tree.submit({name: bytes}): the outcome of the real run_autograder, with results.json as `.results`."""
    root = tmp_path_factory.mktemp("autograder")
    export_gradescope(ROOT, root / "autograder.zip", ("02",), None)
    subprocess.run(["unzip", "-q", root / "autograder.zip", "-d", root / "source"], check=True)

    def submit(files, python=sys.executable):
        shutil.rmtree(root / "submission", ignore_errors=True)
        for name, content in {"": None, **files}.items():
            path = root / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if content is None else path.write_bytes(content)
        own = {"ROOT": str(root), "PYTHON": python, "OMP_NUM_THREADS": "1"}
        told = subprocess.run(
            [root / "source" / "run_autograder"],
            cwd=root,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        return SimpleNamespace(
            said=told.stdout + told.stderr, results=json.loads((root / "results" / "results.json").read_text())
        )

    return SimpleNamespace(root=root, submit=submit)


@isolated
def test_a_solved_notebook_gets_every_point_but_those_of_free_text(tree):
    (tree.root / "submission_metadata.json").write_text('{"users": [{"name": "Ann", "email": "ann@example.org"}]}')
    told = tree.submit({"Ann's work (2).ipynb": solved("02")})
    assert told.results["score"] == sum(test["max_score"] for test in told.results["tests"]) - 3 == 19.0
    assert told.said == ""


@isolated
def test_the_points_that_the_export_prints_are_all_that_a_hand_in_can_get(tree, tmp_path):
    run = CliRunner().invoke(app, ["export", "gradescope", "--out", str(tmp_path / "a.zip"), "--lesson", "02"])
    told = tree.submit({"a.ipynb": solved("02")})
    assert f"points: {sum(test['max_score'] for test in told.results['tests']):g}\n" in run.output


@isolated
def test_zips_and_folders_and_oddly_named_notebooks_are_one_hand_in(tree):
    (tree.root / "submission_metadata.json").unlink(missing_ok=True)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("homework/x.ipynb", notebook(RIGHT, READS))
    told = tree.submit({"homework.zip": file.getvalue(), "submission_metadata.yml": b"{", "old/garbage.ipynb": b"\x00"})
    assert told.results["score"] == 3.0
    assert "old/garbage.ipynb: The file is not a notebook" in told.results["output"]


@isolated
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "There is no notebook in it."),
        ({"essay.pdf": b"%PDF"}, "There is no notebook in it."),
        ({"a.ipynb": b"\xff\x00 garbage", "b.zip": b"PK garbage"}, "b.zip is no zip that can be read"),
    ],
    ids=["empty", "no notebook", "garbage"],
)
def test_where_there_is_nothing_to_grade_the_student_reads_why(tree, files, words):
    told = tree.submit(files)
    assert told.results["score"] == 0
    assert words in told.results["output"]


def test_where_the_grader_fails_there_are_results_all_the_same_and_details_only_for_staff(tree):
    settings = tree.root / "source" / autograder.SETTINGS
    before = settings.read_text()
    settings.write_text(json.dumps({"lessons": 3, "secret": SECRET}))
    try:
        told = tree.submit({"a.ipynb": solved("02")})
    finally:
        settings.write_text(before)
    assert (told.results["score"], told.results["tests"]) == (0, [])
    assert told.results["output"] == autograder.SORRY
    assert told.results["stdout_visibility"] == "hidden"
    assert "TypeError" in told.said
    assert SECRET not in told.said


def test_where_python_itself_is_missing_there_are_results_all_the_same(tree):
    told = tree.submit({"a.ipynb": b"{}"}, python="/nowhere/python")
    assert (told.results["score"], told.results["stdout_visibility"]) == (0, "hidden")
    assert "tell the course team" in told.results["output"]


@isolated
def test_the_course_is_closed_to_everybody_but_the_grader(tree):
    tree.submit({})
    assert (tree.root / "source").stat().st_mode & 0o077 == 0
    assert (tree.root / "results").stat().st_mode & 0o077 == 0
