"""`vitlab export site`: what stands on its pages, what they load, and where it may be written."""

import gzip
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Exercise, Experiment
from helpers.exercises.written import Choice, FreeText
from vitlab.course.build import standard_course
from vitlab.course.editions.site.assets import packed
from vitlab.course.editions.site.cells import ticked
from vitlab.course.editions.site.export import LISTED, export_site
from vitlab.course.editions.site.links import Repository, repository
from vitlab.course.editions.solved import EditionError, read_solved
from vitlab.project import ProjectError

ROOT = Path(__file__).parent.parent
LOADED = {
    "script": "src",
    "img": "src",
    "link": "href",
    "source": "src",
    "iframe": "src",
    "use": "href",
    "object": "data",
}
NOT_FETCHED = {"next", "prev", "search", "index", "author", "canonical"}  # <link rel> that only says where things are


@pytest.fixture(scope="module")
def pages(site):
    """Every page, parsed, by its path from the site's root."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def lessons():
    return read_solved(standard_course(ROOT))


@pytest.fixture
def page_of(pages):
    return lambda number: next(page for name, page in pages.items() if name.startswith(f"lessons/{number}"))


def words(text):
    return " ".join(text.split())


def folds(page, summary):
    return [fold for fold in page.find_all("details") if fold.summary.get_text() == summary]


def unfolded(page):
    """What of a page can be read without opening anything."""
    copy = BeautifulSoup(str(page.article), "html.parser")
    for fold in copy.find_all("details"):
        fold.decompose()
    return words(copy.get_text())


def test_there_is_a_page_for_each_lesson_and_home_leads_to_it(pages):
    linked = {link["href"] for link in pages["index.html"].article.find_all("a", href=True)}
    for lesson in LESSONS:
        assert f"lessons/{lesson.file}.html" in pages
        assert f"lessons/{lesson.file}.html" in linked


def test_every_link_within_the_site_leads_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        for link in page.find_all(["a", *LOADED]):
            address = link.get("href") or link.get(LOADED.get(link.name, "href")) or ""
            parts = urlsplit(address)
            if parts.scheme or not address:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            found = target.is_file()
            if found and parts.fragment and target.suffix == ".html":
                there = pages[target.resolve().relative_to(site.resolve()).as_posix()]
                found = there.find(id=unquote(parts.fragment)) is not None
            broken += [] if found else [(name, address)]
    assert broken == []


def test_no_page_and_no_style_loads_anything_from_outside(site, pages):
    outside = re.compile(r"^(https?:)?//")
    for name, page in pages.items():
        loaded = [
            tag.get(attribute, "")
            for element, attribute in LOADED.items()
            for tag in page.find_all(element)
            if not NOT_FETCHED & set(tag.get("rel", []))
        ]
        assert loaded
        assert [address for address in loaded if outside.match(address)] == [], name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"url\(\s*['\"]?(?:https?:)?//|@import", text) == [], sheet


def test_a_task_stands_there_as_a_student_meets_it_and_its_solution_is_folded(lessons, page_of):
    for solved in lessons:
        page = page_of(solved.lesson.number)
        read = unfolded(page)
        inside = [words(fold.get_text()) for fold in page.find_all("details", class_="vitlab-solution")]
        tasks = [shown.cell for shown in solved.cells if shown.cell.task and shown.cell.kind == "code"]
        for cell in tasks:
            assert words(cell.student) in read, cell.exercise
            lines = [line.strip() for line in cell.solved.splitlines() if not line.strip().startswith("###")]
            own = [line for line in lines if line and line not in cell.student]
            assert own, cell.exercise
            assert any(all(words(line) in fold for line in own) for fold in inside), cell.exercise
        assert len(inside) == sum(shown.cell.task is not None for shown in solved.cells)
        assert "BEGIN SOLUTION" not in page.get_text()


def test_no_solution_of_an_exercise_can_be_read_without_opening_it(lessons, page_of):
    for solved in lessons:
        read = unfolded(page_of(solved.lesson.number))
        for shown in solved.cells:
            if shown.cell.task == "exercise":
                body = shown.cell.solved.partition("### BEGIN SOLUTION")[2].partition("### END SOLUTION")[0]
                assert words(body) not in read, shown.cell.exercise


def test_every_hint_is_folded_by_itself(page_of):
    for lesson in LESSONS:
        texts = [str(fold.p) for fold in page_of(lesson.number).find_all("details", class_="vitlab-hint")]
        expected = [hint for item in items(lesson.number) if not isinstance(item, Experiment) for hint in item.hints]
        plain = {words(BeautifulSoup(text, "html.parser").get_text()) for text in texts}
        assert {words(BeautifulSoup(ticked(hint), "html.parser").get_text()) for hint in expected} == plain


def test_an_answer_comes_with_its_reasons(page_of):
    for lesson in LESSONS:
        answers = " ".join(words(fold.get_text()) for fold in folds(page_of(lesson.number), "Answer"))
        for item in items(lesson.number):
            if isinstance(item, Exercise | Experiment):
                continue
            said = []
            if isinstance(item.answer, Choice):
                said = [item.answer.options[item.answer.right], *item.answer.wrong.values()]
            elif isinstance(item.answer, FreeText):
                said = item.answer.rubric
            for text in said:
                assert words(BeautifulSoup(ticked(text), "html.parser").get_text()) in answers, item.id


def test_a_check_shows_the_card_of_a_right_answer(page_of):
    read = unfolded(page_of("01"))
    assert 'lesson.check("patchify")' in read
    assert "right · patchify" in read


def test_a_vote_is_folded_and_the_measurement_is_not(page_of):
    page = page_of("02")
    assert folds(page, "What the measurement bears out")
    assert 'predict_shuffled_vit = "b"' not in unfolded(page)
    assert "mean ± spread over" in unfolded(page)


def test_what_only_a_kernel_needs_is_left_out(page_of):
    for lesson in LESSONS:
        text = page_of(lesson.number).article.get_text()
        assert not re.search(r"^\w+: yours$", text, re.MULTILINE)
        assert "it/s" not in text
        assert not re.search(r"\(1 of \d+\)$", text, re.MULTILINE)


def test_notes_for_teaching_assistants_are_left_out(lessons, page_of):
    for solved in lessons:
        text = words(page_of(solved.lesson.number).get_text())
        notes = [shown.cell.solved for shown in solved.cells if "ta-note" in shown.cell.tags]
        lines = [line for note in notes for line in words(re.sub(r"[`*]", "", note)).split(". ") if len(line) > 40]
        assert lines
        assert [line for line in lines if line in text] == []


def test_pictures_are_files_of_known_size_that_say_what_they_show(site, page_of):
    seen = 0
    for lesson in LESSONS:
        for picture in page_of(lesson.number).article.find_all("img"):
            assert len(picture["alt"]) > 20
            assert int(picture["width"]) > 0
            assert int(picture["height"]) > 0
            assert picture["loading"] == "lazy"
            assert (site / "lessons" / picture["src"]).read_bytes().startswith(b"\x89PNG")
            seen += 1
    assert seen > 50


def test_an_explorer_is_a_script_beside_the_page_that_holds_all_it_is_drawn_from(lessons, site, page_of):
    for solved in lessons:
        (place,) = page_of(solved.lesson.number).find_all(attrs={"data-payload": True})
        assert place.p.get_text().strip()
        assert place.noscript
        (explorer,) = [one.explorer for shown in solved.cells for one in shown.outputs if one.explorer]
        content = gzip.decompress(packed(explorer))
        head, _, rest = content.partition(b"\n")
        read = json.loads(head)
        traits = dict(read["traits"])
        for name, length in read["bytes"]:
            traits[name], rest = rest[:length], rest[length:]
        assert (read["module"], read["css"], traits, rest) == (explorer.module, explorer.css, explorer.traits, b"")
        script = (site / "lessons" / place["data-payload"]).read_text(encoding="utf-8")
        assert script.startswith(f'vitlab.payloads["{place["data-explorer"]}"] = "')


def test_formulas_are_mathml(pages, page_of):
    assert len(page_of("03").find_all("math")) > 10
    scripts = [script.get("src", "") for page in pages.values() for script in page.find_all("script")]
    assert scripts
    assert not [address for address in scripts if "mathjax" in address.lower()]


def test_a_lesson_can_be_taken_along_or_opened_elsewhere(site, page_of):
    links = {link.get_text(): link["href"] for link in page_of("02").find("nav", class_="vitlab-links").find_all("a")}
    assert links["Open in Colab"].endswith("/github/someone/course/blob/main/notebooks/02_patch_order.ipynb")
    assert links["Open in Binder"].endswith("/gh/someone/course/main?urlpath=lab/tree/notebooks/02_patch_order.ipynb")
    for text, folder in (("The notebook", "notebooks"), ("The solved notebook", "solutions")):
        copy = (site / "lessons" / links[text]).read_bytes()
        assert copy == (ROOT / folder / "02_patch_order.ipynb").read_bytes()


def test_run_it_names_every_way(pages):
    text = pages["run.html"].article.get_text()
    for place in ("make lab", "JupyterLab", "VS Code", "Colab", "Binder"):
        assert place in text
    assert len(pages["run.html"].article.find_all("a", download=True)) == 1 + 2 * len(
        LESSONS
    )  # and the archive for Colab


def test_sources_names_every_paper_and_licence(pages):
    from helpers import papers

    text = words(pages["sources.html"].article.get_text())
    for name, value in vars(papers).items():
        if isinstance(value, papers.Paper):
            assert value.title in text, name
    for licence in ("MIT License", "Zalando", "CC0"):
        assert licence in text


def test_an_address_that_is_no_repository_is_refused():
    assert repository(ROOT, "https://github.com/a-b/c.d.git") == Repository("a-b", "c.d")
    for address in (
        "github.com/a/b",
        "https://gitlab.com/a/b",
        "https://github.com/a",
        'https://github.com/a/b"onclick',
    ):
        with pytest.raises(EditionError, match=r"https://github\.com/OWNER/NAME"):
            repository(ROOT, address)


def test_the_repository_may_stand_in_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "vitlab"\n')
    assert repository(tmp_path, None) is None
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n[tool.x]\n')
    assert repository(tmp_path, None) == Repository("a", "b")


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ProjectError, match="not empty and no former export"):
        export_site(standard_course(ROOT), tmp_path)
    with pytest.raises(ProjectError, match="is a file"):
        export_site(standard_course(ROOT), tmp_path / "mine.txt")


def test_a_second_export_writes_the_same_bytes_and_leaves_what_is_not_its_own(site):
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    (site / "CNAME").write_text("course.example")
    (site / "old.html").write_text("of a former export")
    (site / LISTED).write_text((site / LISTED).read_text() + "old.html\n")
    export_site(standard_course(ROOT), site, "https://github.com/someone/course")
    assert (site / "CNAME").read_text() == "course.example"
    (site / "CNAME").unlink()
    after = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert sorted(after) == sorted(before)
    assert [path.name for path in after if after[path] != before[path]] == []


def test_without_sphinx_a_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "furo", None)
    with pytest.raises(EditionError, match=r"pip install -e '\.\[editions\]'"):
        export_site(standard_course(ROOT), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_page_says_nothing_of_a_progress_that_its_reader_does_not_have(site):
    text = (site / "lessons" / "00_einops.html").read_text(encoding="utf-8")
    assert "start page" not in text
    assert "hand_in" not in text
    assert "Run this cell first" not in text
