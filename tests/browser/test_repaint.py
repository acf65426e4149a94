"""The measure of an explorer's repaint itself: it finds work in a handler and in a frame, and none where none is."""

import pytest
from standalone import assert_repaints, repaint

PAGE = """<!doctype html><input type="range" min="0" max="9" value="0"><script>
const waste = (ms) => {{ const end = performance.now() + ms; while (performance.now() < end); }};
document.querySelector("input").addEventListener("input", () => {{ {handler} }});
</script>"""


def opened(page, handler):
    page.set_content(PAGE.format(handler=handler))
    return page


def test_a_handler_that_does_nothing_adds_nothing(page):
    assert repaint(opened(page, ""), "input").added < 5


@pytest.mark.parametrize("handler", ["waste(60)", "requestAnimationFrame(() => waste(60))"])
def test_wasted_time_is_found_in_the_handler_and_in_its_frame(page, handler):
    assert repaint(opened(page, handler), "input").added > 40  # a busy bare repaint takes its part of the 60
    with pytest.raises(AssertionError, match=r"the explorer adds \d+\.\d ms to a repaint, expected under 20"):
        assert_repaints(page, "input", adds=20)


def test_a_step_of_300_ms_is_too_long_whatever_it_adds(page):
    with pytest.raises(AssertionError, match=r"from the event to the painted frame: \d+\.\d ms, expected under 300"):
        assert_repaints(opened(page, "waste(300)"), "input", adds=1000)
