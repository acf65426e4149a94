"""Pictures carry a text that says what is to be seen, and are shown once."""

import base64
import io
import re

import pytest
import torch
from matplotlib import pyplot
from PIL import Image

from helpers.figures import Picture
from helpers.figures import einops as lesson_00
from helpers.figures.whole_model import whole_model


def _plot():
    figure, axis = pyplot.subplots(figsize=(2, 1))
    axis.plot([0, 1], [0, 1])
    return figure


def _size(picture):
    return Image.open(io.BytesIO(picture.png)).size


def test_a_picture_is_one_image_with_its_text():
    html = Picture(_plot(), "A rising line")._repr_html_()
    assert html.count("<img") == 1
    assert 'alt="A rising line"' in html
    assert 'style="max-width:100%"' in html


def test_a_picture_holds_a_png_that_opens():
    html = Picture(_plot(), "A rising line")._repr_html_()
    data = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        assert min(image.size) > 50


def test_quotes_in_the_text_do_not_break_the_html():
    assert 'alt="&quot;a&quot; &lt; b"' in Picture(_plot(), '"a" < b')._repr_html_()


def test_a_terminal_shows_the_text():
    assert repr(Picture(_plot(), "A rising line")) == "A rising line"


def test_the_figure_is_closed_so_that_it_is_not_shown_twice():
    before = pyplot.get_fignums()
    Picture(_plot(), "A rising line")
    assert pyplot.get_fignums() == before


def test_a_picture_without_text_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        Picture(_plot(), " ")


def test_a_refused_picture_leaves_no_open_figure():
    before = pyplot.get_fignums()
    with pytest.raises(ValueError, match="alternative text"):
        Picture(_plot(), "")
    assert pyplot.get_fignums() == before


def test_the_same_figure_gives_the_same_bytes():
    assert Picture(_plot(), "A rising line").png == Picture(_plot(), "A rising line").png


def test_the_six_pictures_are_not_square_and_all_different():
    images = lesson_00.six_pictures()
    assert images.shape == (6, 3, 96, 128)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert len({image.sum().item() for image in images}) == 6


def test_show_names_the_shape_in_either_order_of_axes():
    assert "(3, 4, 6)" in repr(lesson_00.show(torch.rand(3, 4, 6), "Noise"))
    assert "(4, 6, 3)" in repr(lesson_00.show(torch.rand(4, 6, 3), "Noise"))
    assert "(2, 3, 4, 6)" in repr(lesson_00.show(torch.rand(2, 3, 4, 6), "Noise"))


def test_show_draws_a_wide_picture_wider_than_a_high_one():
    wide, high = lesson_00.show(torch.rand(3, 60, 600), "Wide"), lesson_00.show(torch.rand(3, 600, 60), "High")
    assert _size(wide)[0] > _size(wide)[1]
    assert _size(high)[0] < _size(high)[1]


def test_show_refuses_what_is_no_picture_in_a_sentence():
    with pytest.raises(ValueError, match=r"\(C, H, W\).*\(5, 4, 6\) came"):
        lesson_00.show(torch.rand(5, 4, 6), "Nothing")


def test_tables_say_their_numbers():
    said = repr(lesson_00.tables({"two rows": torch.arange(4).reshape(2, 2)}, [0, 0, 1, 1], "Numbers"))
    assert said == "Numbers. two rows: [[0, 1], [2, 3]]."


def test_a_race_says_medians_in_a_unit_that_fits():
    said = repr(lesson_00.race({"large": {"a": [0.002] * 5}, "small": {"a": [3e-6] * 5}}))
    assert "large, a: median 2 ms" in said
    assert "small, a: median 3 µs" in said


def test_the_whole_model_says_which_parts_a_lesson_studies():
    alt = whole_model(["positions"], {"positions": "says\nwhere"}).alt
    assert alt.endswith("Marked, because this lesson studies it: positions. Above positions: “says where”.")
    assert "attention, MLP, pooling" in alt


@pytest.mark.parametrize("arguments", [(["positons"],), (["positions"], {"positons": "where"}), (["codes"],)])
def test_the_whole_model_refuses_a_part_that_it_has_not(arguments):
    with pytest.raises(ValueError, match=r"'(positons|codes)' is no part of ViT: those are picture, patches"):
        whole_model(*arguments)
