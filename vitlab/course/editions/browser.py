"""The installed Chromium, headless, through Playwright: it prints the worksheets, and the browser tests drive it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from vitlab.course.editions.solved import EditionError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


class MissingBrowser(EditionError):
    """Playwright or Chromium is not installed; the message says how it is."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the block. Raises MissingBrowser with the cure where Playwright or Chromium is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingBrowser("Playwright is missing, which drives Chromium: pip install -e '.[editions]'.") from None
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise MissingBrowser("Chromium is not on the PATH; on Debian: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def pdf(browser: Browser | BrowserContext, html: str, paper: Literal["A4", "Letter"]) -> bytes:
    """A page as a tagged PDF (what a screen reader reads is in it), with the backgrounds that its style asks for.

    browser: or a context of it, which is quicker for many. html: a whole document that needs nothing from outside;
    its @page rules set the margins.
    """
    page = browser.new_page()
    try:
        page.set_content(html, wait_until="load")
        return page.pdf(format=paper, print_background=True, tagged=True, outline=True)
    finally:
        page.close()
