"""The command line, and what makes the environment around it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from typer.testing import CliRunner

from vitlab import cli, lab, testing
from vitlab.course import build as course_build
from vitlab.project import ProjectError, find_project, is_project

ROOT = find_project(Path(__file__).parent)
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
VITLAB = [sys.executable, "-c", "from vitlab.cli import main; main()"]
LESSON = "# %% [markdown]\n# # A lesson\n\n# %%\nprint(1 + 1)\n"


@pytest.fixture
def project(tmp_path):
    """A folder that looks like a clone of the course: one lesson, and a student notebook to begin with."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "vitlab"\n', encoding="utf-8")
    for folder in ("solutions", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "solutions/00_einops.py").write_text(LESSON, encoding="utf-8")
    return tmp_path


def vitlab(*arguments, folder=ROOT):
    return subprocess.run([*VITLAB, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


# vitlab --help


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from vitlab.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', {'torch', 'numpy', 'jupytext', 'nbformat', 'jupyterlab'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, timeout=60).stdout
    assert all(re.search(rf"\b{command}\b", said) for command in ("build", "lab", "test"))
    assert "HEAVY set()" in said


def test_help_answers_within_half_a_second():
    def seconds():  # of the processor, so that a busy machine is no slower
        before = os.times()
        assert vitlab("--help").returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(3)) < 0.5


# the project's folder


def test_the_project_is_found_from_any_folder_below_it(project):
    below = project / "notebooks/deep"
    below.mkdir()
    assert find_project(below) == project.resolve()


def test_outside_a_clone_the_installed_one_is_taken(tmp_path):
    assert is_project(find_project(tmp_path))


def test_another_projects_folder_is_not_taken_for_the_course(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "vitlab-fork"\n', encoding="utf-8")
    assert not is_project(tmp_path)


def test_without_any_clone_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("vitlab.project.is_project", lambda folder: False)
    with pytest.raises(ProjectError, match="change into your clone of the course"):
        find_project(tmp_path)


# vitlab build


def test_build_writes_both_notebooks_and_check_then_passes(project, monkeypatch):
    here = course_build.Course(project, {}.__getitem__)
    monkeypatch.setattr(course_build, "standard_course", lambda root: here)
    monkeypatch.chdir(project)
    run = CliRunner()
    assert run.invoke(cli.app, ["build", "--check"]).exit_code == 1
    built = run.invoke(cli.app, ["build", "00"])
    assert built.exit_code == 0
    assert "wrote notebooks/00_einops.ipynb" in built.output
    assert nbformat.read(project / "solutions/00_einops.ipynb", as_version=4).cells[1].outputs[0].text == "2\n"
    assert run.invoke(cli.app, ["build", "--check"]).exit_code == 0
    assert "nothing to do" in run.invoke(cli.app, ["build"]).output


def test_build_says_file_line_and_what_is_wrong(project, monkeypatch):
    here = course_build.Course(project, {}.__getitem__)
    monkeypatch.setattr(course_build, "standard_course", lambda root: here)
    monkeypatch.chdir(project)
    (project / "solutions/00_einops.py").write_text(LESSON + "### STUB\n", encoding="utf-8")
    run = CliRunner().invoke(cli.app, ["build"])
    assert run.exit_code == 1
    assert "00_einops.py:6: ### STUB outside a solution" in run.output
    assert list((project / "notebooks").iterdir()) == []


def test_an_unknown_lesson_is_one_sentence_and_no_traceback(project, monkeypatch, capsys):
    here = course_build.Course(project, {}.__getitem__)
    monkeypatch.setattr(course_build, "standard_course", lambda root: here)
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["vitlab", "build", "77"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = f"There is no lesson '77' in {project / 'solutions'}. It has: 00_einops.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["submit", "{notebook}", "--out", "{folder}"], "{folder} cannot be written: "),
        (
            ["export", "gradescope", "--out", "{folder}"],
            "{folder}: name a file that ends in .zip, such as autograder.zip; Gradescope takes no other.",
        ),
    ],
    ids=["submit", "gradescope"],
)
def test_a_folder_given_for_a_zip_is_one_sentence_and_no_traceback(arguments, said, tmp_path, monkeypatch, capsys):
    names = {"notebook": ROOT / "solutions/02_patch_order.ipynb", "folder": tmp_path}
    monkeypatch.setattr(sys, "argv", ["vitlab", *(argument.format(**names) for argument in arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(said.format(**names))
    assert list(tmp_path.iterdir()) == []


# vitlab lab


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def test_lab_serves_the_first_lesson(project):
    notebook = project / "notebooks/00_einops.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    port = free_port()
    environment = {**os.environ, "JUPYTER_TOKEN": "secret", "HOME": str(project)}
    command = [*VITLAB, "lab", "--no-browser", "--port", str(port), "--", "--ServerApp.shutdown_no_activity_timeout=60"]
    server = subprocess.Popen(
        command,
        cwd=project / "solutions",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = server.stdout.readline()
        assert address.endswith(f"http://127.0.0.1:{port}/lab/tree/notebooks/00_einops.ipynb?token=secret\n")
        base, status = f"http://127.0.0.1:{port}", None
        for _ in range(600):
            if server.poll() is not None:
                pytest.fail(server.stderr.read())
            try:
                status = json.loads(get(f"{base}/api/status?token=secret"))
                break
            except OSError:
                time.sleep(0.2)
        assert status["kernels"] == 0
        assert "JupyterLab" in get(address.split()[-1])
        notification = json.loads(
            get(f"{base}/lab/api/settings/@jupyterlab/apputils-extension:notification?token=secret")
        )
        settings = notification["schema"]["properties"]
        assert settings["fetchNews"]["default"] == "false"
        assert settings["checkForUpdates"]["default"] is False
        with pytest.raises(OSError, match="403"):
            get(f"{base}/api/contents?token=wrong")
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)


def test_lab_listens_on_this_machine_alone_and_asks_for_no_news():
    given = lab.arguments(ROOT, 8888, browser=False, extra=["--debug"])
    assert "--ServerApp.ip=127.0.0.1" in given
    assert "--ServerApp.open_browser=False" in given
    assert "--LabApp.news_url=None" in given
    assert given[-1] == "--debug"


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_lab_allows_root_only_to_root(monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in lab.arguments(ROOT, 8888, browser=False)) == allowed


def test_a_browser_opens_only_where_there_is_a_screen(tmp_path):
    def screen(platform, **environment):
        return lab.has_screen(environment, platform, root=tmp_path)

    assert screen("linux", DISPLAY=":0")
    assert screen("linux", WAYLAND_DISPLAY="wayland-0")
    assert screen("darwin")
    assert screen("win32")
    assert not screen("linux")
    assert not screen("darwin", CI="true")
    (tmp_path / ".dockerenv").touch()
    assert not screen("linux", DISPLAY=":0")


def test_lab_says_when_its_port_is_taken_or_the_lesson_missing(project):
    with pytest.raises(ProjectError, match=r"00_einops\.ipynb is missing"):
        lab.serve(project)
    (project / lab.FIRST_LESSON).touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProjectError, match="is taken"):
            lab.serve(project, port=taken.getsockname()[1])


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert lab.free_port(port) > port


# vitlab test


def test_the_steps_run_ruff_the_tests_and_every_notebook():
    steps = testing.all_steps()
    assert list(steps) == ["ruff", "tests", "solved lessons", "student notebooks"]
    assert {"--nbval", "solutions"} <= set(steps["solved lessons"])
    assert {"--nbval-lax", "notebooks"} <= set(steps["student notebooks"])
    for name in ("solved lessons", "student notebooks"):
        assert any(argument.startswith("--nbval-cell-timeout=") for argument in steps[name])
        assert (ROOT / "tests/nbval_sanitize.cfg").exists()


def test_a_step_counts_what_passed_and_what_failed(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import os, pytest\n"
        "def test_good(): assert os.path.isdir(os.environ['VITLAB_HOME']) and os.environ['OMP_NUM_THREADS'] == '1'\n"
        "def test_bad(): assert 0\n"
        "@pytest.mark.skip\n"
        "def test_skipped(): pass\n",
        encoding="utf-8",
    )
    result = testing.run_step("sample", testing.pytest_command("test_it.py", "-p", "no:cacheprovider"), tmp_path)
    assert (result.passed, result.failed, result.skipped, result.ok) == (1, 1, 1, False)


def test_a_step_that_finds_no_test_fails(tmp_path):
    result = testing.run_step("empty", testing.pytest_command(".", "-p", "no:cacheprovider"), tmp_path)
    assert (result.passed, result.failed, result.ok) == (0, 1, False)


def test_nbval_compares_checks_but_not_addresses_timings_or_paths(tmp_path):
    def notebook(printed, source):
        cell = nbformat.v4.new_code_cell(source, execution_count=1)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return nbformat.v4.new_notebook(cells=[cell], metadata=metadata)

    varying = notebook("<f at 0x7f00aa> took 3.2 s, /home/a/b.py\n", "print('<f at 0x1234> took 41 ms, /tmp/c/d.py')")
    nbformat.write(varying, tmp_path / "varying.ipynb")
    nbformat.write(notebook("loss 0.25\n", "print('loss 0.26')"), tmp_path / "wrong.ipynb")
    sanitize = f"--nbval-sanitize-with={ROOT / 'tests/nbval_sanitize.cfg'}"
    command = testing.pytest_command("--nbval", "--nbval-current-env", sanitize, "-p", "no:cacheprovider")
    result = testing.run_step("notebooks", command, tmp_path)
    assert (result.passed, result.failed) == (1, 1)


def test_the_last_line_counts_every_step(monkeypatch, capfd):
    outcomes = {
        "ruff": testing.Result("ruff", 1, 0, 0, 0.5, True),
        "tests": testing.Result("tests", 10, 2, 1, 3.0, False),
    }
    monkeypatch.setattr(testing, "all_steps", lambda: {name: [] for name in outcomes})
    monkeypatch.setattr(testing, "run_step", lambda name, command, root: outcomes[name])
    assert not testing.run_tests(ROOT)
    assert capfd.readouterr().out.splitlines()[-1] == "11 passed, 2 failed, 1 skipped in 3.5s"


def test_arguments_go_to_pytest_alone(monkeypatch):
    seen = {}

    def step(name, command, root):
        seen[name] = command
        return testing.Result(name, 1, 0, 0, 0.1, True)

    monkeypatch.setattr(testing, "run_step", step)
    run = CliRunner().invoke(cli.app, ["test", "tests/test_cli.py", "-k", "help", "-x"])
    assert run.exit_code == 0
    assert list(seen) == ["pytest"]
    assert seen["pytest"][-4:] == ["tests/test_cli.py", "-k", "help", "-x"]


def test_missing_test_tools_are_named_with_the_cure(monkeypatch):
    found = {"nbval": None, "xdist": None}
    monkeypatch.setattr(testing.importlib.util, "find_spec", lambda name: found.get(name, SimpleNamespace()))
    with pytest.raises(ProjectError, match=r"need xdist, nbval: install them with pip install -e '\.\[test\]'"):
        testing.run_tests(ROOT)


# what makes the environment

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")


@needs_make
@pytest.mark.parametrize(
    ("target", "commands"),
    [
        ("lab", ["python3 -m venv .venv", "pip install -c constraints.txt -e .", ".venv/bin/vitlab lab"]),
        ("test", ["python3 -m venv .venv", "pip install -c constraints.txt -e '.[test]'", ".venv/bin/vitlab test"]),
    ],
)
def test_make_makes_the_environment_and_then_calls_vitlab(tmp_path, target, commands):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    make = ["make", "--dry-run", "--no-print-directory", target]
    said = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    places = [said.index(command) for command in commands]
    assert places == sorted(places)


@needs_make
def test_make_installs_nothing_when_the_environment_is_in_place(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("bin/pip", "lab.stamp", "test.stamp"):
        (tmp_path / ".venv" / name).touch()
    make = ["make", "--dry-run", "--no-print-directory", "test"]
    said = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.strip() == ".venv/bin/vitlab test"


def test_ci_runs_the_readmes_test_command_and_names_no_registry():
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("make test")
    assert "rm -rf .venv" in script
    assert "http" not in script
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)


def dependencies(section):
    """The requirements of one list in pyproject.toml (tomllib is not in Python 3.10)."""
    listed = re.search(rf"^{section} = \[(.*?)^\]", PYPROJECT, re.MULTILINE | re.DOTALL)[1]
    return [Requirement(text) for text in re.findall(r'"([^"]+)"', listed)]


CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def test_conda_gets_the_same_packages_as_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = {r.name: r.specifier for r in map(Requirement, filter(is_not_python, environment["dependencies"][:-1]))}
    for requirement in dependencies("dependencies"):
        assert conda.pop(CONDA_NAMES.get(requirement.name, requirement.name)) == requirement.specifier
    assert conda.pop("nbval") == next(r.specifier for r in dependencies("test") if r.name == "nbval")
    assert set(conda) == {"pip"}


def is_not_python(dependency):
    return not dependency.startswith("python=")


def test_conda_and_mamba_accept_the_environment():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert set(environment) == {"name", "channels", "dependencies"}
    assert re.fullmatch(r"[a-z]+", environment["name"])
    assert environment["channels"] == ["conda-forge"]
    *conda, last = environment["dependencies"]
    assert all(isinstance(dependency, str) and " " not in dependency for dependency in conda)
    (python,) = [d.removeprefix("python=") for d in conda if d.startswith("python=")]
    assert re.fullmatch(r"3\.\d+", python)
    assert python in SpecifierSet(re.search(r'requires-python = "(.*)"', PYPROJECT)[1])
    assert "pip" in conda
    assert last == {"pip": ["-e ."]}


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def test_every_constraint_is_one_pin_that_any_machine_can_install():
    for pin in pins():
        assert re.fullmatch(r"==[^+*]+", str(pin.specifier)), pin  # no local version such as +cpu
        assert not re.match(r"nvidia|triton|cuda", pin.name), pin


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_the_constraints_satisfy_what_the_project_needs(python):
    here = {"python_version": python, "python_full_version": f"{python}.9", "extra": ""}
    pinned = {}
    for pin in pins():
        if pin.marker is None or pin.marker.evaluate(here):
            assert pin.name.lower() not in pinned, f"{pin.name} is pinned twice on Python {python}"
            pinned[pin.name.lower().replace("_", "-")] = Version(str(pin.specifier)[2:])
    for requirement in (*dependencies("dependencies"), *dependencies("hub"), *dependencies("test")):
        if requirement.name != "vitlab":
            assert pinned[requirement.name.replace("_", "-")] in requirement.specifier, requirement


def test_a_wheel_holds_code_data_and_licences(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for folder in ("helpers", "vitlab"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    made = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=source, capture_output=True, text=True, check=True
    ).stdout
    held = set(zipfile.ZipFile(tmp_path / made.splitlines()[-1]).namelist())
    wanted = {
        path.relative_to(source).as_posix()
        for folder in ("helpers", "vitlab")
        for path in (source / folder).rglob("*")
        if path.is_file()
    }
    assert wanted - held == set()
