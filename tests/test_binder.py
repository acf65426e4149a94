"""Binder: what repo2docker's own parser makes of this folder, without Docker."""

import re
import shutil

import pytest
import yaml

from vitlab.project import find_project

ROOT = find_project()
ASKED_FOR = {"jupyterlab", "pytorch", "einops", "matplotlib-base", "ipywidgets", "nbval", "jupytext"}


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """What a clone holds at its top, as the current folder: repo2docker looks nowhere else."""
    for path in ROOT.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, tmp_path)
    for name in ("binder", ".binder"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def chosen():
    """The first of repo2docker's ways to build that takes this folder, as repo2docker itself goes about it."""
    from repo2docker.app import Repo2Docker

    for way in Repo2Docker().buildpacks:
        pack = way("docker.io/library/buildpack-deps:jammy")
        if pack.detect():
            return pack
    return None


def test_binder_takes_the_conda_environment(clone):
    pack = chosen()
    assert type(pack).__name__ == "CondaBuildPack"
    assert pack.environment_yaml_path == "environment.yml"


def test_binder_reads_the_python_that_conda_installs(clone):
    (python,) = re.findall(r"^  - python=(.*)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert chosen().python_version == python


def test_binder_installs_what_the_course_was_asked_for(clone):
    named = {
        re.match(r"[\w-]+", text)[0] for text in chosen().environment_yaml["dependencies"] if isinstance(text, str)
    }
    assert named >= ASKED_FOR


def dockerfile():
    """The steps of the Dockerfile, in order."""
    pack = chosen()
    pack.platform = "linux/amd64"
    return pack.render({})


def test_binder_copies_the_clone_before_it_installs_the_course_from_it(clone):
    steps = dockerfile()
    copied, installed = steps.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/"), steps.index('--file "environment.yml"')
    assert copied < installed
    assert steps.count("env update") == 1


def test_without_the_course_itself_binder_would_install_before_there_is_a_clone(clone):
    """Why the order above is a finding: it is the local line, `-e .`, that repo2docker goes by."""
    environment = yaml.safe_load((clone / "environment.yml").read_text(encoding="utf-8"))
    environment["dependencies"][-1] = {"pip": ["einops"]}
    (clone / "environment.yml").write_text(yaml.safe_dump(environment), encoding="utf-8")
    steps = dockerfile()
    assert steps.index('--file "environment.yml"') < steps.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
