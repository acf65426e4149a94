"""What the course itself shows in JupyterLab, in the eyes of axe: texts, cards, figures and explorers of a lesson that
has been run, in the light and the dark theme. JupyterLab's own buttons around them are not judged."""

import pytest
from axe import violations
from lab import run_all, set_theme
from test_student_notebooks import SUBSAMPLED, worked_on

OURS = ".jp-RenderedMarkdown, .jp-OutputArea-output"
THEIRS = (".jp-collapseHeadingButton", ".jp-InternalAnchorLink", ".jp-OutputPrompt", "mjx-container")
# All cells in the page: JupyterLab draws only those in sight. Its body is 0 pixels high and clips, from which axe
# concludes that nobody sees what is in it; and it does not judge the colours of what one has to scroll to, so
# the window gets as high as the text.
EVERY_CELL = """async () => {
  document.body.style.overflow = "visible";
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.notebookConfig = { ...notebook.notebookConfig, windowingMode: "none" };
  await new Promise((done) => setTimeout(done, 1000));
  return document.querySelector(".jp-WindowedPanel-outer").scrollHeight;
}"""


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """Lesson 01 with a wrong answer, run, all of its cells in the page."""
    worked_on(lab, "01_patches_to_tokens", "for_anyone.ipynb", {"patchify": SUBSAMPLED})
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    run_all(page, lab, "for_anyone.ipynb")
    for _ in range(2):  # cells that come into sight for the first time grow
        page.set_viewport_size({"width": 1200, "height": page.evaluate(EVERY_CELL) + 500})
    yield page
    page.close()


def test_the_page_holds_texts_cards_figures_and_the_explorer(notebook):
    assert notebook.locator(".jp-RenderedMarkdown").count() > 30
    assert notebook.locator("[role=status]", has_text="wrong · patchify").count() == 1
    assert notebook.locator("[role=status]", has_text="not attempted").count() > 3
    assert notebook.locator(".jp-OutputArea-output img[alt]").count() > 3
    assert notebook.locator(".jp-OutputArea-output .vl canvas").count() > 2


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_in_what_is_ours(notebook, theme):
    set_theme(notebook, theme)
    notebook.wait_for_timeout(500)
    found = violations(notebook, include=OURS, exclude=THEIRS)
    # JupyterLab's themes do not underline links; what is ours, their words, tests/test_texts_for_anyone.py looks at
    assert [line for line in found if not line.startswith("link-in-text-block ")] == []


def test_what_is_wrong_in_an_output_would_be_found(notebook):
    faint = '<p id="faint" style="color: #999; background: #fff">faint</p><img id="mute" src="data:,">'
    add = "(one, html) => one.insertAdjacentHTML('beforeend', html)"
    notebook.locator(".jp-OutputArea-output").last.evaluate(add, faint)
    found = {line.split(": ")[0] for line in violations(notebook, include=OURS, exclude=THEIRS)}
    assert {"color-contrast (serious) #faint", "image-alt (critical) #mute"} <= found
