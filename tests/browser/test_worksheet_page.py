"""Worksheets and keys as pages: axe finds nothing, nothing comes from outside, type is large, a page fits."""

from pathlib import Path

import pytest
from axe import violations

from helpers.exercises import find
from vitlab.course.build import Course, standard_course
from vitlab.course.editions.solved import EditionError
from vitlab.course.editions.worksheet import documents, print_document
from vitlab.project import find_project

SMALLEST_TYPE = """() => Math.min(...[...document.querySelectorAll("body *")]
  .filter((element) => !element.closest("sup, sub, math, svg"))
  .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((element) => parseFloat(getComputedStyle(element).fontSize)))"""


@pytest.fixture(scope="module")
def of_all_lessons():
    course = standard_course(find_project(Path(__file__).parent))
    return {document.name: document.html for document in documents(course, together=True)}


@pytest.mark.parametrize("name", ["worksheets", "keys"])
def test_axe_finds_nothing_and_nothing_is_fetched(page, of_all_lessons, name):
    page.set_content(of_all_lessons[name])
    assert violations(page) == []
    assert not page.addresses
    assert not page.problems


@pytest.mark.parametrize("name", ["worksheets", "keys"])
def test_type_is_at_least_ten_and_a_half_points(page, of_all_lessons, name):
    page.set_content(of_all_lessons[name])
    assert page.evaluate(SMALLEST_TYPE) * 72 / 96 >= 10.5


def test_a_page_that_does_not_fit_is_refused_with_what_to_do(browser, tmp_path):
    (tmp_path / "solutions").mkdir()
    tasks = "".join(f"# ### Task {number} (60 mm)\n# Count.\n#\n# > 7.\n#\n" for number in range(6))
    source = f'# %% [markdown]\n# # A lesson\n\n# %% [markdown] tags=["worksheet"]\n# What?\n#\n{tasks}'
    (tmp_path / "solutions/01_a.py").write_text(source, encoding="utf-8")
    worksheet, key = documents(Course(tmp_path, find))
    with pytest.raises(EditionError, match="01_a_worksheet takes 2 pages of A4, and 1 is the most: take a task out"):
        print_document(browser, worksheet, "A4")
    assert print_document(browser, key, "A4").startswith(b"%PDF")
