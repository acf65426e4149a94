"""TA notes have one form, fill 50 minutes, say only what the course bears out, and make a page to hold."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from vitlab.cli import app
from vitlab.course import command
from vitlab.course.build import parsed, standard_course
from vitlab.course.editions.notes import goals, notes_page
from vitlab.course.errors import BuildError
from vitlab.course.parse import parse
from vitlab.course.ta_notes import plan
from vitlab.project import find_project

ROOT = find_project(Path(__file__).parent)
COURSE = standard_course(ROOT)
NAMES = [source.stem for source in COURSE.sources()]

OPENING = "# **TA, opening.** Ask what half of three is."
NOTE = """\
# **TA, 8 minutes.** The room writes `halve`,
# in pairs.
# - **They get wrong:** *a quarter*: they divide
#   by four.
# - **Ask next:** what is half of that? (A quarter.)
# - **Run live:** `halve`, `print(halve(4`: first the code, then its result."""
OUTSIDE = """\
# **TA, not in the section.** Homework.
# - **They get wrong:** nothing so far.
# - **Ask next:** why not? (It is short.)"""
SAMPLE = """\
# %% [markdown]
# # A sample lesson

# %% [markdown] tags=["ta-note"]
{opening}

# %% [markdown]
# ## 1 · Halves (10 min) ★

# %% tags=["exercise"] exercise="halve"
def halve(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION


# %% tags=["check"] exercise="halve"
lesson.check("halve")

# %%
print(halve(4))

# %% [markdown] tags=["ta-note"]
{note}

# %% [markdown]
# ## 2 · Quarters (5 min)

# %%
print(halve(halve(4)))

# %% [markdown] tags=["ta-note"]
{outside}
"""


def sample(folder, opening=OPENING, note=NOTE, outside=OUTSIDE, end="", template=SAMPLE):
    source = folder / "42_sample.py"
    source.write_text(template.format(opening=opening, note=note, outside=outside) + end, encoding="utf-8")
    return parse(source, find=lambda name: {"halve": SimpleNamespace(points=1, kind="code")}[name], words={})


@pytest.fixture(scope="module")
def lessons():
    return {lesson.name: lesson for lesson in parsed(COURSE, COURSE.sources())}


def texts(note):
    return [text for text in (note.text, note.wrong, note.ask, note.live) if text]


def test_a_note_is_read_point_by_point(tmp_path):
    note, outside = sample(tmp_path).notes.parts
    assert (note.part.number, note.minutes, note.text) == (1, 8, "The room writes `halve`, in pairs.")
    assert note.wrong == "*a quarter*: they divide by four."
    assert note.ask == "what is half of that? (A quarter.)"
    assert note.targets == ("halve", "print(halve(4")
    assert [cell.task for cell in note.cells] == ["exercise", None]
    assert (outside.minutes, outside.live, outside.cells) == (None, None, ())


def test_the_first_words_of_a_line_may_end_in_dots(tmp_path):
    note, _ = sample(tmp_path, note=NOTE.replace("`print(halve(4`", "`print(halve(…`")).notes.parts
    assert note.targets == ("halve", "print(halve(…")
    assert note.cells[1].solved.startswith("print(halve(4")


def test_dots_stand_for_the_rest_of_a_line_and_nothing_else(tmp_path):
    with pytest.raises(BuildError, match="no cell of this part match"):
        sample(tmp_path, note=NOTE.replace("`print(halve(4`", "`print(…5`"))


def test_the_plan_adds_up_to_50_minutes_with_clock_times(tmp_path):
    slots = plan(sample(tmp_path))
    assert [(slot.clock, slot.minutes, slot.title) for slot in slots] == [
        ("0:00", 3, "Opening"),
        ("0:03", 8, "1 · Halves"),
        ("0:11", 39, "Closing"),
    ]


CELL = '\n# %% [markdown] tags=["ta-note"]\n'
MORE = "\n# %% [markdown]\n# ## 3 · More (40 min) ★\n"
LONG = NOTE.replace("8 minutes", "39 minutes").replace("`halve`, `print(halve(4`", "nothing")
TAIL = "\n# %% [markdown]\n# ## What you can say now\n"


@pytest.mark.parametrize(
    ("changes", "at", "message"),
    [
        ({"note": "# Students divide by four here."}, "# Students", "a TA note begins with"),
        ({"note": NOTE.replace("8 minutes", "11 minutes")}, "**TA, 11", "takes 10 minutes in all"),
        ({"note": NOTE.replace("TA, 8 minutes", "TA, not in the section")}, "**TA, not", "is in the section"),
        ({"outside": OUTSIDE.replace("not in the section", "5 minutes")}, "**TA, 5", "has no ★"),
        (
            {"note": NOTE.replace("They get wrong", "Common")},
            "**Common:**",
            "'- **They get wrong:** …' is expected here",
        ),
        ({"note": NOTE.replace("(A quarter.)", "")}, "**Ask next:** what is half", "a question with its answer"),
        ({"note": NOTE.rpartition("\n")[0]}, "**Ask next:** what is half", "2 points"),
        ({"outside": OUTSIDE + "\n# - **Run live:** nothing: no."}, "**Run live:** nothing", "3 points"),
        ({"note": NOTE.replace("#   by four", "# by four")}, "# by four", "indented by two spaces"),
        (
            {"note": NOTE.replace("`print(halve(4`", "`quarter`")},
            "**Run live:**",
            "no cell of this part match `quarter`",
        ),
        ({"note": NOTE.replace("`print(halve(4`", "`print(halve(halve`")}, "**Run live:**", "no cell of this part"),
        ({"note": NOTE.replace("`halve`, `print(halve(4`: first", "first")}, "**Run live:**", "what to point at"),
        ({"note": NOTE.replace("divide", "$/$")}, "$/$", "LaTeX in a TA note"),
        ({"opening": NOTE}, "**TA, 8", "stands in none"),
        ({"opening": OPENING + "\n# - **Ask next:** so? (So.)"}, "so? (So.)", "one paragraph"),
        ({"opening": "# A sample"}, "# A sample", "a TA note begins with"),
        ({"outside": OPENING.replace("three", "four")}, "half of four", "stands before part 1"),
        ({"end": CELL + OUTSIDE.replace("Homework", "Twice")}, "Twice", "a second note for part 2"),
        ({"end": TAIL + CELL + OUTSIDE.replace("Homework", "Late")}, "Late", "stands in none"),
        ({"end": MORE + CELL + LONG}, "**TA, 39", "the notes take 47 minutes: the section's parts have 45"),
    ],
)
def test_a_note_of_another_form_is_refused_with_file_and_line(tmp_path, changes, at, message):
    with pytest.raises(BuildError) as refused:
        sample(tmp_path, **changes)
    assert message in refused.value.message
    assert refused.value.file.name == "42_sample.py"
    assert at in refused.value.file.read_text(encoding="utf-8").splitlines()[refused.value.line - 1]


def test_an_exercise_after_its_parts_note_is_refused(tmp_path):
    exercise = SAMPLE.partition("# ## 1 · Halves (10 min) ★\n")[2].partition("# %%\nprint")[0]
    with pytest.raises(BuildError, match="'halve' comes after its part's note"):
        sample(
            tmp_path,
            note=LONG.replace("39", "8"),
            template=SAMPLE.replace(exercise, "\n").replace("{note}", "{note}\n" + exercise),
        )


def test_a_part_of_the_section_without_a_note_has_no_plan(tmp_path):
    lesson = sample(tmp_path, end="\n# %% [markdown]\n# ## 3 · More (10 min) ★\n")
    with pytest.raises(BuildError, match="part 3 · More is in the section and has no TA note"):
        plan(lesson)


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_a_lesson_has_a_note_and_the_section_takes_50_minutes(lessons, name):
    lesson = lessons[name]
    assert [note.part for note in lesson.notes.parts] == list(lesson.parts)
    slots = plan(lesson)
    assert sum(slot.minutes for slot in slots) == 50
    assert slots[0].minutes == 3
    assert slots[-1].minutes >= 2
    assert [slot.start for slot in slots] == [sum(s.minutes for s in slots[:n]) for n in range(len(slots))]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_a_note_stands_in_the_lesson(lessons, name):
    """Names in `code` are exercises of the lesson or words of its cells: what was renamed is found here."""
    lesson = lessons[name]
    known = {word for cell in lesson.cells if cell.student is not None for word in re.findall(r"\w+", cell.solved)}
    known |= {cell.exercise for cell in lesson.cells}
    named = {word for note in lesson.notes.parts for text in texts(note) for word in re.findall(r"`(\w+)`", text)}
    assert {word for word in named if "_" in word} - known == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_named_in_a_note_is_a_known_one_of_its_part(lessons, name):
    lesson, part, mistakes = lessons[name], 0, {}
    for cell in lesson.cells:
        heading = re.match(r"## (\d+) ·", cell.solved) if cell.kind == "markdown" else None
        part = int(heading[1]) if heading else part
        if cell.task == "exercise":
            mistakes.setdefault(part, set()).update(known.name for known in COURSE.find(cell.exercise).mistakes)
    for note in lesson.notes.parts:
        bare = re.sub(r"`[^`]*`", "", note.wrong)
        assert set(re.findall(r"\*([^*]+)\*", bare)) - mistakes.get(note.part.number, set()) == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_plan_the_notes_and_the_answers(lessons, name):
    lesson = lessons[name]
    page = notes_page(COURSE, lesson)
    assert [clock for clock in re.findall(r"<td>(\d:\d\d)</td>", page)] == [slot.clock for slot in plan(lesson)]
    headings = [int(number) for number in re.findall(r'<h3 id="part-(\d+)"', page)]
    assert sorted(headings) == [part.number for part in lesson.parts]
    assert goals(lesson)
    section = {note.part.number for note in lesson.notes.parts if note.minutes}
    part = 0
    for cell in lesson.cells:
        heading = re.match(r"## (\d+) ·", cell.solved) if cell.kind == "markdown" else None
        part = int(heading[1]) if heading else part
        if cell.task and part in section:
            assert f"(<code>{cell.exercise}</code>" in page


def test_a_page_loads_nothing_and_runs_nothing(lessons):
    page = notes_page(COURSE, lessons["02_patch_order"])
    assert not re.search(r"https?://|<script|src=|@import|url\(", page)
    assert "default-src 'none'" in page


def test_known_wrong_answers_stand_under_their_exercise_with_what_the_card_says(lessons):
    page = notes_page(COURSE, lessons["02_patch_order"])
    table = page.partition("known wrong answers of inverse_permutation")[2].partition("</table>")[0]
    mistakes = COURSE.find("inverse_permutation").mistakes
    assert [mistake.name for mistake in mistakes] == re.findall(r'<th scope="row">([^<]+)</th>', table)
    assert "an index has to be <code>long</code>" in table


def test_the_command_writes_a_page_for_each_lesson_named(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["export", "notes", "02", "07", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "02_patch_order_ta_notes.html",
        "07_masked_autoencoder_ta_notes.html",
    ]


def test_the_command_takes_all(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(app, ["export", "notes", "all", "--out", str(tmp_path)]).exit_code == 0
    assert len(list(tmp_path.iterdir())) == len(NAMES)


def test_the_commands_that_a_page_names_run_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(app, ["export", "notes", "02", "--out", str(tmp_path)]).exit_code == 0
    page = (tmp_path / "02_patch_order_ta_notes.html").read_text(encoding="utf-8")
    named = re.findall(r"<code>vitlab (export [^<]+)</code>", page)
    asked = []
    for export in ("export_slides", "export_worksheets"):
        monkeypatch.setattr(
            command, export, lambda root, out, lessons, *rest: asked.append((str(out), lessons)) or True
        )
    assert [CliRunner().invoke(app, line.split()).exit_code for line in named] == [0, 0]
    assert asked == [("section", ["02"])] * 2
