"""Honest answers get full marks, however odd the notebook, the file or the way in which they are written."""

import pytest

from vitlab.attacks.honest import mark, read_honest
from vitlab.grading.grade import Grader
from vitlab.grading.job import Options
from vitlab.grading.levels import LEVELS, possible_levels
from vitlab.project import find_project

HONEST = read_honest(find_project() / "tests" / "honest")
POSSIBLE = [level for level in LEVELS if possible_levels()[level.name] is None]
# everything at the best level, some of each kind at the others
TRIALS = [(level, honest) for level in POSSIBLE for honest in (HONEST if level is POSSIBLE[0] else HONEST[5::40])]

pytestmark = pytest.mark.skipif(not POSSIBLE, reason=f"no isolation here: {possible_levels()}")


@pytest.fixture(scope="module")
def graders():
    made = {}

    def at(level):
        if level not in made:
            made[level] = Grader(find_project(), Options("honest", level.name))
        return made[level]

    yield at
    for grader in made.values():
        grader.close()


@pytest.mark.parametrize(
    ("level", "honest"), TRIALS, ids=[f"{level.name}: {honest.group}: {honest.name}" for level, honest in TRIALS]
)
def test_an_honest_hand_in_gets_full_marks(graders, level, honest):
    marks = mark(honest, graders(level))
    assert marks.complaint is None
    assert marks.obtained == marks.expected > 0


def test_there_are_a_hundred_of_them_and_more():
    assert len({(honest.group, honest.name) for honest in HONEST}) == len(HONEST) >= 100
