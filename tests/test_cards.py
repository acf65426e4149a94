"""Cards can be read on light and dark pages, without colour, and by a screen reader."""

import re

import pytest
from contrast import BACKGROUNDS, SHAPES, contrast

from helpers.cards import LOOKS, Card


def test_the_contrast_of_black_on_white_is_21_and_of_a_colour_on_itself_1():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#888888", "#888888") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # the well-known lightest grey for text


@pytest.mark.parametrize("background", BACKGROUNDS.values(), ids=BACKGROUNDS)
@pytest.mark.parametrize("kind", LOOKS)
def test_a_cards_edge_stands_out_in_every_theme(kind, background):
    assert contrast(LOOKS[kind][1], background) >= SHAPES


@pytest.mark.parametrize("kind", LOOKS)
def test_colour_is_in_the_edge_alone_so_that_all_text_has_the_themes_own(kind):
    html = Card(kind, "title", ["line"], [("a", "b"), ("c", "d")], True, [("more", "text")])._repr_html_()
    assert re.findall(r"#[0-9A-Fa-f]{6}", html) == [LOOKS[kind][1]]
    assert f"border-left:5px solid {LOOKS[kind][1]}" in html
    assert not re.search(r"(?<!-)color:|background", html)


def test_every_kind_has_a_sign_of_its_own():
    assert len({sign for sign, _ in LOOKS.values()}) == len(LOOKS)
    assert all(f"<strong>{sign} " in Card(kind, "title")._repr_html_() for kind, (sign, _) in LOOKS.items())


def test_the_header_of_a_table_is_said_to_head_columns():
    html = Card("note", "title", table=[("mean", "spread"), ("1", "2")], header=True)._repr_html_()
    assert re.findall(r'<th scope="col"[^>]*>(\w+)</th>', html) == ["mean", "spread"]
    assert re.findall(r"<td[^>]*>(\w+)</td>", html) == ["1", "2"]
