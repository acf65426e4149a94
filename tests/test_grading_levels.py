"""What a machine gives, and why not: no level holds where an answer could read the course's own."""

import shutil
import subprocess
import sys

import pytest

from vitlab.grading import levels
from vitlab.grading.levels import LEVELS, Unsafe, best_level, possible_levels
from vitlab.project import find_project


def test_the_best_level_that_is_possible_is_taken():
    possible = [level for level in LEVELS if possible_levels()[level.name] is None]
    if not possible:
        pytest.skip("no isolation here")
    assert best_level() == possible[0]


def test_a_course_among_the_libraries_is_not_graded_with(tmp_path):
    library = tmp_path / "site-packages"
    for folder in ("helpers", "vitlab"):
        shutil.copytree(find_project() / folder, library / folder, ignore=shutil.ignore_patterns("__pycache__"))
    told = subprocess.run(
        [sys.executable, "-m", "vitlab", "doctor"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stdout.count("pip install -e") == len(LEVELS)


def test_a_course_in_a_folder_that_answers_may_read_is_not_graded_with(monkeypatch):
    monkeypatch.setattr(levels, "readable", lambda: {str(find_project().parent)})
    with pytest.raises(Unsafe, match="pip install -e"):
        best_level()
