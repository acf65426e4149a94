"""What every teaching edition starts from: a solved lesson's cells, in their parts, with what they showed."""

import json
from pathlib import Path

import pytest

from vitlab.course.build import standard_course
from vitlab.course.editions.live import payload
from vitlab.course.editions.markdown import inline_html, to_html
from vitlab.course.editions.mathml import mathml
from vitlab.course.editions.solved import EditionError, read_solved

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def course():
    return standard_course(ROOT)


@pytest.fixture(scope="module")
def lessons(course):
    return read_solved(course)


def test_every_lesson_shows_one_explorer_as_its_module_stands_today(lessons):
    from importlib import import_module

    from helpers.explorers.base import browser_module

    for solved in lessons:
        name = solved.lesson.name[3:]
        (explorer,) = [output.explorer for shown in solved.cells for output in shown.outputs if output.explorer]
        rerun = f"run `vitlab build {solved.lesson.number} --execute`"
        assert explorer.module == browser_module(name), rerun
        module = import_module(f"helpers.explorers.{name}")
        styles = [value._css for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__
                  and hasattr(value, "_css")]  # fmt: skip
        assert explorer.css in styles, rerun
        assert solved.explorer.outputs


def test_every_cell_is_in_the_part_whose_heading_stands_before_it(lessons):
    for solved in lessons:
        assert solved.cells[0].part is None
        assert [part for part in dict.fromkeys(shown.part for shown in solved.cells) if part] == list(
            solved.lesson.parts
        )


def test_outputs_are_those_of_the_executed_notebook(lessons):
    solved = lessons[2]
    check = next(shown for shown in solved.cells if shown.name == "inverse_permutation-check")
    (card,) = check.outputs
    assert card.kind == "html"
    assert "right" in card.content
    compare = next(shown for shown in solved.cells if "compare" in shown.cell.tags)
    assert compare.outputs[0].kind == "text"
    assert compare.outputs[0].content.strip()


def test_a_lesson_that_was_not_executed_since_is_refused_with_the_cure(course, tmp_path):
    (tmp_path / "solutions").mkdir()
    source = (ROOT / "solutions/02_patch_order.py").read_text(encoding="utf-8")
    (tmp_path / "solutions/02_patch_order.py").write_text(source, encoding="utf-8")
    with pytest.raises(EditionError, match=r"missing: run `vitlab build 02`"):
        read_solved(standard_course(tmp_path))
    notebook = (ROOT / "solutions/02_patch_order.ipynb").read_text(encoding="utf-8")
    (tmp_path / "solutions/02_patch_order.ipynb").write_text(notebook, encoding="utf-8")
    (tmp_path / "solutions/02_patch_order.py").write_text(source + "\n# %%\n1 + 1\n", encoding="utf-8")
    with pytest.raises(EditionError, match=r"older than its source: run `vitlab build 02`"):
        read_solved(standard_course(tmp_path))


def test_a_payload_may_stand_in_a_script_and_holds_every_trait(lessons):
    explorer = lessons[7].explorer.outputs[-1].explorer
    text = payload(explorer)
    assert "<" not in text
    read = json.loads(text)
    assert read["module"] == explorer.module
    assert set(read["traits"]) == set(explorer.traits)


def test_every_formula_of_the_course_can_be_drawn(lessons):
    texts = [shown.cell.solved for solved in lessons for shown in solved.cells if shown.cell.kind == "markdown"]
    drawn = sum(to_html(text).count("<math") for text in texts)
    assert drawn > 50
    assert "$" not in "".join(to_html(text) for text in texts)


def test_a_formula_with_unknown_latex_is_refused():
    with pytest.raises(EditionError, match="cannot be drawn"):
        mathml(r"\nonsense{x}")


def test_raw_html_in_a_lesson_is_shown_as_text():
    assert "<script>" not in to_html("<script>alert(1)</script>")
    assert inline_html("a `b` <i>") == "a <code>b</code> &lt;i&gt;"
