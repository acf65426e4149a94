"""The course in nbgrader: `vitlab export nbgrader`, then nbgrader's own commands on what it wrote."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from traitlets.config.loader import PyFileConfigLoader
from typer.testing import CliRunner

from helpers.exercises import LESSONS
from vitlab import cli
from vitlab.course.execute import CELL_TIMEOUT
from vitlab.course.nbgrader.stubs import ClearToStubs
from vitlab.course.notebooks import code_cells
from vitlab.project import ProjectError, find_project

ROOT = find_project(Path(__file__).parent)
EINOPS, PATCHES = "00_einops", "01_patches_to_tokens"


def nbgrader(course, *arguments):
    """Runs one of nbgrader's commands in a course's folder; returns what it said."""
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # nbgrader calls alembic by its name
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(course.parent / "jupyter"),
    }
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command, cwd=course, env={**os.environ, **own}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def export(folder, *lessons):
    return CliRunner().invoke(cli.app, ["export", "nbgrader", "--out", str(folder), *lessons], catch_exceptions=False)


def read(path):
    return nbformat.read(path, as_version=4)


def submit(course, student, notebook, lesson=EINOPS):
    folder = course / "submitted" / student / lesson
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{lesson}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Every lesson as an assignment of nbgrader, 00 and 01 released by nbgrader."""
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    assert export(folder).exit_code == 0
    for lesson in (EINOPS, PATCHES):
        nbgrader(folder, "generate_assignment", lesson)
    return folder


@pytest.mark.parametrize("lesson", [EINOPS, PATCHES])
def test_what_nbgrader_releases_is_the_courses_own_student_notebook(course, lesson):
    released = read(course / "release" / lesson / f"{lesson}.ipynb")
    ours = read(ROOT / "notebooks" / f"{lesson}.ipynb")
    assert [(cell.id, cell.source) for cell in released.cells] == [(cell.id, cell.source) for cell in ours.cells]


@pytest.mark.parametrize("lesson", [info.file for info in LESSONS])
def test_each_lessons_solutions_give_way_to_its_own_stubs(course, lesson):
    source = read(course / "source" / lesson / f"{lesson}.ipynb")
    cleared, _ = ClearToStubs().preprocess(source, {})
    ours = read(ROOT / "notebooks" / f"{lesson}.ipynb")
    assert [cell.source for cell in cleared.cells] == [cell.source for cell in ours.cells]


def every_second_answer(untouched, solved):
    """The student notebook with every second answer taken from the solved one, and the points of these."""
    sources = {cell.id: cell.source for cell in solved.cells}
    checks = {cell.id: cell for cell in untouched.cells if cell.id.endswith("-check")}
    answered = [cell for cell in untouched.cells if f"{cell.id}-check" in checks][::2]
    for cell in answered:
        cell.source = sources[cell.id]
    return untouched, sum(checks[f"{cell.id}-check"].metadata.nbgrader.points for cell in answered)


def test_nbgrader_gives_all_points_some_or_none(course):
    solved = read(ROOT / "solutions" / f"{EINOPS}.ipynb")
    untouched = read(course / "release" / EINOPS / f"{EINOPS}.ipynb")
    submit(course, "solved", solved)
    submit(course, "untouched", untouched)
    half, expected = every_second_answer(untouched, solved)
    submit(course, "half", half)
    said = nbgrader(course, "autograde", EINOPS)
    assert "cannot be converted" not in said  # no card is taken for partial credit
    nbgrader(course, "export", f"--CsvExportPlugin.assignment={EINOPS}")
    with (course / "grades.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["max_score"] for row in rows} == {"18.0"}
    assert 0 < expected < 18
    scores = {row["student_id"]: float(row["score"]) for row in rows}
    assert scores == {"solved": 18, "untouched": 0, "half": expected}


@pytest.fixture(scope="module")
def chatty(course):
    """What nbgrader makes of a few cells of lesson 01, with a right answer that writes to stderr."""
    notebook = read(ROOT / "solutions" / f"{PATCHES}.ipynb")
    kept = ("patchify", "patchify-check", "round_trip")
    notebook.cells = [
        c for c in notebook.cells if c.id in kept or {"setup", "optional"} & set(c.metadata.get("tags", []))
    ]
    patchify = next(cell for cell in notebook.cells if cell.id == "patchify")
    before, header, body = patchify.source.partition("):\n")
    patchify.source = f"import sys\n\n\n{before}{header}    print('mind the order', file=sys.stderr)\n{body}"
    submit(course, "chatty", notebook, PATCHES)
    nbgrader(course, "autograde", PATCHES)
    return read(course / "autograded" / "chatty" / PATCHES / f"{PATCHES}.ipynb")


def test_what_stands_on_stderr_costs_nothing_and_free_text_waits_for_a_person(course, chatty):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        (graded,) = gradebook.find_submission(PATCHES, "chatty").notebooks
        grades = {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in graded.grades}
    assert grades["patchify-check"] == (3, False)
    assert grades["round_trip"] == (None, True)


def test_cells_that_need_a_network_are_not_run(chatty):
    runs = {"optional" in cell.metadata.get("tags", []): cell.execution_count for cell in code_cells(chatty)}
    assert runs[True] is None
    assert runs[False] is not None


def test_an_experiment_has_the_time_that_the_build_gives_it(course):
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    assert settings.Execute.timeout == CELL_TIMEOUT


def test_a_later_export_leaves_the_work_of_the_course_alone(tmp_path):
    assert export(tmp_path, "00").exit_code == 0
    work = [tmp_path / "gradebook.db", tmp_path / "nbgrader_config.json"]
    for path in work:
        path.write_text("work", encoding="utf-8")
    (tmp_path / "source" / EINOPS / f"{EINOPS}.ipynb").write_text("old", encoding="utf-8")
    assert export(tmp_path, "00", "02").exit_code == 0
    assert [path.read_text(encoding="utf-8") for path in work] == ["work", "work"]
    assert read(tmp_path / "source" / EINOPS / f"{EINOPS}.ipynb").cells
    assert (tmp_path / "source/02_patch_order/02_patch_order.ipynb").exists()


def test_a_folder_of_something_else_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ProjectError, match="not empty and no former export"):
        export(tmp_path, "00")
    assert os.listdir(tmp_path) == ["thesis.tex"]
    with pytest.raises(ProjectError, match="is a file"):
        export(tmp_path / "thesis.tex", "00")


def test_an_unknown_lesson_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ProjectError, match="There is no lesson '77'"):
        export(tmp_path / "course", "77")
    assert not (tmp_path / "course").exists()
