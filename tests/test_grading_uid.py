"""The levels that take another uid: they need root, and a Python that others may read, as in a container.

The tests of the sandbox run again there, from a copy of the project closed to others, under the system's Python.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from vitlab.project import find_project

SYSTEM = Path("/usr/bin/python3")
TESTS = ("tests/test_grading_sandbox.py", "tests/test_attacks.py")
# of the attacks those on what stands between files and processes of two users; time and memory are bound elsewhere
CHOSEN = "separate and (test_grading_sandbox or students or carry or answers or kernel or leaves)"


def same_version():
    told = subprocess.run(
        [SYSTEM, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() == str(sys.version_info[:2])


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may take another uid")
@pytest.mark.skipif(not SYSTEM.exists() or not same_version(), reason="no system Python of this version")
def test_every_attack_on_the_sandbox_fails_under_a_separate_uid(tmp_path):
    project = tmp_path / "project"
    for folder in ("helpers", "vitlab", "solutions", "tests"):
        shutil.copytree(find_project() / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(find_project() / "pyproject.toml", project)
    project.chmod(0o700)
    subprocess.run([SYSTEM, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "tested.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    told = subprocess.run(
        [tmp_path / "venv/bin/python", "-m", "pytest", *TESTS, "-q", "-p", "no:cacheprovider", "-k", CHOSEN],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-1000:]
    assert "skipped" not in told.stdout
