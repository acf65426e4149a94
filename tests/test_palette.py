"""The colours of the figures: told apart by every kind of colour vision, read on white, never the only sign."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from colour_vision import MATRICES, distance, lab
from contrast import SHAPES, TEXT, contrast

from helpers.figures import palette

FIGURES = Path(palette.__file__).parent
APART = 15  # CIE 1976; six times what an eye just tells apart side by side
# what stands together in a figure besides CATEGORIES: the boxes of lesson 00, the twins of lesson 02
TOGETHER = {
    "categories": palette.CATEGORIES,
    "lesson 00": (palette.SKY, palette.AMBER, palette.GREEN, palette.LEMON, palette.PINK, palette.ORANGE),
    "lesson 02": (palette.BLACK, palette.LEMON, *palette.CATEGORIES[1:]),
}


def test_red_and_green_of_one_lightness_are_alike_to_a_deuteranope_and_not_to_others():
    assert distance("#B05A50", "#7F7A35") > 40
    assert distance("#B05A50", "#7F7A35", "deuteranopia") < APART


def test_white_is_white_to_everyone():
    for vision in MATRICES:
        assert lab("#ffffff", vision) == pytest.approx([100, 0, 0], abs=0.1)


@pytest.mark.parametrize("vision", MATRICES)
@pytest.mark.parametrize("colours", TOGETHER.values(), ids=TOGETHER)
def test_colours_that_stand_together_are_told_apart(colours, vision):
    close = [(one, other) for one, other in combinations(colours, 2) if distance(one, other, vision) < APART]
    assert close == []


def test_colours_of_text_can_be_read_on_white_and_the_first_four_series_be_seen():
    for colour in (palette.BLUE, palette.ORANGE, palette.GREY, palette.BLACK):
        assert contrast(colour, "#ffffff") >= TEXT, colour
    for colour in palette.CATEGORIES[:4]:
        assert contrast(colour, "#ffffff") >= SHAPES, colour


def test_series_differ_in_line_and_marker_too():
    for key in ("color", "linestyle", "marker"):
        assert len({style[key] for style in palette.SERIES}) == len(palette.CATEGORIES)


@pytest.mark.parametrize("vision", MATRICES)
@pytest.mark.parametrize("name", palette.SEQUENTIAL)
def test_more_is_always_lighter_or_always_darker_on_a_sequential_map(name, vision):
    lightness = [lab(colour[:3], vision)[0] for colour in matplotlib.colormaps[name](np.linspace(0, 1, 33))]
    steps = np.diff(lightness)
    assert (steps > 0).all() or (steps < 0).all()


@pytest.mark.parametrize("vision", MATRICES)
@pytest.mark.parametrize("name", palette.SIGNED)
def test_the_two_sides_of_a_signed_map_are_told_apart_and_meet_in_the_lightest(name, vision):
    below, middle, above = matplotlib.colormaps[name]([0.1, 0.5, 0.9])[:, :3]
    assert distance(below, above, vision) > 2 * APART
    lightness = [lab(colour[:3], vision)[0] for colour in matplotlib.colormaps[name](np.linspace(0, 1, 33))]
    assert max(lightness) == pytest.approx(lab(middle, vision)[0], abs=2)
    assert all(one < other for one, other in pairwise(lightness[4:16]))
    assert all(one > other for one, other in pairwise(lightness[16:29]))


@pytest.mark.parametrize("module", sorted(FIGURES.glob("*.py")), ids=lambda path: path.stem)
def test_maps_come_from_the_list_and_categories_from_the_palette(module):
    source = module.read_text(encoding="utf-8")
    assert set(re.findall(r'cmap="(\w+)"', source)) <= {*palette.SEQUENTIAL, *palette.SIGNED}
    assert not re.search(r'"(tab:\w+|C\d|red|green|blue|orange)"', source)
    if module.stem != "palette":
        assert not re.search(r"Okabe", source)
        named = {*palette.CATEGORIES, palette.LEMON, palette.GREY, "#D55E00", "#888888"}
        assert not named & set(re.findall(r"#[0-9A-Fa-f]{6}", source))
