"""Each known wrong answer is caught by its own name, each correct variant accepted, each untouched stub seen as one."""

import pytest

from helpers.exercises import LESSONS, find, items
from helpers.exercises.definition import Exercise
from helpers.exercises.judge import RIGHT, judge
from helpers.models.conventions import Conventions
from helpers.runner import LocalRunner
from vitlab.zoo import lesson_zoo, mistakes

EACH_CONVENTION = [  # each varied alone, then all together; the standard ones are in the tests above
    Conventions(sequence="column-major"),
    Conventions(patch="channel-last"),
    Conventions(class_token="last"),
    Conventions("column-major", "channel-last", "last", 0),
]


def course(name):
    return find(name).reference


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_every_specimen_gets_the_verdict_it_deserves(info):
    specimens = list(lesson_zoo(info))
    assert {specimen.kind for specimen in specimens} == {"mistake", "variant", "stub"}
    assert [specimen for specimen in specimens if specimen.complaint] == []


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_every_exercise_has_mistakes_and_three_hints(info):
    for item in items(info.number):
        if isinstance(item, Exercise):
            assert len(item.mistakes) >= 2, item.id
            assert len(item.hints) == 3, item.id


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_mistakes_are_recognised_from_any_seed(info):
    for item in items(info.number):
        if isinstance(item, Exercise):
            for mistake in item.mistakes:
                for seed in (1, 2):
                    verdict = judge(item, LocalRunner({item.id: mistake.answer}, course), seed)
                    assert verdict.mistake == mistake.name, f"{item.id}, seed {seed}"


@pytest.mark.parametrize("conventions", EACH_CONVENTION, ids=str)
def test_definitions_follow_their_conventions(conventions):
    varied = 0
    for info in LESSONS:
        for item, standard in zip(items(info.number, conventions), items(info.number), strict=True):
            if not isinstance(item, Exercise):
                continue
            assert judge(item, LocalRunner({item.id: item.reference}, course)).kind == RIGHT
            if judge(item, LocalRunner({item.id: standard.reference}, course)).kind != RIGHT:
                varied += 1
                assert [specimen for specimen in mistakes(item) if specimen.complaint] == []
    assert varied
