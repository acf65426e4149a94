"""The cell that installs the course on Google Colab: run in a Python without the course, with a stand-in for Colab."""

import ast
import importlib.metadata
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from serve import served

from helpers import colab
from vitlab.course.build import standard_course
from vitlab.course.colab import source
from vitlab.course.homework import homework_lessons
from vitlab.course.notebooks import dumps, student_notebook
from vitlab.project import find_project

ROOT = find_project()
FAKES = {  # of the package google.colab, what the cell asks for
    "__init__.py": "",
    "files.py": """
import os, pathlib, shutil
def upload():
    print("upload asked")
    given = os.environ.get("FAKE_UPLOAD")
    return {shutil.copy(given, "."): pathlib.Path(given).read_bytes()} if given else {}
""",
    "output.py": "def enable_custom_widget_manager():\n    print('widgets enabled')\n",
}
SMALL = {  # as much of the course as the cell needs
    "pyproject.toml": (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "vitlab"\nversion = "0.0.1"\ndependencies = ["einops>=0.1"]\n'
        '[tool.setuptools]\npackages = ["helpers"]\n'
    ),
    "helpers/__init__.py": "",
    "helpers/colab.py": (ROOT / "helpers/colab.py").read_text(encoding="utf-8"),
}


class Colab:
    """A machine on which `google.colab` can be imported and the course cannot: a folder, and where pip installs to."""

    def __init__(self, folder):
        self.folder, self.site, self.fakes = folder / "content", folder / "site", folder / "fakes"
        for name in (self.folder, self.site, self.fakes / "google/colab"):
            name.mkdir(parents=True)
        for name, text in FAKES.items():
            (self.fakes / "google/colab" / name).write_text(text)

    def run(self, release="", upload="", is_colab=True, after=""):
        """Runs the cell as a notebook would, and `after`; what it printed. Any traceback is a failure."""
        # -S: without the .pth file by which this very course is installed
        paths = [*([self.fakes] if is_colab else []), self.site, sysconfig.get_paths()["purelib"]]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PIP_TARGET": str(self.site),
            "PIP_NO_BUILD_ISOLATION": "0",  # which turns isolation off: setuptools is here, a network may not be
            "FAKE_UPLOAD": str(upload),
        }
        command = [sys.executable, "-S", "-c", f"{source(str(release))}\n{after}"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @property
    def installed(self):
        return (self.site / "helpers/colab.py").exists()


@pytest.fixture
def machine(tmp_path):
    return Colab(tmp_path)


@pytest.fixture
def archive(tmp_path):
    """A small archive, not in the folder."""
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "vitlab.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, text in SMALL.items():
            file.writestr(f"vitlab/{name}", text)
    return path


READY = "The course is installed: go on with the next cell."
FAILED = "The course is not installed."


# on Colab


def test_an_archive_in_the_folder_is_installed(machine, archive):
    archive.rename(machine.folder / "vitlab-0.1.zip")
    said = machine.run(after="import helpers; print(helpers.__file__)").splitlines()
    assert said[1:] == ["widgets enabled", READY, str(machine.site / "helpers/__init__.py")]


def test_without_an_archive_the_cell_asks_for_an_upload(machine, archive):
    said = machine.run(upload=archive).splitlines()
    assert said[0] == "upload asked"
    assert said[-1] == READY
    assert machine.installed


def test_a_release_is_fetched_from_its_address(machine, archive):
    with served(archive.parent) as address:
        said = machine.run(release=f"{address}/vitlab.zip")
    assert said.endswith(f"{READY}\n")
    assert "upload asked" not in said
    assert machine.installed


def test_a_file_in_the_folder_comes_before_the_release(machine, archive):
    archive.rename(machine.folder / "vitlab.zip")
    assert READY in machine.run(release="http://127.0.0.1:9/vitlab.zip")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing"])
def test_a_broken_archive_is_told_in_a_sentence(machine, content):
    (machine.folder / "vitlab.zip").write_bytes(content)
    said = machine.run()
    assert FAILED in said
    assert "it is damaged: delete it first" in said
    assert not machine.installed


def test_without_a_network_the_release_is_told_to_be_missing(machine, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/vitlab.zip"
    monkeypatch.setenv("PIP_RETRIES", "0")
    said = machine.run(release=closed)
    assert FAILED in said
    assert "Put its archive, vitlab.zip, among the files on the left" in said


def test_an_upload_that_was_given_up_is_told(machine):
    assert FAILED in machine.run(upload="")


def test_a_second_run_installs_nothing(machine, archive):
    archive.rename(machine.folder / "vitlab.zip")
    machine.run()
    (machine.folder / "vitlab.zip").unlink()
    before = sorted((path, path.stat().st_mtime_ns) for path in machine.site.rglob("*.py"))
    assert machine.run().splitlines() == ["widgets enabled", READY]
    assert sorted((path, path.stat().st_mtime_ns) for path in machine.site.rglob("*.py")) == before


# anywhere else

TIMED = """
from time import perf_counter
times = []
for _ in range(5):
    begin = perf_counter()
    install_on_colab(release="")
    times.append(perf_counter() - begin)
print(f"{1000 * sorted(times)[2]:.3f}")
print([name for name in dir() if not name.startswith("__") and name not in ("begin", "times", "perf_counter", "_")])
"""


def test_anywhere_else_the_cell_says_nothing_takes_no_time_and_leaves_one_name(machine):
    milliseconds, names = machine.run(is_colab=False, after=TIMED).splitlines()
    assert float(milliseconds) < 10
    assert names == "['install_on_colab']"
    assert not machine.installed


# what Colab may lack


def test_only_what_is_missing_is_asked_for_at_the_version_that_the_course_needs(monkeypatch):
    assert colab.missing_requirements() == []
    monkeypatch.setattr(colab, "PACKAGES", {"no_module_of_this_name": "anywidget", "torch": "torch"})
    [missing] = colab.missing_requirements()
    assert re.fullmatch(r"anywidget>=[\d.]+", missing)


def third_party_imports():
    """The packages that `helpers` imports, but for those of the extra `hub`, which need a network."""
    found = set()
    for path in (ROOT / "helpers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"helpers", "google", "datasets", "huggingface_hub"}


def test_the_packages_are_those_that_helpers_imports():
    assert set(colab.PACKAGES) == third_party_imports()


def test_every_package_is_a_dependency_of_the_course():
    needed = {re.match(r"[\w-]+", text)[0] for text in importlib.metadata.requires("vitlab") if "extra" not in text}
    assert set(colab.PACKAGES.values()) <= needed


def wheel(folder, name, requires=""):
    """A wheel of one empty module."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + (
        f"Requires-Dist: {requires}\n" if requires else ""
    )
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", metadata)
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of wheels, the only ones that pip sees; it installs to `site` in it."""
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": tmp_path, "TARGET": tmp_path / "site"}.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    return tmp_path


def test_a_missing_package_is_installed(packages, monkeypatch):
    wheel(packages, "vitlab_tiny")
    monkeypatch.setattr(colab, "missing_requirements", lambda: ["vitlab_tiny>=1"])
    monkeypatch.setattr(colab, "_enable_widgets", lambda: None)
    assert colab.make_ready() == READY
    assert (packages / "site/vitlab_tiny.py").exists()


def test_a_package_that_would_change_numpy_is_not_installed(packages, monkeypatch):
    wheel(packages, "vitlab_tiny", requires="numpy==1.0")
    wheel(packages, "numpy")
    monkeypatch.setattr(colab, "missing_requirements", lambda: ["vitlab_tiny>=1"])
    assert "vitlab_tiny>=1 could not be installed: run this cell again" in colab.make_ready()
    assert not (packages / "site").exists()


# in every notebook


def all_notebooks():
    course = standard_course(ROOT)
    for path in (*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "solutions").glob("*.ipynb"))):
        yield f"{path.parent.name}/{path.name}", json.loads(path.read_text(encoding="utf-8"))
    for lesson in homework_lessons(course):
        yield f"homework of {lesson.number}", json.loads(dumps(student_notebook(lesson, "homework")))


def test_every_notebook_runs_the_cell_first():
    names = []
    for name, notebook in all_notebooks():
        names.append(name)
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        assert (first["id"], "".join(first["source"])) == ("colab-1", source("")), name
        assert set(first["metadata"]["tags"]) == {"colab", "nbval-ignore-output"}, name
        assert first["metadata"]["cellView"] == "form", name
        assert not first["outputs"], name
    assert len(names) == 30


def test_the_text_that_says_run_this_cell_still_stands_before_the_setup():
    for name, notebook in all_notebooks():
        cells = notebook["cells"]
        place = next(i for i, cell in enumerate(cells) if "setup" in cell["metadata"].get("tags", []))
        colab_at = next(i for i, cell in enumerate(cells) if cell["id"] == "colab-1")
        assert cells[0]["cell_type"] == "markdown", name
        assert cells[place - 1]["cell_type"] == "markdown" or colab_at == place - 1, name


def test_a_release_address_stands_in_the_cell():
    assert source("https://example.org/vitlab.zip").endswith(
        'install_on_colab(release="https://example.org/vitlab.zip")'
    )


def test_the_cell_is_python_that_a_beginner_can_unfold_by_its_title():
    title, *_ = source("").splitlines()
    assert title.startswith("# @title ")
    compile(source(""), "cell", "exec")
    assert all(len(line) <= 120 for line in source("").splitlines())
