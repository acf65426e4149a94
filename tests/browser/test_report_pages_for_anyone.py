"""The grader's pages in the eyes of axe, in light and dark, on a screen and on a phone."""

import pytest
from axe import violations
from test_report_pages import PAGES, address, batch  # noqa: F401  (a fixture)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(page, batch, name, width, scheme):  # noqa: F811
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(address(batch, name, "zoe"))
    assert violations(page) == []
