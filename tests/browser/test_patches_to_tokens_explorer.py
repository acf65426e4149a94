"""The explorer of a ViT: what it says in words are the model's own numbers, for square and other pictures."""

import re

import pytest
import torch
from standalone import assert_repaints

from helpers.data import CLASSES, fashion_mnist, photo
from helpers.explorers.patches_to_tokens import explore
from helpers.models.checkpoints import load_vit
from helpers.models.conventions import Conventions
from helpers.models.patches import patchify
from helpers.models.vit import ViT


def photograph_and_model():
    """A colour photograph that is not square, 14 x 21 patches, and a ViT with random weights for it."""
    torch.manual_seed(0)
    return photo("chelsea", (224, 336)), ViT((224, 336), 16, 3, 10, 32, 2, 4)


def free(page):
    page.get_by_role("button", name="Explore freely").click()


def said(page):
    return page.locator(".vl-say").inner_text()


def move(page, label, presses):
    page.get_by_label(label, exact=True).focus()
    for _ in range(abs(presses)):
        page.keyboard.press("ArrowRight" if presses > 0 else "ArrowLeft")


def test_the_attention_it_tells_is_the_models(open_explorer):
    model, picture = load_vit(), fashion_mnist("test", 10).images[4]
    page = open_explorer(explore(model, picture, CLASSES))
    free(page)
    move(page, "token", 7)
    move(page, "block", 1)
    move(page, "head", 2)
    with torch.no_grad():
        stages = model.stages(picture[None])
        block = model.blocks[1]
        weights = block.attn.weights(block.norm1(stages["block_0"]))[0, 2, 1 + 24 + 7]  # (50,): row of patch 31
    best = weights[1:].argmax().item()
    share = re.search(r"gives ([\d.]+)% of its attention to patch (\d+) and ([\d.]+)%", said(page))
    assert said(page).startswith("Patch 31, row 4, column 3, in block 2, head 3 of 4")
    assert int(share[2]) == best
    assert float(share[1]) == pytest.approx(100 * weights[1 + best].item(), abs=0.6)
    assert float(share[3]) == pytest.approx(100 * weights[0].item(), abs=0.6)


def test_the_sum_it_tells_is_token_plus_position(open_explorer):
    model, picture = load_vit(), fashion_mnist("test", 10).images[0]
    page = open_explorer(explore(model, picture, CLASSES))
    free(page)
    page.get_by_label("the token, its position, their sum; left and right choose a dimension").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    told = page.locator(".vl-card:has([aria-label^='the token, its']) .vl-foot").inner_text()
    with torch.no_grad():
        stages = model.stages(picture[None])
    token, position = stages["with_class_token"][0, 25, 5].item(), model.pos_embed[0, 25, 5].item()
    sign = "−" if position < 0 else "+"
    after = stages["block_0"][0, 25, 5].item()
    assert told == (
        f"dimension 5: {token:.3f} {sign} {abs(position):.3f} = {token + position:.3f}; after block 1: {after:.3f}"
    )


def test_the_number_of_a_patch_is_the_patchs(open_explorer):
    picture, model = photograph_and_model()
    page = open_explorer(explore(model, picture))
    free(page)
    move(page, "token", -100)
    patch = int(re.match(r"Patch (\d+)", said(page))[1])
    page.get_by_label("the patch and its numbers in a row; left and right choose a number").focus()
    for _ in range(19):
        page.keyboard.press("ArrowRight")
    value = patchify(picture[None], 16)[0, patch, 18].item()
    assert page.locator(".vl-foot").first.inner_text() == f"number 18: channel 0, pixel (1, 2) = {value:.3f}"


def test_it_tells_the_class_that_the_model_finds_most_likely(open_explorer):
    model, pictures = load_vit(), fashion_mnist("test", 10)
    for picture in pictures.images[:2]:
        page = open_explorer(explore(model, picture, CLASSES))
        name = CLASSES[model(picture[None]).argmax().item()]
        assert f"The model says {name}, with" in said(page)
        assert page.locator(".vl-best .vl-name").inner_text() == name


@pytest.mark.parametrize("slider", ["token", "block", "head"])
def test_every_slider_changes_the_figure_in_words_and_pixels(open_explorer, slider):
    page = open_explorer(explore(load_vit(), fashion_mnist("test", 10).images[3], CLASSES))
    free(page)
    pixels = "Array.from(document.querySelectorAll('canvas'), (canvas) => canvas.toDataURL())"
    before, words = page.evaluate(pixels), said(page)
    move(page, slider, 1)
    assert page.evaluate(pixels) != before
    assert said(page) != words


def test_pointing_at_the_picture_shows_that_patch(open_explorer):
    picture, model = photograph_and_model()
    page = open_explorer(explore(model, picture))
    free(page)
    flow = page.get_by_label("the picture and the sequence after every stage; up and down choose a token")
    box = flow.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2 + 20)
    assert re.match(r"Patch \d+, row \d+, column 0,", said(page))
    page.mouse.move(5, 5)
    assert "column 10," in said(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_guided_walk_of_a_photograph_meets_no_error(open_explorer, theme):
    picture, model = photograph_and_model()
    page = open_explorer(explore(model, picture), width=700, theme=theme)
    for _ in range(page.locator(".vl-dots i").count()):
        page.locator(".vl-first").click()
    assert page.get_by_role("button", name="Guided walk").is_visible()
    assert page.evaluate("document.querySelector('.vl').scrollWidth") <= 700


def test_the_page_keeps_its_height_while_one_walks(open_explorer):
    page = open_explorer(explore(load_vit(), fashion_mnist("test", 10).images[3], CLASSES))
    heights = set()
    for _ in range(page.locator(".vl-dots i").count() + 1):
        heights.add(page.evaluate("document.querySelector('.vl').offsetHeight"))
        if page.locator(".vl-first").is_enabled():
            page.locator(".vl-first").click()
    assert len(heights) == 1


def test_other_conventions_show_the_patch_where_it_is(open_explorer):
    torch.manual_seed(0)
    model = ViT((24, 40), 8, 1, 4, 16, 1, 2, conventions=Conventions(sequence="column-major", class_token="last"))
    widget = explore(model, torch.rand(1, 24, 40))
    assert widget.cells[:4] == [0, 5, 10, 1]
    assert widget.class_place == 15
    page = open_explorer(widget)
    free(page)
    move(page, "token", -20)
    move(page, "token", 3)
    assert said(page).startswith("Patch 3, row 0, column 1,")
    page.get_by_role("button", name="class token").click()
    assert said(page).startswith("The class token in block 1")


def test_the_model_is_left_as_it_was():
    model = load_vit().train()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    explore(model, torch.zeros(1, 28, 28))
    assert model.training
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def test_a_wide_model_sends_a_few_megabytes():
    model = ViT((224, 336), 16, 3, 10, 64, 4, 16)  # 22 million attention weights
    widget = explore(model, torch.rand(3, 224, 336))
    assert widget.heads == 1
    assert widget.all_heads == 16
    assert len(widget.attention) + len(widget.blocks) + len(widget.picture) < 6e6


def test_what_does_not_fit_is_refused_in_a_sentence():
    model = load_vit()
    with pytest.raises(ValueError, match=r"Expected one picture of shape \(C, H, W\)"):
        explore(model, torch.zeros(2, 1, 28, 28))
    with pytest.raises(ValueError, match="built for pictures of shape"):
        explore(model, torch.zeros(1, 32, 28))
    with pytest.raises(ValueError, match="tells 10 classes apart, but got 2 names"):
        explore(model, torch.zeros(1, 28, 28), ["cat", "dog"])


@pytest.mark.parametrize("slider", ["token", "block", "head"])
def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, slider):
    page = open_explorer(explore(load_vit(), fashion_mnist("test", 10).images[3], CLASSES))
    free(page)
    page.get_by_label(slider, exact=True).evaluate("(input) => input.setAttribute('data-timed', '')")
    assert_repaints(page, "[data-timed]", adds=20)
