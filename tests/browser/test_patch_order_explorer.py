"""The explorer of patch orders: with positions nothing changes, without them it shows what the model really says."""

import re

import pytest
import torch
from standalone import assert_repaints

from helpers.data import CLASSES, fashion_mnist, photo
from helpers.explorers.patch_order import KINDS, explore
from helpers.models.checkpoints import load_vit
from helpers.models.conventions import Conventions
from helpers.models.orders import scan_order
from helpers.models.vit import ViT


def picture():
    return fashion_mnist("test", 10).images[3]


def said(page):
    return page.locator(".vl-say").inner_text()


def free(page):
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Explore freely").click()


def test_with_their_positions_along_no_order_changes_a_logit():
    widget = explore(load_vit(), picture())
    assert len(widget.gap_along) == len(KINDS) == 6
    assert max(widget.gap_along) < 1e-12


def test_positions_left_behind_give_what_the_model_says_of_the_shuffled_picture():
    model, image = load_vit().double(), picture().double()
    widget = explore(model, image)
    order = scan_order(7, 7, "spiral")
    patches = image.reshape(1, 7, 4, 7, 4).permute(1, 3, 0, 2, 4).reshape(49, 1, 4, 4)[order]  # (49, 1, 4, 4)
    shuffled = patches.reshape(7, 7, 1, 4, 4).permute(2, 0, 3, 1, 4).reshape(1, 1, 28, 28)
    with torch.no_grad():
        expected = model(shuffled)[0]
    assert torch.allclose(torch.tensor(widget.logits_behind[3], dtype=torch.float64), expected, atol=1e-5)
    assert widget.gap_behind[3] > 0.1


@pytest.mark.parametrize("conventions", [Conventions(), Conventions(sequence="column-major", class_token="last")])
def test_the_raster_order_changes_nothing_only_where_it_is_the_models_own(conventions):
    torch.manual_seed(0)
    model = ViT((24, 40), 8, 1, 4, 16, 2, 2, conventions=conventions)
    widget = explore(model, torch.rand(1, 24, 40))
    assert max(widget.gap_along) < 1e-12
    own = KINDS.index("raster" if conventions.sequence == "row-major" else "column")
    assert [k for k, gap in enumerate(widget.gap_behind) if gap < 1e-9] == [own]


def test_positions_left_behind_change_what_it_says_and_going_along_changes_it_back(open_explorer):
    page = open_explorer(explore(load_vit(), picture(), CLASSES))
    free(page)
    page.get_by_role("button", name="spiral").click()
    page.get_by_label("positions go along").check()
    along = page.locator(".vl-bars").inner_text()
    assert "Unchanged." in page.locator(".vl-verdict").inner_text()
    page.get_by_label("positions go along").uncheck()
    assert "Changed" in page.locator(".vl-verdict").inner_text()
    assert page.locator(".vl-bars").inner_text() != along
    assert "positions stay behind" in said(page)
    page.get_by_label("positions go along").check()
    assert page.locator(".vl-bars").inner_text() == along


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "random"])
def test_the_slider_visits_the_patches_in_the_order_of_the_scan(open_explorer, kind):
    page = open_explorer(explore(load_vit(), picture(), CLASSES))
    free(page)
    page.get_by_role("button", name=kind).click()
    page.get_by_label("patches read").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    cell = scan_order(7, 7, kind)[43].item()
    assert f"Patch 44 of 49 read is at row {cell // 7}, column {cell % 7} and gets its own position" in said(page)


@pytest.mark.parametrize("along", [True, False])
def test_the_attention_it_tells_is_the_models(open_explorer, along):
    model = load_vit()
    page = open_explorer(explore(model, picture(), CLASSES))
    free(page)
    page.get_by_role("button", name="snake").click()
    page.get_by_label("positions go along").set_checked(along)
    page.get_by_label("patches read").focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    order = scan_order(7, 7, "snake")
    visits = torch.cat([torch.zeros(1, dtype=torch.long), 1 + order])  # (50,)
    with torch.no_grad():
        joined = model.stages(picture()[None])["with_class_token"][:, visits]  # (1, 50, D)
        x = joined + (model.pos_embed[:, visits] if along else model.pos_embed)
        x = model.blocks[1](model.blocks[0](x))
        weights = model.blocks[2].attn.weights(model.blocks[2].norm1(x))[0, 0, 1 + 28, 1:]  # (49,): of the 29th patch
    cell = order[weights.argmax()].item()
    share = re.search(r"it looks most at row (\d), column (\d) \(([\d.]+)%\)", said(page))
    assert (int(share[1]), int(share[2])) == (cell // 7, cell % 7)
    assert float(share[3]) == pytest.approx(100 * weights.max().item(), abs=0.6)


@pytest.mark.parametrize("label", ["patches read", "block", "head"])
def test_every_slider_changes_the_figure(open_explorer, label):
    page = open_explorer(explore(load_vit(), picture(), CLASSES))
    free(page)
    pixels = "Array.from(document.querySelectorAll('canvas'), (canvas) => canvas.toDataURL())"
    before = page.evaluate(pixels)
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("ArrowRight" if label == "head" else "ArrowLeft")
    assert page.evaluate(pixels) != before


def test_the_guided_walk_of_a_photograph_meets_no_error(open_explorer):
    torch.manual_seed(0)
    model = ViT((224, 336), 16, 3, 10, 32, 2, 4)
    widget = explore(model, photo("chelsea", (224, 336)))
    assert len(widget.along) + len(widget.behind) + len(widget.picture) < 8e6
    page = open_explorer(widget, width=700)
    page.emulate_media(reduced_motion="reduce")
    for _ in range(page.locator(".vl-dots i").count()):
        page.locator(".vl-first").click()
    assert page.get_by_role("button", name="Guided walk").is_visible()
    assert page.evaluate("document.querySelector('.vl').scrollWidth") <= 700
    assert "294 of 294 read" in said(page)


def test_the_model_is_left_as_it_was():
    model = load_vit().train()
    explore(model, picture())
    assert model.training
    assert model.head.weight.dtype == torch.float32


@pytest.mark.parametrize("label", ["patches read", "block", "head"])
def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, label):
    page = open_explorer(explore(load_vit(), picture(), CLASSES))
    free(page)
    page.get_by_label(label, exact=True).evaluate("(input) => input.setAttribute('data-timed', '')")
    assert_repaints(page, "[data-timed]", adds=20)
