"""Lesson 00's start page in JupyterLab: its links open lessons at an exercise, its button makes the zip."""

import shutil
import zipfile

import nbformat
import pytest
from hand_ins import solved
from lab import run_all

from vitlab.project import find_project

ROOT = find_project()


@pytest.fixture
def clone(lab, request):
    """The lessons of a clone in the lab's folder, lesson 02 solved: a folder a test, since its kernel lives on."""
    folder = lab.folder / request.node.name
    for name in ("solutions", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "notebooks/02_patch_order.ipynb").write_bytes(solved("02"))
    return folder


def start_page(clone, *cells):
    """A notebook of these cells beside the lessons; its path in the lab."""
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(written, clone / "notebooks/start.ipynb")
    return f"{clone.name}/notebooks/start.ipynb"


def test_a_link_opens_the_lesson_at_its_first_open_exercise(lab, page, clone):
    path = start_page(clone, "from helpers.start import course\ncourse()")
    run_all(page, lab, path)
    page.get_by_role("row", name="03 ·").get_by_role("link").last.click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context.path.endsWith('03_attention_cost.ipynb')"
    )
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell?.model.id === 'flops_of_product'",
        timeout=20_000,
    )


def test_the_button_makes_the_zip_and_its_link_downloads_it(lab, page, clone):
    path = start_page(clone, "from helpers.hand_in import hand_in\nhand_in()")
    run_all(page, lab, path)
    page.get_by_role("button", name="Bundle my notebooks").click()
    link = page.get_by_role("link", name="Download hand_in.zip")
    link.wait_for(timeout=120_000)
    said = page.locator(".jp-OutputArea").last.inner_text()
    assert "Wrote hand_in.zip" in said
    assert "\x1b" not in said
    with page.expect_download() as started:
        link.click()
    assert zipfile.ZipFile(started.value.path()).namelist() == ["02_patch_order.ipynb"]
    assert (clone / "notebooks/hand_in.zip").exists()


def test_the_button_answers_in_a_sentence_where_nothing_is_done(lab, page, clone):
    (clone / "notebooks/02_patch_order.ipynb").unlink()
    path = start_page(clone, "from helpers.hand_in import hand_in\nhand_in()")
    run_all(page, lab, path)
    page.get_by_role("button", name="Bundle my notebooks").click()
    page.get_by_text("Nothing is answered in any notebook yet.").wait_for(timeout=120_000)
    assert page.get_by_role("link", name="Download").count() == 0
