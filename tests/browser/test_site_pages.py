"""The static site in a browser, from disk and over http: explorers, folds, search, theme, width, weight, access."""

import gzip
import statistics
import time
from urllib.parse import unquote, urlsplit

import pytest
from axe import violations
from serve import served

from helpers.exercises import LESSONS

LESSON = "lessons/02_patch_order.html"
SITE_PAGES = ("index.html", LESSON, "run.html", "sources.html", "search.html?q=hilbert")
NOT_WEIGHED = (".png",)
ONE_MB = 1_000_000


@pytest.fixture
def open_(page, site):
    """open_("run.html"): that page of the site from disk, as by a double click."""

    def open_page(name):
        page.goto(f"{site.as_uri()}/{name}")
        return page

    yield open_page
    assert page.problems == []
    assert [address for address in page.addresses if urlsplit(address).scheme not in ("file", "data", "blob")] == []


def drawn(page):
    """The explorer of a lesson's page, once it is drawn."""
    page.locator("[data-payload]").scroll_into_view_if_needed()
    explorer = page.locator(".vitlab-drawn .vl")
    explorer.wait_for()
    return explorer


@pytest.mark.parametrize("name", [lesson.file for lesson in LESSONS])
def test_every_explorer_is_drawn_from_disk_and_goes_on_when_asked(open_, name):
    page = open_(f"lessons/{name}.html")
    explorer = drawn(page)
    assert page.locator(".vitlab-explorer > p").count() == 0
    before = explorer.screenshot()
    explorer.get_by_role("button", name="Next").click()
    page.wait_for_timeout(100)
    assert explorer.screenshot() != before
    assert "cannot be drawn" not in explorer.inner_text()


def test_dragging_an_explorer_repaints_it(open_):
    page = open_(LESSON)
    explorer = drawn(page)
    explorer.get_by_role("button", name="Explore freely").click()
    canvas, slider = explorer.locator("canvas").first, explorer.locator("input[type=range]").first
    looks = set()
    for key in ("Home", "End", "PageDown"):
        slider.press(key)
        page.wait_for_timeout(50)
        looks.add(canvas.screenshot())
    assert len(looks) > 1


def test_an_explorer_waits_until_it_comes_near(open_):
    page = open_(LESSON)
    assert not [address for address in page.addresses if "/explorers/" in address]
    assert "as soon as it comes near" in page.inner_text(".vitlab-explorer")
    drawn(page)
    assert [address for address in page.addresses if "/explorers/" in address]


def test_without_javascript_the_page_says_what_is_missing_and_everything_else_is_there(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.as_uri()}/{LESSON}")
    assert "needs JavaScript" in page.inner_text(".vitlab-explorer")
    page.locator("summary", has_text="Solution").first.click()
    assert page.locator("details[open] .highlight").count() > 0
    context.close()


def test_a_fold_opens_and_closes_by_keyboard(open_):
    page = open_(LESSON)
    fold = page.locator("details.vitlab-solution").first
    fold.locator("summary").focus()
    for key, opened in (("Enter", True), ("Space", False)):
        page.keyboard.press(key)
        assert fold.evaluate("fold => fold.open") is opened


def test_search_finds_a_word_from_disk(open_):
    page = open_("index.html")
    page.get_by_role("textbox", name="Search").fill("hilbert")
    page.keyboard.press("Enter")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    assert "02" in found.first.inner_text()
    found.first.click()
    assert page.locator("h1").inner_text().startswith("02")


def test_search_over_http_shows_where_the_word_stands(page, site):
    with served(site) as address:
        page.goto(f"{address}/search.html?q=hilbert")
        page.locator("#search-results li .context").first.wait_for()
        assert "hilbert" in page.inner_text("#search-results").lower()
    assert page.problems == []
    assert all(one.startswith((address, "data:", "blob:")) for one in page.addresses)


def test_the_theme_s_switch_darkens_page_and_explorer(open_):
    page = open_(LESSON)
    explorer = drawn(page)

    def back(element):
        return sum(int(part) for part in element.evaluate("e => getComputedStyle(e).backgroundColor")[4:-1].split(","))

    looks = {}
    for _ in range(3):  # light, dark, auto
        page.locator(".theme-toggle:visible").click()
        looks[page.evaluate("document.body.dataset.theme")] = (back(page.locator("body")), back(explorer))
    assert set(looks) == {"light", "dark", "auto"}
    assert max(looks["dark"]) < 150
    assert min(looks["light"]) > 700


@pytest.mark.parametrize("width", [390, 1024, 1920])
def test_no_page_scrolls_sideways(open_, width):
    for name in (*SITE_PAGES, *(f"lessons/{lesson.file}.html" for lesson in LESSONS)):
        page = open_(name)
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        article = page.locator("article").bounding_box()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert article["x"] >= 0, name
        assert article["x"] + article["width"] <= width, name


def test_a_phone_s_menu_opens_by_keyboard(open_):
    page = open_(LESSON)
    page.set_viewport_size({"width": 390, "height": 800})
    link = page.locator(".sidebar-tree a", has_text="03")
    assert not link.is_visible()
    menu = page.locator(".nav-overlay-icon .icon")
    menu.focus()
    page.keyboard.press("Enter")
    link.wait_for(state="visible")
    assert menu.get_attribute("aria-expanded") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SITE_PAGES)
def test_axe_finds_nothing(page, site, name, scheme):
    page.emulate_media(color_scheme=scheme)
    with served(site) as address:
        page.goto(f"{address}/{name}")
        if name == LESSON:
            drawn(page)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert violations(page, exclude=[".vitlab-explorer .vl"]) == []  # explorers have tests of their own


def loaded(page, site):
    """The files that a page has loaded, its pictures left out."""
    paths = {
        site / unquote(urlsplit(address).path).lstrip("/") for address in page.addresses if address.startswith("http")
    }
    return [path for path in paths if path.suffix not in NOT_WEIGHED]


def test_a_page_weighs_less_than_a_megabyte_with_its_explorer(browser, site):
    weights = {}
    with served(site) as address:
        for lesson in LESSONS:
            page = browser.new_page()
            page.addresses = []
            page.on("request", lambda request, page=page: page.addresses.append(request.url))
            page.goto(f"{address}/lessons/{lesson.file}.html")
            first = loaded(page, site)
            drawn(page)
            files = loaded(page, site)
            page.close()
            assert len(files) == len(first) + 1
            # as a web server sends them: compressed
            weights[lesson.number] = [
                sum(path.stat().st_size for path in first),
                sum(len(gzip.compress(path.read_bytes(), 6)) for path in files),
            ]
    print("lesson: [bytes at first, all of them compressed]", weights)
    assert max(plain for plain, _ in weights.values()) < ONE_MB / 2
    assert max(sent for _, sent in weights.values()) < ONE_MB


def test_a_page_from_disk_answers_within_a_second(browser, site):
    """By the seconds that the page's own thread was busy: a full machine makes a clock's seconds longer, not these."""
    wall, busy = {"fold": [], "drawn": []}, {"fold": [], "drawn": []}
    for _ in range(5):
        context = browser.new_context()
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        begin = time.perf_counter()
        page.goto(f"{site.as_uri()}/{LESSON}")
        page.locator("details.vitlab-solution summary").first.click()
        page.locator("details.vitlab-solution[open]").first.wait_for()
        for what in ("fold", "drawn"):
            if what == "drawn":
                drawn(page)
            wall[what].append(time.perf_counter() - begin)
            metrics = session.send("Performance.getMetrics")["metrics"]
            busy[what].append(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))
        context.close()
    print("seconds", {"wall": wall, "busy": busy})
    assert 0 < statistics.median(busy["fold"]) < 1
    assert statistics.median(busy["drawn"]) < 1
