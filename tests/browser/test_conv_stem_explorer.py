"""The explorer of the two stems: what the browser computes is what the models compute."""

import json

import pytest
import torch
from standalone import assert_repaints

from helpers.data import fashion_mnist, photo
from helpers.explorers.conv_stem import explore
from helpers.models.checkpoints.stems_fashion import framed, load_stems
from helpers.models.stems import ConvStem
from helpers.models.vit import ViT

RUN = """
([place]) => {
  const state = window.state;
  const floats = (name) => new Float32Array(Uint8Array.from(atob(state[name].base64), (c) => c.charCodeAt(0)).buffer);
  const { stemOf, run, filters } = window.explorer;
  const stem = stemOf(state.widths, ...["kernels", "scales", "shifts", "last", "last_bias"].map(floats));
  const stages = run(stem, floats("picture"), state.picture_shape);
  if (place === null) return stages.map((stage) => ({ ...stage, values: Array.from(stage.values) }));
  const [stage, row, col] = place;
  const found = filters(stem, stages, stage, row, col, stages[stage].channels);
  return { ...found, values: Array.from(found.values) };
}
"""


def garment():
    return framed(fashion_mnist("test", 10).images)[3]


def random_pair(size, patch, channels, dim):
    """Untrained ViTs whose stems have norms that do something."""
    torch.manual_seed(0)
    pair = [ViT(size, patch, channels, 4, dim, 1, 2) for _ in range(2)]
    pair[1].patch_embed = ConvStem(channels, dim, patch)
    for norm in pair[1].patch_embed.norms:
        torch.nn.init.normal_(norm.weight, 1, 0.3)
        torch.nn.init.normal_(norm.bias, 0, 0.3)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    return pair[0].eval(), pair[1].eval()


def before_relu(stem, images):
    """What each stage gives before its ReLU, the tokens as maps last."""
    found, x = [], images
    for conv, norm in zip(stem.convs, stem.norms, strict=True):
        found.append(norm(conv(x)))
        x = found[-1].relu()
    return [*found, stem.proj(x)]


def in_browser(page, place=None):
    return page.evaluate(RUN, [place])


def said(page):
    return page.locator(".vl-say").inner_text()


def free(page):
    page.get_by_role("button", name="Explore freely").click()


@pytest.mark.parametrize(("size", "patch", "channels"), [((32, 32), 8, 1), ((16, 24), 4, 3), ((6, 10), 2, 1)])
def test_the_stages_are_the_models(open_explorer, size, patch, channels):
    plain, conv = random_pair(size, patch, channels, 8)
    image = torch.randn(1, channels, *size)
    page = open_explorer(explore(plain, conv, image))
    with torch.no_grad():
        expected = before_relu(conv.patch_embed, image)
    found = in_browser(page)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        shape = (1, mine["channels"], mine["height"], mine["width"])
        values = torch.tensor(mine["values"], dtype=torch.float32).reshape(shape)
        assert torch.allclose(values, theirs, atol=1e-4)


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("place", [(1, 2), (0, 0)])
def test_a_filter_is_the_gradient_of_its_unit(open_explorer, stage, place):
    plain, conv = random_pair((32, 40), 8, 3, 8)
    image = torch.randn(1, 3, 32, 40, requires_grad=True)
    page = open_explorer(explore(plain, conv, image.detach()))
    found = in_browser(page, [stage, *place])
    side, top, left = found["side"], found["top"], found["left"]
    filters = torch.tensor(found["values"], dtype=torch.float32).reshape(-1, 3, side, side)
    rows, cols = slice(max(top, 0), min(top + side, 32)), slice(max(left, 0), min(left + side, 40))
    units = before_relu(conv.patch_embed, image)[stage][0, :, place[0], place[1]]
    assert len(units) == len(filters)
    for unit, mine in zip(units, filters, strict=True):
        (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)  # (1, 3, 32, 40)
        inside = gradient[0, :, rows, cols]
        assert torch.allclose(
            mine[:, rows.start - top : rows.stop - top, cols.start - left : cols.stop - left], inside, atol=1e-4
        )
        assert gradient.abs().sum() == pytest.approx(inside.abs().sum().item(), abs=1e-4)  # nothing outside the field


def test_it_counts_the_relus_that_are_open(open_explorer):
    plain, conv = random_pair((32, 32), 8, 1, 8)
    image = torch.randn(1, 1, 32, 32)
    page = open_explorer(explore(plain, conv, image))
    found = in_browser(page, [1, 3, 3])
    with torch.no_grad():
        below = before_relu(conv.patch_embed, image)[0][0, :, 5:8, 5:8]  # what the unit at (3, 3) reads
    assert (found["open"], found["gates"]) == ((below > 0).sum().item(), below.numel())


def test_what_it_says_of_patchify_is_the_models(open_explorer):
    plain, conv = load_stems()
    page = open_explorer(explore(plain, conv, garment()))
    free(page)
    page.get_by_label("picture; click").focus()
    page.keyboard.press("ArrowDown")
    words = said(page)
    row, col = (int(words.split(f"{name} ")[1].split(" ")[0].rstrip(",")) for name in ("token at row", "column"))
    with torch.no_grad():
        expected = plain.patch_embed(garment()[None])[0, 4 * row + col, 0].item()
    assert float(words.split("filter 1 gives ")[1].split(". ")[0]) == pytest.approx(expected, abs=0.006)


def test_the_stage_slider_widens_the_field_of_the_unit(open_explorer):
    page = open_explorer(explore(*load_stems(), garment()))
    free(page)
    page.get_by_label("stage of the stem").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    for side in (3, 7, 15, 15):
        assert f"sees {side} by {side} pixels; filter" in said(page)
        page.keyboard.press("ArrowRight")


def test_patchifys_filters_stay_and_the_stems_change_with_the_place(open_explorer):
    page = open_explorer(explore(*load_stems(), garment()))
    free(page)
    page.get_by_label("stage of the stem").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    pixels = "Array.from(document.querySelectorAll('.vl-stem-canvas'), (canvas) => canvas.toDataURL())"
    before = page.evaluate(pixels)
    page.get_by_label("picture; click").focus()
    page.keyboard.press("ArrowUp")
    after = page.evaluate(pixels)
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert after[2] != before[2]


@pytest.mark.parametrize("label", ["stage of the stem", "filter"])
def test_every_slider_changes_the_figure(open_explorer, label):
    page = open_explorer(explore(*load_stems(), garment()))
    free(page)
    pixels = "Array.from(document.querySelectorAll('canvas'), (canvas) => canvas.toDataURL())"
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("Home")
    before = page.evaluate(pixels)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(pixels) != before


def test_at_the_ends_of_its_sliders_it_still_speaks(open_explorer):
    page = open_explorer(explore(*load_stems(), garment()))
    free(page)
    for key, stage in (("End", "tokens"), ("Home", "conv 1 of 3")):
        for label in ("stage of the stem", "filter"):
            page.get_by_label(label, exact=True).focus()
            page.keyboard.press(key)
        assert f"Conv stem, {stage}" in said(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_guided_walk_of_a_photograph_meets_no_error(open_explorer, theme):
    widget = explore(*random_pair((112, 168), 8, 3, 32), photo("chelsea", (112, 168)))
    page = open_explorer(widget, width=700, theme=theme)
    heights = set()
    for _ in range(page.locator(".vl-dots i").count()):
        heights.add(page.evaluate("document.querySelector('.vl').offsetHeight"))
        page.locator(".vl-first").click()
    assert page.get_by_role("button", name="Guided walk").is_visible()
    assert page.evaluate("document.querySelector('.vl').scrollWidth") <= 700
    assert len(heights) == 1


def test_a_single_convolution_is_a_stem_too(open_explorer):
    page = open_explorer(explore(*random_pair((8, 12), 2, 1, 4), torch.randn(1, 8, 12)))
    for _ in range(page.locator(".vl-dots i").count()):
        page.locator(".vl-first").click()
    assert "by 3 pixels" in said(page)


def test_the_models_are_left_as_they_were():
    plain, conv = random_pair((16, 16), 4, 1, 8)
    conv.train()
    before = json.dumps({name: value.sum().item() for name, value in conv.state_dict().items()})
    explore(plain, conv, torch.randn(1, 16, 16))
    assert conv.training
    assert json.dumps({name: value.sum().item() for name, value in conv.state_dict().items()}) == before


def test_what_does_not_fit_is_refused_in_a_sentence():
    plain, conv = random_pair((32, 32), 8, 1, 8)
    with pytest.raises(ValueError, match="A picture of 28x32 pixels cannot be cut into patches of 8x8 pixels"):
        explore(plain, conv, torch.zeros(1, 28, 32))
    with pytest.raises(ValueError, match="The picture has 3 channels, and patchify reads 1"):
        explore(plain, conv, torch.zeros(3, 32, 32))
    with pytest.raises(ValueError, match=r"patchify's are 4 pixels and the conv stem's 8"):
        explore(random_pair((32, 32), 4, 1, 8)[0], conv, torch.zeros(1, 32, 32))
    with pytest.raises(ValueError, match=r"Expected one picture of shape \(C, H, W\)"):
        explore(plain, conv, torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match="no 3x3 convolution"):
        explore(*random_pair((4, 4), 1, 1, 8), torch.zeros(1, 4, 4))


@pytest.mark.parametrize("label", ["stage of the stem", "filter"])
def test_moving_a_slider_adds_less_than_20_ms_to_a_repaint(open_explorer, label):
    page = open_explorer(explore(*load_stems(), garment()))
    free(page)
    page.get_by_label(label, exact=True).evaluate("(input) => input.setAttribute('data-timed', '')")
    assert_repaints(page, "[data-timed]", adds=20)
