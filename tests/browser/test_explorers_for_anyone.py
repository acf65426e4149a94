"""Every explorer can be used without a mouse, without a screen, without colours, without motion."""

import pytest
from axe import violations
from contrast import SHAPES, TEXT, contrast
from explorers import NAMES, explorer

THEMES = ("light", "dark")
CONTROLS = "button, input, select, textarea, summary, a[href], [tabindex='0']"


@pytest.fixture(scope="module", params=NAMES)
def widget(request):
    return explorer(request.param)


def free(page):
    page.get_by_role("button", name="Explore freely").click()


def canvases(page):
    return page.locator(".vl canvas").all()


def attributes(page, *names):
    read = "(all, names) => all.map((one) => names.map((name) => one.getAttribute(name)))"
    return page.locator(".vl canvas").evaluate_all(read, list(names))


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_the_walk_and_in_free_play(open_explorer, widget, theme):
    page = open_explorer(widget, theme=theme)
    assert violations(page, include=".vl") == []
    free(page)
    assert violations(page, include=".vl") == []


REACH = """(selector) => {
  const wanted = [...document.querySelectorAll(".vl")].flatMap((root) => [...root.querySelectorAll(selector)])
    .filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex >= 0);
  wanted.forEach((one, i) => { one.dataset.number = i; });
  const start = document.getElementById("explorer");
  start.tabIndex = -1;
  start.focus();
  return wanted.length;
}"""
FOCUSED = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return { number: document.activeElement.dataset.number, style: outlineStyle, width: parseFloat(outlineWidth) };
}"""


def test_tab_reaches_every_control_and_shows_where_it_is(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    count = page.evaluate(REACH, CONTROLS)
    assert count >= 5
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        reached.append(focused["number"])
        assert (focused["style"], focused["width"]) == ("solid", 2), reached[-1]
    assert sorted(map(int, reached)) == list(range(count))


def test_every_canvas_has_a_role_a_name_and_a_description_in_words(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    described = page.locator(".vl-say").get_attribute("id")
    found = attributes(page, "role", "aria-label", "aria-describedby")
    assert found
    assert len({label for _, label, _ in found}) == len(found)
    for role, label, description in found:
        assert role in ("application", "img")
        assert len(label) > 12
        assert description == described
    assert len(page.locator(".vl-say").inner_text()) > 40


PRESS = """(canvas) => {
  const event = new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true });
  canvas.focus();
  canvas.dispatchEvent(event);
  return [canvas.getAttribute("role") === "application", canvas.tabIndex === 0, event.defaultPrevented];
}"""


def test_exactly_the_canvases_that_take_keys_can_be_reached_and_say_so(open_explorer, widget):
    page = open_explorer(widget)
    free(page)
    for canvas in canvases(page):
        assert len(set(canvas.evaluate(PRESS))) == 1, canvas.get_attribute("aria-label")


# a drag in one go, so that no slow machine makes a pause of it
DRAG = """async () => {
  const heard = [];
  const listen = (one) => new MutationObserver(() => heard.push(one.textContent))
    .observe(one, { childList: true, characterData: true, subtree: true });
  document.querySelectorAll(".vl [aria-live]:not([aria-live=off]), .vl [role=status]").forEach(listen);
  const said = document.querySelector(".vl-say");
  const before = said.textContent;
  const input = document.querySelector(".vl input[type=range]:enabled");
  for (const value of [input.max, input.max - 1, input.min, Number(input.min) + 1, Number(input.min) + 2]) {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await Promise.resolve();
  }
  const during = [...heard];
  await new Promise((done) => setTimeout(done, 1500));
  return { during, heard, before, after: said.textContent };
}"""


def test_a_drag_is_read_aloud_once_when_it_has_come_to_rest(open_explorer, widget):
    page = open_explorer(widget)
    page.emulate_media(reduced_motion="reduce")
    free(page)
    page.wait_for_timeout(900)
    drag = page.evaluate(DRAG)
    assert drag["during"] == []
    if drag["heard"] or drag["after"] != drag["before"]:  # a drag there and back need not be told
        assert drag["heard"] == [drag["after"]]


PICTURES = "() => [...document.querySelectorAll('.vl canvas')].map((canvas) => canvas.toDataURL())"
MOVING = """() => [...document.querySelectorAll(".vl *")]
  .filter((one) => parseFloat(getComputedStyle(one).transitionDuration) > 0).length"""


def test_nothing_moves_by_itself_where_less_motion_is_asked_for(page, open_explorer, widget):
    page.emulate_media(reduced_motion="reduce")
    open_explorer(widget)
    assert page.evaluate(MOVING) == 0
    for _ in range(page.locator(".vl-dots i").count()):
        before = page.evaluate(PICTURES)
        page.wait_for_timeout(150)
        assert page.evaluate(PICTURES) == before
        page.locator(".vl-first").click()
    for play in page.get_by_role("button", name="▶").all():
        play.click()
        before = page.evaluate(PICTURES)
        page.wait_for_timeout(150)
        assert page.evaluate(PICTURES) == before


def test_two_explorers_on_a_page_share_no_id(open_explorer):
    page = open_explorer(explorer("pooling"))
    read = "() => [...document.querySelectorAll('[id]')].map((one) => one.id).filter((id) => id.startsWith('vl-'))"
    first = set(page.evaluate(read))
    page.reload()
    page.wait_for_function("window.ready === true")
    assert first
    assert first.isdisjoint(page.evaluate(read))


COLOURS = """() => {
  const style = getComputedStyle(document.querySelector(".vl"));
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const hex = (name, under) => {
    for (const fill of [under, style.getPropertyValue(`--vl-${name}`)].filter(Boolean)) {
      context.fillStyle = fill;
      context.fillRect(0, 0, 1, 1);
    }
    const bytes = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    return `#${bytes.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  };
  const back = hex("back");
  const names = ["ink", "soft", "accent", "select", "strong", "back", "panel"];
  return Object.fromEntries(names.map((name) => [name, hex(name, back)]));
}"""


@pytest.mark.parametrize("theme", THEMES)
def test_the_palette_of_the_explorers_stands_out_from_its_background(open_explorer, theme):
    colours = open_explorer(explorer("positional_encodings"), theme=theme).evaluate(COLOURS)
    for name in ("ink", "soft", "accent", "strong"):
        assert contrast(colours[name], colours["back"]) >= TEXT, name
    assert contrast(colours["select"], colours["back"]) >= SHAPES
    for name in ("ink", "soft"):
        assert contrast(colours[name], colours["panel"]) >= TEXT, name
    assert contrast(colours["accent"], colours["panel"]) >= TEXT, "the number of a step"
