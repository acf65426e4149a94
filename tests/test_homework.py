"""A homework asks for other conventions than the lessons: its text says them, its checks follow them, nothing leaks."""

import itertools
import json
import re
from functools import cache

import nbformat
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner

from helpers.exercises import LESSONS, find, items
from helpers.exercises.definition import Exercise, Question
from helpers.exercises.judge import NOT_ATTEMPTED, RIGHT, WRONG, judge
from helpers.exercises.written import FreeText
from helpers.models.conventions import CHOICES, STANDARD, Conventions
from helpers.runner import LocalRunner
from vitlab import cli
from vitlab.course.build import leaks, standard_course
from vitlab.course.homework import depending, homework_lessons, points
from vitlab.course.notebooks import student_notebook
from vitlab.course.pack import PackError, pack_files, write_pack
from vitlab.course.secret import SecretError, conventions_of
from vitlab.project import find_project

ROOT = find_project(__file__)
OPPOSITE = Conventions("column-major", "channel-last", "last", 0)
SOME = (OPPOSITE, Conventions("column-major", class_token="last"), Conventions(patch="channel-last", masked=0))
OTHERS = [Conventions(*values) for values in itertools.product(*CHOICES.values())][1:]  # all but the standard
NAMED = {  # what a message says that names the convention of the opposite kind
    "sequence": ("column by column", "(w h)"),
    "patch": ("channel last", "(p1 p2 c)"),
    "class_token": ("last",),
    "masked": ("0 means masked", "0 is masked"),
}
SAID = {  # how the text of a task says a convention, by its value
    ("sequence", "row-major"): r"row by row",
    ("sequence", "column-major"): r"column by column",
    ("patch", "channel-first"): r"channel first",
    ("patch", "channel-last"): r"channel last",
    ("class_token", "first"): r"(class |cls_)token[^.]{0,80}\bfirst\b",
    ("class_token", "last"): r"(class |cls_)token[^.]{0,80}\blast\b",
    ("masked", 1): r"(^|\D)1(\*\*)? (means masked|for b, c and e)",
    ("masked", 0): r"(^|\D)0(\*\*)? (means masked|for b, c and e)",
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VITLAB_HOME", str(tmp_path / "home"))


@cache
def course(conventions):
    return standard_course(ROOT, conventions)


@cache
def homework(conventions):
    return homework_lessons(course(conventions))


def namespace(lesson, edition):
    """The namespace of a homework's notebook after all of its cells but the checks have run."""
    values = {"__name__": "__main__"}
    for cell in lesson.cells:
        if cell.kind == "code" and not cell.is_check:
            exec(compile(getattr(cell, edition), f"{lesson.name}:{cell.line}", "exec"), values)
    return values


def checked(number, conventions):
    """What a check can judge: neither predictions nor free text."""
    found = items(number, conventions)
    return [
        item
        for item in found
        if isinstance(item, Exercise | Question) and not isinstance(getattr(item, "answer", None), FreeText)
    ]


def verdicts(lesson, edition, conventions):
    runner = LocalRunner(namespace(lesson, edition), lambda name: find(name, conventions).reference)
    return {item.id: judge(item, runner) for item in checked(lesson.number, conventions)}


# conventions from a secret


def test_a_secret_stands_for_the_same_conventions_each_time():
    assert conventions_of("a secret") == conventions_of("a secret")
    assert conventions_of("übermütig \udcff") == conventions_of("übermütig \udcff")


def test_every_secret_differs_from_the_course_in_two_conventions_at_least():
    drawn = {conventions_of(f"secret {number}") for number in range(300)}
    assert len(drawn) == 11
    assert min(len(conventions.differences()) for conventions in drawn) == 2


@pytest.mark.parametrize("secret", ["", "  \n"])
def test_an_empty_secret_is_refused_in_a_sentence(secret):
    with pytest.raises(SecretError, match="The secret is empty"):
        conventions_of(secret)


# what a pack holds


def test_the_same_secret_gives_the_same_bytes_and_another_one_others():
    first, again, other = (pack_files(standard_course(ROOT, conventions_of(s)), ["01"]) for s in ("a", "a", "b"))
    assert first == again
    assert conventions_of("a") != conventions_of("b")
    notebook = "student/notebooks/01_patches_to_tokens.ipynb"
    assert first[notebook] != other[notebook]


def test_a_homework_asks_for_every_exercise_and_question_of_its_lesson_and_no_prediction():
    for lesson in homework(OPPOSITE):
        asked = [cell.exercise for cell in lesson.cells if cell.task]
        graded = [item for item in items(lesson.number, OPPOSITE) if isinstance(item, Exercise | Question)]
        assert asked == [item.id for item in graded]
        assert points(lesson) == sum(item.points for item in graded)


def test_cells_carry_the_ids_of_their_exercises_and_the_notebook_its_edition():
    notebook = student_notebook(homework(OPPOSITE)[1], "homework")
    assert notebook.metadata["vitlab"] == {"edition": "homework", "lesson": "01"}
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    (cell,) = (cell for cell in notebook.cells if cell.id == "patchify")
    (check,) = (cell for cell in notebook.cells if cell.id == "patchify-check")
    assert cell.metadata["nbgrader"]["solution"]
    assert check.metadata["nbgrader"]["points"] == 3


def test_a_homework_shows_no_experiment_explorer_or_figure():
    for lesson in homework(OPPOSITE):
        code = "\n".join(cell.student for cell in lesson.cells if cell.kind == "code")
        assert not re.search(r"lesson\.(experiment|piece)|explore|figures|whole_model", code), lesson.name


def test_nothing_speaks_of_the_time_in_a_section():
    for lesson in homework(OPPOSITE):
        text = "\n".join(cell.student for cell in lesson.cells)
        assert not re.search(r"★|\(\d+ min\)", text), lesson.name


def test_the_title_says_how_many_points_there_are_and_what_to_hand_in():
    title = homework(OPPOSITE)[1].cells[0].student
    assert title.startswith("# Homework 01")
    assert "23 tasks, 41 points" in title
    assert "`01_patches_to_tokens.ipynb`" in title


def test_the_setup_imports_only_what_the_answers_need_and_names_the_conventions():
    setup = homework(OPPOSITE)[6].cells[2].student
    assert "helpers.models.attention" in setup
    assert "fashion_mnist" not in setup
    assert (
        'conventions = {"sequence": "column-major", "patch": "channel-last", "class_token": "last", "masked": 0}'
        in setup
    )


@pytest.mark.parametrize("conventions", SOME, ids=str)
def test_no_line_of_a_solution_stands_in_what_students_get(conventions):
    for lesson in homework(conventions):
        notebook = student_notebook(lesson, "homework")
        assert leaks(course(conventions), lesson, notebook, "homework", {cell.line for cell in lesson.cells}) == []


def test_a_solution_for_other_conventions_planted_into_a_homework_is_a_leak():
    lesson = homework(OPPOSITE)[6]
    notebook = student_notebook(lesson, "homework")
    notebook.cells[-1].source += "\n    return tokens[:, 0]"
    (leak,) = leaks(course(OPPOSITE), lesson, notebook, "homework", {cell.line for cell in lesson.cells})
    assert leak.text.startswith("return tokens[:, 0]")


# what its checks say


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.number)
def test_an_untouched_homework_is_not_attempted(info):
    found = verdicts(homework(OPPOSITE)[LESSONS.index(info)], "student", OPPOSITE)
    assert {verdict.kind for verdict in found.values()} == {NOT_ATTEMPTED}


@pytest.mark.parametrize("conventions", SOME, ids=str)
def test_the_solved_homework_is_right_throughout(conventions):
    for lesson in homework(conventions):
        wrong = {name: v.message for name, v in verdicts(lesson, "solved", conventions).items() if v.kind != RIGHT}
        assert wrong == {}


@pytest.mark.parametrize("conventions", SOME, ids=str)
def test_the_public_solutions_fail_where_a_convention_varies_and_pass_elsewhere(conventions):
    varied = conventions.differences().keys()
    for public in homework(STANDARD):
        depends = {cell.exercise: varied & {*cell.varied} for cell in public.cells if cell.task}
        for name, verdict in verdicts(public, "solved", conventions).items():
            assert verdict.kind == (WRONG if depends[name] else RIGHT), name
            if depends[name]:
                assert verdict.mistake, f"{name}: {verdict.message}"
                assert not unnamed(verdict.message, depends[name]), f"{name}: {verdict.message}"


@pytest.mark.parametrize("conventions", OTHERS, ids=str)
def test_the_courses_own_answer_is_recognised_under_all_conventions(conventions):
    varied = conventions.differences().keys()
    for public in homework(STANDARD):
        depends = {name: varied & {*names} for name, names in depending(course(STANDARD), public).items()}
        for item in checked(public.number, conventions):
            if depends[item.id]:
                own = LocalRunner({item.id: find(item.id).reference}, lambda name: find(name, conventions).reference)
                verdict = judge(item, own)
                assert verdict.kind == WRONG, item.id
                assert verdict.mistake, f"{item.id}: {verdict.message}"
                assert not unnamed(verdict.message, depends[item.id]), f"{item.id}: {verdict.message}"


def unnamed(message, names):
    """Of some conventions those that a message does not name."""
    return [name for name in names if not any(words in message for words in NAMED[name])]


# what its text says


@pytest.mark.parametrize("conventions", [STANDARD, OPPOSITE], ids=str)
def test_every_task_says_its_conventions_and_never_the_other_ones(conventions):
    for lesson in homework(conventions):
        depends = depending(course(conventions), lesson)
        text = []
        for cell in lesson.cells[4:]:
            text.append(cell.student)
            if cell.task:
                said = re.sub(r'(?m)^- `"\w+"`: .*$', "", "\n".join(text))  # the kinds of scan order have names
                for name in depends[cell.exercise]:
                    for value in CHOICES[name]:
                        found = re.search(SAID[name, value], said)
                        assert bool(found) == (value == getattr(conventions, name)), (cell.exercise, name, value)
                text = []


def test_hints_of_a_task_never_say_the_other_convention():
    for lesson in homework(OPPOSITE):
        for name, conventions in depending(course(OPPOSITE), lesson).items():
            said = "\n".join(find(name, OPPOSITE).hints)
            for convention in conventions:
                assert not re.search(SAID[convention, CHOICES[convention][0]], said), name
            if "sequence" in conventions:
                assert not re.search(r"\(h w\)|k // cols", said), name
            if "patch" in conventions:
                assert "(c p1 p2)" not in said, name
            if "class_token" in conventions:
                assert not re.search(r"index 0|\[:, 0\]|\[:, 1:\]", said), name


def test_the_conventions_cell_lists_what_matters_and_marks_what_differs():
    lesson = homework(Conventions(class_token="last", masked=0))[5]
    said = lesson.cells[3].student
    assert said.startswith("## Conventions of this homework")
    sequence, class_token = (line for line in said.splitlines() if line.startswith("- "))
    assert "**row by row**" in sequence
    assert "Not as in the lesson" not in sequence
    assert "**last**" in class_token
    assert "*Not as in the lesson.*" in class_token
    assert "`interpolate_positions`" in class_token


def test_a_lesson_without_conventions_says_so():
    assert "No answer of this homework depends" in homework(OPPOSITE)[3].cells[3].student


# notebooks that run


@pytest.mark.parametrize("edition", ["student", "staff"])
def test_a_notebook_of_the_pack_runs_from_top_to_bottom(edition, tmp_path):
    files = pack_files(course(OPPOSITE), ["06"])
    notebook = nbformat.reads(files[f"{edition}/notebooks/06_pooling.ipynb"].decode(), as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    checks = [cell for cell in notebook.cells if cell.id.endswith("-check")]
    said = {cell.outputs[0].data["text/plain"].split(" · ")[0] for cell in checks}
    assert said == ({"○ not attempted"} if edition == "student" else {"✓ right"})


# on disk


def write_some(folder, secret="a", lessons=("06",)):
    return write_pack(standard_course(ROOT, conventions_of(secret)), folder, lessons)


def listed(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_pack_has_a_part_for_students_and_one_for_staff(tmp_path):
    write_some(tmp_path / "new" / "pack")
    notebook = "notebooks/06_pooling.ipynb"
    assert listed(tmp_path / "new/pack") == [
        "staff/key.md",
        f"staff/{notebook}",
        "student/README.md",
        f"student/{notebook}",
    ]


def test_the_secret_and_the_key_are_nowhere_in_the_students_part(tmp_path):
    secret = "a-secret-that-nobody-guesses"
    write_some(tmp_path, secret)
    for path in (tmp_path / "student").rglob("*.*"):
        assert secret not in path.read_text(encoding="utf-8")
        assert "homework-solved" not in path.read_text(encoding="utf-8")


def test_a_second_run_over_its_own_output_writes_nothing(tmp_path):
    assert write_some(tmp_path)
    assert write_some(tmp_path) == []


def test_other_lessons_of_the_same_secret_take_the_place_of_the_first(tmp_path):
    write_some(tmp_path, "a", ("00", "06"))
    write_some(tmp_path, "a", ("06",))
    assert listed(tmp_path) == sorted(pack_files(course(conventions_of("a")), ["06"]))


def test_the_pack_of_another_secret_is_left_alone(tmp_path):
    assert conventions_of("a") != conventions_of("b")
    write_some(tmp_path, "a")
    key = (tmp_path / "staff/key.md").read_bytes()
    with pytest.raises(PackError, match="holds the pack of another secret, which may be handed out: name another"):
        write_some(tmp_path, "b")
    assert (tmp_path / "staff/key.md").read_bytes() == key


@pytest.mark.parametrize("name", ["notes.txt", "student/notebooks/mine.ipynb", "staff/grades.csv", "other/key.md"])
def test_a_folder_that_holds_other_things_is_refused_and_left_alone(name, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(PackError, match="which no homework pack has"):
        write_some(tmp_path)
    assert listed(tmp_path) == [name]


def test_the_key_tells_the_staff_conventions_points_and_what_varies():
    key = pack_files(course(OPPOSITE), ["06"])["staff/key.md"].decode()
    assert "| class_token | last | not as in the lessons |" in key
    assert "| `mean_of_patches` | code | 1 | class_token | *varies* |" in key
    assert "| `global_average_pool` | code | 1 |  |  |" in key
    assert "**In all: 20 points.**" in key


def test_the_command_writes_a_pack_and_says_where(tmp_path):
    said = CliRunner().invoke(cli.app, ["homework", "--secret", "a", "--out", str(tmp_path / "pack"), "06"])
    assert said.exit_code == 0
    assert "for the staff alone" in said.output
    notebook = json.loads((tmp_path / "pack/student/notebooks/06_pooling.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"]["vitlab"]["edition"] == "homework"
