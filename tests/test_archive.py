"""`vitlab export archive`: the course in one zip that pip installs."""

import subprocess
import sys
import zipfile

import pytest

from vitlab.course.archive import archive, export_archive
from vitlab.project import ProjectError, find_project, release_address

ROOT = find_project()
USE = """
import helpers, helpers.check, vitlab.cli
from helpers.data.fashion import fashion_mnist
print(helpers.__file__)
print(len(fashion_mnist("test").images), helpers.check.Lesson("01", {}).info.name)
"""


def test_the_archive_holds_the_packages_and_no_lesson_test_or_leftover(tmp_path):
    export_archive(ROOT, tmp_path / "vitlab.zip")
    names = zipfile.ZipFile(tmp_path / "vitlab.zip").namelist()
    assert {name.split("/")[0] for name in names} == {"vitlab"}
    assert {name.split("/")[1] for name in names} == {"pyproject.toml", "README.md", "LICENSE", "helpers", "vitlab"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".ipynb", ".pyc"))]
    assert (tmp_path / "vitlab.zip").stat().st_size < 30e6


def test_the_same_files_make_the_same_archive():
    assert archive(ROOT) == archive(ROOT)


def test_pip_installs_the_archive_and_lessons_run_from_there(tmp_path):
    export_archive(ROOT, tmp_path / "vitlab.zip")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / "vitlab.zip"], check=True, capture_output=True)
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{USE}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(tmp_path / "site/helpers/__init__.py"), "2000 patches_to_tokens"]


def test_a_name_that_pip_would_not_take_is_refused(tmp_path):
    with pytest.raises(ProjectError, match=r"ends in \.zip"):
        export_archive(ROOT, tmp_path / "vitlab")


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot be written"):
        export_archive(ROOT, tmp_path / "file" / "vitlab.zip")


PROJECT = '[project]\nname = "vitlab"\n\n'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (PROJECT, ""),
        (PROJECT + '[tool.vitlab]\nrelease = ""\n', ""),
        (PROJECT + '[tool.vitlab]\nrelease = "https://example.org/a/vitlab.zip"\n', "https://example.org/a/vitlab.zip"),
        (PROJECT + '[tool.vitlab]\n\n[tool.other]\nrelease = "https://example.org/other.zip"\n', ""),
    ],
)
def test_the_release_is_read_off_pyproject(tmp_path, text, address):
    (tmp_path / "pyproject.toml").write_text(text)
    assert release_address(tmp_path) == address


@pytest.mark.parametrize(
    "address", ["http://example.org/vitlab.zip", "https://example.org/vitlab.tar.gz", "vitlab.zip"]
)
def test_a_release_that_is_no_https_zip_is_refused(tmp_path, address):
    (tmp_path / "pyproject.toml").write_text(f'{PROJECT}[tool.vitlab]\nrelease = "{address}"\n')
    with pytest.raises(ProjectError, match="is no address of the form https"):
        release_address(tmp_path)
