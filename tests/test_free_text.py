"""Free text: gathered by question, marked in a CSV, and the marks back in every report."""

import csv
import json
import os
import subprocess
import sys

import pytest
from hand_made_records import RUBRIC, every_verdict, free_text, lesson, record, right

from vitlab.grading.free_text import questions, worth
from vitlab.grading.job import Job, Options
from vitlab.grading.marks import Mark, MarksError, fitting, marks_as_csv, read_marks, sentences, with_marks
from vitlab.grading.report import write_reports
from vitlab.grading.store import Store, key
from vitlab.project import find_project

QUESTION = "why_order_is_free"
HOSTILE = "=cmd(),\"'\n<script>"
RECORDS = [
    record("ann", lesson(right("a", 2), free_text(QUESTION, "Because."))),
    record("bob", lesson(right("a", 2), free_text(QUESTION, None))),
    record(HOSTILE, lesson(right("a", 2), free_text(QUESTION, "Why not?"))),
]


@pytest.fixture
def batch(tmp_path):
    """A folder of grades, as `vitlab grade` leaves it."""
    store = Store(tmp_path / "grades")
    with store.locked():
        store.begin(Options("seed", "none"), resume=False)
        for one in RECORDS:
            store.put(Job(one["student"], ()), one)
        write_reports(store.folder, store.records())
    return store.folder


def report(batch, *arguments):
    command = [sys.executable, "-m", "vitlab", "report", batch, *arguments]
    return subprocess.run(
        command, cwd=find_project(), capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"}, check=False
    )


def scores(batch):
    with (batch / "gradebook.csv").open(encoding="utf-8", newline="") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def marks_file(folder, text):
    path = folder / "my marks.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaints_about(folder, *lines):
    marks, complaints = read_marks(marks_file(folder, "student,exercise,points,comment\n" + "\n".join(lines)))
    return sentences(complaints | fitting(marks, RECORDS)[1])


# gathered


def test_answers_are_gathered_by_question_and_those_without_text_are_left_out():
    [question] = questions(RECORDS)
    assert (question["lesson"], question["id"], question["most"]) == ("02", QUESTION, 3)
    assert [answer["text"] for answer in question["answers"]] == ["Because.", "Why not?"]


def test_answers_of_the_same_words_are_pointed_out():
    texts = ("It is free.", "it is\n\nFREE", "It is not free.")
    [question] = questions([record(f"s{n}", lesson(free_text(QUESTION, text))) for n, text in enumerate(texts)])
    assert [answer["twins"] for answer in question["answers"]] == [1, 1, 0]


def test_a_marked_answer_stays_on_the_page_with_its_marks():
    [question] = questions(with_marks(RECORDS, {("ann", QUESTION): Mark(1.5, "Nearly.")}))
    assert [(answer["points"], answer["comment"]) for answer in question["answers"]] == [(1.5, "Nearly."), (None, "")]


def test_the_browser_forgets_marks_with_the_text_that_they_were_for():
    def kept_under(student, text):
        [question] = questions([record(student, lesson(free_text(QUESTION, text)))])
        return question["answers"][0]["key"]

    assert kept_under("ann", "a") == kept_under("ann", "a")
    assert len({kept_under("ann", "a"), kept_under("ann", "b"), kept_under("bob", "a")}) == 3


@pytest.mark.parametrize(
    ("line", "points"), [(RUBRIC[0], 1.0), ("0.5 points, for: x", 0.5), ("2 points: x", 2.0), ("names both", None)]
)
def test_a_line_of_a_rubric_says_what_it_is_worth(line, points):
    assert worth(line) == points


def test_each_free_text_of_the_course_has_a_rubric_that_adds_up_to_its_points():
    from helpers.exercises import LESSONS, items
    from helpers.exercises.written import FreeText

    every = [item for info in LESSONS for item in items(info.number)]
    texts = [item for item in every if isinstance(getattr(item, "answer", None), FreeText)]
    assert texts
    for item in texts:
        assert sum(worth(line) or 0 for line in item.answer.rubric) >= item.points, item.id


# marks in a file


def test_marks_come_back_as_they_were_written_whatever_the_names(tmp_path):
    marks = {("ann", "a"): Mark(2.5, "Good, but"), (HOSTILE, "b"): Mark(0, "=1+1\n-2"), ("'=x", "a"): Mark(1)}
    text = marks_as_csv(marks)
    again, complaints = read_marks(marks_file(tmp_path, text))
    assert {answer: (mark.points, mark.comment) for answer, mark in again.items()} == {
        answer: (mark.points, mark.comment) for answer, mark in marks.items()
    }
    assert complaints == {}
    cells = [cell for row in csv.reader(text.splitlines(keepends=True)) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_a_spreadsheets_mark_of_utf_8_and_its_line_ends_do_no_harm(tmp_path):
    text = f"\ufeffstudent,exercise,points,comment\r\nann,{QUESTION},1.5,Zoë\r\n"
    marks, complaints = read_marks(marks_file(tmp_path, text))
    assert (marks["ann", QUESTION].points, marks["ann", QUESTION].comment, complaints) == (1.5, "Zoë", {})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"cleo,{QUESTION},1,", "Line 2: there is no student 'cleo' in this batch."),
        ("ann,patchify,1,", "Line 2: there is no free text 'patchify' to be read in this batch."),
        (f"bob,{QUESTION},1,", f"Line 2: bob has given no answer to {QUESTION}."),
        (f"ann,{QUESTION},3.5,", f"Line 2: 3.5 points are more than {QUESTION} is worth: 3."),
        *(
            (f"ann,{QUESTION},{points},", f"Line 2: '{points}' is no number of points.")
            for points in ("", "two", "-1", "nan", "inf", "1e0", "0x1", "1_0")
        ),
        (f"ann,{QUESTION}", "Line 2: '' is no number of points."),
        ("\x1b[2Jann,x,1,", "Line 2: there is no student '?[2Jann' in this batch."),
    ],
)
def test_a_line_that_is_no_mark_is_told_in_a_sentence_with_its_number(line, words, tmp_path):
    assert complaints_about(tmp_path, line) == [words]


def test_an_answer_is_marked_once_in_a_file(tmp_path):
    assert complaints_about(tmp_path, f"ann,{QUESTION},1,", f"ann,{QUESTION},2,") == [
        "Line 3: line 2 marks the same answer."
    ]


@pytest.mark.parametrize("line", [f"ann,{QUESTION},1,5,,", f"ann,{QUESTION},1,5,Nearly."])
def test_points_with_a_decimal_comma_lose_nothing_in_silence(line, tmp_path):
    text = f"student,exercise,points,comment\n{line}"
    assert sentences(read_marks(marks_file(tmp_path, text))[1]) == ["Line 2: it has more cells than the first line."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its first line has to be student,exercise,points,comment"),
        ("name;points\nann;1\n", "its first line has to be"),
        (b"\xff\xfe", "it is not UTF-8"),
        ('student,exercise,points,comment\nann,a,1,"never closed', "is no CSV: unexpected end"),
        ("student,exercise,points,comment\nann,a,1," + "x" * 200_000, "is no CSV: field larger"),
    ],
)
def test_a_file_that_holds_no_marks_is_told_in_a_sentence(text, words, tmp_path):
    with pytest.raises(MarksError, match=words):
        read_marks(marks_file(tmp_path, text))


def test_only_free_text_takes_marks():
    assert with_marks(RECORDS, {("ann", "a"): Mark(0.0)}) == RECORDS


# marks in the reports


def test_marks_get_into_every_report_and_stay_there(batch, tmp_path):
    assert scores(batch)["ann"] == 2
    told = report(
        batch, "--marks", marks_file(tmp_path, f"student,exercise,points,comment\nann,{QUESTION},2.5,Nearly.")
    )
    assert told.returncode == 0, told.stderr
    assert "1 free text, in free_text.html" in told.stdout
    assert report(batch).returncode == 0
    assert scores(batch)["ann"] == 4.5
    mine = batch / "students" / key("ann")
    assert "Nearly." in (mine / "feedback.html").read_text()
    assert json.loads((mine / "feedback.json").read_text())["unread"] == 0
    assert json.loads((mine / "results.json").read_text())["score"] == 4.5
    records = [json.loads(path.read_text()) for path in (batch / "records").glob("*.json")]
    assert sum(exercise["verdict"] == "unread" for one in records for exercise in one["lessons"][0]["exercises"]) == 2


def test_marks_of_two_readers_add_up_and_the_newer_of_two_counts(batch, tmp_path):
    for marks in ({("ann", QUESTION): Mark(1)}, {(HOSTILE, QUESTION): Mark(3, "=1")}, {("ann", QUESTION): Mark(2)}):
        assert report(batch, "--marks", marks_file(tmp_path, marks_as_csv(marks))).returncode == 0
    assert scores(batch) == {"ann": 4, "bob": 2, f"'{HOSTILE}": 5}


def test_a_mark_counts_for_the_text_that_was_read_and_for_no_later_one(tmp_path):
    fit, _ = fitting({("ann", QUESTION): Mark(2)}, RECORDS)
    kept, _ = read_marks(marks_file(tmp_path, marks_as_csv(fit)))
    assert fitting(kept, RECORDS)[0].keys() == fit.keys()
    later = json.loads(json.dumps(RECORDS))
    for exercise in next(one for one in later if one["student"] == "ann")["lessons"][0]["exercises"]:
        if exercise["id"] == QUESTION:
            exercise["text"] += " And more."
    fit, complaints = fitting(kept, later)
    assert fit == {}
    assert sentences(complaints) == [
        f"Line 2: ann has since handed in another text for {QUESTION}: read it and mark it anew."
    ]


def test_one_bad_line_and_nothing_is_changed(batch, tmp_path):
    before = {path: path.read_bytes() for path in batch.rglob("*") if path.is_file()}
    text = f"student,exercise,points,comment\nann,{QUESTION},9,\nx,y,1,\n"
    told = report(batch, "--marks", marks_file(tmp_path, text))
    assert told.returncode == 1
    assert [line[:7] for line in told.stderr.splitlines()] == ["Line 2:", "Line 3:", "No mark"]
    assert {path: path.read_bytes() for path in batch.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("text", [f"student,exercise,points,comment\ngone,{QUESTION},1,\n", "damaged"])
def test_marks_in_the_folder_that_do_not_fit_stop_no_report_and_are_told(batch, text):
    (batch / "marks.csv").write_text(text)
    told = report(batch)
    assert told.returncode == 0
    assert "marks.csv" in told.stdout
    assert scores(batch)["ann"] == 2


@pytest.mark.parametrize("text", ["", '{"student": "ann", "less', "[]", '{"student": "ann"}', '{"student": "eve"}'])
def test_no_student_goes_missing_from_the_reports_with_a_damaged_record(batch, text):
    before = (batch / "gradebook.csv").read_bytes()
    path = batch / "records" / f"{key('ann')}.json"
    path.write_text(text)
    told = report(batch)
    assert (told.returncode, told.stdout) == (1, "")
    assert f"{path.name} is no record that can be read" in told.stderr
    assert not Store(batch).has(Job("ann", ()))
    assert (batch / "gradebook.csv").read_bytes() == before


def test_a_record_that_a_killed_grader_left_half_in_its_place_is_in_no_report(batch):
    name = f"{key('ann')}.json"
    (batch / "records" / f".x{name}").write_text((batch / "records" / name).read_text())
    assert [one["student"] for one in Store(batch).records()].count("ann") == 1


@pytest.mark.parametrize("level", ["none", RECORDS[0]["level"]])
def test_points_earned_without_isolation_are_told_each_time(batch, level):
    store = Store(batch)
    store.put(Job("ann", ()), RECORDS[0] | {"level": level})
    told = report(batch)
    words = "With --unsafe nothing shuts a student"
    assert (words in told.stdout, words in (batch / "team.html").read_text()) == (level == "none",) * 2


def test_a_folder_without_a_batch_is_told_in_a_sentence(tmp_path):
    told = report(tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("There is no batch in")
    assert list(tmp_path.iterdir()) == []


def test_marks_do_not_change_what_is_recorded():
    before = json.dumps(RECORDS)
    with_marks(RECORDS, {("ann", QUESTION): Mark(3)})
    assert json.dumps(RECORDS) == before
    assert every_verdict("ann")["lessons"][0]["exercises"][-1]["verdict"] == "unread"
