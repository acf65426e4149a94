"""The explorer of positional encodings: its codes are the lesson's, its maps say what the model's table says."""

import re

import pytest
import torch
from standalone import assert_repaints

from helpers.explorers.positional_encodings import explore
from helpers.models.checkpoints import load_vit
from helpers.models.conventions import Conventions
from helpers.models.positions import interpolate_positions, sincos_1d, sincos_2d
from helpers.models.vit import ViT

SLIDERS = ["rows", "columns", "width", "base"]


def free(page):
    page.get_by_role("button", name="Explore freely").click()


def said(page):
    return page.locator(".vl-say").inner_text()


def cosine(table, one, other):
    return torch.cosine_similarity(table[one], table[other], dim=0).item()


def test_the_codes_in_the_browser_are_those_of_the_lesson(open_explorer):
    page = open_explorer(explore(load_vit()))
    found = page.evaluate("[...explorer.sincos1d(9, 12, 10000)]")
    assert torch.allclose(torch.tensor(found).reshape(9, 12), sincos_1d(9, 12), atol=1e-6)
    found = page.evaluate("[...explorer.sincos2d(3, 5, 16, 10)]")
    assert torch.allclose(torch.tensor(found).reshape(15, 16), sincos_2d(3, 5, 16, base=10), atol=1e-6)


@pytest.mark.parametrize("grid", [(7, 7), (14, 9), (3, 5), (1, 1)])
def test_a_table_is_resized_as_in_the_lesson(open_explorer, grid):
    table = torch.randn(1, 35, 6)
    page = open_explorer(explore(load_vit()))
    values = table.flatten().tolist()
    found = page.evaluate("([t, g]) => [...explorer.resized(t, [5, 7], 6, g)]", [values, list(grid)])
    expected = interpolate_positions(table, (5, 7), grid)[0]
    assert torch.allclose(torch.tensor(found).reshape(-1, 6), expected, atol=1e-5)


def test_it_tells_the_cosines_of_the_models_table(open_explorer):
    page = open_explorer(explore(load_vit()))
    table = load_vit().pos_embed.detach()[0, 1:]
    right, below = re.search(r"cosine of (\S+) with the place to its right and (\S+) with", said(page)).groups()
    assert float(right) == pytest.approx(cosine(table, 24, 25), abs=0.006)
    assert float(below) == pytest.approx(cosine(table, 24, 31), abs=0.006)


def test_arrow_keys_choose_another_place(open_explorer):
    page = open_explorer(explore(load_vit()))
    free(page)
    page.locator("canvas").first.focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert "Row 4, column 1" in said(page)


@pytest.mark.parametrize("label", SLIDERS)
def test_every_slider_changes_the_figure(open_explorer, label):
    page = open_explorer(explore(load_vit()))
    free(page)
    page.get_by_role("button", name="sin-cos 2-D").click()
    pixels = "Array.from(document.querySelectorAll('canvas'), (canvas) => canvas.toDataURL())"
    before = page.evaluate(pixels)
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(pixels) != before


@pytest.mark.parametrize("end", ["Home", "End"])
def test_sliders_at_their_ends_give_a_sensible_map(open_explorer, end):
    page = open_explorer(explore(load_vit()))
    free(page)
    for kind in ("sin-cos 2-D", "sin-cos 1-D", "learned table", "no positions"):
        page.get_by_role("button", name=kind).click()
        for label in SLIDERS:
            if page.get_by_label(label, exact=True).is_enabled():
                page.get_by_label(label, exact=True).focus()
                page.keyboard.press(end)
        assert "NaN" not in page.locator(".vl").inner_text()
        assert ("grid of 1 x 1" if end == "Home" else "grid of 24 x 24") in said(page)


def test_a_column_major_model_with_its_class_token_last_is_drawn_row_by_row():
    torch.manual_seed(0)
    model = ViT((24, 40), 8, 1, 4, 16, 1, 2, conventions=Conventions(sequence="column-major", class_token="last"))
    widget = explore(model)
    drawn = torch.frombuffer(bytearray(widget.learned), dtype=torch.float32).reshape(3, 5, 16)
    assert torch.equal(drawn[1, 4], model.pos_embed[0, 4 * 3 + 1])


def test_a_model_whose_table_does_not_fit_is_refused_in_a_sentence():
    model = load_vit()
    model.pos_embed = torch.nn.Parameter(torch.zeros(1, 49, 48))
    with pytest.raises(ValueError, match="its table has 50 rows with a class token, but it has 49"):
        explore(model)


def test_the_guided_walk_meets_no_error_and_fits_700_pixels(open_explorer):
    page = open_explorer(explore(load_vit()), width=700)
    for _ in range(page.locator(".vl-dots i").count()):
        page.locator(".vl-first").click()
    assert page.get_by_role("button", name="Guided walk").is_visible()
    assert page.evaluate("document.querySelector('.vl').scrollWidth") <= 700


@pytest.mark.parametrize("label", SLIDERS)
def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, label):
    page = open_explorer(explore(load_vit()))
    free(page)
    page.get_by_role("button", name="sin-cos 2-D").click()
    page.get_by_label(label, exact=True).evaluate("(input) => input.setAttribute('data-timed', '')")
    assert_repaints(page, "[data-timed]", adds=20)
