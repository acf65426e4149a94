"""The start page: what is done, what is next, what is left; and the line that ends a lesson's own card."""

import json
import re
from datetime import datetime, timezone

import pytest

from helpers.cards import Card, Link
from helpers.check import Lesson
from helpers.exercises import LESSONS, items, lesson_info
from helpers.exercises.definition import has_check
from helpers.models.conventions import Conventions
from helpers.progress import progress_file, record
from helpers.start import course, duration, last_worked, next_step, standing
from vitlab.project import find_project

NOTEBOOKS = find_project() / "notebooks"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VITLAB_HOME", str(tmp_path))
    return tmp_path


def checked(number):
    return [item for item in items(number) if has_check(item)]


def solve(*numbers):
    """Notes every exercise of these lessons as right."""
    right = {item.id: {"verdict": "right", "tries": 1} for number in numbers for item in checked(number)}
    progress_file().write_text(json.dumps(right))


def row(number):
    return next(row for row in course().table if str(row[0]).startswith(number))


ALL = [info.number for info in LESSONS]


def test_at_first_nothing_is_done_and_the_first_exercise_begins():
    first = checked("00")[0].id
    card = course()
    assert card.title.startswith(f"The course: 0 of {sum(len(checked(n)) for n in ALL)} exercises done, about ")
    assert card.lines[0] == Link(f"Begin with `{first}` in lesson 00", f"00_einops.ipynb#cell-id={first}")
    assert not any("last checked" in str(line) for line in card.lines)
    assert [str(row[1]).split()[0] for row in card.table[1:]] == ["0"] * len(LESSONS)


def test_half_way_the_first_open_exercise_of_the_first_open_lesson_is_next():
    solve("00", "02")
    record(checked("01")[1].id, "right")
    record(checked("01")[0].id, "wrong")
    open_one = checked("01")[0].id
    assert str(course().lines[0]) == f"Next: `{open_one}` in lesson 01"
    assert row("00")[1:] == ("✓ 14 of 14", "", "")
    assert row("01")[1] == f"1 of {len(checked('01'))}"
    assert row("01")[3] == Link(f"`{open_one}`", f"01_patches_to_tokens.ipynb#cell-id={open_one}")


def test_when_all_is_done_nothing_is_next():
    solve(*ALL)
    card = course()
    count = sum(len(checked(number)) for number in ALL)
    assert card.title == f"The course: {count} of {count} exercises done, nothing left"
    assert not any("Next" in str(line) for line in card.lines)


def test_the_minutes_are_those_of_the_open_exercises():
    solve("00")
    rest = [sum(item.minutes for item in checked(number)) for number in ALL[1:]]
    assert [row[2] for row in course().table[2:]] == [str(minutes) for minutes in rest]
    assert f"about {duration(sum(rest))} of exercises left" in course().title


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (7, "7 min"), (60, "1 h"), (61, "1 h 1 min"), (605, "10 h 5 min")]
)
def test_minutes_are_said_in_hours(minutes, said):
    assert duration(minutes) == said


@pytest.mark.parametrize(
    "content", ["{", "[]", '"x"', '{"patchify": 3}', '{"patchify": {"verdict": ["right"], "when": 5}}']
)
def test_unreadable_progress_counts_as_none(content):
    progress_file().write_text(content)
    assert course().title.startswith("The course: 0 of ")
    assert not any("last checked" in str(line) for line in course().lines)


def test_the_last_time_is_the_latest_that_can_be_read():
    noted = {"a": {"when": "2026-03-01T10:00:00+00:00"}, "b": {"when": "2026-03-04T08:05:00+00:00"}, "c": {"when": "?"}}
    assert last_worked(noted) == datetime(2026, 3, 4, 8, 5, tzinfo=timezone.utc)
    assert last_worked({"c": {}}) is None


def test_the_last_time_is_said_in_local_time():
    progress_file().write_text(json.dumps({"patchify": {"verdict": "wrong", "when": "2026-03-04T12:05:00+00:00"}}))
    local = datetime(2026, 3, 4, 12, 5, tzinfo=timezone.utc).astimezone()
    assert f"You last checked an answer on 4 March 2026 at {local:%H:%M}." in course().lines


def test_homework_does_not_count_for_the_course():
    record("ViT", "right", {"class_token": "last"})
    assert course().title.startswith("The course: 0 of ")


def test_every_link_leads_to_a_cell_that_is_there():
    card = course()
    links = [cell for row in card.table for cell in row if isinstance(cell, Link)]
    links += [line for line in card.lines if isinstance(line, Link)]
    assert len(links) == 2 * len(LESSONS) + 1
    for link in links:
        name, _, cell = link.address.partition("#cell-id=")
        ids = [cell["id"] for cell in json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]]
        assert not cell or cell in ids, link


def test_the_card_is_html_with_links_and_plain_text_without():
    card = course()
    html, text = card._repr_html_(), repr(card)
    assert re.search(r'<a href="01_patches_to_tokens\.ipynb"[^>]*>01 · From patches to tokens to a Vi', html)
    assert re.search(r'<a href="00_einops\.ipynb#cell-id=\w+"[^>]*>Begin with <code>\w+</code> in lesson 00</a>', html)
    assert "<th" in html
    assert "href" not in text
    assert "01 · From patches to tokens to a Vision Transformer" in text


def test_a_link_hides_no_html():
    card = Card("note", "x", lines=[Link('<b>"words"', 'a"onclick="x.ipynb')])
    html = card._repr_html_()
    assert '<a href="a&quot;onclick=&quot;x.ipynb" ' in html
    assert "&lt;b&gt;&quot;words&quot;</a>" in html


# a lesson's own card


def test_a_lessons_card_names_its_next_exercise():
    record(checked("02")[0].id, "right")
    assert f"Next: `{checked('02')[1].id}`" in repr(Lesson("02", {}))


def test_a_finished_lesson_leads_to_the_next_one_and_the_last_to_none():
    solve("02", "09")
    assert f"{len(checked('02'))} of {len(checked('02'))} done" in repr(Lesson("02", {}))
    assert 'href="03_attention_cost.ipynb"' in Lesson("02", {})._repr_html_()
    assert next_step(lesson_info("09")) == []


def test_a_finished_homework_leads_nowhere():
    conventions = Conventions(masked=0)
    for item in items("02", conventions):
        record(item.id, "right", conventions.differences())
    assert next_step(lesson_info("02"), conventions) == []
    assert next_step(lesson_info("02")) == [f"Next: `{checked('02')[0].id}`"]


def test_a_text_that_a_person_reads_is_neither_open_nor_done():
    texts = [item.id for item in items("02") if item not in checked("02") and item.kind == "written"]
    assert texts == ["why_order_is_free"]
    one = standing(lesson_info("02"), {})
    assert not {item.id for item in one.open} & set(texts)
    assert "a person reads it" in repr(Lesson("02", {}))
