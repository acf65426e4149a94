"""Worksheets and keys as pages: axe finds nothing, and nothing comes from outside."""

from pathlib import Path

import pytest
from axe import violations

from vitlab.course.build import standard_course
from vitlab.course.editions.worksheet import documents
from vitlab.project import find_project


@pytest.mark.parametrize("place", [0, 1], ids=["worksheets", "keys"])
def test_axe_finds_nothing_and_nothing_is_fetched(page, place):
    all_lessons = documents(standard_course(find_project(Path(__file__).parent)), together=True)[-2:]
    page.set_content(all_lessons[place].html)
    assert violations(page) == []
    assert not page.addresses
    assert not page.problems
