"""The student notebooks as a student meets them: real JupyterLab, real Chromium."""

import json
import shutil
from pathlib import Path

import pytest
from lab import run_all

from helpers.exercises import LESSONS

ROOT = Path(__file__).resolve().parents[2]
SUBSAMPLED = """\
def patchify(images, patch_size):
    return rearrange(images, "b c (p1 h) (p2 w) -> b (h w) (c p1 p2)", p1=patch_size, p2=patch_size)
"""


def worked_on(lab, file, name, answers):
    """A copy of a student notebook in the lab's folder, with the cells of `answers` (id -> source) filled in."""
    notebook = json.loads((ROOT / "notebooks" / f"{file}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["id"] in answers:
            cell["source"] = answers.pop(cell["id"]).splitlines(keepends=True)
    assert answers == {}
    (lab.folder / name).write_text(json.dumps(notebook), encoding="utf-8")


def show_cell(page, identifier):
    """Scroll to a cell: JupyterLab draws only those in sight."""
    page.evaluate(
        """async (id) => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          const cells = Array.from(notebook.model.cells, (cell) => cell.id);
          notebook.activeCellIndex = cells.indexOf(id);
          await notebook.scrollToItem(cells.indexOf(id), "start");
        }""",
        identifier,
    )


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_run_all_on_a_fresh_student_notebook_shows_no_error(page, lab, info):
    shutil.copy(ROOT / "notebooks" / f"{info.file}.ipynb", lab.folder)
    outputs = run_all(page, lab, f"{info.file}.ipynb")
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert page.locator(".jp-OutputArea-output [role=status]", has_text="not attempted").count() > 0


def test_a_wrong_answer_shows_the_card_of_its_mistake(page, lab):
    worked_on(lab, "01_patches_to_tokens", "wrong.ipynb", {"patchify": SUBSAMPLED})
    run_all(page, lab, "wrong.ipynb")
    show_cell(page, "patchify-check")
    card = page.locator("[role=status]", has_text="subsampled pictures")
    assert "wrong" in card.inner_text()
    assert "patch_size: 2" in card.inner_text()
    hint = card.locator("details").first
    hint.locator("summary").click()
    assert hint.locator("p").is_visible()
