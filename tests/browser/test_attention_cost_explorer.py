"""The explorer of attention's cost: its arithmetic is the course's, it answers at the ends of its sliders."""

import pytest
import torch
from standalone import assert_repaints

from helpers.explorers.attention_cost import explore
from helpers.models import costs


def opened(open_explorer, **options):
    page = open_explorer(explore(torch.rand(3, 60, 90)), **options)
    page.emulate_media(reduced_motion="reduce")
    return page


def free(page):
    page.get_by_role("button", name="Explore freely").click()


def said(page):
    return page.locator(".vl-say").inner_text()


def drag(page, label, value):
    page.get_by_label(label, exact=True).fill(str(value))


SETTINGS = [
    {"height": 224, "width": 224, "patch": 16, "dim": 768, "depth": 12},
    {"height": 224, "width": 336, "patch": 14, "dim": 384, "depth": 6},
    {"height": 2048, "width": 1024, "patch": 4, "dim": 2048, "depth": 48},
    {"height": 230, "width": 250, "patch": 16, "dim": 64, "depth": 1},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_browser_counts_what_the_course_counts(open_explorer, setting):
    page = opened(open_explorer)
    found = page.evaluate("(setting) => window.explorer.costs({ ...setting, window: 8, windowed: false })", setting)
    size = (setting["height"], setting["width"])
    assert found["tokens"] == costs.num_tokens(*size, setting["patch"])
    assert found["total"] == pytest.approx(
        costs.vit_flops(size, setting["patch"], setting["dim"], setting["depth"]), rel=1e-12
    )
    block = costs.block_flops(1 + found["tokens"], setting["dim"])
    assert found["blockAttention"] + found["blockRest"] == pytest.approx(block, rel=1e-12)


@pytest.mark.parametrize(("height", "width", "window"), [(256, 384, 8), (128, 512, 4), (96, 96, 6), (64, 64, 32)])
def test_the_browser_counts_windows_as_the_course_does(open_explorer, height, width, window):
    page = opened(open_explorer)
    setting = {"height": height, "width": width, "patch": 16, "dim": 192, "depth": 3, "window": window}
    found = page.evaluate("(setting) => window.explorer.costs({ ...setting, windowed: true })", setting)
    window = min(window, height // 16)  # a window larger than the grid is the whole grid
    assert found["parts"]["attention"] == 3 * costs.windowed_attention_flops(height, width, 16, 192, window)


def test_doubling_the_resolution_shows_the_factor(open_explorer):
    page = opened(open_explorer)
    free(page)
    page.get_by_role("button", name="compare with this setting").click()
    page.get_by_role("button", name="double the resolution").click()
    rows = page.locator("[data-part=table] .vl-cost-line").all_inner_texts()
    assert [row.split("\n")[-1] for row in rows[1:3]] == ["× 4", "× 15.9"]
    assert said(page).startswith("784 tokens of width 768 in 12 blocks")


def test_the_model_card_stands_beside_the_count_and_both_conventions_are_shown(open_explorer):
    page = opened(open_explorer)
    free(page)
    page.get_by_role("button", name="ViT-L/16").click()
    bars = page.locator("[data-part=bars]")
    assert "123 GFLOPs, a multiply-add is 2" in bars.inner_text()
    assert "Model card of ViT-L/16: 61.55 G" in bars.inner_text()
    page.get_by_label("count a multiply-add once, as model cards do").check()
    assert "61.6 GFLOPs, a multiply-add is 1" in bars.inner_text()


def test_a_patch_larger_than_the_picture_is_answered_in_words(open_explorer):
    page = opened(open_explorer)
    free(page)
    drag(page, "height H", 32)
    drag(page, "patch P", 64)
    assert said(page).startswith("A patch of 64 pixels does not fit into a picture of 32 x 224: no tokens.")


def test_a_patch_that_does_not_divide_the_picture_says_what_is_left_out(open_explorer):
    page = opened(open_explorer)
    free(page)
    drag(page, "patch P", 15)
    assert "196 tokens" in said(page)
    assert "14 rows of pixels below and 14 columns of pixels on the right are left out" in said(page)


@pytest.mark.parametrize("end", ["min", "max"])
@pytest.mark.parametrize("windowed", [False, True])
def test_it_answers_at_the_ends_of_all_sliders(open_explorer, end, windowed):
    page = opened(open_explorer, width=700)
    free(page)
    for slider in page.locator("input[type=range]").all():
        slider.fill(slider.get_attribute(end))
    page.get_by_label("attention in windows of M x M patches").set_checked(windowed)
    text = page.locator(".vl").inner_text()
    assert "tokens of width" in said(page)
    assert not any(word in text for word in ("NaN", "Infinity", "undefined"))


def test_arrow_keys_on_the_chart_read_other_numbers_of_tokens(open_explorer):
    page = opened(open_explorer)
    free(page)
    chart = page.locator("[data-part=chart]")
    chart.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "N = 395" in chart.locator(".vl-head").inner_text()


def test_a_slider_changes_the_picture(open_explorer):
    page = opened(open_explorer)
    free(page)
    canvas = page.locator("[data-part=picture] canvas")
    before = canvas.screenshot()
    page.get_by_label("patch P", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert canvas.screenshot() != before


def test_the_guided_walk_has_numbers_that_are_on_the_screen(open_explorer):
    page = opened(open_explorer)
    seen = []
    for _ in range(7):
        seen.append(page.locator(".vl").inner_text())
        page.get_by_role("button", name="Next").or_(page.get_by_role("button", name="Finish")).click()
    assert "35.1 GFLOPs, a multiply-add is 2" in seen[1]
    assert "× 15.9" in seen[2]
    assert "× 4.47" in seen[2]
    assert "4,624 tokens" in seen[4]
    assert "806 MB" in seen[5]
    assert "each patch meeting 64" in seen[6]
    assert page.get_by_role("button", name="Guided walk").is_visible()


def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer):
    page = opened(open_explorer)
    free(page)
    assert_repaints(page, "[data-part=sliders] input", adds=20)


def test_it_asks_nothing_of_the_outside(open_explorer):
    page = opened(open_explorer)
    assert all(address.startswith(("http://127.0.0.1:", "blob:", "data:")) for address in page.addresses)


def test_what_is_no_picture_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="Expected one picture"):
        explore(torch.rand(5, 4, 4))
