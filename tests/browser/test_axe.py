"""The accessibility check itself: it finds what is wrong on a page, where, and only in the part it is asked about."""

import pytest
from axe import violations

GOOD = "<main><h1>A page</h1><p>Text that can be read.</p></main>"
PAGE = '<!doctype html><html lang="en"><head><title>a page</title></head><body>{}</body></html>'


def opened(page, body, html=PAGE):
    page.set_content(html.format(body))
    return page


def test_a_good_page_has_no_violations(page):
    assert violations(opened(page, GOOD)) == []


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("image-alt", '<img src="data:,">'),
        ("label", '<input type="text">'),
        ("button-name", "<button></button>"),
        ("link-name", '<a href="#top"></a>'),
        ("color-contrast", '<p style="color: #999; background: #fff">too faint</p>'),
        ("aria-allowed-attr", '<p role="paragraph" aria-checked="true">text</p>'),
        ("list", "<ul><p>text</p></ul>"),
        ("target-size", "<button style='all: unset; font-size: 4px'>a</button>" * 2),
        ("heading-order", "<h4>far down</h4>"),
        ("scrollable-region-focusable", '<div style="height: 20px; overflow: auto"><p>text</p><p>more</p></div>'),
    ],
)
def test_each_kind_of_violation_is_found(page, rule, body):
    found = violations(opened(page, GOOD.replace("</main>", f"{body}</main>")))
    assert {line.split(" (")[0] for line in found} == {rule}


def test_a_page_without_language_title_or_landmark_is_found(page):
    found = violations(opened(page, "<p>text</p>", html="<!doctype html><html><body>{}</body></html>"))
    assert {"html-has-lang", "document-title", "landmark-one-main"} <= {line.split(" (")[0] for line in found}


def test_a_line_says_rule_impact_place_and_cure(page):
    (line,) = violations(opened(page, GOOD.replace("</main>", '<img id="cat" src="data:,"></main>')))
    assert line.startswith(
        "image-alt (critical) #cat: Fix any of the following: Element does not have an alt attribute"
    )


def test_only_the_part_that_is_asked_for_is_judged(page):
    opened(page, '<div id="ours"><p>text</p></div><div id="theirs"><img src="data:,"></div>')
    assert violations(page, include="#ours") == []
    assert [line.split(" (")[0] for line in violations(page, include="#theirs")] == ["image-alt"]
    assert "image-alt" not in {line.split(" (")[0] for line in violations(page, exclude=["#theirs"])}


def test_a_part_that_is_not_there_is_an_error(page):
    with pytest.raises(Exception, match="No elements found for include"):
        violations(opened(page, GOOD), include="#nowhere")
