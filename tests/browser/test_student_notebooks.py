"""The student notebooks as a student meets them: real JupyterLab, real Chromium."""

import json
import shutil
from pathlib import Path
from statistics import median

import pytest
from lab import run_all, shut_down
from opened import opened

from helpers.exercises import LESSONS
from vitlab.course.build import parsed, standard_course
from vitlab.course.notebooks import named

ROOT = Path(__file__).resolve().parents[2]
REPAINT = 300  # milliseconds from the hand's movement to the frame that shows it
DRAGGED = {
    "00": "moved so far",
    "01": "token",
    "02": "patches read",
    "03": "height H",
    "04": "unit after layer",
    "05": "rows",
    "06": "length of the query",
    "07": "mask ratio",
    "08": "filter",
    "09": "patches drawn",
}
FIGURE = "(box) => Array.from(box.querySelectorAll('canvas'), (canvas) => canvas.toDataURL()).join()"
WATCH = """() => {
  window.repaints = [];
  document.addEventListener("input", (event) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.repaints.push(performance.now() - event.timeStamp);
    channel.port2.postMessage(0);
  }), true);
}"""
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


def explorer_cell(number):
    """The id of the cell that shows the lesson's explorer."""
    course = standard_course(ROOT)
    (lesson,) = parsed(course, course.select([number]))
    return next(name for cell, name in named(lesson) if "explorer" in cell.tags)


def drag(page, slider):
    """Take the slider's thumb to where it is not yet: to the far end, with the mouse button down, in 20 moves."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    share = slider.evaluate("(input) => (input.value - input.min) / (input.max - input.min)")
    thumb, target = (box["x"] + 8 + at * (box["width"] - 16) for at in (share, 0.02 if share > 0.5 else 0.98))
    middle = box["y"] + box["height"] / 2
    page.mouse.move(thumb, middle)
    page.mouse.down()
    page.mouse.move(target, middle, steps=20)
    page.mouse.up()


@pytest.fixture(scope="module", params=LESSONS, ids=lambda info: info.file)
def fresh(request, browser, lab):
    """A fresh student notebook after Run All: its lesson, the page, the outputs of its cells."""
    file = f"{request.param.file}.ipynb"
    shutil.copy(ROOT / "notebooks" / file, lab.folder)
    with opened(browser) as page:
        yield request.param, page, run_all(page, lab, file)
        shut_down(page)


def test_run_all_on_a_fresh_student_notebook_shows_no_error(fresh):
    _, page, outputs = fresh
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert page.locator(".jp-OutputArea-output [role=status]", has_text="not attempted").count() > 0


def test_dragging_a_slider_of_the_explorer_changes_its_figure_in_time(fresh):
    lesson, page, _ = fresh
    show_cell(page, explorer_cell(lesson.number))
    explorer = page.locator(".jp-OutputArea-output .vl")
    explorer.get_by_role("button", name="Explore freely").click()
    slider = explorer.get_by_role("slider", name=DRAGGED[lesson.number], exact=True)
    before, value = explorer.evaluate(FIGURE), slider.input_value()
    page.evaluate(WATCH)
    drag(page, slider)
    assert slider.input_value() != value
    page.wait_for_function("window.repaints.length > 0")
    assert explorer.evaluate(FIGURE) != before
    assert median(page.evaluate("window.repaints")) < REPAINT
    assert page.problems == []


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
