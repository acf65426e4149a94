"""The TA notes in a real browser: two pages of paper, no wider than a phone."""

import re
from pathlib import Path

import pytest

from vitlab.course.build import parsed, standard_course
from vitlab.course.editions.browser import pdf
from vitlab.course.editions.notes import notes_page
from vitlab.project import find_project

COURSE = standard_course(find_project(Path(__file__).parent))


@pytest.fixture(scope="module")
def pages():
    return {lesson.number: notes_page(COURSE, lesson) for lesson in parsed(COURSE, COURSE.sources())}


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_section_prints_on_two_pages(browser, pages, paper):
    counts = {number: len(re.findall(rb"/Type /Page\b", pdf(browser, page, paper))) for number, page in pages.items()}
    assert {number: count for number, count in counts.items() if not 1 <= count <= 2} == {}


@pytest.mark.parametrize("width", [360, 820])
def test_nothing_is_wider_than_the_screen(browser, pages, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    for content in pages.values():
        page.set_content(content)
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
