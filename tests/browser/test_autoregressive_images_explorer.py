"""The explorer that draws: its model in JavaScript agrees with the course's, and its knobs do what they say."""

import math

import pytest
import torch
from standalone import assert_repaints

from helpers.data import fashion_mnist
from helpers.explorers.autoregressive_images import explore
from helpers.models.checkpoints.image_gpt_fashion import load_image_gpt
from helpers.models.codes import Codebook
from helpers.models.image_gpt import ImageGPT, bits_of_places, shift_right
from helpers.models.sampling import next_probabilities, sample

MODEL = """
() => {
  const { state } = window;
  const bits = new Uint16Array(Uint8Array.from(atob(state.weights.base64), (c) => c.charCodeAt(0)).buffer);
  const weights = Float32Array.from(bits, (b) => {
    const [exponent, fraction, sign] = [(b >> 10) & 31, b & 1023, b & 0x8000 ? -1 : 1];
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  window.gpt = window.explorer.imageGpt({ weights, layout: state.layout_of_weights, heads: state.heads });
}
"""
LOGITS = """
(tokens) => {
  const session = window.gpt.session();
  return tokens.map((token) => Array.from(session.push(token)));
}
"""
DRAWN = """
([start, given, temperature, topK, seed]) => {
  const numbers = window.explorer.luck(window.gpt.N, seed);
  window.painter ??= window.explorer.painter(window.gpt);
  return window.painter({ start, given, temperature, topK, numbers });
}
"""
AFRESH = f"(request) => {{ window.painter = undefined; return ({DRAWN.strip()})(request); }}"
CHANCES = "([logits, temperature, topK]) => Array.from(window.explorer.nextProbabilities(logits, temperature, topK))"
SHARES = """
([chances, count]) => {
  const found = chances.map(() => 0);
  for (const number of window.explorer.luck(count, 5)) found[window.explorer.pick(chances, number)] += 1 / count;
  return found;
}
"""


def real_pictures():
    test = fashion_mnist("test")
    first = [int((test.labels == label).nonzero()[0]) for label in range(10)]
    return test.images[first], test.names


def rounded_to_half(model):
    """The same model with its weights rounded to float16, as they travel."""
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return model


@pytest.fixture
def shipped():
    model, codebook = load_image_gpt()
    return rounded_to_half(model), codebook


@pytest.fixture
def opened(open_explorer, shipped):
    page = open_explorer(explore(*load_image_gpt(), *real_pictures()))
    page.evaluate(MODEL)
    return page


def free_play(page):
    page.get_by_role("button", name="Explore freely").click()
    return page


def drawn(page):
    """The picture that stands there now, whatever fades or moves around it."""
    return page.locator("canvas").first.evaluate("(canvas) => canvas.toDataURL()")


def said(page):
    return page.locator(".vl-say").inner_text()


def test_its_logits_are_those_of_the_course(opened, shipped):
    model, codebook = shipped
    codes = codebook.encode(real_pictures()[0][:1])
    tokens = shift_right(codes, 256)
    found = torch.tensor(opened.evaluate(LOGITS, tokens[0].tolist()))
    with torch.no_grad():
        expected = model(tokens)[0]
    assert found.shape == (49, 256)
    assert expected.std() > 1
    assert (found - expected).abs().max() < 1e-3


def test_other_sizes_too(open_explorer):
    torch.manual_seed(0)
    model = ImageGPT(7, 9, 12, 2, 3, starts=2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    page = open_explorer(explore(model, Codebook(torch.randn(7, 3 * 4), 2)))
    page.evaluate(MODEL)
    tokens = torch.tensor([8, 0, 6, 3, 3, 1])
    with torch.no_grad():
        expected = rounded_to_half(model)(tokens[None])[0]
    assert (torch.tensor(page.evaluate(LOGITS, tokens.tolist())) - expected).abs().max() < 1e-4
    assert page.get_by_label("given").is_disabled()


def test_at_temperature_0_it_draws_what_the_course_draws(opened, shipped):
    model, codebook = shipped
    given = codebook.encode(real_pictures()[0][9:10])[0, :28]
    for prompt in ([], given.tolist()):
        expected = sample(model, torch.tensor([[265, *prompt]]), 50, temperature=0)[0, 1:]
        picture = opened.evaluate(DRAWN, [265, prompt, 0, 257, 1])
        assert picture["codes"] == expected.tolist()
    with torch.no_grad():
        bits = bits_of_places(model(shift_right(expected[None], 265)), expected[None])
    assert sum(picture["bits"]) == pytest.approx(bits.sum().item(), abs=0.1)


def test_what_it_remembers_of_the_last_picture_changes_nothing(opened):
    requests = [[260, [], 1, 257, seed] for seed in (1, 2)] + [[260, [], heat, 20, 2] for heat in (1, 0.9, 1.5)]
    requests += [[263, [], 1.5, 20, 2], [263, [0, 1, 2], 1.5, 20, 2], [263, [0, 1, 3], 1.5, 20, 2]]
    remembered = [opened.evaluate(DRAWN, request) for request in requests]
    afresh = [opened.evaluate(AFRESH, request) for request in requests]
    assert [picture["codes"] for picture in remembered] == [picture["codes"] for picture in afresh]
    assert [picture["bits"] for picture in remembered] == [picture["bits"] for picture in afresh]
    assert len({tuple(picture["codes"]) for picture in afresh}) >= 6


@pytest.mark.parametrize(("temperature", "top_k"), [(1, 12), (0.05, 12), (3, 4), (0, 3), (1, 1), (1, 500)])
def test_its_chances_are_those_of_the_course(opened, temperature, top_k):
    logits = 3 * torch.randn(12, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = torch.tensor(opened.evaluate(CHANCES, [logits.tolist(), temperature, top_k]), dtype=torch.float64)
    assert torch.allclose(found, next_probabilities(logits, temperature, top_k), atol=1e-9)


def test_words_are_drawn_as_often_as_their_chances_say(opened):
    chances = [0.5, 0.0, 0.3, 0.15, 0.05]
    shares = opened.evaluate(SHARES, [chances, 20_000])
    assert shares[1] == 0
    for share, chance in zip(shares, chances, strict=True):
        assert abs(share - chance) <= 5 * math.sqrt(chance * (1 - chance) / 20_000)


@pytest.mark.parametrize("knob", ["temperature", "top-k", "given"])
def test_turning_a_knob_adds_less_than_100_ms_to_a_repaint(opened, knob):
    free_play(opened)
    identifier = opened.get_by_label(knob).get_attribute("id")
    assert_repaints(opened, f"#{identifier}", adds=100)


def test_the_ends_of_the_knobs_say_what_they_mean(opened):
    free_play(opened)
    heat, cut, given = (opened.get_by_label(name) for name in ("temperature", "top-k", "given"))
    assert "all 256 words possible" in said(opened)
    heat.fill("0")
    assert "every draw gives the same picture" in said(opened)
    before = drawn(opened)
    opened.get_by_role("button", name="Draw another").click()
    assert drawn(opened) == before
    heat.fill("3")
    assert "temperature 3.00" in said(opened)
    assert drawn(opened) != before
    cut.fill("1")
    assert "every draw gives the same picture" in said(opened)
    cut.fill("257")
    assert "all 256 words possible" in said(opened)
    given.fill("7")
    assert "nothing is left to draw" in said(opened)


def test_another_draw_is_another_picture(opened):
    free_play(opened)
    pictures = {drawn(opened)}
    for _ in range(3):
        opened.get_by_role("button", name="Draw another").click()
        pictures.add(drawn(opened))
    assert len(pictures) == 4


def test_drawing_slowly_goes_on_by_itself_to_the_end(opened):
    free_play(opened)
    opened.get_by_label("given").fill("6")
    opened.get_by_role("button", name="Draw it slowly").click()
    opened.get_by_text("42 patches given, 0 drawn").wait_for()
    opened.get_by_text("42 patches given, 7 drawn").wait_for()


def test_a_patch_tells_what_it_was_drawn_from(opened):
    free_play(opened)
    canvas = opened.get_by_label("the picture drawn so far", exact=False)
    canvas.focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowDown")
    assert "row 2, patch 1" in opened.locator(".vl-ar").inner_text()
    assert "The patch in row 2, column 1 was drawn with a chance of" in said(opened)


def test_the_walk_goes_from_start_to_end_and_changes_the_picture(opened):
    seen = set()
    while opened.get_by_role("button", name="Next").count():
        seen.add(drawn(opened))
        opened.get_by_role("button", name="Next").click()
    assert len(seen) >= 4
    assert "28 patches given, 21 drawn" in opened.locator(".vl-ar").inner_text()


def test_nothing_is_asked_of_the_network(opened):
    assert all(address.startswith(("http://127.0.0.1", "data:", "blob:")) for address in opened.addresses)


def test_what_does_not_fit_is_refused_in_a_sentence():
    model, codebook = load_image_gpt()
    images, names = real_pictures()
    with pytest.raises(ValueError, match=r"one picture for each start token, \(10, 1, 28, 28\) as floats, got \(3, 1"):
        explore(model, codebook, images[:3], names)
    with pytest.raises(ValueError, match="The model has 256 words of grey or colour patches, but this codebook has 5"):
        explore(model, Codebook(codebook.words[:5], 4))
    with pytest.raises(ValueError, match="10 classes apart, but got 2 names"):
        explore(model, codebook, names=["a", "b"])
    with pytest.raises(ValueError, match="square grids of patches, but this model reads 8 tokens"):
        explore(ImageGPT(256, 8, 8, 1, 2), codebook)
    with pytest.raises(ValueError, match=r"parameters, and a browser takes 1,500,000"):
        explore(ImageGPT(256, 49, 384, 1, 2), codebook)
