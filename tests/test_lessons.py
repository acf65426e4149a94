"""What every lesson keeps to: its source, its definitions and its built notebooks speak of the same exercises."""

from pathlib import Path

import nbformat
import pytest

from helpers.exercises import LESSONS, find, items
from helpers.exercises.definition import Experiment, Question
from helpers.exercises.written import FreeText
from helpers.models.conventions import STANDARD
from vitlab.course.parse import parse
from vitlab.course.text import SECTION_MINUTES

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(params=LESSONS, ids=lambda info: info.file)
def info(request):
    return request.param


@pytest.fixture
def lesson(info):
    return parse(ROOT / "solutions" / f"{info.file}.py", find=find, words=STANDARD.words())


def test_every_definition_comes_up_in_its_lesson_in_order(info, lesson):
    asked = [cell.exercise for cell in lesson.cells if cell.task]
    assert asked == [item.id for item in items(info.number)]


def test_every_experiment_is_measured_where_it_was_predicted(info, lesson):
    code = "\n".join(cell.solved for cell in lesson.cells if cell.kind == "code")
    for item in items(info.number):
        if isinstance(item, Experiment):
            assert f'lesson.experiment("{item.id}"' in code or f'lesson.experiment(\n    "{item.id}"' in code


def test_exercise_minutes_fit_into_their_parts(info, lesson):
    minutes = {item.id: getattr(item, "minutes", 0) for item in items(info.number)}
    title, needed = None, {part.title: 0 for part in lesson.parts}
    for cell in lesson.cells:
        title = cell.heading if cell.heading in needed else title
        if cell.task:
            needed[title] += minutes[cell.exercise]
    too_short = {part.title: needed[part.title] for part in lesson.parts if needed[part.title] > part.minutes}
    assert not too_short


def test_the_readme_tells_the_lesson_with_its_minutes(info, lesson):
    rows = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    [row] = [row for row in rows if row.startswith(f"| [{info.number}](notebooks/{info.file}.ipynb) |")]
    assert row.endswith(f"| {sum(part.minutes for part in lesson.parts)} |")


def test_the_section_takes_at_most_fifty_minutes(lesson):
    assert sum(part.minutes for part in lesson.parts if part.section) <= SECTION_MINUTES


def test_ids_are_unique_in_the_whole_course():
    every = [item.id for info in LESSONS for item in items(info.number)]
    assert len(every) == len(set(every))


def test_an_experiment_names_its_outcome_and_known_relations(info):
    for item in items(info.number):
        if isinstance(item, Experiment):
            assert item.outcome in item.options
            assert item.claims
            assert {claim.relation for claim in item.claims} <= {">", "<", "="}


def test_every_question_says_what_is_wrong_with_each_other_choice(info):
    for item in items(info.number):
        options = getattr(getattr(item, "answer", None), "options", None)
        if options:
            assert set(item.answer.wrong) == set(options) - {item.answer.right}, item.id


def test_free_text_has_a_rubric(info):
    for item in items(info.number):
        if isinstance(item, Question) and isinstance(item.answer, FreeText):
            assert item.answer.rubric, item.id


def test_the_solved_lesson_was_executed_and_every_check_is_right(info):
    notebook = nbformat.read(ROOT / "solutions" / f"{info.file}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    checks = [cell for cell in code if "check" in cell.metadata.get("tags", [])]
    assert checks
    for cell in checks:
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith("✓ right"), cell.id


def test_the_student_notebook_holds_no_outputs(info):
    notebook = nbformat.read(ROOT / "notebooks" / f"{info.file}.ipynb", as_version=4)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.number)
def test_every_lesson_shows_the_whole_model_with_its_part(info):
    cells = parse(next((ROOT / "solutions").glob(f"{info.number}_*.py")), find=find, words=STANDARD.words()).cells
    assert any("whole_model(" in cell.solved for cell in cells if cell.kind == "code")
