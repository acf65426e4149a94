"""Decks in Chromium: they turn pages, fit the screen, draw their explorers, speak to the presenter, and print."""

import re
from pathlib import Path

import pytest
from axe import violations
from serve import served

from vitlab.course.build import standard_course
from vitlab.course.editions.slides.page import export_slides

ROOT = Path(__file__).parent.parent.parent
TALK = {"width": 1280, "height": 720}


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decks")
    return {path.stem[:2]: path for path in export_slides(standard_course(ROOT), folder)}


@pytest.fixture
def talk(page, decks):
    """talk("02"): its deck, opened from disk on a screen of 1280 x 720."""
    page.set_viewport_size(TALK)

    def open_(number, query=""):
        page.goto(decks[number].as_uri() + query)
        page.wait_for_function("Reveal.isReady()")
        return page

    yield open_
    assert page.problems == []
    outside = [address for address in page.addresses if not re.match(r"file:|data:|blob:|about:", address)]
    assert outside == []


def here(page):
    return page.evaluate("Reveal.getCurrentSlide().id")


def go(page, selector):
    """To the slide that holds an element."""
    page.evaluate(
        """(selector) => {
          const slide = document.querySelector(selector).closest("section");
          const { h, v } = Reveal.getIndices(slide);
          Reveal.slide(h, v);
        }""",
        selector,
    )


def test_space_turns_every_page_and_page_up_turns_back(talk):
    page = talk("02")
    first = here(page)
    page.keyboard.press("Space")
    second = here(page)
    assert second != first
    page.keyboard.press("PageUp")
    assert here(page) == first
    page.keyboard.press("End")
    assert here(page) == "now-1"


def test_the_right_option_shows_at_a_press(talk):
    page = talk("02")
    go(page, ".question .options")
    tick = page.locator(".present .right .tick").first
    before = here(page)
    assert not tick.is_visible()
    page.keyboard.press("PageDown")
    assert here(page) == before
    assert tick.is_visible()


def test_a_link_of_the_first_slide_leads_to_its_part(talk):
    page = talk("02")
    page.locator(".today a").nth(2).click()
    assert here(page) == "part-4-1"


FITS = """() => Reveal.getSlides().map((slide) => {
  const { h, v } = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const frame = slide.querySelector(".frame");
  const box = frame.getBoundingClientRect();
  const told = [];
  const say = (what) => told.push(`${slide.id}: ${what}`);
  for (const element of frame.querySelectorAll("*")) {
    if (element.closest(".sr, .explorer, .still, math")) continue;
    const r = element.getBoundingClientRect();
    if (!r.width && !r.height) continue;
    const name = `${element.tagName}.${element.className}`;
    const beside = r.left < box.left - 1 || r.right > box.right + 1;
    if (beside || r.top < box.top - 1 || r.bottom > box.bottom - 30) say(`${name} sticks out`);
    if (element.scrollWidth > element.clientWidth + 1 && element.matches("pre, table")) say(`${name} is cut`);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const least = element.closest("pre, code") ? 18 : 24;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (own && size < least) say(`${name} has type of ${size} px`);
  }
  const image = frame.querySelector(".figure img");
  if (image) {
    const r = image.getBoundingClientRect();
    const k = Math.min(r.width / image.naturalWidth, r.height / image.naturalHeight);
    if (k > 1.61) say(`its figure is enlarged ${k.toFixed(2)} times`);
    const [width, height] = [image.naturalWidth * k, image.naturalHeight * k];
    if (width < 0.55 * 1280 && height < 0.55 * 720) say(`its figure is small: ${width} x ${height}`);
    if (!image.alt) say("its figure has no text");
  }
  return told;
}).flat()"""


@pytest.mark.parametrize("number", [f"{number:02d}" for number in range(10)])
def test_every_slide_fits_the_screen_in_type_for_the_last_row(talk, number):
    page = talk(number)
    assert page.evaluate(FITS) == []


def explorer(page):
    page.emulate_media(reduced_motion="reduce")  # its guided walk would move the slider by itself
    go(page, ".explorer")
    frame = page.frame_locator(".present .explorer iframe")
    frame.locator("body[data-drawn]").wait_for()
    return frame


def test_an_explorer_is_drawn_large_and_its_arrow_keys_move_no_slide(talk):
    page = talk("02")
    frame = explorer(page)
    box = page.locator(".present .explorer iframe").bounding_box()
    assert box["width"] > 1200
    assert box["x"] >= 0
    assert box["y"] + box["height"] <= 720
    place = here(page)
    slider = frame.locator("input[type=range]").first
    before = slider.input_value()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() != before
    assert here(page) == place
    page.keyboard.press("Escape")
    page.wait_for_function(
        "document.activeElement.tagName !== 'IFRAME'"
    )  # the frame tells the deck, which takes a turn
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(place) => Reveal.getCurrentSlide().id !== place", arg=place)


def test_page_down_turns_the_page_even_from_within_an_explorer(talk):
    page = talk("02")
    frame = explorer(page)
    place = here(page)
    frame.locator("input[type=range]").first.focus()
    page.keyboard.press("PageDown")
    page.wait_for_function("(place) => Reveal.getCurrentSlide().id !== place", arg=place)


def test_a_drag_in_an_explorer_lands_under_the_pointer(talk):
    page = talk("02")
    page.set_viewport_size({"width": 1600, "height": 900})
    frame = explorer(page)
    slider = frame.locator("input[type=range]").first
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    low, high = (float(slider.get_attribute(name)) for name in ("min", "max"))
    value = float(slider.input_value())
    assert abs((value - low) / (high - low) - 0.5) < 0.1


def test_the_presenter_sees_the_notes_and_the_next_slide(browser, decks):
    with served(decks["02"].parent) as address:
        context = browser.new_context(viewport=TALK)
        page = context.new_page()
        page.goto(f"{address}/{decks['02'].name}")
        page.wait_for_function("Reveal.isReady()")
        go(page, "#part-1-1")
        with context.expect_page() as opened:
            page.keyboard.press("s")
        speaker = opened.value
        speaker.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.innerText.includes('TA')")
        assert len(speaker.query_selector_all("iframe")) == 2
        context.close()


def test_the_presenters_view_opens_from_disk(browser, decks):
    context = browser.new_context(viewport=TALK)
    page = context.new_page()
    page.goto(decks["02"].as_uri())
    page.wait_for_function("Reveal.isReady()")
    go(page, "#part-1-1")
    with context.expect_page() as opened:
        page.keyboard.press("s")
    opened.value.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.innerText.includes('TA')")
    context.close()


def test_on_paper_each_slide_is_a_page_and_an_explorer_a_sentence(talk):
    page = talk("02", "?print-pdf")
    page.wait_for_function("document.querySelectorAll('.pdf-page').length > 0")
    slides, pages = page.evaluate("[Reveal.getTotalSlides(), document.querySelectorAll('.pdf-page').length]")
    assert pages == slides
    assert page.locator(".explorer iframe").count() == 0
    assert page.locator(".still").first.is_visible()
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == slides


def test_light_turns_dark_at_a_key(talk):
    page = talk("02")
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"


KINDS = {
    "light": ("#title", ".question .options", "pre.code", ".figure", ".measured table", ".explorer"),
    "dark": (".question .options", "pre.code", ".figure"),
}


@pytest.mark.parametrize("theme", KINDS)
def test_nothing_on_a_slide_keeps_anyone_out(talk, theme):
    page = talk("02")
    if theme == "dark":
        page.keyboard.press("d")
    for selector in KINDS[theme]:
        go(page, selector)
        assert violations(page) == [], selector
