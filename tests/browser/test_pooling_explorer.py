"""The explorer of pooling: its softmax and its logits are the model's, and a query of zeros is the mean."""

import re

import pytest
import torch
from standalone import assert_repaints

from helpers.data import CLASSES, fashion_mnist, photo
from helpers.explorers.pooling import explore
from helpers.models.conventions import Conventions
from helpers.models.pooling import MAPHead, PooledViT, global_average_pool

SLIDERS = ["picture", "length of the query", "head"]


def some_model(size=28, patch=4, channels=1, classes=10, **more):
    """Random weights, with a query long enough to look somewhere."""
    torch.manual_seed(0)
    model = PooledViT(size, patch, channels, classes, 24, 1, 4, pool=MAPHead(24, 4), **more).eval()
    with torch.no_grad():
        model.pool.query.mul_(8)
        model.head.weight.mul_(40)
    return model


def pictures():
    return fashion_mnist("test", 6).images


def said(page):
    return page.locator(".vl-say").inner_text()


def shares(page):
    return [float(text.rstrip("%")) for text in page.locator(".vl-number").all_inner_texts()]


def free(page):
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Explore freely").click()


def press(page, label, key, times=1):
    page.get_by_label(label, exact=True).focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_its_prediction_is_the_models(open_explorer):
    model = some_model()
    page = open_explorer(explore(model, pictures(), CLASSES))
    free(page)
    press(page, "picture", "ArrowRight", 2)
    with torch.no_grad():
        expected = 100 * model(pictures()[2:3])[0].softmax(0)
    assert shares(page) == pytest.approx(expected.tolist(), abs=0.6)


def test_a_query_of_length_zero_is_the_mean_of_the_values(open_explorer):
    model = some_model()
    page = open_explorer(explore(model, pictures(), CLASSES))
    free(page)
    press(page, "length of the query", "Home")
    with torch.no_grad():
        tokens = model.stages(pictures()[:1])["norm"]
        pooled = model.pool.proj(global_average_pool(model.pool.v(tokens)))
        expected = 100 * model.head(pooled)[0].softmax(0)
    assert shares(page) == pytest.approx(expected.tolist(), abs=0.6)
    assert "It looks at all patches alike, 2.0% each" in said(page)


@pytest.mark.parametrize("conventions", [Conventions(), Conventions(sequence="column-major")], ids=str)
def test_where_it_looks_is_where_the_model_looks(open_explorer, conventions):
    model = some_model((28, 56), 7, conventions=conventions)
    images = torch.cat([pictures()[:3], pictures()[3:]], dim=3)  # (3, 1, 28, 56)
    page = open_explorer(explore(model, images))
    free(page)
    press(page, "head", "Home")
    with torch.no_grad():
        weights = model.pool.weights(model.stages(images[:1])["norm"])[0, 0]  # (N,)
    token = weights.argmax().item()
    row, column = (token // 8, token % 8) if conventions.sequence == "row-major" else (token % 4, token // 4)
    found = re.search(r"It looks most at row (\d), column (\d) \(([\d.]+)%", said(page))
    assert (int(found[1]), int(found[2])) == (row, column)
    assert float(found[3]) == pytest.approx(100 * weights.max().item(), abs=0.6)


def test_hidden_patches_lose_their_weight_and_come_back(open_explorer):
    page = open_explorer(explore(some_model(), pictures(), CLASSES))
    free(page)
    before = shares(page)
    picture = page.locator(".vl-pool-canvas").first
    picture.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "1 patch hidden. You point at row 0, column 0, which is hidden (0%; equal shares would be 2.1%" in said(page)
    page.get_by_role("button", name="Show all patches").click()
    assert shares(page) == before


def test_the_last_patch_cannot_be_hidden(open_explorer):
    page = open_explorer(explore(some_model(28, 14), pictures(), CLASSES))
    free(page)
    page.locator(".vl-pool-canvas").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
    assert "3 patches hidden" in said(page)
    assert "NaN" not in page.locator(".vl").inner_text()


@pytest.mark.parametrize("label", SLIDERS)
def test_every_slider_changes_the_figure(open_explorer, label):
    page = open_explorer(explore(some_model(), pictures(), CLASSES))
    free(page)
    pixels = "Array.from(document.querySelectorAll('canvas'), (canvas) => canvas.toDataURL())"
    before = page.evaluate(pixels)
    press(page, label, "ArrowLeft" if label == "head" else "ArrowRight")
    assert page.evaluate(pixels) != before


def test_the_guided_walk_of_photographs_meets_no_error(open_explorer):
    model = some_model((224, 336), 16, 3, 100)
    page = open_explorer(explore(model, photo("chelsea", (224, 336))[None]), width=700)
    page.emulate_media(reduced_motion="reduce")
    for _ in range(page.locator(".vl-dots i").count()):
        page.locator(".vl-first").click()
    assert page.get_by_role("button", name="Guided walk").is_visible()
    assert page.evaluate("document.querySelector('.vl').scrollWidth") <= 700
    assert "among 10 of 100 classes" in page.locator(".vl").inner_text()


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="needs a model that pools with a MAPHead"):
        explore(PooledViT(28, 4, 1, 10, 24, 1, 4, pool=global_average_pool), pictures())
    with pytest.raises(ValueError, match="Expected a batch of pictures"):
        explore(some_model(), pictures()[0])
    with pytest.raises(ValueError, match="tells 10 classes apart, but got 2 names"):
        explore(some_model(), pictures(), ["shirt", "shoe"])


@pytest.mark.parametrize("label", SLIDERS)
def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, label):
    page = open_explorer(explore(some_model(), pictures(), CLASSES))
    free(page)
    page.get_by_label(label, exact=True).evaluate("(input) => input.setAttribute('data-timed', '')")
    assert_repaints(page, "[data-timed]", adds=20)
