"""What a batch's records become: feedback, the gradebook, the team's page, the summary; and what never gets there."""

import csv
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import torch
from hand_ins import notebook
from hand_made_records import RUBRIC, every_verdict, exercise, free_text, lesson, record, right, wrong
from rich.console import Console

from helpers.exercises import find
from helpers.exercises.judge import PUBLIC_SEED, examination
from vitlab.grading.course import CourseSource
from vitlab.grading.escape import cell, from_cell, plain, show
from vitlab.grading.feedback import feedback, feedback_html
from vitlab.grading.grade import Grader
from vitlab.grading.gradebook import gradebook
from vitlab.grading.job import Options
from vitlab.grading.levels import best_level, possible_levels
from vitlab.grading.marks import Mark, with_marks
from vitlab.grading.report import PER_STUDENT, print_summary, write_reports
from vitlab.grading.store import key
from vitlab.grading.tally import by_lesson
from vitlab.grading.team import common_mistakes, shares, team_html
from vitlab.project import find_project

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "input"}


class Outline(HTMLParser):
    """A page's headings, its text, and whether every element is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.headings, self.elements, self.said = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.said += data


def pages(records):
    return [*(feedback_html(record) for record in records), team_html(records)]


def rows(records):
    return list(csv.DictReader(io.StringIO(gradebook(records))))


def told(records, complaints=(), width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    print_summary(console, records, list(complaints))
    return console.file.getvalue()


# escaping


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "＝1", "'=1", "''+1"])
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote_and_loses_it_again(text):
    assert cell(text) == f"'{text}"
    assert from_cell(cell(text)) == text


@pytest.mark.parametrize("text", ["ann", "", "'t Hooft", "a=b", "3-1", "Zoë"])
def test_any_other_cell_stays_as_it_is(text):
    assert cell(text) == from_cell(text) == text


def test_no_two_texts_become_the_same_cell():
    texts = ["=1", "'=1", "''=1", "'1", "1"]
    assert len({cell(text) for text in texts}) == len(texts)


def test_a_plain_text_keeps_its_lines_and_its_script_but_no_control_codes():
    assert plain("a\r\n\tb می‌خواهم 👩‍💻") == "a\n\tb می‌خواهم 👩‍💻"
    assert plain("\x1b[2J\x00\u202eevil\ud800") == "\ufffd[2J\ufffd\ufffdevil\ufffd"


def test_a_shown_name_is_one_line_of_at_most_200_characters():
    assert show("a\n\x1b[2J\u202eb" + "c" * 300) == "a??[2J?b" + "c" * 192


# feedback


def test_feedback_has_a_row_for_each_exercise_and_says_more_where_there_is_more_to_say():
    page = Outline(feedback_html(every_verdict("Ann")))
    for words in ("inverse order", "This is the inverse", "3 of 5 cases passed", "The grader's worker stopped twice"):
        assert words in page.said
    for word in ("right", "wrong", "crashed", "not attempted", "not graded", "not yet read"):
        assert word in page.said
    assert "7 of 22 points" in page.said
    assert "3 of the 22 are for free text that is not yet read" in page.said


def test_feedback_says_how_the_answers_were_shut_in_and_what_was_wrong_with_the_files():
    said = Outline(feedback_html(record("bob", lesson(right("a", 1)), problems=("x.zip: It is encrypted.",)))).said
    assert "x.zip: It is encrypted." in said
    assert "bubblewrap + landlock" in said


def test_a_lesson_that_was_not_handed_in_is_said_in_one_line():
    said = Outline(feedback_html(record("cleo", lesson(wrong("scan_order", 5), file="")))).said
    assert "Not handed in: 0 of 5 points." in said
    assert "This is the inverse" not in said


def test_the_rubric_is_shown_only_once_the_answer_is_marked():
    unread = record("ann", lesson(free_text("why_order_is_free", "Because.")))
    [marked] = with_marks([unread], {("ann", "why_order_is_free"): Mark(2.5, "Nearly.")})
    for made in PER_STUDENT.values():
        assert RUBRIC[0] not in made(unread)
    said = Outline(feedback_html(marked)).said
    assert all(words in said for words in (RUBRIC[0], "Nearly.", "2.5 of 3", "Because."))


def test_json_and_page_say_the_same():
    said = feedback(every_verdict("Ann"))
    assert json.loads(PER_STUDENT["feedback.json"](every_verdict("Ann"))) == said
    assert (said["points"], said["most"], said["unread"]) == (7.0, 22, 3)


def test_nothing_of_a_record_gets_to_a_student_that_is_not_named_in_feedback():
    entry = exercise("a", "wrong", 0.0, 1, "No.", secret="hidden words")
    whole = record("ann", {**lesson(entry), "secret": "hidden words"}) | {"secret": "hidden words"}
    assert all("hidden words" not in made(whole) for made in PER_STUDENT.values())


# pages


@pytest.mark.parametrize("page", pages([every_verdict("Ann"), record("bob", lesson(right("a", 1)))]))
def test_a_page_is_whole_titled_in_a_language_and_its_headings_are_in_order(page):
    outline = Outline(page)
    assert outline.open == []
    assert ("html", {"lang": "en"}) in outline.elements
    assert re.search("<title>[^<]+</title>", page)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))


@pytest.mark.parametrize("page", pages([every_verdict("Ann")]))
def test_a_page_loads_nothing_and_may_run_nothing(page):
    outline = Outline(page)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in outline.elements}
    [policy] = [told["content"] for tag, told in outline.elements if "http-equiv" in told]
    assert {"default-src 'none'", "script-src 'none'"} <= set(policy.split("; "))
    assert not re.search(r"(?:https?:)?//\w|url\(|@import", page)


@pytest.mark.parametrize("page", pages([every_verdict("Ann")]))
def test_each_head_of_a_table_says_what_it_is_the_head_of(page):
    heads = [attributes for tag, attributes in Outline(page).elements if tag == "th"]
    assert heads
    assert all(attributes["scope"] in ("row", "col") for attributes in heads)


def test_a_hostile_hand_in_stays_text_on_every_page():
    text = f"{HOSTILE}</textarea>{{{{7*7}}}}\x1b[2J\u202e"
    entry = exercise("a", "wrong", 0.0, 1, text, mistake=text, facts=[[text, text]], remarks=[text])
    hostile = record(text, lesson(entry, free_text("why_order_is_free", text), file=text), problems=(text,))
    for page in pages([hostile]):
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page
        assert "{{7*7}}" in page
        assert not set("\x1b\u202e") & set(page)
        assert Outline(page).open == []


def test_a_text_with_half_a_character_can_be_written():
    broken = record("ann", lesson(free_text("why_order_is_free", "\ud800")))
    assert feedback_html(broken).encode()


# gradebook


def test_the_gradebook_has_the_columns_of_nbgrader():
    first = gradebook([every_verdict("ann")]).splitlines()[0]
    assert first == (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,"
        "raw_score,late_submission_penalty,score,max_score"
    )


def test_everybody_has_a_row_for_each_lesson_and_no_points_for_one_not_handed_in():
    both = record("ann", lesson(right("a", 3), number="01"), lesson(right("b", 2)))
    failed = record("dan") | {"failed": True}
    found = rows([both, record("bob", lesson(right("b", 2))), failed])
    assert [(row["assignment"][:2], row["student_id"], row["score"], row["max_score"]) for row in found] == [
        ("01", "ann", "3.0", "3.0"),
        ("01", "bob", "0.0", "3.0"),
        ("01", "dan", "0.0", "3.0"),
        ("02", "ann", "2.0", "2.0"),
        ("02", "bob", "2.0", "2.0"),
        ("02", "dan", "0.0", "2.0"),
    ]


def test_free_text_counts_in_the_gradebook_as_soon_as_it_is_marked():
    unread = record("ann", lesson(right("a", 2), free_text("why_order_is_free", "Because.")))
    marked = with_marks([unread], {("ann", "why_order_is_free"): Mark(1.5)})
    assert [rows([unread])[0]["score"], rows(marked)[0]["score"]] == ["2.0", "3.5"]


def test_a_name_in_the_gradebook_is_no_formula():
    assert rows([record("=cmd()", lesson(right("a", 1)))])[0]["student_id"] == "'=cmd()"


# the team's page and the summary


def test_mistakes_are_counted_by_exercise_and_the_commonest_comes_first():
    many = [record(f"s{i}", lesson(wrong("scan_order", 5), wrong("a", 1, mistake="other"))) for i in range(2)]
    many.append(record("s3", lesson(wrong("scan_order", 5, facts=[]), wrong("a", 1, mistake=None))))
    found = common_mistakes(by_lesson(many))
    assert [(mistake.exercise, mistake.name, mistake.count) for mistake in found] == [
        ("scan_order", "inverse order", 3),
        ("a", "other", 2),
    ]
    assert dict(found[0].facts)["expected"].startswith("(6,)")


def test_points_are_spread_over_tenths_with_full_marks_apart():
    parts = [lesson(exercise("a", "wrong", points, 10, "No.")) for points in (0.0, 0.9, 3.0, 9.9, 10.0)]
    assert [count for _, count in shares(parts)] == [2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1]


def test_the_team_reads_who_handed_in_what_became_of_it_and_whom_to_look_at():
    failed = record("dan", problems=("It could not be graded.",)) | {"failed": True}
    absent = record("cleo", lesson(right("inverse_permutation", 2), file=""))
    said = Outline(team_html([every_verdict("ann"), absent, failed])).said
    for words in (
        "3 hand-ins",
        "Handed in by 1 of 3; on average 7 of 22 points",
        "1 × inverse order",
        "dan: It could not be graded at all.",
        "cleo: It holds no notebook that could be graded.",
        "ann: Lesson 02, odd_one: The grader's worker stopped twice",
    ):
        assert words in re.sub(r"\s+", " ", said)


def test_the_spread_of_points_is_told_in_words_as_well():
    assert 'aria-label="Hand-ins by their share of the points of lesson 02, in percent: 30–39 %: 1."' in team_html(
        [every_verdict("ann")]
    )


def test_the_summary_has_a_row_for_each_lesson():
    said = told([every_verdict("ann")])
    line = next(line for line in said.splitlines() if line.lstrip().startswith("02"))
    assert re.findall(r"\S+", line)[:9] == ["02", "1", "7.0", "of", "22", "2", "2", "1", "1"]
    assert "The commonest mistake of lesson 02: scan_order, inverse order (1 x)" in said
    assert "1 free text, in free_text.html" in told([every_verdict("ann")])


def test_the_summary_names_ten_problems_and_counts_the_rest():
    said = told([record(f"s{i:02d}", problems=("no file",)) for i in range(12)])
    assert "s09: no file" in said
    assert "s10" not in said
    assert "and 2 more, in team.html" in said


def test_nothing_of_a_student_steers_the_terminal():
    hostile = record(
        "[red]\x1b[2Jann[/red]", lesson(wrong("a", 1, mistake="[bold]\x1b[2J")), problems=("\x1b]0;x\x07",)
    )
    said = told([hostile])
    assert "\x1b" not in said
    assert "[red]" in said


def test_every_student_gets_a_folder_of_files_and_the_batch_its_own(tmp_path):
    hostile = "../../etc/passwd\n"
    write_reports(tmp_path, [every_verdict("ann"), every_verdict(hostile)])
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    mine = {f"students/{key(name)}/{file}" for name in ("ann", hostile) for file in PER_STUDENT}
    assert found == {"gradebook.csv", "team.html", "free_text.html", *mine}
    assert not list(tmp_path.parent.glob("etc*"))


def test_reports_import_no_torch():
    code = "import sys, vitlab.grading.report; print({'torch', 'numpy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=find_project(), check=True)
    assert said.stdout.strip() == "set()"


# hidden inputs

SEED = "a known seed"
NAMES = ("patchify", "attention")


def quadruples(value):
    """Every four values in a row of a tensor or of tensors within, as a fact prints them."""
    if isinstance(value, torch.Tensor) and value.numel() >= 4:
        shown = [f"{x:.4g}" if isinstance(x, float) else str(x) for x in value.flatten().tolist()]
        return {", ".join(shown[i : i + 4]) for i in range(len(shown) - 3)}
    if isinstance(value, tuple | list):
        return {four for inner in value for four in quadruples(inner)}
    return set()


def values_of(name, seed):
    sat = examination(find(name), seed)
    return {four for call in sat.cases for four in quadruples(call.args)} | {
        four for reply in sat.expected for four in quadruples(reply.value)
    }


def right_for_public_inputs_only():
    """An answer that knows the check in the notebook by heart."""
    known = [float(call.args[0].double().sum()) for call in examination(find("patchify"), PUBLIC_SEED).cases]
    honest = CourseSource(find_project()).piece("patchify").replace("def patchify(", "def honest(")
    return (
        f"{honest}\n\ndef patchify(images, patch_size):\n"
        f"    known = min(abs(float(images.double().sum()) - one) for one in {known}) < 1e-9\n"
        "    return honest(images, patch_size) if known else 0 * honest(images, patch_size)"
    )


@pytest.mark.skipif(None not in possible_levels().values(), reason="no isolation here")
def test_no_hidden_value_is_in_any_report_while_public_ones_are(tmp_path):
    grader = Grader(find_project(), Options(SEED, best_level().name))
    wrong_everywhere = "def patchify(images, patch_size):\n    return images", "def attention(q, k, v):\n    return v"
    try:
        graded = [
            grader.grade("ann", [("01_a.ipynb", notebook(*wrong_everywhere))]),
            grader.grade("bob", [("01_b.ipynb", notebook(right_for_public_inputs_only()))]),
        ]
    finally:
        grader.close()
    write_reports(tmp_path, graded)
    said = "\n".join(path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".html", ".json", ".csv"))
    public = {name: values_of(name, PUBLIC_SEED) for name in NAMES}
    assert all(any(four in said for four in public[name]) for name in NAMES)
    hidden = {four for name in NAMES for four in values_of(name, grader.seed) - public[name]}
    assert len(hidden) > 1000
    assert not [four for four in hidden if four in said]
    assert "It passes the check in the notebook and fails for other inputs" in said
