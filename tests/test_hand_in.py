"""The button that hands in: what it makes and what it says, without a browser."""

import json
import shutil
import sys
import types
import zipfile

import pytest
from hand_ins import solved

from helpers import hand_in
from vitlab.project import find_project

ROOT = find_project()


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone of the course in which nothing is answered; its notebooks folder is the current one."""
    for folder in ("solutions", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def test_the_notebooks_with_an_answer_are_bundled_and_listed(clone, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a kernel does
    (clone / "notebooks/02_patch_order.ipynb").write_bytes(solved("02"))
    made, said = hand_in.bundle(hand_in.Path("hand_in.zip"))
    assert made
    assert "02_patch_order.ipynb" in said
    assert "\x1b" not in said
    assert "Wrote hand_in.zip: hand in this one file." in said
    assert zipfile.ZipFile(clone / "notebooks/hand_in.zip").namelist() == ["02_patch_order.ipynb"]


def test_where_nothing_is_answered_a_sentence_asks_whether_it_was_saved(clone):
    made, said = hand_in.bundle(hand_in.Path("hand_in.zip"))
    assert not made
    assert said == "Nothing is answered in any notebook yet. (Did you save? Ctrl+S in JupyterLab.)"


def test_a_damaged_notebook_is_told_in_a_sentence(clone):
    (clone / "notebooks/02_patch_order.ipynb").write_text("{")
    made, said = hand_in.bundle(hand_in.Path("hand_in.zip"))
    assert not made
    assert "02_patch_order.ipynb" in said
    assert "Traceback" not in said


def test_an_error_of_the_command_itself_is_no_page_of_traceback(clone, tmp_path, monkeypatch):
    (tmp_path / "broken/vitlab").mkdir(parents=True)
    (tmp_path / "broken/vitlab/__init__.py").write_text("")
    (tmp_path / "broken/vitlab/__main__.py").write_text("raise OSError('no room')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    made, said = hand_in.bundle(hand_in.Path("hand_in.zip"))
    assert (made, said.count("\n")) == (False, 0)
    assert said.endswith("Its last words: OSError: no room")


def test_a_command_that_takes_too_long_is_given_up(clone, monkeypatch):
    monkeypatch.setattr(hand_in, "LONGEST", 0.01)
    assert hand_in.bundle(hand_in.Path("hand_in.zip"))[1].startswith("Nothing was made within")


def test_on_colab_the_button_says_what_to_do_there(monkeypatch):
    for name in ("google", "google.colab"):
        module = types.ModuleType(name)
        module.__spec__ = types.SimpleNamespace()
        monkeypatch.setitem(sys.modules, name, module)
    assert hand_in.bundle(hand_in.Path("hand_in.zip")) == (False, hand_in.ON_COLAB)


def test_without_the_command_the_button_says_so(monkeypatch):
    monkeypatch.setattr(hand_in, "find_spec", lambda name: None)
    assert hand_in.bundle(hand_in.Path("hand_in.zip")) == (False, hand_in.NOT_INSTALLED)


def test_what_is_said_is_text_never_html(monkeypatch):
    shown = []
    monkeypatch.setattr(hand_in, "bundle", lambda out: (False, "<b>a name & more</b>"))
    monkeypatch.setattr(hand_in, "display", shown.append)
    button = hand_in.hand_in()
    button.button.click()
    assert "&lt;b&gt;a name &amp; more&lt;/b&gt;" in shown[-1].data
    assert not button.button.disabled


def test_without_a_browser_the_button_names_the_command():
    button = hand_in.hand_in()
    assert "vitlab submit" in repr(button)
    assert len(repr(button)) <= 110  # ipywidgets cuts what is longer
    assert json.dumps(button._repr_mimebundle_()["text/plain"])
