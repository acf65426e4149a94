"""JupyterLab in headless Chromium: Run All, then a slider of an explorer changes its figure."""

import nbformat
import pytest
from lab import run_all, set_theme

IMAGES = "import torch\nimages = torch.arange(6 * 28 * 28).reshape(6, 1, 28, 28) % 255"


def notebook(lab, name, *cells):
    """A notebook of these code cells in the lab's folder; its path there."""
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(written, lab.folder / name)
    return name


def test_run_all_gives_the_output_of_every_cell(lab, page):
    path = notebook(lab, "outputs.ipynb", "print('first')", "1 + 1", "raise ValueError('the last')")
    first, second, third = run_all(page, lab, path)
    assert first["text"] in ("first\n", ["first\n"])
    assert second["data"]["text/plain"] == "2"
    assert (third["output_type"], third["evalue"]) == ("error", "the last")


def test_a_cell_that_never_ran_is_reported(lab, page):
    path = notebook(lab, "stopped.ipynb", "raise SystemError('stop')", "print('never')")
    with pytest.raises(AssertionError, match=r"code cell 2 of stopped.ipynb did not run:\nprint\('never'\)"):
        run_all(page, lab, path)


def test_the_slider_of_an_explorer_changes_its_figure(lab, page):
    path = notebook(lab, "explorer.ipynb", IMAGES, "from helpers.explorers.einops import explore\nexplore(images)")
    assert not [output for output in run_all(page, lab, path) if output["output_type"] == "error"]
    explorer = page.locator(".vl")
    explorer.get_by_role("button", name="Explore freely").click()
    page.emulate_media(reduced_motion="reduce")
    explorer.get_by_role("button", name="album").click()
    figure = explorer.locator("canvas")
    before = figure.screenshot()
    explorer.get_by_label("size of the chosen axis").focus()
    page.keyboard.press("ArrowRight")
    assert explorer.get_by_label("sizes of axes").input_value() == "b1=3"
    assert figure.screenshot() != before
    assert page.problems == []


def test_an_explorer_follows_the_dark_theme(lab, page):
    path = notebook(lab, "dark.ipynb", IMAGES, "from helpers.explorers.einops import explore\nexplore(images)")
    run_all(page, lab, path)
    explorer = page.locator(".vl")
    explorer.wait_for()
    brightness = """(element) => {
      const [back, ink] = [getComputedStyle(element).backgroundColor, getComputedStyle(element).color];
      return [back, ink].map((colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 765);
    }"""
    set_theme(page, "JupyterLab Dark")
    back, ink = explorer.evaluate(brightness)
    assert back < 0.3 < 0.7 < ink
    set_theme(page, "JupyterLab Light")
    back, ink = explorer.evaluate(brightness)
    assert ink < 0.3 < 0.7 < back
