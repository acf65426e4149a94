"""The reports' pages in a browser: a student's text never runs, and marks of free text get into the gradebook."""

import csv
import os
import subprocess
import sys

import pytest
from hand_made_records import every_verdict, exercise, free_text, lesson, record, right

from vitlab.grading.escape import show
from vitlab.grading.job import Job, Options
from vitlab.grading.report import write_reports
from vitlab.grading.store import Store, key
from vitlab.project import find_project

QUESTION = "why_order_is_free"
HOSTILE = (
    "=cmd()</script></textarea></style><script>window.evil = 1; alert(1)</script><img src=x onerror='window.evil = 1'>"
    '<svg onload=window.evil=1>" onmouseover="window.evil=1" {{7*7}} `<b>` \x1b[2J \u202etxt.exe\u202c \' autofocus'
)
HOSTILE_NAME = show(HOSTILE)  # as `collect` lets it in
PAGES = ("feedback", "team", "free_text")


@pytest.fixture
def batch(tmp_path):
    """A folder of grades with an honest hand-in and a hostile one."""
    entry = exercise("a", "wrong", 0.0, 1, HOSTILE, mistake=HOSTILE, facts=[[HOSTILE, HOSTILE]], remarks=[HOSTILE])
    hostile = record(HOSTILE_NAME, lesson(entry, free_text(QUESTION, HOSTILE), file=HOSTILE), problems=(HOSTILE,))
    honest = record("ann", lesson(right("b", 2), free_text(QUESTION, "Attention is equivariant.\n\n    So it is.")))
    store = Store(tmp_path / "grades")
    with store.locked():
        store.begin(Options("seed", "none"), resume=False)
        for one in (honest, hostile, every_verdict("zoe")):
            store.put(Job(one["student"], ()), one)
        write_reports(store.folder, store.records())
    return store.folder


def address(batch, name, student=HOSTILE_NAME):
    folder = batch / "students" / key(student) if name == "feedback" else batch
    return (folder / f"{name}.html").as_uri()


@pytest.fixture
def free_text_page(page, batch):
    page.goto(address(batch, "free_text"))
    return page


def card(page, student):
    return page.locator("article.answer").filter(has=page.locator("h3", has_text=student)).first


def downloaded(page, folder):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download marks.csv").click()
    assert download.value.suggested_filename == "marks.csv"
    download.value.save_as(folder / "marks.csv")
    return folder / "marks.csv"


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_a_student_runs_opens_a_dialog_or_becomes_an_element(page, batch, name):
    dialogs, asked = [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address(batch, name))
    for element in page.locator("h1, h2, h3, p, td").locator("visible=true").all():
        element.hover(force=True, timeout=2000)
    assert page.evaluate("window.evil") is None
    assert dialogs == []
    assert asked == [address(batch, name)]
    assert page.locator("img, svg[onload], [onerror], [onmouseover], [autofocus], b").count() == 0
    assert page.problems == []
    assert "<script>window.evil = 1" in page.inner_text("body")
    assert "{{7*7}}" in page.inner_text("body")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_would_not_run_a_script_even_if_one_got_in(page, batch, name):
    path = (batch / "students" / key("zoe") if name == "feedback" else batch) / f"{name}.html"
    path.write_text(path.read_text().replace("</h1>", "</h1><script>window.evil = 1</script>"))
    page.goto(path.as_uri())
    assert page.evaluate("window.evil") is None


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_a_screen(page, batch, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address(batch, name))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


CONTRASTS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => rgb(text).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((rgb(colour)[3] ?? 1) > 0) return colour;
    }
    return getComputedStyle(document.documentElement).getPropertyValue("--page");
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = element.closest("svg") && element.tagName !== "title" ? style.fill : style.color;
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), element.tagName, walker.currentNode.data.slice(0, 30)]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_all_text_stands_out_from_what_is_behind_it(page, batch, name, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(address(batch, name, "zoe"))
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert [one for one in contrasts if one[0] < 4.5] == []


def test_dark_is_dark_and_print_is_light(page, batch):
    page.emulate_media(color_scheme="dark")
    page.goto(address(batch, "feedback"))
    backgrounds = []
    for medium in ("screen", "print"):
        page.emulate_media(media=medium, color_scheme="dark")
        backgrounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == ["rgb(20, 23, 27)", "rgb(255, 255, 255)"]


def test_each_field_has_a_label_that_is_read_aloud(free_text_page):
    unnamed = free_text_page.evaluate(
        "() => [...document.querySelectorAll('input, textarea')].filter((field) => !field.labels.length).length"
    )
    assert unnamed == 0


def test_ticks_add_up_and_typed_points_have_the_last_word(free_text_page):
    mine = card(free_text_page, "ann")
    mine.locator(".tick").nth(0).check()
    mine.locator(".tick").nth(2).check()
    assert mine.locator(".given").input_value() == "2"
    mine.locator(".given").fill("1.5")
    assert mine.locator(".given").input_value() == "1.5"
    assert "1 of 3 answers marked" in free_text_page.inner_text("#progress")


def test_a_reload_loses_nothing(free_text_page):
    mine = card(free_text_page, "ann")
    mine.locator(".tick").nth(1).check()
    mine.get_by_label("Comment for the student").fill('Good,\n"but"')
    free_text_page.reload()
    mine = card(free_text_page, "ann")
    assert mine.locator(".given").input_value() == "1"
    assert mine.locator(".tick").nth(1).is_checked()
    assert mine.get_by_label("Comment for the student").input_value() == 'Good,\n"but"'


def test_points_that_cannot_be_are_told_and_not_downloaded(free_text_page, tmp_path):
    card(free_text_page, "ann").locator(".given").fill("7")
    card(free_text_page, "zoe").locator(".given").fill("0")
    assert "1 with points that cannot be" in free_text_page.inner_text("#progress")
    assert [row["student"] for row in rows(downloaded(free_text_page, tmp_path))] == ["zoe"]


def test_names_can_be_hidden_and_marked_answers_put_away(free_text_page):
    free_text_page.get_by_label("hide names").check()
    assert "ann" not in free_text_page.inner_text("main")
    assert "Answer 1" in free_text_page.inner_text("main")
    free_text_page.locator(".given").first.fill("1")
    free_text_page.get_by_label("only those without points").check()
    assert free_text_page.locator("article.answer:visible").count() == 2


def test_the_text_is_shown_as_it_was_written(free_text_page):
    assert card(free_text_page, "ann").locator(".text").inner_text() == "Attention is equivariant.\n\n    So it is."


def test_marks_go_from_the_page_to_the_gradebook(free_text_page, batch, tmp_path):
    card(free_text_page, "ann").locator(".given").fill("2.5")
    card(free_text_page, "ann").get_by_label("Comment for the student").fill("=1+1, nearly")
    card(free_text_page, "=cmd()").locator(".given").fill("3")
    marks = downloaded(free_text_page, tmp_path)
    assert not [cell for row in rows(marks) for cell in row.values() if cell.startswith("=")]
    command = [sys.executable, "-m", "vitlab", "report", batch, "--marks", marks]
    told = subprocess.run(command, cwd=find_project(), capture_output=True, text=True, env=os.environ, check=False)
    assert told.returncode == 0, told.stderr
    scores = {row["student_id"]: float(row["score"]) for row in rows(batch / "gradebook.csv")}
    assert scores["ann"] == 4.5
    assert [score for name, score in scores.items() if name.startswith("'=cmd()")] == [3]
    assert "=1+1, nearly" in (batch / "students" / key("ann") / "feedback.html").read_text()
    free_text_page.reload()
    assert card(free_text_page, "ann").locator(".given").input_value() == "2.5"
