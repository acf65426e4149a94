"""The masked autoencoder's explorer: its own model in JavaScript agrees with the course's, at any ratio, quickly."""

import pytest
import torch
from standalone import assert_repaints

from helpers.data import fashion_mnist
from helpers.explorers.masked_autoencoder import explore
from helpers.models.checkpoints.mae_fashion import load_mae
from helpers.models.conventions import Conventions
from helpers.models.mae import MaskedAutoencoder
from helpers.models.patches import patchify

RUN = """
([picture, shape, ids, keep]) => {
  const { autoencoder, patchesOf } = window.explorer;
  const { data } = window;
  const mae = autoencoder(data);
  const patches = patchesOf(Float32Array.from(picture), shape, data.columns, data.side, data.cells);
  return Array.from(mae.run(patches, ids, keep));
}
"""
DATA = """
() => {
  const { state } = window;
  const bits = new Uint16Array(Uint8Array.from(atob(state.weights.base64), (c) => c.charCodeAt(0)).buffer);
  const weights = Float32Array.from(bits, (b) => {
    const [exponent, fraction, sign] = [(b >> 10) & 31, b & 1023, b & 0x8000 ? -1 : 1];
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  window.data = { weights, layout: state.layout_of_weights, heads: state.heads, depths: state.depths,
    classFirst: state.class_first, columns: state.grid[1], side: state.shape[1] / state.grid[0], cells: state.cells };
}
"""
SLIDER = "input[type=range]"


def pictures():
    test = fashion_mnist("test", 4)
    return test.images, [test.names[label] for label in test.labels]


def painted_in_the_browser(page, image, ids, keep):
    page.evaluate(DATA)
    return torch.tensor(page.evaluate(RUN, [image.flatten().tolist(), list(image.shape), ids.tolist(), keep]))


def rounded_to_half(model):
    """The same model with its weights rounded to float16, as they travel."""
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return model


@pytest.mark.parametrize("keep", [49, 12, 1, 0])
def test_it_paints_what_the_course_paints(open_explorer, keep):
    images, names = pictures()
    page = open_explorer(explore(load_mae(), images, names))
    model = rounded_to_half(load_mae())
    model.mask_ratio = 1 - (keep + 0.5) / 49 if keep < 49 else 0.0
    ids = torch.randperm(49, generator=torch.Generator().manual_seed(5))
    found = painted_in_the_browser(page, images[1], ids, keep)
    with torch.no_grad():
        expected, mask = model(images[1:2], ids[None])
    assert int(49 - mask.sum()) == keep
    assert (found - expected.flatten()).abs().max() < 1e-3


def test_other_sizes_and_conventions_too(open_explorer):
    torch.manual_seed(0)
    conventions = Conventions(sequence="column-major", class_token="last")
    model = MaskedAutoencoder((6, 9), 3, 3, 8, 1, 2, 12, 2, 3, 0.5, conventions=conventions)
    image = torch.randn(3, 6, 9)
    page = open_explorer(explore(model, image))
    ids = torch.tensor([4, 0, 5, 2, 1, 3])
    found = painted_in_the_browser(page, image, ids, 3)
    with torch.no_grad():
        expected = rounded_to_half(model)(image[None], ids[None])[0]
    assert (found - expected.flatten()).abs().max() < 1e-4
    patches = page.evaluate(
        "([picture, shape]) => Array.from(window.explorer.patchesOf("
        "Float32Array.from(picture), shape, 3, 3, window.data.cells))",
        [image.flatten().tolist(), [3, 6, 9]],
    )
    standard = Conventions(sequence="column-major")
    assert torch.allclose(torch.tensor(patches), patchify(image[None], 3, standard).flatten())


def test_dragging_the_ratio_adds_less_than_100_ms_to_a_repaint(open_explorer):
    page = open_explorer(explore(load_mae(), *pictures()))
    page.get_by_role("button", name="Explore freely").click()
    assert_repaints(page, SLIDER, adds=100)


def test_the_ends_of_the_slider_say_what_they_mean(open_explorer):
    page = open_explorer(explore(load_mae(), *pictures()))
    page.get_by_role("button", name="Explore freely").click()
    slider = page.get_by_label("mask ratio")
    said = page.locator(".vl-say")
    slider.fill("0")
    assert "49 of 49 patches seen" in said.inner_text()
    assert "Nothing is hidden" in said.inner_text()
    slider.fill("1")
    assert "0 of 49 patches seen" in said.inner_text()
    assert "Nothing is seen" in said.inner_text()


def test_the_walk_goes_from_start_to_end_and_changes_the_picture(open_explorer):
    page = open_explorer(explore(load_mae(), *pictures()))
    seen = set()
    while page.get_by_role("button", name="Next").count():
        seen.add(page.locator("canvas").nth(1).screenshot())
        page.get_by_role("button", name="Next").click()
    assert len(seen) >= 5
    assert "chosen by hand" in page.locator(".vl-say").inner_text()


def test_a_patch_can_be_hidden_by_hand_and_by_keyboard(open_explorer):
    page = open_explorer(explore(load_mae(), *pictures()))
    page.get_by_role("button", name="Explore freely").click()
    page.get_by_label("mask ratio").fill("0")
    canvas = page.get_by_label("what the encoder sees", exact=False)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "48 of 49 patches seen, chosen by hand" in page.locator(".vl-say").inner_text()
    canvas.click()
    assert "47 of 49 patches seen" in page.locator(".vl-say").inner_text()


def test_nothing_is_asked_of_the_network(open_explorer):
    page = open_explorer(explore(load_mae(), *pictures()))
    assert all(address.startswith(("http://127.0.0.1", "data:", "blob:")) for address in page.addresses)


def test_pictures_that_do_not_fit_are_refused_in_a_sentence():
    images, _ = pictures()
    with pytest.raises(ValueError, match=r"Expected pictures of shape \(1, 28, 28\) as floats.*got \(4, 1, 14, 28\)"):
        explore(load_mae(), images[:, :, :14])
    with pytest.raises(ValueError, match="There are 4 pictures and 2 names"):
        explore(load_mae(), images, ["a", "b"])
    with pytest.raises(ValueError, match=r"1 to 12 pictures, got 16: pass images\[:12\]"):
        explore(load_mae(), images.repeat(4, 1, 1, 1))
