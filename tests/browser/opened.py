"""A fresh page of the browser that remembers what went wrong in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A page, 1200 x 1000, for the block; `.problems` and `.addresses`: its script errors and its requests."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    page.problems = []
    page.addresses = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.addresses.append(request.url))
    yield page
    context.close()
