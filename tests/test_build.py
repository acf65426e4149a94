"""One source becomes every edition, a broken one is refused with its line, and no solution reaches a student."""

import copy
import json
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from vitlab.course import build as course_build
from vitlab.course import execute as course_execute
from vitlab.course.build import Course, build, check
from vitlab.course.errors import BuildError
from vitlab.course.execute import ExecutionError, as_seen
from vitlab.course.leaks import find_leaks, read_secrets
from vitlab.course.notebooks import solved_notebook, student_notebook
from vitlab.course.parse import parse
from vitlab.project import find_project

ROOT = find_project(Path(__file__).parent)
EXERCISES = {
    "halve": SimpleNamespace(id="halve", points=2, kind="code"),
    "Doubler": SimpleNamespace(id="Doubler", points=4, kind="code"),
    "tokens": SimpleNamespace(id="tokens", points=1, kind="written"),
    "why": SimpleNamespace(id="why", points=3, kind="written"),
    "guess": SimpleNamespace(id="guess", points=0, kind="prediction"),
}
WORDS = {"pattern": "b c h w -> b (h w) c", "masked_value": "1"}

TITLE = """\
# %% [markdown]
# # A sample lesson
"""
SAMPLE = (
    TITLE
    + '''#
# {{contents}}

# %% tags=["setup"]
class lesson:
    """Stands for the course's Lesson."""

    @staticmethod
    def check(exercise):
        print("right:", exercise)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## 1 · Halves & doubles (15 min) ★
# The pattern is `{{pattern}}`. Below, `return x` is a line of this text.

# %% tags=["exercise"] exercise="halve"
def halve(x):
    """Half of x, by {{pattern}}."""  # masked: {{masked_value}}
    ### BEGIN SOLUTION
    # half of it is half of it
    if x is None:
        x = 0
    else:
        x = x / 2
    return x
    ### END SOLUTION


# %% tags=["check"] exercise="halve"
lesson.check("halve")
### BEGIN HIDDEN TESTS
assert halve(4) == 2
### END HIDDEN TESTS

# %% tags=["exercise"] exercise="Doubler"
class Doubler:
    def __init__(self, factor=2):
        ### BEGIN SOLUTION
        self.factor = factor
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return (
            x
            * self.factor
        )
        ### STUB
        # # multiply x
        # raise NotImplementedError("multiply here")
        ### END SOLUTION


# %% tags=["check"] exercise="Doubler"
lesson.check("Doubler")

# %% [markdown] tags=["ta-note"]
# **TA, 10 minutes.** In pairs.
# - **They get wrong:** they divide by four here.
# - **Ask next:** what is half of a half? (A quarter.)
# - **Run live:** nothing: two lines on the board.

# %% [markdown]
# ## 2 · Counting (20 min)

# %% tags=["answer"] exercise="tokens"
### BEGIN SOLUTION
tokens = (224 // 16) ** 2
### STUB
# tokens = ...  # a number
### END SOLUTION

# %% tags=["check"] exercise="tokens"
lesson.check("tokens")

# %% [markdown] tags=["answer"] exercise="why"
# **Why?**
#
# ### BEGIN SOLUTION
# Attention treats its tokens as a set.
# ### END SOLUTION

# %% tags=["predict"] exercise="guess"
### BEGIN SOLUTION
guess = "the same"
### STUB
# guess = None
### END SOLUTION

# %% tags=["experiment", "compare"]
print(f"{halve(4)} stays {guess}")
'''
)


@pytest.fixture
def course(tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/01_sample.py").write_text(SAMPLE, encoding="utf-8")
    return Course(tmp_path, EXERCISES.__getitem__, WORDS)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course built and executed once; tests that write into it take a copy (`fresh`)."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
    (root / "solutions/01_sample.py").write_text(SAMPLE, encoding="utf-8")
    course = Course(root, EXERCISES.__getitem__, WORDS)
    build(course)
    return course


@pytest.fixture
def fresh(built, course):
    for path in (built.root / "notebooks/01_sample.ipynb", built.root / "solutions/01_sample.ipynb"):
        copied = course.root / path.relative_to(built.root)
        copied.parent.mkdir(exist_ok=True)
        copied.write_bytes(path.read_bytes())
    return course


def student_file(course):
    return course.root / "notebooks/01_sample.ipynb"


def solved_file(course):
    return course.root / "solutions/01_sample.ipynb"


def cells(path):
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


def parse_text(tmp_path, text, name="01_broken.py"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return parse(path, find=EXERCISES.__getitem__, words=WORDS)


# what the editions hold


def test_a_student_gets_stubs_and_the_text_around_them(built):
    shown = cells(student_file(built))
    assert shown["halve"].source == (
        'def halve(x):\n    """Half of x, by b c h w -> b (h w) c."""  # masked: 1\n'
        '    raise NotImplementedError("write your code here")'
    )
    assert shown["tokens"].source == "tokens = ...  # a number"
    assert shown["why"].source == "**Why?**\n\n*Write your answer here.*"
    assert '        # multiply x\n        raise NotImplementedError("multiply here")' in shown["Doubler"].source


def test_a_student_gets_no_outputs_no_hidden_tests_and_no_notes(built):
    shown = cells(student_file(built))
    assert shown["halve-check"].source == 'lesson.check("halve")'
    assert not any("ta-note" in cell.metadata.get("tags", []) for cell in shown.values())
    assert all(not c.outputs and c.execution_count is None for c in shown.values() if c.cell_type == "code")


def test_the_solved_edition_holds_everything_and_its_outputs(built):
    shown = cells(solved_file(built))
    assert "### BEGIN SOLUTION" in shown["halve"].source
    assert "### STUB" not in shown["tokens"].source
    assert "assert halve(4) == 2" in shown["halve-check"].source
    assert shown["why"].source == "**Why?**\n\nAttention treats its tokens as a set."
    assert shown["halve-check"].outputs[0].text == "right: halve\n"
    assert shown["counting-2"].outputs[0].text == "2.0 stays the same\n"


def test_contents_become_a_table_of_the_parts_with_the_sums(built):
    assert cells(student_file(built))["a-sample-lesson-1"].source.splitlines()[2:] == [
        "| part | minutes | 50-minute section |",
        "|:---|---:|:---:|",
        "| 1 · Halves & doubles | 15 | ★ |",
        "| 2 · Counting | 20 |  |",
        "| **in all** | **35** | **15 minutes** |",
    ]


def test_ids_are_the_same_in_both_editions_and_say_what_a_cell_is(built):
    student = [cell.id for cell in nbformat.read(student_file(built), as_version=4).cells]
    solved = [cell.id for cell in nbformat.read(solved_file(built), as_version=4).cells]
    assert [name for name in solved if name != "halves-doubles-note-1"] == student
    opening = ["a-sample-lesson-1", "colab-1", "a-sample-lesson-2", "halves-doubles-1", "halve", "halve-check"]
    assert student[: len(opening)] == opening


def test_long_headings_still_give_valid_ids(tmp_path):
    heading = "\n# %% [markdown]\n# ## " + "A very long heading, ünïcode and all, " * 6 + "\n"
    for cell in student_notebook(parse_text(tmp_path, TITLE + heading + heading)).cells:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell.id)


def test_cells_carry_nbgraders_metadata(built):
    shown = cells(student_file(built))
    common = {"schema_version": 3, "task": False}
    answer = {"grade": False, "solution": True, "locked": False}
    checked = {"grade": True, "solution": False, "locked": True, "points": 2}
    by_hand = {"grade": True, "solution": True, "locked": False, "points": 3}
    assert shown["halve"].metadata.nbgrader == {**common, **answer, "grade_id": "halve"}
    assert shown["halve-check"].metadata.nbgrader == {**common, **checked, "grade_id": "halve-check"}
    assert shown["why"].metadata.nbgrader == {**common, **by_hand, "grade_id": "why"}
    assert "nbgrader" not in shown["halves-doubles-1"].metadata


def test_nbval_compares_checks_and_compared_cells_alone(built):
    compared = {
        name
        for name, cell in cells(solved_file(built)).items()
        if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }
    assert compared == {"halve-check", "Doubler-check", "tokens-check", "counting-2"}


def test_notebooks_name_their_lesson_and_no_machine(built):
    for path, edition in ((student_file(built), "student"), (solved_file(built), "solved")):
        notebook = nbformat.read(path, as_version=4)
        assert notebook.metadata.vitlab == {"lesson": "01", "edition": edition}
        assert set(notebook.metadata) == {"kernelspec", "language_info", "vitlab"}
        assert "version" not in notebook.metadata.language_info
        assert str(built.root) not in path.read_text(encoding="utf-8")


def test_slide_metadata_is_kept(built):
    assert cells(student_file(built))["halves-doubles-1"].metadata.slideshow == {"slide_type": "slide"}


# the same bytes, and only what is needed


def test_building_again_gives_the_same_bytes_and_runs_nothing(fresh, monkeypatch):
    monkeypatch.setattr(course_build, "execute", lambda *_, **__: pytest.fail("executed"))
    before = student_file(fresh).read_bytes(), solved_file(fresh).read_bytes()
    assert build(fresh) == []
    assert (student_file(fresh).read_bytes(), solved_file(fresh).read_bytes()) == before
    assert before[0].endswith(b"}\n")
    assert b"\r" not in before[0] + before[1]


def test_executing_again_gives_the_same_bytes(fresh):
    assert build(fresh, run=True) == []


def test_a_change_of_text_keeps_the_outputs_and_runs_nothing(fresh, monkeypatch):
    monkeypatch.setattr(course_build, "execute", lambda *_, **__: pytest.fail("executed"))
    source = fresh.root / "solutions/01_sample.py"
    source.write_text(SAMPLE.replace("· Counting", "· Numbers"), encoding="utf-8")
    assert build(fresh) == [student_file(fresh), solved_file(fresh)]
    assert cells(solved_file(fresh))["numbers-2"].outputs[0].text == "2.0 stays the same\n"


def test_a_change_of_code_runs_the_lesson(fresh):
    source = fresh.root / "solutions/01_sample.py"
    source.write_text(SAMPLE.replace("stays {guess}", "is {guess}"), encoding="utf-8")
    assert build(fresh) == [student_file(fresh), solved_file(fresh)]
    assert cells(solved_file(fresh))["counting-2"].outputs[0].text == "2.0 is the same\n"


def test_without_execution_only_unchanged_cells_keep_their_outputs(fresh):
    source = fresh.root / "solutions/01_sample.py"
    source.write_text(SAMPLE.replace("stays {guess}", "is {guess}"), encoding="utf-8")
    build(fresh, run=False)
    assert cells(solved_file(fresh))["halve-check"].outputs
    assert not cells(solved_file(fresh))["counting-2"].outputs
    assert any("never executed" in problem for problem in check(fresh))


def test_execution_keeps_no_progress_bar_no_widget_and_no_path(course, tmp_path):
    code = """
import os, sys, pathlib, IPython.display as d
print("progress 10%", file=sys.stderr)
print(pathlib.Path.cwd())
print(os.path.isdir(os.environ["VITLAB_HOME"]))
d.display({"application/vnd.jupyter.widget-view+json": {"model_id": "7"}, "text/plain": "a widget"}, raw=True)
"""
    lesson = parse_text(tmp_path, TITLE + "\n# %%" + code)
    (code_cell,) = course_execute.code_cells(course_execute.execute(solved_notebook(lesson), course.root / "solutions"))
    printed, displayed = code_cell.outputs
    assert printed.text == "./solutions\nTrue\n"
    assert displayed.data == {"text/plain": "a widget"}
    assert "execution" not in code_cell.metadata


def test_a_cell_that_never_ends_is_an_error_and_not_a_hang(course, tmp_path):
    lesson = parse_text(tmp_path, TITLE + "\n# %%\nwhile True:\n    pass\n")
    with pytest.raises(ExecutionError, match="over 1 s") as caught:
        course_execute.execute(solved_notebook(lesson), course.root / "solutions", timeout=1)
    assert caught.value.cell == 1


# nothing half-written


def test_a_broken_second_lesson_leaves_nothing_written(course):
    (course.root / "solutions/02_broken.py").write_text(TITLE + "\n# %%\n### STUB\n", encoding="utf-8")
    with pytest.raises(BuildError, match="02_broken"):
        build(course)
    assert not (course.root / "notebooks").exists()
    assert not solved_file(course).exists()


def test_a_lesson_whose_code_fails_is_not_written_and_the_line_is_named(course):
    source = course.root / "solutions/01_sample.py"
    source.write_text(SAMPLE + "\n# %%\n1 / 0\n", encoding="utf-8")
    with pytest.raises(BuildError, match="ZeroDivisionError") as caught:
        build(course)
    assert caught.value.line == len(SAMPLE.splitlines()) + 2
    assert not student_file(course).exists()


def test_a_crash_while_writing_leaves_the_old_file_whole(fresh, monkeypatch):
    before = student_file(fresh).read_bytes()
    (fresh.root / "solutions/01_sample.py").write_text(SAMPLE.replace("a line", "one line"), encoding="utf-8")

    def crash(*_):
        raise OSError("disk full")

    monkeypatch.setattr("vitlab.files.os.replace", crash)
    with pytest.raises(OSError, match="disk full"):
        build(fresh)
    assert student_file(fresh).read_bytes() == before
    assert [path.name for path in student_file(fresh).parent.iterdir()] == ["01_sample.ipynb"]


# --check


def test_check_passes_on_what_was_built(built):
    assert check(built) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("notebooks", "The pattern is", "The pattern es", "cell 'halves-doubles-1', its source"),
        ("notebooks", '"locked": true', '"locked": false', "cell 'halve-check', its metadata"),
        ("notebooks", '"lesson": "01"', '"lesson": "02"', "the notebook's metadata"),
        ("notebooks", '"id": "halves-doubles-1"', '"id": "halves-doubles-9"', "a cell 'halves-doubles-9' where"),
        ("notebooks", '\n "nbformat": 4', '\n  "nbformat": 4', "its form as a file"),
        ("notebooks", '"cells"', '"cell"', "not a notebook"),
        ("solutions", "assert halve(4) == 2", "assert halve(4) == 3", "cell 'halve-check', its source"),
        ("solutions", '"execution_count": 3', '"execution_count": 4', "cell 'halve', its execution count"),
    ],
)
def test_check_sees_one_changed_character(fresh, file, old, new, said):
    path = fresh.root / file / "01_sample.ipynb"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(problem.startswith(f"{file}/01_sample.ipynb: differs") and said in problem for problem in check(fresh))


def test_check_wants_outputs_where_nbval_compares_them(fresh):
    notebook = nbformat.read(solved_file(fresh), as_version=4)
    next(cell for cell in notebook.cells if cell.id == "halve-check").outputs = []
    nbformat.write(notebook, solved_file(fresh))
    assert any("'halve-check' holds no output" in problem for problem in check(fresh))


def test_check_sees_missing_and_stray_notebooks(fresh):
    student_file(fresh).rename(fresh.root / "notebooks/99_old.ipynb")
    problems = check(fresh)
    assert "notebooks/01_sample.ipynb: missing" in problems
    assert "notebooks/99_old.ipynb: no lesson in solutions/ makes it" in problems


def test_check_goes_on_after_a_broken_source(fresh):
    (fresh.root / "solutions/00_broken.py").write_text("print(1)\n", encoding="utf-8")
    student_file(fresh).unlink()
    problems = check(fresh)
    assert any("00_broken.py:1:" in problem for problem in problems)
    assert "notebooks/01_sample.ipynb: missing" in problems


def test_lessons_are_chosen_by_number_or_name(course):
    (course.root / "solutions/02_other.py").write_text(TITLE, encoding="utf-8")
    assert [path.stem for path in course.select(["02"])] == ["02_other"]
    assert [path.stem for path in course.select(["01_sample"])] == ["01_sample"]
    assert len(course.select([])) == len(course.select(["all"])) == 2
    with pytest.raises(ValueError, match="no lesson '07'"):
        course.select(["07"])


def test_a_lesson_outside_the_table_of_lessons_is_refused(course):
    table = Course(course.root, course.find, course.words, names=["00_einops"])
    with pytest.raises(BuildError, match="table of lessons has no '01_sample'"):
        build(table)


# what the parser refuses, with the line

CHECK = '\n# %% tags=["check"] exercise="halve"\nlesson.check("halve")\n'
HALVE = '\n# %% tags=["exercise"] exercise="halve"\ndef halve(x):\n'
SOLVED = "    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION\n"
BROKEN = {  # what is wrong: (the source after the title cell (lines 1-2), the line, words of the message)
    "an unclosed solution": (HALVE + "    ### BEGIN SOLUTION\n    return x\n" + CHECK, 6, "never closed"),
    "a nested solution": (HALVE + "    ### BEGIN SOLUTION\n" + SOLVED + CHECK, 7, "inside another block"),
    "an unopened solution": (HALVE + "    return x\n    ### END SOLUTION\n" + CHECK, 7, "without ### BEGIN"),
    "an empty solution": (
        HALVE + "    ### BEGIN SOLUTION\n\n    ### END SOLUTION\n    return x\n" + CHECK,
        6,
        "an empty solution",
    ),
    "a solution of comments": (
        HALVE + "    ### BEGIN SOLUTION\n    # x\n    ### END SOLUTION\n    return x\n" + CHECK,
        6,
        "an empty solution",
    ),
    "two solutions in one function": (HALVE + SOLVED + SOLVED + CHECK, 9, "a second solution block"),
    "a stub outside a solution": (HALVE + SOLVED + "    ### STUB\n" + CHECK, 9, "outside a solution"),
    "two stubs": (
        HALVE + "    ### BEGIN SOLUTION\n    return x\n    ### STUB\n    # 1\n    ### STUB\n    ### END SOLUTION\n",
        10,
        "a second ### STUB",
    ),
    "an empty stub": (
        HALVE + "    ### BEGIN SOLUTION\n    return x\n    ### STUB\n    ### END SOLUTION\n" + CHECK,
        9,
        "an empty stub",
    ),
    "a stub that is no comment": (
        HALVE + "    ### BEGIN SOLUTION\n    return x\n    ### STUB\n    return 0\n    ### END SOLUTION\n" + CHECK,
        9,
        "stub's lines are comments",
    ),
    "a stub that does not compile": (
        HALVE + "    ### BEGIN SOLUTION\n    return x\n    ### STUB\n    # return (\n    ### END SOLUTION\n" + CHECK,
        9,
        "does not compile",
    ),
    "a default stub outside a function": (
        '\n# %% tags=["answer"] exercise="tokens"\n### BEGIN SOLUTION\ntokens = 1\n### END SOLUTION\n',
        5,
        "not inside a function",
    ),
    "a misspelt delimiter": (HALVE + SOLVED.replace("### BEGIN", "## BEGIN") + CHECK, 6, "is no delimiter"),
    "a solution in a plain cell": ("\n# %%\ndef f(x):\n" + SOLVED, 4, "a solution in a cell that has none"),
    "hidden tests without an end": (
        HALVE + SOLVED + CHECK + "### BEGIN HIDDEN TESTS\nassert halve(2) == 1\n",
        12,
        "never closed",
    ),
    "hidden tests without a beginning": (HALVE + SOLVED + CHECK + "### END HIDDEN TESTS\n", 12, "without ### BEGIN"),
    "empty hidden tests": (
        HALVE + SOLVED + CHECK + "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\n",
        12,
        "an empty block of hidden",
    ),
    "two blocks of hidden tests": (
        HALVE + SOLVED + CHECK + "### BEGIN HIDDEN TESTS\nassert 1\n### END HIDDEN TESTS\n### BEGIN HIDDEN TESTS\n",
        15,
        "a second block of hidden",
    ),
    "an exercise without a solution": (HALVE + "    return x\n" + CHECK, 4, "has no solution"),
    "an exercise of another name": (HALVE.replace("def halve", "def half") + SOLVED + CHECK, 4, "defines nothing"),
    "an exercise that the course does not know": (
        HALVE.replace("halve", "third") + SOLVED + CHECK,
        4,
        "the course has no exercise 'third'",
    ),
    "an exercise tagged as an answer": (
        HALVE.replace('"exercise"]', '"answer"]') + SOLVED + CHECK,
        4,
        "the course defines it as 'code'",
    ),
    "an exercise given twice": (HALVE + SOLVED + CHECK + HALVE + SOLVED, 13, "given twice: first in line 4"),
    "an exercise without a check": (HALVE + SOLVED, 4, "has no check"),
    "a check before its exercise": (CHECK + HALVE + SOLVED, 4, "a check of 'halve', which is not given"),
    "a second check": (HALVE + SOLVED + CHECK + CHECK, 13, "second check: the first is in line 10"),
    "a check of what does not exist": (CHECK.replace("halve", "third"), 4, "no exercise 'third'"),
    "a check that calls another": (
        HALVE + SOLVED + CHECK.replace('check("halve")', 'check("tokens")'),
        11,
        "its code checks 'tokens'",
    ),
    "a check cell that checks nothing": (
        HALVE + SOLVED + CHECK.replace('lesson.check("halve")', "1"),
        11,
        'never calls lesson.check("halve")',
    ),
    "a check in an untagged cell": ('\n# %%\nlesson.check("halve")\n', 5, "not tagged"),
    "a check in markdown": (
        HALVE + SOLVED + '\n# %% [markdown] tags=["check"] exercise="halve"\n# Text\n',
        10,
        "a check is a code cell",
    ),
    "a check of free text": (
        '\n# %% [markdown] tags=["answer"] exercise="why"\n# ### BEGIN SOLUTION\n# So.\n# ### END SOLUTION\n'
        + CHECK.replace("halve", "why"),
        9,
        "a person reads",
    ),
    "a prediction in markdown": (
        '\n# %% [markdown] tags=["predict"] exercise="guess"\n# ### BEGIN SOLUTION\n# So.\n# ### END SOLUTION\n',
        4,
        "only an answer may be free text",
    ),
    "no exercise named": ('\n# %% tags=["check"]\nlesson.check("halve")\n', 4, "must say which"),
    "an exercise named without a role": ('\n# %% exercise="halve"\n1\n', 4, "has none of the tags"),
    "an id that is no name": (CHECK.replace("halve", "a b"), 4, "is a Python name"),
    "an unknown tag": ('\n# %% tags=["exercize"]\n1\n', 4, "unknown tag 'exercize': the known ones are answer, check"),
    "two roles": ('\n# %% tags=["check", "answer"] exercise="halve"\n1\n', 4, "one role"),
    "tags that are no list": ('\n# %% tags="check"\n1\n', 4, "must be a list"),
    "unknown metadata": ("\n# %% excercise=1\n1\n", 4, "unknown metadata 'excercise'"),
    "tags without quotes": ("\n# %% tags=check\n1\n", 4, "must be a list"),
    "a cell with a name": ("\n# %% My cell\n1\n", 4, "cannot read 'My cell'"),
    "a marker that cannot be read": ("\n# %% exercise=halve\n1\n", 4, "cannot read 'exercise=halve'"),
    "an unknown word in text": ("\n# %% [markdown]\n# Text\n# {{patern}}\n", 6, "unknown word {{patern}}"),
    "an unknown word in a docstring": ('\n# %%\ndef f():\n    """{{patern}}"""\n', 6, "unknown word {{patern}}"),
    "an unknown word in a comment": ("\n# %%\nx = 1  # {{patern}}\n", 5, "unknown word {{patern}}"),
    "a word in code": ('\n# %%\nx = 1\nprint("{{pattern}}")\n', 6, "stands in code"),
    "minutes that cannot be read": ("\n# %% [markdown]\n# ## 1 · Part (fifteen min)\n", 5, "is not of the form"),
    "a part without minutes": ("\n# %% [markdown]\n# ## 1 · Part ★\n", 5, "is not of the form"),
    "parts out of order": (
        "\n# %% [markdown]\n# ## 1 · Part (5 min)\n\n# %% [markdown]\n# ## 3 · Part (5 min)\n",
        8,
        "part 3 comes after part 1",
    ),
    "a section of over 50 minutes": ("\n# %% [markdown]\n# ## 1 · Part (51 min) ★\n", 5, "over 50 minutes"),
    "code that is not Python": ("\n# %%\nx = 1\ndef f(:\n", 6, "not Python"),
    "an IPython magic": ("\n# %%\n%matplotlib inline\n", 5, "not Python"),
    "a shell line": ("\n# %%\nx = 1\n!ls\n", 6, "not Python"),
    "an empty cell": ("\n# %%\n\n# %%\n1\n", 4, "an empty cell"),
    "a raw cell": ("\n# %% [raw]\n# x\n", 4, "a raw cell"),
    "markdown in quotes": ('\n# %% [markdown]\n"""\nText\n"""\n', 4, "markdown in quotes"),
    "a marker inside a string": ('\n# %%\n1\n\n# %%\nx = """\n# %% y\n"""\n', 9, "indent it"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_source_is_refused_with_its_line(tmp_path, what):
    text, line, said = BROKEN[what]
    with pytest.raises(BuildError) as caught:
        parse_text(tmp_path, TITLE + text)
    assert said in caught.value.message
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{tmp_path / '01_broken.py'}:{line}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# %%\nx = 1\n", "first cell must be the title"),
        ("# %% [markdown]\n# No heading\n", "first cell must be the title"),
        ("# %% [markdown]\n# ## 1 · Part (5 min)\n", "first cell must be the title"),
        ("x = 1\n# %%\ny = 1\n", "text before the first"),
        ("x = 1\n", "no cell"),
        ("", "no cell"),
    ],
)
def test_a_lesson_begins_with_its_title(tmp_path, text, said):
    with pytest.raises(BuildError, match=said) as caught:
        parse_text(tmp_path, text)
    assert caught.value.line == 1


def test_a_source_that_is_not_utf_8_or_badly_named_is_refused(tmp_path):
    path = tmp_path / "01_broken.py"
    path.write_bytes(b"# %% [markdown]\n# # T\xff\n")
    with pytest.raises(BuildError, match="not UTF-8"):
        parse(path, find=EXERCISES.__getitem__, words=WORDS)
    with pytest.raises(BuildError, match="is not named like"):
        parse_text(tmp_path, TITLE, "first-lesson.py")


def test_braces_that_are_no_words_are_left_alone(tmp_path):
    text = TITLE + '\n# %% [markdown]\n# $x^{{\\top}}$\n\n# %%\nx = 1\nprint(f"{{x}} {x}")\n'
    lesson = parse_text(tmp_path, text)
    assert [cell.solved for cell in lesson.cells[1:]] == ["$x^{{\\top}}$", 'x = 1\nprint(f"{{x}} {x}")']


def test_a_comment_like_a_magic_stays_a_comment(tmp_path):
    lesson = parse_text(tmp_path, TITLE + "\n# %%\n# %matplotlib inline\nx = 1\n")
    assert lesson.cells[1].solved == "# %matplotlib inline\nx = 1"


def test_headings_in_a_code_fence_are_no_headings(tmp_path):
    text = TITLE + "\n# %% [markdown]\n# ```\n# ## 1 · no part\n# ```\n# ## 1 · Part (5 min)\n"
    assert [part.title for part in parse_text(tmp_path, text).parts] == ["Part"]


# leaks


def plant(notebook, line, where):
    """A copy of a student notebook with a line of a solution in one of the places where one can be."""
    planted = copy.deepcopy(notebook)
    code = next(cell for cell in planted["cells"] if cell["cell_type"] == "code")
    text = next(cell for cell in planted["cells"] if cell["cell_type"] == "markdown")
    if where == "source":
        code["source"] += "\n" + line
    elif where == "text":
        text["source"] += "\n" + line
    elif where == "output":
        code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "before\n" + line + "\nafter"}]
    elif where == "metadata":
        code["metadata"]["note"] = {line: 1}
    elif where == "notebook metadata":
        planted["metadata"]["note"] = ["x", line]
    else:
        text["attachments"] = {"a.txt": {"text/plain": line}}
    return planted


PLACES = ("source", "text", "output", "metadata", "notebook metadata", "attachment")


def leaks_of(lesson, notebook):
    return find_leaks(notebook, "student.ipynb", read_secrets(lesson.path, lesson.words))


def assert_every_planted_line_is_caught(lesson, places):
    notebook = json.loads(json.dumps(student_notebook(lesson)))
    secret = read_secrets(lesson.path, lesson.words).secret
    assert leaks_of(lesson, notebook) == []
    assert secret
    for number, line in secret:
        for where in places:
            assert leaks_of(lesson, plant(notebook, line, where)), (number, line, where)


def test_every_line_of_a_solution_is_caught_wherever_it_is_planted(tmp_path):
    lesson = parse_text(tmp_path, SAMPLE)
    secret = [line.strip() for _, line in read_secrets(lesson.path, lesson.words).secret]
    for line in ("else:", ")", "return x", "# half of it is half of it", "assert halve(4) == 2", 'guess = "the same"'):
        assert line in secret
    assert "Attention treats its tokens as a set." in secret
    assert "- **They get wrong:** they divide by four here." in secret
    assert not any("tokens = ..." in line or "multiply" in line for line in secret)
    assert_every_planted_line_is_caught(lesson, PLACES)


@pytest.mark.parametrize("source", sorted((ROOT / "solutions").glob("*.py")), ids=lambda path: path.stem)
def test_every_line_of_the_courses_solutions_is_caught(source):
    course = course_build.standard_course(ROOT)
    assert_every_planted_line_is_caught(parse(source, find=course.find, words=course.words), ("source",))


@pytest.mark.parametrize(
    "line",
    [
        "answer: tokens = (224 // 16) ** 2 of course",
        "tokens=( 224//16 )**2",
        "'def f():\\n    tokens = (224 // 16) ** 2\\n'",
        "ATTENTION, please. Attention treats its tokens as a set. Yes.",
    ],
)
def test_a_solution_is_caught_inside_a_longer_line_and_in_other_white_space(tmp_path, line):
    lesson = parse_text(tmp_path, SAMPLE)
    assert leaks_of(lesson, plant(student_notebook(lesson), line, "source"))


def test_a_line_that_is_public_elsewhere_is_no_leak_where_it_stands(tmp_path):
    text = SAMPLE + "\n# %%\nif halve is None:\n    x = 0\nelse:\n    x = halve(2) / 2\n"
    lesson = parse_text(tmp_path, text)
    notebook = student_notebook(lesson)
    assert leaks_of(lesson, notebook) == []
    assert leaks_of(lesson, plant(notebook, "else:", "source"))


def test_a_distinctive_solution_of_one_lesson_is_a_leak_in_another(course):
    line = "tokens = (224 // 16) ** 2 + 0 * len('another lesson')"
    source = course.root / "solutions/01_sample.py"
    source.write_text(SAMPLE.replace("tokens = (224 // 16) ** 2", line), encoding="utf-8")
    other = course.root / "solutions/02_other.py"
    other.write_text(TITLE + "\n# %%\n" + line + "\n", encoding="utf-8")
    with pytest.raises(BuildError, match="stands in the student edition of 02_other") as caught:
        build(course, ["02"])
    assert caught.value.file == source


def test_the_build_stops_when_the_parser_lets_a_solution_through(course, monkeypatch):
    def leaky(lesson):
        notebook = student_notebook(lesson)
        notebook.cells[-1].source += "\nx = x / 2"
        return notebook

    monkeypatch.setattr(course_build, "student_notebook", leaky)
    with pytest.raises(BuildError, match="stands in the student edition") as caught:
        build(course, run=False)
    assert SAMPLE.splitlines()[caught.value.line - 1].strip() == "x = x / 2"
    assert not student_file(course).exists()


def test_check_scans_the_committed_student_notebook(fresh):
    notebook = nbformat.read(student_file(fresh), as_version=4)
    notebook.metadata["note"] = "x = x / 2"
    nbformat.write(notebook, student_file(fresh))
    assert any("holds a line of a solution, 'x = x / 2'" in problem for problem in check(fresh))


# the course's own lessons


def test_the_committed_editions_are_what_would_be_built():
    assert check(course_build.standard_course(ROOT)) == []


def test_of_a_progress_bar_only_its_last_state_is_kept():
    assert as_seen("one\n 0%|\r50%|\r100%|\r\ntwo\r\n") == "one\n100%|\ntwo\n"
