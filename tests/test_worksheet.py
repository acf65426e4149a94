"""Worksheets and keys: what the source says, what stands on paper, and that a person can write on it."""

import html
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from helpers.exercises import find
from helpers.exercises.definition import Experiment
from helpers.exercises.written import FreeText
from vitlab import cli
from vitlab.course import command
from vitlab.course.build import Course, parsed, standard_course
from vitlab.course.editions import browser
from vitlab.course.editions.grid import svg
from vitlab.course.editions.paper import paper_sheet
from vitlab.course.editions.solved import EditionError
from vitlab.course.editions.typeset import formula, line
from vitlab.course.editions.worksheet import PAPERS, documents, export_worksheets
from vitlab.course.errors import BuildError
from vitlab.course.parse import parse
from vitlab.course.sheet import read_sheet
from vitlab.project import find_project

ROOT = find_project(Path(__file__).parent)
SIZES = {"A4": (210, 297), "Letter": (215.9, 279.4)}  # millimetres
NAMES = [source.stem for source in standard_course(ROOT).sources()]
NARROW_RULE = 6.3  # millimetres between the lines of narrow ruled paper
needs_chromium = pytest.mark.skipif(not any(map(shutil.which, browser.NAMES)), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def course():
    return standard_course(ROOT)


@pytest.fixture(scope="module")
def lessons(course):
    return {lesson.name: lesson for lesson in parsed(course, course.sources())}


@pytest.fixture(scope="module")
def sheets(course, lessons):
    return {name: paper_sheet(course, lesson) for name, lesson in lessons.items()}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """The folder of `vitlab export worksheet all`, run by itself: a process holds one Playwright, perhaps a test's."""
    folder = tmp_path_factory.mktemp("worksheets")
    command = [sys.executable, "-m", "vitlab", "export", "worksheet", "all", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=200)
    return folder


def test_a_paper_is_known_in_small_letters_too(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "export_worksheets", lambda root, out, lessons, papers: asked.append(papers) or True)
    for paper in ("a4", "letter", "Letter"):
        arguments = ["export", "worksheet", "02", "--out", "section", "--paper", paper]
        assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    assert asked == [["A4"], ["Letter"], ["Letter"]]


# what the source says


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_five_to_eight_tasks_with_a_prediction_and_a_derivation(lessons, name):
    tasks = lessons[name].sheet.tasks
    items = [find(task.exercise) for task in tasks if task.exercise]
    assert 5 <= len(tasks) <= 8
    assert any(isinstance(item, Experiment) for item in items)
    assert any(not isinstance(item, Experiment) for item in items)


@pytest.mark.parametrize("name", NAMES)
def test_most_questions_of_a_page_are_of_the_section(lessons, sheets, name):
    section = {part.number for part in lessons[name].parts if part.section}
    parts = [int(number) for task in sheets[name].tasks for number in re.findall(r"part (\d+)", task.pace)]
    assert sum(part in section for part in parts) > len(parts) / 2


def test_no_notebook_holds_a_worksheet(lessons):
    for name, lesson in lessons.items():
        words = lesson.sheet.tasks[0].key
        for folder in ("notebooks", "solutions"):
            assert words not in (ROOT / folder / f"{name}.ipynb").read_text(encoding="utf-8")
        assert not any("worksheet" in cell.tags for cell in lesson.cells)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("### `q1`\n> Why.", "begins with the question of the hour"),
        ("What?", "a worksheet without a task"),
        ("What?\n### `q9`\n> Why.", "'q9' is no question or prediction of this lesson"),
        ("What?\n### `q2`\n> Why.\n### `q1`\n> Why.", "'q1' comes earlier in the lesson"),
        ("What?\n### `q1`\n> Why.\n### `q1`\n> Why.", "'q1' comes earlier in the lesson"),
        ("What?\n### `q1`\nNo reason.", "a task without a key"),
        ("What?\n### By hand (20 mm)\n> 7.", "needs its words"),
        ("What?\n### By hand (much)\nCount.\n> 7.", "is not of the form"),
    ],
)
def test_a_worksheet_that_is_not_clear_is_refused_with_a_sentence(source, said):
    def fail(row, message):
        raise ValueError(message)

    with pytest.raises(ValueError, match=re.escape(said)):
        read_sheet(source, ["q1", "q2"], fail)


def test_a_second_worksheet_stops_the_build_with_its_line(tmp_path):
    sheet = '# %% [markdown] tags=["worksheet"]\n# What?\n#\n# ### By hand\n# Count.\n#\n# > 7.\n\n'
    path = tmp_path / "01_a.py"
    path.write_text("# %% [markdown]\n# # A lesson\n\n" + sheet + sheet, encoding="utf-8")
    with pytest.raises(BuildError, match="second worksheet: the first is in line 4") as error:
        parse(path, find=find, words={})
    assert "01_a.py:12" in str(error.value)


# how it is set


def test_a_grid_has_its_entries_its_shading_its_cuts_and_its_words():
    drawn = svg("0 1 | #\n- - - -\n. . | 2", 'cut "in two"')
    assert drawn.count("<rect") == 6
    assert re.findall(r">(\w)</text>", drawn) == ["0", "1", "2"]
    assert drawn.count('fill="#bbb"') == 1
    assert drawn.count('class="thick"') == 2
    assert 'aria-label="cut &quot;in two&quot;"' in drawn


def test_letters_are_raised_and_lowered_in_words_and_not_in_code():
    assert line("P S P^T and y_12, `x^T` and ids_shuffle") == (
        "P S P<sup>T</sup> and y<sub>12</sub>, <code>x^T</code> and ids_shuffle"
    )


def test_an_expression_becomes_a_formula():
    drawn = formula("H**2*D/sqrt(n)")
    assert "<msup>" in drawn
    assert "<msqrt>" in drawn
    assert "*" not in drawn


# what stands on paper


def test_no_answer_stands_on_a_students_page(course, sheets):
    pages = {document.name: document.html for document in documents(course)}
    for name, sheet in sheets.items():
        page, key = pages[f"{name}_worksheet"], pages[f"{name}_key"]
        assert 'class="right"' not in page
        for task in sheet.tasks:
            said = [task.reason, *task.measured, *(option.mistake for option in task.options if option.mistake)]
            said += [mistake.says for mistake in task.mistakes]
            assert all(words in key and words not in page for words in said)
            assert key.count(task.title) == page.count(task.title)


def test_the_key_marks_the_answer_of_the_definition(sheets, lessons):
    for name, sheet in sheets.items():
        for task, source in zip(sheet.tasks, lessons[name].sheet.tasks, strict=True):
            item = find(source.exercise) if source.exercise else None
            if task.options:
                right = item.outcome if isinstance(item, Experiment) else item.answer.right
                assert [option.letter for option in task.options if option.right] == [right]
            else:
                assert task.answer or item is None or isinstance(item.answer, FreeText)


@needs_chromium
def test_every_lesson_gives_a_page_and_a_key_in_both_papers_and_as_html(printed):
    expected = {"worksheets", "keys"} | {f"{name}_{kind}" for name in NAMES for kind in ("worksheet", "key")}
    suffixes = [".html", *(f"_{paper}.pdf" for paper in PAPERS)]
    assert {file.name for file in printed.iterdir()} == {name + suffix for name in expected for suffix in suffixes}


@needs_chromium
@pytest.mark.parametrize("paper", PAPERS)
def test_a_worksheet_is_one_page_and_a_key_at_most_two(printed, paper):
    for name in NAMES:
        assert len(PdfReader(printed / f"{name}_worksheet_{paper}.pdf").pages) == 1
        assert len(PdfReader(printed / f"{name}_key_{paper}.pdf").pages) in (1, 2)
    assert len(PdfReader(printed / f"worksheets_{paper}.pdf").pages) == len(NAMES)


@needs_chromium
@pytest.mark.parametrize("paper", PAPERS)
def test_every_pdf_is_tagged_and_says_its_language_title_and_size(printed, paper):
    for file in printed.glob(f"*_{paper}.pdf"):
        reader = PdfReader(file)
        root = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"], file.name
        assert "/StructTreeRoot" in root
        assert root["/Lang"].startswith("en")
        assert reader.metadata.title.startswith("Key: " if "key" in file.name else "Worksheet: ")
        for page in reader.pages:
            size = [float(side) / 72 * 25.4 for side in page.mediabox[2:]]
            assert size == pytest.approx(SIZES[paper], abs=0.6)


@needs_chromium
@pytest.mark.parametrize("paper", PAPERS)
def test_nothing_on_paper_is_cut_off(printed, sheets, paper):
    for name, sheet in sheets.items():
        for kind in ("worksheet", "key"):
            file = printed / f"{name}_{kind}_{paper}.pdf"
            text = "".join(page.extract_text() for page in PdfReader(file).pages)
            assert all(squeezed(task.title) in squeezed(text) for task in sheet.tasks), file.name
            assert squeezed(last_words(sheet.tasks[-1], kind)) in squeezed(text), file.name
            for ink in pictures(file):
                margins = (ink[:24], ink[-24:], ink[:, :24], ink[:, -24:])  # of 6 mm
                assert not any(margin.any() for margin in margins), file.name


@needs_chromium
@pytest.mark.parametrize("paper", PAPERS)
def test_there_is_room_to_write_under_each_question(printed, sheets, paper):
    for name, sheet in sheets.items():
        file = printed / f"{name}_worksheet_{paper}.pdf"
        (ink,) = pictures(file)
        tops = [*title_rows(file, [task.title for task in sheet.tasks]), len(ink)]
        for task, top, below in zip(sheet.tasks, tops, tops[1:], strict=False):
            if not task.ask and "<svg" in task.lead:
                continue  # one writes into the grid
            assert blank_millimetres(ink[top:below]) >= NARROW_RULE, (name, task.title)


# when it cannot be printed


def test_without_chromium_the_html_is_there_and_the_sentence_says_how_to_get_the_pdf(tmp_path, monkeypatch):
    monkeypatch.setattr(browser, "NAMES", ("no-such-browser",))
    with pytest.raises(EditionError, match=r"Chromium is not on the PATH.*print the HTML"):
        list(export_worksheets(standard_course(ROOT), tmp_path, ["02"]))
    assert {file.name for file in tmp_path.iterdir()} == {
        f"02_patch_order_{kind}.html" for kind in ("worksheet", "key")
    }


def test_a_lesson_without_a_worksheet_is_named(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/01_a.py").write_text("# %% [markdown]\n# # A lesson\n", encoding="utf-8")
    with pytest.raises(EditionError, match="Lesson 01 has no worksheet"):
        documents(Course(tmp_path, find))


def test_the_command_names_a_lesson_that_there_is_not(tmp_path):
    result = CliRunner().invoke(cli.app, ["export", "worksheet", "42", "--out", str(tmp_path)])
    assert result.exit_code
    assert "There is no lesson '42'" in str(result.exception)


def squeezed(text):
    """A text without tags and blanks: where a PDF breaks its lines does not matter."""
    return re.sub(r"\s", "", html.unescape(re.sub(r"<[^>]+>", "", str(text))))


def last_words(task, kind):
    if kind == "key":
        return task.measured[-1] if task.measured else re.sub(r"<math.*?</math>", "", str(task.reason))
    return task.options[-1].text if task.options else task.question


def pictures(file):
    """Each page as booleans, four to a millimetre: is there ink?"""
    document = pypdfium2.PdfDocument(file.read_bytes())
    found = [np.asarray(page.render(scale=4 * 25.4 / 72).to_pil().convert("L")) < 160 for page in document]
    document.close()
    return found


def title_rows(file, titles):
    """The row of the picture at which each task begins."""
    document = pypdfium2.PdfDocument(io.BytesIO(file.read_bytes()))
    page = document[0]
    text, rows = page.get_textpage(), []
    for title in titles:
        place = text.search(re.sub(r"<[^>]+>", "", str(title)).replace("&#39;", "'")).get_next()
        assert place, title
        _, _, _, top = text.get_charbox(place[0])
        rows.append(round((page.get_height() - top) / 72 * 25.4 * 4))
    document.close()
    return rows


def blank_millimetres(ink):
    """The highest blank stretch of the middle of a task's column; a ruled line ends it."""
    width = ink.shape[1]
    rows = ink[:, round(0.2 * width) : round(0.55 * width)].any(axis=1)
    best = run = 0
    for inked in rows:
        run = 0 if inked else run + 1
        best = max(best, run)
    return best / 4
