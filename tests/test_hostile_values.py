"""Whatever a child sends, the judge gives a verdict on it: it neither raises nor takes it for right."""

from dataclasses import replace

import pytest
import torch

from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Exercise, Question
from helpers.exercises.judge import PUBLIC_SEED, RIGHT, examination, judge
from helpers.exercises.written import FreeText
from helpers.runner import Crash, Foreign, Reply, execute

VALUES = {
    "nothing": None,
    "a truth value": True,
    "a large number": 2**255,
    "NaN": float("nan"),
    "minus infinity": float("-inf"),
    "a text": "\x00\u202e=1+1" * 100,
    "an empty tuple": (),
    "a tuple in a tuple": ((((),),),),
    "ten thousand numbers": [2**255] * 10_000,
    "a dict": {"value": {"": None}},
    "a foreign value": Foreign("x" * 300),
    "a tensor without axes": torch.tensor(float("nan")),
    "a tensor of nothing": torch.zeros(0, 3, 0),
    "a tensor of sixty-four axes": torch.zeros([1] * 64),
    "a tensor of truth values": torch.ones(2, 3, dtype=torch.bool),
    "a tensor of bfloat16": torch.ones(2, 3, dtype=torch.bfloat16),
    "a tuple of tensors": (torch.ones(2), None, torch.zeros(0)),
}
ITEMS = [
    item
    for info in LESSONS
    for item in items(info.number)
    if isinstance(item, Exercise) or (isinstance(item, Question) and not isinstance(item.answer, FreeText))
]
CHANGES = {  # of each tensor of a right result
    "NaN": lambda t: t.double() * float("nan"),
    "infinity": lambda t: torch.full_like(t, float("inf"), dtype=torch.float64),
    "truth values": lambda t: ~t.bool(),
    "bfloat16": lambda t: t.to(torch.bfloat16) + 1,
    "other whole numbers": lambda t: t.to(torch.int8) - 1,
    "no tensor": lambda t: Foreign("x"),
    "nothing": lambda t: None,
    "another axis": lambda t: t[None].double() + 1,
    "one number": lambda t: torch.tensor(float("nan")),
}


class Says:
    """A runner whose every reply is the same."""

    def __init__(self, reply):
        self.reply = reply

    def read(self, name):
        return self.reply

    def run(self, name, call, given=()):
        return self.reply


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_no_value_stops_the_judge(item):
    for name, value in VALUES.items():
        for more in ({}, {"gradients": {"argument 0": torch.zeros(1), "": torch.zeros(0)}}, {"changed": (0,)}):
            assert judge(item, Says(Reply(value=value, **more))).kind != RIGHT, name


class Changes:
    """A runner of the course's own answer, whose tensors are changed on their way."""

    def __init__(self, exercise, change):
        self.exercise, self.change = exercise, change

    def run(self, name, call, given=()):
        reply = execute(self.exercise.reference, call)
        return replace(reply, value=self._changed(reply.value))

    def _changed(self, value):
        if isinstance(value, torch.Tensor):
            return self.change(value)
        if type(value) in (tuple, list):
            return type(value)(self._changed(inner) for inner in value)
        return {"": value}


@pytest.mark.parametrize("exercise", [i for i in ITEMS if isinstance(i, Exercise)], ids=lambda item: item.id)
def test_no_value_of_the_right_form_stops_the_judge(exercise):
    for name, change in CHANGES.items():
        assert judge(exercise, Changes(exercise, change)).kind != RIGHT, name


class Table:
    """A runner of a table of what the notebook's own check asks and wants."""

    def __init__(self, exercise):
        sat = examination(exercise, PUBLIC_SEED)
        self.rows = {_written(call): want for call, want in zip(sat.cases, sat.expected, strict=True)}

    def run(self, name, call, given=()):
        return self.rows.get(_written(call), Reply(value=0))


def _written(call):
    values = (*call.args, *(call.state or {}).values())
    return repr((call.build, call.method, [v.tolist() if isinstance(v, torch.Tensor) else v for v in values]))


@pytest.mark.parametrize("exercise", [i for i in ITEMS if isinstance(i, Exercise)], ids=lambda item: item.id)
def test_a_table_of_the_public_check_earns_nothing(exercise):
    verdict = judge(exercise, Table(exercise), PUBLIC_SEED + 1)
    assert verdict.kind != RIGHT
    assert verdict.credit == 0


@pytest.mark.parametrize("exercise", [i for i in ITEMS if isinstance(i, Exercise)], ids=lambda item: item.id)
def test_one_number_or_an_argument_for_an_answer_earns_nothing(exercise):
    """Each in the shape that is asked for, and with the errors that are asked for."""
    filled = {number: lambda t, number=number: torch.full_like(t, number) for number in (0, 1)}
    for change in filled.values():
        assert judge(exercise, Filled(exercise, change)).credit == 0
    for position in range(3):
        verdict = judge(exercise, Back(exercise, position))
        assert verdict.credit == 0 or (verdict.kind == RIGHT and exercise.id == "linear_to_conv")  # a reshape is right


class Filled(Changes):
    """A runner of an answer that knows shapes, types and errors, and nothing else."""

    def _changed(self, value):
        if type(value) in (bool, int, float):
            return type(value)(self.change(torch.tensor(float(value))).item())
        if type(value) in (tuple, list):
            return type(value)(self._changed(inner) for inner in value)
        return self.change(value) if isinstance(value, torch.Tensor) else value


class Back(Changes):
    """A runner of an answer that hands an argument back, in the shape that is asked for where it can have it."""

    def run(self, name, call, given=()):
        reply = execute(self.exercise.reference, call)
        value = call.args[self.change] if len(call.args) > self.change else None
        if isinstance(value, torch.Tensor) and isinstance(reply.value, torch.Tensor):
            value = value.reshape(reply.value.shape) if value.numel() == reply.value.numel() else value
        plain = isinstance(value, torch.Tensor | int | float | str)
        return reply if reply.crash else replace(reply, value=value if plain else None)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_no_crash_stops_the_judge(item):
    for kind in ("", "Missing", "Unusable", "KeyboardInterrupt", "NotImplementedError", "ValueError", "x" * 300):
        verdict = judge(item, Says(Reply(crash=Crash(kind, "CUDA dtype \x1b", 1 << 30, "", "f"))))
        assert verdict.kind != RIGHT
        assert verdict.credit == 0
