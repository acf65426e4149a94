"""A homework pack through the grader: its staff's edition earns every point, the public solutions do not."""

import pytest
from hand_ins import fresh, solved

from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Exercise
from vitlab.course.build import standard_course
from vitlab.course.pack import pack_files
from vitlab.course.secret import conventions_of
from vitlab.grading.grade import Grader
from vitlab.grading.job import Options
from vitlab.grading.levels import LEVELS, possible_levels
from vitlab.project import find_project

POSSIBLE = [level.name for level in LEVELS if possible_levels()[level.name] is None]
SECRETS = ("maple", "elm")  # between them every convention differs from the course's
WRITTEN_TEXT = "free text"

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="no isolation here")


@pytest.fixture(scope="module", params=SECRETS)
def pack(request):
    root = find_project()
    course = standard_course(root, conventions_of(request.param))
    files = {str(path): content for path, content in pack_files(course, []).items()}
    grader = Grader(root, Options("a seed", POSSIBLE[0], secret=request.param))
    yield files, grader, conventions_of(request.param)
    grader.close()


def graded(grader, content):
    [lesson] = grader.grade("x", [("x.ipynb", content)])["lessons"]
    return {e["id"]: e for e in lesson["exercises"] if e["kind"] != WRITTEN_TEXT}


def staff(files, info):
    [content] = [content for name, content in files.items() if "staff" in name and name.endswith(f"{info.file}.ipynb")]
    return content


def test_a_notebook_with_other_conventions_is_told_apart(pack):
    files, grader, _ = pack
    info = LESSONS[2]
    for content, problems in ((staff(files, info), 0), (fresh(info.number), 1)):
        record = grader.grade("x", [("x.ipynb", content)])
        assert [bool(lesson.get("other_conventions")) for lesson in record["lessons"]] == [bool(problems)]
        assert len(record["problems"]) == problems


def test_the_secrets_cover_every_convention():
    assert set().union(*(conventions_of(secret).differences() for secret in SECRETS)) == {
        *("sequence", "patch", "class_token", "masked")
    }


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_the_solved_pack_earns_every_point(pack, info):
    files, grader, _ = pack
    for exercise in graded(grader, staff(files, info)).values():
        assert exercise["points"] == exercise["most"], exercise


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_the_public_solutions_fail_where_a_convention_matters(pack, info):
    _, grader, conventions = pack
    found = graded(grader, solved(info.number))
    own = {item.id: item for item in items(info.number, conventions) if isinstance(item, Exercise)}
    for name, exercise in found.items():
        if exercise["verdict"] != "right":
            assert name in own
            assert exercise["mistake"] in {mistake.name for mistake in own[name].mistakes}, exercise
            assert exercise["points"] < exercise["most"]
    if info.number in ("01", "07"):
        assert any(exercise["verdict"] == "wrong" for exercise in found.values())
