"""The lessons' texts can be read without their pictures: headings, links, tables and pictures in Markdown."""

import re
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest

SOURCES = sorted((Path(__file__).parents[1] / "solutions").glob("[0-9][0-9]_*.py"))
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?:https?:|\.|#|[\w/]+\.(?:ipynb|md|py|html)\b)[^)\s]*\)")
EMPTY_WORDS = {"here", "this", "link", "click here", "see here", "this link", "this page", "page", "more", "read more"}


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def texts(request):
    """The Markdown cells of a lesson, fenced code and formulas left out."""
    cells = jupytext.read(request.param).cells
    sources = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return [re.sub(r"```.*?```|\$\$.*?\$\$", "", source, flags=re.DOTALL) for source in sources]


def test_headings_begin_with_one_title_and_skip_no_level(texts):
    levels = [len(marks) for text in texts for marks in re.findall(r"^(#{1,6}) \S", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [(one, two) for one, two in pairwise(levels) if two > one + 1] == []


def test_links_say_where_they_lead(texts):
    words = [found.strip("*_` ").lower() for text in texts for found in LINK.findall(text)]
    assert not EMPTY_WORDS & set(words)
    assert not [found for found in words if found.startswith(("http", "www"))]


def test_links_of_the_same_words_lead_to_one_place(texts):
    places = {}
    for text in texts:
        for words, place in re.findall(r"(?<!!)\[([^\]\n]+)\]\((https?:[^)\s]+)\)", text):
            places.setdefault(words.lower(), set()).add(place)
    assert {words: found for words, found in places.items() if len(found) > 1} == {}


def test_every_table_has_a_header_in_every_column(texts):
    for text in texts:
        assert "<td" not in text or "<th" in text
        rows = text.splitlines()
        for header, rule in pairwise(rows):
            if re.fullmatch(r"\s*\|?(\s*:?-+:?\s*\|)+\s*:?-*:?\s*\|?\s*", rule):
                names = [cell.strip() for cell in header.strip().strip("|").split("|")]
                assert all(names[1:]), header  # the corner above the rows' names may be empty


def test_pictures_in_markdown_have_words(texts):
    for text in texts:
        assert not re.search(r"!\[\s*\]\(", text)
        assert all(re.search(r'\balt="[^"]+"', tag) for tag in re.findall(r"<img\b[^>]*>", text))
