"""Fixtures of the browser tests: `page` (headless Chromium), `lab` (JupyterLab), `open_explorer` (a plain page)."""

import pytest
from lab import running_lab
from opened import opened
from serve import served
from standalone import write_page

from vitlab.course.editions.browser import chromium


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser):
    """A fresh page of one's own; see `opened`."""
    with opened(browser) as page:
        yield page


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab server on a free port over an empty folder: `.address`, `.token`, `.folder`."""
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def open_explorer(page, tmp_path):
    """open_explorer(widget, width=940, theme="light"): the widget on a plain page without a kernel."""
    with served(tmp_path) as address:

        def open_(widget, width=940, theme="light"):
            write_page(tmp_path, widget, width, theme)
            page.goto(address)
            page.wait_for_function("window.ready === true")
            return page

        yield open_
        assert page.problems == []
