"""The explorer of lesson 04 in headless Chromium: its arithmetic, its words, its speed."""

import random

import pytest
import torch
from serve import served
from standalone import assert_repaints, write_page

from helpers.explorers.receptive_field import explore
from helpers.models.receptive_field import cnn_receptive_field
from helpers.models.vit import ViT


@pytest.fixture(scope="module")
def widget():
    torch.manual_seed(0)
    vit = ViT((12, 20), 4, 1, 5, dim=16, depth=2, heads=2)
    return explore(vit, torch.rand(1, 12, 20), torch.rand(3, 168, 252))


@pytest.fixture(scope="module")
def module(browser, widget, tmp_path_factory):
    """A page that holds the explorer's module, opened once."""
    folder = tmp_path_factory.mktemp("receptive_field")
    write_page(folder, widget)
    with served(folder) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("window.ready === true")
        yield page
        page.close()


def said(page):
    return page.locator(".vl-say").inner_text()


def free(page):
    page.get_by_role("button", name="Explore freely").click()


def canvas(page, number):
    return page.evaluate(f"document.querySelectorAll('canvas')[{number}].toDataURL()")


def random_stack(seed):
    rng = random.Random(seed)
    return [[rng.randint(1, 7), rng.randint(1, 3), rng.randint(1, 4)] for _ in range(rng.randint(1, 5))]


@pytest.mark.parametrize("seed", range(10))
def test_the_browser_knows_the_formula(module, seed):
    layers = random_stack(seed)
    found = module.evaluate("(layers) => window.explorer.field(layers).sides", layers)
    assert found == [cnn_receptive_field(layers[:k]) for k in range(len(layers) + 1)]


@pytest.mark.parametrize("seed", range(10))
def test_the_browser_counts_paths_as_a_gradient_through_ones_does(module, seed):
    layers = random_stack(seed)
    row = torch.zeros(1, 1, cnn_receptive_field(layers), dtype=torch.float64, requires_grad=True)
    x = row
    for kernel, stride, dilation in layers:
        ones = torch.ones(1, 1, kernel, dtype=torch.float64)
        x = torch.nn.functional.conv1d(x, ones, stride=stride, dilation=dilation)
    x[0, 0, 0].backward()
    expected = (row.grad[0, 0] / row.grad.max()).tolist()
    assert module.evaluate("(layers) => window.explorer.paths(layers)", layers) == pytest.approx(expected)


def test_the_guided_walk_meets_no_error(open_explorer, widget):
    page = open_explorer(widget, width=700)
    steps = page.locator(".vl-dots i").count()
    assert 4 <= steps <= 7
    for _ in range(steps):
        assert "CNN: the unit at" in said(page)
        page.get_by_role("button", name="Next").or_(page.get_by_role("button", name="Finish")).click()
    assert page.get_by_role("button", name="Guided walk").is_visible()


def test_a_click_on_the_photograph_moves_the_unit(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    before = said(page)
    page.locator("canvas").first.click(position={"x": 150, "y": 60})
    assert said(page) != before
    assert "field of 3 by 3 pixels; it reads 9 of" in said(page)


def test_arrow_keys_move_unit_and_token(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.locator("canvas").first.focus()
    before = said(page)
    page.keyboard.press("ArrowRight")
    assert said(page) != before
    page.locator("canvas").nth(1).focus()
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    assert "token at row 2, column 2" in said(page)


def test_layers_can_be_added_changed_and_removed_down_to_one(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.get_by_role("button", name="+ layer").click()
    page.get_by_label("dilation of layer 2").select_option("4")
    assert "after 2 of 2 layers has a field of 11 by 11 pixels" in said(page)
    page.get_by_label("stride of layer 1").select_option("2")
    assert "field of 19 by 19 pixels" in said(page)
    page.get_by_role("button", name="remove layer 1").click()
    assert "after 1 of 1 layers has a field of 9 by 9 pixels; it reads 9 of" in said(page)
    assert page.get_by_role("button", name="remove layer 1").is_disabled()


def test_no_more_layers_than_the_table_holds(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.get_by_role("button", name="ResNet-50").click()
    for _ in range(2):
        page.get_by_role("button", name="+ layer").click()
    assert page.get_by_role("button", name="+ layer").is_disabled()
    assert "after 20 of 20 layers has a field of 555 by 555 pixels" in said(page)


def test_the_unit_without_any_layer_is_a_pixel(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.get_by_label("unit after layer").focus()
    page.keyboard.press("Home")
    assert "field of 1 by 1 pixels; it reads 1 of" in said(page)


def test_after_one_block_a_token_sees_every_pixel(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    assert "before block 1 sees 16 of 240 pixels" in said(page)
    before = canvas(page, 1)
    page.get_by_role("slider", name="token").focus()
    page.keyboard.press("ArrowRight")
    assert "after block 1 sees 240 of 240 pixels" in said(page)
    assert canvas(page, 1) != before


def test_how_strongly_draws_another_picture(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.get_by_role("button", name="twelve 3x3").click()
    before = canvas(page, 0)
    page.get_by_label("show").select_option("strongly")
    assert canvas(page, 0) != before
    assert "effective about 19 (76%)" in page.locator(".vl-formula").first.inner_text()


def test_it_asks_nothing_of_the_outside(open_explorer, widget):
    page = open_explorer(widget)
    assert page.addresses
    assert all(address.startswith(("http://127.0.0.1:", "blob:", "data:")) for address in page.addresses)


def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    page.get_by_role("button", name="VGG-16").click()
    assert_repaints(page, ".vl-rf input[type=range]", adds=20)
