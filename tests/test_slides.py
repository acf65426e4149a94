"""Decks of slides: what each cell of a lesson becomes, without a browser."""

import html
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vitlab.cli import app
from vitlab.course.build import standard_course
from vitlab.course.editions.slides import pictures, room
from vitlab.course.editions.slides.deck import make_deck
from vitlab.course.editions.slides.page import deck_html, export_slides
from vitlab.course.editions.slides.questions import answer, read_question
from vitlab.course.editions.solved import EditionError, read_solved

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def lessons():
    return read_solved(standard_course(ROOT))


@pytest.fixture(scope="module")
def decks(lessons):
    return [make_deck(solved) for solved in lessons]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decks")
    files = export_slides(standard_course(ROOT), folder)
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def slides_of(deck):
    return [*deck.opening, *(s for part in (*deck.section, *deck.extra) for s in part), *deck.closing]


def test_the_parts_of_the_section_come_first_and_no_part_is_missing(lessons, decks):
    for solved, deck in zip(lessons, decks, strict=True):
        parts = [slides[0].part for slides in (*deck.section, *deck.extra)]
        assert parts == sorted(solved.lesson.parts, key=lambda part: (not part.section, part.number))


def test_every_figure_of_a_lesson_is_on_one_slide_of_its_deck(lessons, decks):
    for solved, deck in zip(lessons, decks, strict=True):
        shown = [
            pictures.image(cell)[1]
            for cell in solved.cells
            if pictures.image(cell) and "optional" not in cell.cell.tags
        ]
        bodies = ["".join(slide.body) for slide in slides_of(deck)]
        assert all(body.count("<img") <= 1 for body in bodies)
        assert sum(body.count("<img") for body in bodies) == len(shown)
        assert all(sum(source in body for body in bodies) >= 1 for source in shown)


def test_every_question_and_prediction_of_a_lesson_is_asked(lessons, decks):
    for solved, deck in zip(lessons, decks, strict=True):
        asked = [slide for slide in slides_of(deck) if slide.kind in ("question", "vote")]
        tasks = [cell for cell in solved.cells if cell.cell.task in ("answer", "predict")]
        assert len(asked) == len(tasks)


def test_a_vote_does_not_show_what_was_measured(decks):
    for deck in decks:
        for slide in slides_of(deck):
            if slide.kind == "vote":
                assert "fragment" not in "".join(slide.body)
                assert "Answer" not in "".join(slide.notes)


def test_the_presenter_is_told_why_and_what_to_say_to_each_wrong_vote(decks):
    """A room asks why; a deck that only marks the right letter leaves its presenter alone with that."""
    notes = next("".join(s.notes) for s in slides_of(decks[2]) if s.title.startswith("What becomes of S"))
    assert "<strong>Why:</strong></p><p>(P Q)(P K)ᵀ" in notes
    said = notes.partition("To those who chose")[2]
    assert re.findall(r"<li>(\w)\)", said) == ["a", "b", "d"]
    assert "The rows belong to the queries" in said


def test_the_reason_of_a_vote_waits_for_its_result(decks):
    vote, result = (
        next("".join(s.notes) for s in slides_of(decks[2]) if s.kind == kind and "CNN" in s.title)
        for kind in ("vote", "measured")
    )
    assert "<strong>Why:" not in vote
    assert "<strong>Why:</strong></p><p>Its kernels look at neighbours." in result


def test_raised_letters_are_raised_on_slides_as_on_paper(decks):
    visible = "".join(s.title_html + "".join(s.body) for part in decks[2].section for s in part)
    assert "P S P<sup>T</sup>" in visible
    assert "P^T" not in visible
    assert "K^T" not in visible


def test_a_cards_sign_is_not_in_the_title_of_its_slide(decks):
    titles = [slide.title for deck in decks for slide in slides_of(deck) if slide.kind == "measured"]
    assert len(titles) > 10
    assert [title for title in titles if not re.match(r"[A-Za-z0-9]", title)] == []


def test_every_vote_is_followed_by_its_result(decks):
    for deck in decks:
        for slides in (*deck.section, *deck.extra):
            kinds = [slide.kind for slide in slides]
            for place, kind in enumerate(kinds):
                assert kind != "vote" or "measured" in kinds[place + 1 :]


def test_a_choice_marks_the_right_option_at_a_press(decks):
    slide = next(slide for slide in slides_of(decks[2]) if "[c, a, b]" in "".join(slide.body))
    assert re.findall(r'<li class="fragment custom right"><span class="letter">(\w)', "".join(slide.body)) == ["b"]


def test_a_solution_is_never_on_the_slide_of_its_task(lessons, decks):
    for solved, deck in zip(lessons, decks, strict=True):
        exercises = [cell.cell for cell in solved.cells if cell.cell.task == "exercise"]
        tasks = "".join(piece for slide in slides_of(deck) if slide.kind == "exercise" for piece in slide.body)
        for cell in exercises:
            body = cell.solved.split("### BEGIN SOLUTION\n")[1].split("### END SOLUTION")[0].rstrip()
            assert body.strip() not in html.unescape(re.sub(r"<[^>]+>", "", tasks)), cell.exercise


def test_no_code_on_a_slide_is_longer_than_can_be_read_aloud(decks):
    for deck in decks:
        for slide in slides_of(deck):
            for code in re.findall(r'<pre class="code".*?</pre>', "".join(slide.body), re.DOTALL):
                assert len(code.splitlines()) <= room.CODE_LINES, slide.title


def test_delimiters_and_whose_piece_ran_are_nobodys_business_on_a_slide(pages):
    for name, page in pages.items():
        visible = re.sub(r"<script.*?</script>|data:image[^\"]*", "", page, flags=re.DOTALL)
        for word in ("### BEGIN", "### END", ": yours\n", "You predicted", "it/s", "█"):
            assert word not in visible, name


def test_every_ta_note_is_in_the_presenters_notes_of_its_part(lessons, decks):
    for solved, deck in zip(lessons, decks, strict=True):
        for slides in (*deck.section, *deck.extra):
            cells = [cell for cell in solved.cells if cell.part == slides[0].part and "ta-note" in cell.cell.tags]
            assert "".join(slides[0].notes).count("TA") >= len(cells)


def test_every_slide_has_a_title_that_is_no_single_word_cut_out_of_a_sentence(decks):
    for deck in decks:
        for slide in slides_of(deck):
            assert len(slide.title) > 3, slide
            assert slide.title[0] != ",", slide.title


def test_a_deck_is_one_file_that_asks_for_nothing_from_outside(pages):
    for name, page in pages.items():
        assert not re.search(r'(?:src|srcset|data|poster)="(?!data:)[^"]', page.split("<script")[0]), name
        assert not re.search(r"<link(?![^>]*data:)|@import|url\((?!data:|[\"']?data:)(?!#)[^)]*//", page), name
        assert "sourceMappingURL" not in page


def test_ten_decks_take_no_more_than_twenty_seconds(lessons):
    begin = time.process_time()  # of this process: others may be at work beside it
    assert len([deck_html(solved) for solved in lessons]) == 10
    assert time.process_time() - begin < 20


def test_an_explorer_is_in_its_deck_with_what_it_draws_from(pages):
    assert 'id="part-9-2-payload"' in pages["02_patch_order"]


@pytest.mark.parametrize(
    ("text", "asked", "options"),
    [
        ("Words. **What is it?**\n\n- a) this\n- b) that", "What is it?", ("a", "b")),
        ("**Bold** words. What is it? Answer with a number.", "What is it?", ()),
        ("It is sharp.\n\nDividing by d is there\n\n- a) for *x*\n- b) for y", "Dividing by d is there", ("a", "b")),
        ("**Predict first.** Which is better?\n\n- a) one\n- b) two", "Which is better?", ("a", "b")),
    ],
)  # fmt: skip
def test_a_question_is_what_a_text_ends_on(text, asked, options):
    question = read_question(text)
    assert question.asked == asked
    assert tuple(letter for letter, _ in question.options) == options


def test_what_leads_to_a_question_stays(lessons):
    question = read_question("First this. **Then what?** Think.\n\n- a) x\n- b) y\n\nMore.")
    assert question.context == (("paragraph", "First this. Think."),)
    assert question.after == (("paragraph", "More."),)


def test_an_answer_is_its_value(lessons):
    cells = {cell.name: cell.cell for cell in lessons[1].cells}
    assert answer(cells["tokens_b16"]) == "196"
    assert answer(cells["norms"] if "norms" in cells else cells["parameters_b16"])


def test_a_sentence_ends_at_its_stop_and_not_at_et_al():
    assert room.sentences("As Dosovitskiy et al. A said. It is so: see. Done") == [
        "As Dosovitskiy et al. A said.",
        "It is so: see.",
        "Done",
    ]


def test_text_that_is_too_long_for_a_slide_goes_on_to_the_next():
    long = [("paragraph", "word " * 150)] * 4
    groups = room.split(long, room.ROOM)
    assert len(groups) > 1
    assert sum(map(len, groups)) == 4


def test_code_on_a_slide_leaves_out_what_only_draws():
    code = "from a import b\nx = f(1)  # (N,)\nfigures.show(x,\n  1)"
    assert pictures.taught(code) == "x = f(1)  # (N,)"


def test_the_command_writes_the_decks_named_and_says_so(tmp_path):
    told = CliRunner().invoke(app, ["export", "slides", "02", "--out", str(tmp_path / "decks")])
    assert told.exit_code == 0, told.output
    assert [path.name for path in (tmp_path / "decks").iterdir()] == ["02_patch_order.html"]
    assert "02_patch_order.html" in told.output.replace("\n", "")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "decks").write_text("")
    with pytest.raises(EditionError, match="give a folder"):
        export_slides(standard_course(ROOT), tmp_path / "decks", ["02"])
