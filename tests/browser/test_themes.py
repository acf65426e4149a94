"""Explorers are dark where their page is: each place that shows notebooks marks that in its own way."""

import pytest
import torch

from helpers.explorers import einops

IMAGES = torch.arange(6 * 28 * 28).reshape(6, 1, 28, 28) % 255
LIGHT_WIDGETS = """
  const root = document.documentElement.style;  // what widgets bring along outside JupyterLab
  root.setProperty('--jp-content-font-color1', '#000000');
  root.setProperty('--jp-layout-color1', '#ffffff');
"""
DARK = {
    "JupyterLab": """
      document.body.style.setProperty('--jp-content-font-color1', '#eeeeee');
      document.body.style.setProperty('--jp-layout-color1', '#111111');
      document.body.dataset.jpThemeLight = 'false';""",
    "the site": "document.documentElement.dataset.theme = 'dark';",
    "Colab": LIGHT_WIDGETS + "document.documentElement.setAttribute('theme', 'dark');",
    "VS Code": LIGHT_WIDGETS
    + """
      document.documentElement.style.setProperty('--vscode-editor-foreground', '#d4d4d4');
      document.documentElement.style.setProperty('--vscode-editor-background', '#1e1e1e');
      document.body.className = 'vscode-dark';
      document.body.dataset.vscodeThemeKind = 'vscode-dark';""",
    "VS Code in high contrast": LIGHT_WIDGETS
    + """
      document.documentElement.style.setProperty('--vscode-editor-foreground', '#ffffff');
      document.documentElement.style.setProperty('--vscode-editor-background', '#000000');
      document.body.className = 'vscode-high-contrast';
      document.body.dataset.vscodeThemeKind = 'vscode-high-contrast';""",
}
LIGHT = {
    "JupyterLab": "document.body.dataset.jpThemeLight = 'true';",
    "the site": "document.documentElement.dataset.theme = 'light';",
    "Colab": LIGHT_WIDGETS,
    "VS Code": """
      document.documentElement.style.setProperty('--vscode-editor-foreground', '#000000');
      document.documentElement.style.setProperty('--vscode-editor-background', '#ffffff');
      document.body.className = 'vscode-light';
      document.body.dataset.vscodeThemeKind = 'vscode-light';""",
    "VS Code in high contrast, light": """
      document.documentElement.style.setProperty('--vscode-editor-foreground', '#292929');
      document.documentElement.style.setProperty('--vscode-editor-background', '#ffffff');
      document.body.className = 'vscode-high-contrast vscode-high-contrast-light';
      document.body.dataset.vscodeThemeKind = 'vscode-high-contrast-light';""",
}
COLOURS = """(element) => {
  const style = getComputedStyle(element);
  const sum = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 765;
  const accent = style.getPropertyValue('--vl-accent').trim();
  return { back: sum(style.backgroundColor), ink: sum(style.color), accent };
}"""


def marked(open_explorer, marker):
    """An explorer on a page without any marker, on which this one is then set."""
    page = open_explorer(einops.explore(IMAGES))
    page.evaluate("() => { document.documentElement.removeAttribute('data-theme'); }")
    page.evaluate(f"() => {{ {marker} }}")
    return page


@pytest.mark.parametrize("place", DARK)
def test_an_explorer_is_dark_in_a_dark(open_explorer, place):
    colours = marked(open_explorer, DARK[place]).locator(".vl").evaluate(COLOURS)
    assert colours["back"] < 0.2 < 0.8 < colours["ink"]
    assert colours["accent"] == "#56b4e9"


@pytest.mark.parametrize("place", LIGHT)
def test_an_explorer_is_light_in_a_light(open_explorer, place):
    colours = marked(open_explorer, LIGHT[place]).locator(".vl").evaluate(COLOURS)
    assert colours["ink"] < 0.2 < 0.8 < colours["back"]
    assert colours["accent"] == "#0072b2"


@pytest.mark.parametrize("place", DARK)
def test_a_canvas_is_drawn_anew_when_the_page_turns_dark(open_explorer, place):
    page = open_explorer(einops.explore(IMAGES))
    page.emulate_media(reduced_motion="reduce")
    pixels = "() => document.querySelector('.vl canvas').toDataURL()"
    page.wait_for_timeout(100)
    before = page.evaluate(pixels)
    page.evaluate(f"() => {{ document.documentElement.removeAttribute('data-theme'); {DARK[place]} }}")
    page.wait_for_function("(before) => document.querySelector('.vl canvas').toDataURL() !== before", arg=before)
