"""What the course itself shows in JupyterLab, in the eyes of axe: texts, cards, figures and explorers of a lesson that
has been run, in the light and the dark theme. JupyterLab's own buttons around them are not judged."""

import pytest
from axe import violations
from lab import run_all, set_theme
from test_student_notebooks import SUBSAMPLED, worked_on

OURS = ".jp-RenderedMarkdown, .jp-OutputArea-output"
THEIRS = (".jp-collapseHeadingButton", ".jp-InternalAnchorLink", ".jp-OutputPrompt", "mjx-container")
EVERY_CELL = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.notebookConfig = { ...notebook.notebookConfig, windowingMode: "none" };
  await new Promise((done) => setTimeout(done, 1000));
}"""


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """Lesson 01 with a wrong answer, run, all of its cells in the page (JupyterLab else draws only those in sight)."""
    worked_on(lab, "01_patches_to_tokens", "for_anyone.ipynb", {"patchify": SUBSAMPLED})
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    run_all(page, lab, "for_anyone.ipynb")
    page.evaluate(EVERY_CELL)
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
    assert violations(notebook, include=OURS, exclude=THEIRS) == []


def test_what_is_wrong_in_an_output_would_be_found(notebook):
    faint = '<p id="faint" style="color: #999; background: #fff">faint</p><img id="mute" src="data:,">'
    add = "(one, html) => one.insertAdjacentHTML('beforeend', html)"
    notebook.locator(".jp-OutputArea-output").last.evaluate(add, faint)
    found = violations(notebook, include=OURS, exclude=THEIRS)
    assert [line.split(": ")[0] for line in found] == ["color-contrast (serious) #faint", "image-alt (critical) #mute"]
