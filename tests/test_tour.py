"""The tour of verdicts in lesson 00 shows what a check says, and leaves no trace in the student's progress."""

import pytest

from helpers.exercises import find
from helpers.progress import read_progress
from helpers.tour import verdict_on


def _unwritten(images):
    raise NotImplementedError("write your code here")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_unwritten, "not attempted"),
        (lambda images: images.channels_last(), "crashed"),
        (lambda images: images.transpose(1, 3), "wrong"),
        (lambda images: find("to_channels_last").reference(images), "right"),
    ],
    ids=["not attempted", "crashed", "wrong", "right"],
)
def test_each_verdict_can_be_shown(answer, kind):
    assert verdict_on("to_channels_last", answer).kind == kind


def test_showing_a_right_answer_is_no_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("VITLAB_HOME", str(tmp_path))
    verdict_on("to_channels_last", find("to_channels_last").reference)
    assert read_progress() == {}
    assert not list(tmp_path.iterdir())
