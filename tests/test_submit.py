"""`vitlab submit`: one zip that the grader reads, and a sentence where it could not."""

import json
import shutil
import zipfile

import pytest
from hand_ins import RIGHT, fresh, notebook, solved

from vitlab.grading.collect import collect
from vitlab.grading.submit import SubmitError, look, submit
from vitlab.project import find_project

ROOT = find_project()


@pytest.fixture
def project(tmp_path):
    """A clone of the lessons: all untouched but lesson 02, which is solved."""
    for folder in ("solutions", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / "clone" / folder)
    (tmp_path / "clone" / "notebooks" / "02_patch_order.ipynb").write_bytes(solved("02"))
    return tmp_path / "clone"


def test_lessons_with_an_answer_go_into_one_zip_that_the_grader_finds(project, tmp_path, capsys):
    [one] = submit(project, [], tmp_path / "ann.zip")
    [hand_in] = collect(tmp_path / "ann.zip")
    assert one.answered == one.asked
    assert [file.name for file in hand_in.files] == ["02_patch_order.ipynb"]
    assert hand_in.files[0].read() == solved("02")
    assert f"{one.asked} of {one.asked}" in capsys.readouterr().out


def test_the_same_notebooks_make_the_same_zip(project, tmp_path):
    for name in ("a.zip", "b.zip"):
        submit(project, [], tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("lesson", ["00", "01", "07", "09"])
def test_an_untouched_notebook_answers_nothing_and_a_solved_one_everything(tmp_path, lesson):
    (tmp_path / "x.ipynb").write_bytes(fresh(lesson))
    assert look(ROOT, tmp_path / "x.ipynb").answered == 0
    (tmp_path / "x.ipynb").write_bytes(solved(lesson))
    told = look(ROOT, tmp_path / "x.ipynb")
    assert told.lesson == lesson
    assert told.answered == told.asked


def test_where_nothing_is_answered_a_sentence_says_so(tmp_path):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    with pytest.raises(SubmitError, match="Nothing is answered"):
        submit(tmp_path, [], tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_what_no_grader_could_read_is_told_before_it_is_handed_in(tmp_path):
    for content, words in ((b"{", "no JSON"), (notebook("x = 1"), "no notebook of this course")):
        (tmp_path / "x.ipynb").write_bytes(content)
        with pytest.raises(SubmitError, match=words):
            submit(ROOT, [tmp_path / "x.ipynb"], tmp_path / "x.zip")


def test_a_cell_that_does_not_parse_is_told_and_the_rest_handed_in(tmp_path, capsys):
    content = json.loads(fresh("02"))
    for cell in content["cells"]:
        if cell["id"] == "scan_order":
            cell["source"] = "def scan_order(rows, cols, kind)\n    return 1"
    content["cells"].append(json.loads(notebook(RIGHT))["cells"][0])
    (tmp_path / "ann.ipynb").write_text(json.dumps(content))
    [one] = submit(ROOT, [tmp_path / "ann.ipynb"], tmp_path / "ann.zip")
    assert one.answered == 1
    assert "`scan_order` would earn nothing: expected ':' (line 1 of its cell)" in capsys.readouterr().out
    assert zipfile.ZipFile(tmp_path / "ann.zip").namelist() == ["ann.ipynb"]
