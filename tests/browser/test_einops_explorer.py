"""The einops explorer: its own parser and executor agree with einops, and its picture follows the pattern."""

import random

import einops
import numpy as np
import pytest
import torch
from serve import served
from standalone import assert_repaints, write_page

from helpers.explorers.einops import explore

RUN = """
([operation, pattern, values, shape, sizes, reduction]) => {
  const { plan, run, PatternError } = window.explorer;
  try {
    const made = plan(operation, pattern, shape, sizes);
    return { shape: made.shape, values: Array.from(run(made, values, reduction).values) };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { sentence: error.message };
  }
}
"""

RIGHT = [
    ("rearrange", "b c h w -> b h w c", {}),
    ("rearrange", "b c h w -> h (b w) c", {}),
    ("rearrange", "b c h w -> h (w b) c", {}),
    ("rearrange", "b c h w -> (b h) (w c)", {}),
    ("rearrange", "(b1 b2) c h w -> (b1 h) (b2 w) c", {"b1": 2}),
    ("rearrange", "(b1 b2) c h w -> (b1 h) (b2 w) c", {"b2": 2}),
    ("rearrange", "(b1 b2) c h w -> (b1 h) (b2 w) c", {"b1": 3, "b2": 2}),
    ("rearrange", "b c (h p1) (w p2) -> b (h w) (c p1 p2)", {"p1": 2, "p2": 5}),
    ("rearrange", "b c (h p1) (w p2) -> b (h w) (p1 p2 c)", {"p1": 4, "p2": 2}),
    ("rearrange", "b c (p1 h) (p2 w) -> b (h w) (c p1 p2)", {"p1": 2, "p2": 5}),
    ("rearrange", "b c h w -> b c h w 1", {}),
    ("rearrange", "b c h w -> () b (c 1) h w", {}),
    ("rearrange", "b ... -> ... b", {}),
    ("rearrange", "b c ... -> b (...) c", {}),
    ("rearrange", "... h w -> ... w h", {}),
    ("rearrange", "b c h w ... -> (b c h w ...)", {}),
    ("rearrange", "a_1 Ω h w->h w a_1 Ω", {}),
    ("rearrange", "b c h w -> b c h w", {"b": 6, "w": 10}),
    ("reduce", "b c h w -> c h w", {}),
    ("reduce", "b c h w ->", {}),
    ("reduce", "b c h w -> () () h w", {}),
    ("reduce", "b c (h h2) (w w2) -> b c h w", {"h2": 2, "w2": 5}),
    ("reduce", "b c (h 4) (w 2) -> b h w c", {}),
    ("reduce", "b c (h2 h) (w2 w) -> w h b", {"h2": 2, "w": 5}),
    ("reduce", "b ... -> ...", {}),
    ("reduce", "... w -> w", {}),
    ("reduce", "b c h w -> h (b w) c", {}),
    ("repeat", "b c h w -> b (h s) (w t) c", {"s": 2, "t": 3}),
    ("repeat", "b c h w -> b (s h) (w t) c", {"s": 2, "t": 1}),
    ("repeat", "b c h w -> copies b c h w", {"copies": 3}),
    ("repeat", "b c h w -> b c h (w 2)", {}),
    ("repeat", "b c h w -> 2 b c (h 2) w 1", {}),
    ("repeat", "b ... -> b ... 3", {}),
]

WRONG = [
    ("rearrange", "b c h w", {}),
    ("rearrange", "b c h w -> b c -> h w", {}),
    ("rearrange", "b c h w -> b h w", {}),
    ("rearrange", "b c h w -> b c h w k", {}),
    ("rearrange", "b c h -> b c h", {}),
    ("rearrange", "b c h w k -> b c h w k", {}),
    ("rearrange", "b b h w -> b h w", {}),
    ("rearrange", "b c h w -> (b c h w", {}),
    ("rearrange", "b c h w -> b c h w)", {}),
    ("rearrange", "b c h w -> ((b c) h) w", {}),
    ("rearrange", "b c (h p) w -> b c h p w", {}),
    ("rearrange", "b c (h p) w -> b c h p w", {"p": 3}),
    ("rearrange", "b c (h p) w -> b c h p w", {"p": 2, "h": 3}),
    ("rearrange", "b c h w -> b c h w", {"w": 4}),
    ("rearrange", "b c h w -> b c h w", {"k": 4}),
    ("rearrange", "b c (h 2) w -> b c h w", {}),
    ("rearrange", "b c h w -> b c h w ...", {}),
    ("rearrange", "b (c ...) -> b c ...", {}),
    ("rearrange", "b c.. -> b c..", {}),
    ("rearrange", "b c h-w -> b c h-w", {}),
    ("rearrange", "_b c h w -> c h w _b", {}),
    ("rearrange", "b_ c h w -> c h w b_", {}),
    ("rearrange", "2b c h w -> c h w 2b", {}),
    ("rearrange", "b c h w 0 -> b c h w 0", {}),
    ("reduce", "b c h w -> b k", {}),
    ("reduce", "b c h w -> b 2", {}),
    ("repeat", "b c h w -> b c h w s", {}),
    ("repeat", "b c h w -> b c h", {}),
    ("repeat", "b c (h 2) w -> b c h w 2", {}),
]


@pytest.fixture(scope="module")
def module(browser, tmp_path_factory):
    """A page that holds the explorer's module, opened once for all patterns."""
    folder = tmp_path_factory.mktemp("einops")
    write_page(folder, explore(torch.zeros(6, 1, 8, 10)))
    with served(folder) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("window.ready === true")
        yield page
        page.close()


def array():
    """Six pictures, three channels, not square; whole numbers, so that sums are exact in any order."""
    return np.random.default_rng(0).integers(0, 256, (6, 3, 8, 10)).astype(np.float64)


def with_einops(operation, pattern, values, sizes, reduction):
    if operation == "reduce":
        return einops.reduce(values, pattern, reduction, **sizes)
    return getattr(einops, operation)(values, pattern, **sizes)


def in_browser(page, operation, pattern, values, sizes, reduction="mean"):
    return page.evaluate(RUN, [operation, pattern, values.ravel().tolist(), list(values.shape), sizes, reduction])


@pytest.mark.parametrize(("operation", "pattern", "sizes"), RIGHT)
def test_a_pattern_gives_the_same_numbers_as_einops(module, operation, pattern, sizes):
    values = array()
    for reduction in ["mean", "max", "min", "sum"] if operation == "reduce" else ["mean"]:
        expected = with_einops(operation, pattern, values, sizes, reduction)
        found = in_browser(module, operation, pattern, values, sizes, reduction)
        assert found.get("shape") == list(expected.shape), found
        assert np.array_equal(np.reshape(found["values"], expected.shape), expected)


def random_pattern(rng):
    """Axes of (6, 3, 8, 10) split, permuted and joined at random: (operation, pattern, sizes)."""
    left, names, sizes = [], [], {}
    for name, length in zip("bchw", (6, 3, 8, 10), strict=True):
        factor = rng.choice([n for n in range(1, length + 1) if length % n == 0])
        if rng.random() < 0.5:
            parts = [f"{name}1", f"{name}2"]
            sizes[rng.choice(parts)] = factor
            left.append(f"({' '.join(parts)})")
            names += parts
        else:
            left.append(name)
            names.append(name)
    operation = rng.choice(["rearrange", "reduce", "repeat"])
    rng.shuffle(names)
    if operation == "reduce":
        names = names[: rng.randint(0, len(names))]
    if operation == "repeat":
        names.insert(rng.randint(0, len(names)), "new")
        sizes["new"] = rng.randint(1, 3)
    right, group = [], []
    for name in names:
        group.append(name)
        if rng.random() < 0.6:
            right.append(group)
            group = []
    right += [group] if group else []
    words = [f"({' '.join(group)})" if len(group) > 1 or rng.random() < 0.2 else group[0] for group in right]
    return operation, f"{' '.join(left)} -> {' '.join(words)}", sizes


@pytest.mark.parametrize("seed", range(10))
def test_random_patterns_give_the_same_numbers_as_einops(module, seed):
    rng = random.Random(seed)
    values = array()
    for _ in range(12):
        operation, pattern, sizes = random_pattern(rng)
        expected = with_einops(operation, pattern, values, sizes, "mean")
        found = in_browser(module, operation, pattern, values, sizes)
        assert found.get("shape") == list(expected.shape), (pattern, sizes, found)
        assert np.array_equal(np.reshape(found["values"], expected.shape), expected), (pattern, sizes)


@pytest.mark.parametrize(("operation", "pattern", "sizes"), WRONG)
def test_a_pattern_that_einops_refuses_is_refused_in_a_sentence(module, operation, pattern, sizes):
    values = array()
    with pytest.raises((einops.EinopsError, ValueError)):
        with_einops(operation, pattern, values, sizes, "mean")
    found = in_browser(module, operation, pattern, values, sizes)
    assert found.get("sentence", "").endswith("."), found


def picture(page):
    """The pixels of the explorer's canvas."""
    return page.evaluate("document.querySelector('canvas').toDataURL()")


def free(page):
    page.get_by_role("button", name="Explore freely").click()
    page.emulate_media(reduced_motion="reduce")


def test_the_slider_of_a_size_changes_the_picture_and_the_shape(open_explorer):
    page = open_explorer(explore(torch.rand(6, 1, 28, 28)))
    free(page)
    page.get_by_role("button", name="album").click()
    before = picture(page)
    page.get_by_label("size of the chosen axis").focus()
    page.keyboard.press("ArrowRight")
    assert picture(page) != before
    assert page.get_by_label("sizes of axes").input_value() == "b1=3"
    assert "output (84, 56, 1)" in page.locator(".vl-say").inner_text()


def test_a_wrong_pattern_is_answered_in_words_and_can_be_mended(open_explorer):
    page = open_explorer(explore(torch.rand(6, 1, 28, 28)))
    free(page)
    page.get_by_label("pattern", exact=True).fill("b c (h p) w -> b c h p w")
    assert '"h" and "p" a size' in page.locator(".vl-wrong").inner_text()
    page.get_by_role("button", name="Try p=2").click()
    assert page.locator(".vl-wrong").inner_text() == ""
    assert "output (6, 1, 14, 2, 28)" in page.locator(".vl-say").inner_text()


def test_a_pixel_names_the_element_it_came_from(open_explorer):
    images = torch.randint(0, 256, (6, 3, 12, 20), dtype=torch.uint8)
    page = open_explorer(explore(images))
    free(page)
    page.get_by_label("pattern", exact=True).fill("b c h w -> h (w b) c")
    page.locator("canvas").focus()
    for key in ["ArrowRight"] * 8 + ["ArrowDown"] * 2:
        page.keyboard.press(key)
    value = einops.rearrange(images, "b c h w -> h (w b) c")[2, 7, 0].item()
    said = page.locator(".vl-say").inner_text()
    assert said == f"output[2, 7, 0] = {value} comes from images[1, 0, 2, 1]."


def test_an_averaged_pixel_names_the_elements_it_averages(open_explorer):
    page = open_explorer(explore(torch.rand(2, 1, 8, 12)))
    free(page)
    page.get_by_role("button", name="average pool").click()
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    assert (
        "is the mean of 4 numbers, from images[0, 0, 0, 0] to images[0, 0, 1, 1]"
        in page.locator(".vl-say").inner_text()
    )


@pytest.mark.parametrize("shape", [(3, 224, 336), (1, 28, 28), (1, 1, 28, 28), (12, 3, 40, 30)])
def test_the_guided_walk_of_any_picture_meets_no_error(open_explorer, shape):
    page = open_explorer(explore(torch.rand(shape)), width=700)
    steps = page.locator(".vl-dots i").count()
    assert 4 <= steps <= 7
    for _ in range(steps):
        assert page.locator(".vl-wrong").inner_text() == ""
        page.get_by_role("button", name="Next").or_(page.get_by_role("button", name="Finish")).click()
    assert page.get_by_role("button", name="Guided walk").is_visible()


def test_it_asks_nothing_of_the_outside(open_explorer):
    page = open_explorer(explore(torch.rand(6, 1, 28, 28)))
    assert page.addresses
    assert all(address.startswith(("http://127.0.0.1:", "blob:", "data:")) for address in page.addresses)


def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer):
    page = open_explorer(explore(torch.rand(6, 1, 28, 28)))
    free(page)
    page.get_by_role("button", name="album").click()
    assert_repaints(page, "[aria-label='size of the chosen axis']", adds=20)


def test_a_picture_of_another_shape_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"Expected a picture \(C, H, W\) or a batch .* not \(28, 28\)"):
        explore(torch.rand(28, 28))
    with pytest.raises(ValueError, match=r"at most 12 pictures, got 13: pass images\[:12\]"):
        explore(torch.rand(13, 1, 28, 28))


def test_a_large_picture_is_made_smaller_to_sides_that_divide():
    assert explore(torch.rand(3, 224, 336)).shape == [3, 40, 64]
    assert explore(torch.rand(3, 28, 30)).shape == [3, 28, 30]
