"""From an exercise and a runner to a verdict: right, wrong (and which mistake), crashed, or not attempted."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from helpers.exercises.definition import Exercise, Mistake, Question, tensor_facts
from helpers.exercises.written import FreeText, Unreadable
from helpers.runner import Call, Crash, Foreign, Reply, Runner, TorchModule, execute, replaced_builtins

PUBLIC_SEED = 182  # of the instant check; grading draws its own
SMALL_GRADIENT = 1e-2  # of the largest one: the yardstick of gradients that are smaller still
TOLERANCE = {torch.float64: 2e-6, torch.float32: 2e-4}  # relative to the largest expected value
DTYPE_WORDS = ("dtype", "scalar type", "expected m1 and m2", "Float and Double", "Double and Float")

RIGHT, WRONG, CRASHED, NOT_ATTEMPTED = "right", "wrong", "crashed", "not attempted"


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    message: one or two sentences; mistake: name of the recognised mistake; facts: (label, text) pairs on the first
    failing case; remarks: what to know although it is right; passed, total: cases; groups: by name of a group of cases,
    (whether all of them pass, how many of them earn points); given: ids of earlier answers for which the course's own
    pieces stood in, whatever came of it.
    """

    exercise: Exercise | Question
    kind: str
    message: str
    mistake: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    passed: int = 0
    total: int = 0
    groups: Mapping[str, tuple[bool, int]] = field(default_factory=dict)
    given: tuple[str, ...] = ()

    @property
    def credit(self) -> float:
        """Share of the points, from 0 to 1: all of them where it is right, else the groups of cases that pass whole."""
        if self.kind == RIGHT:
            return 1.0
        return sum(count for whole, count in self.groups.values() if whole) / max(self.total, 1)


class Examination:
    """The cases of an exercise, drawn from one seed, with what is right in each and what each known mistake gives."""

    def __init__(self, exercise: Exercise, seed: int):
        self.cases = list(exercise.cases(torch.Generator().manual_seed(seed)))
        self.expected = [execute(exercise.reference, call) for call in self.cases]
        cheap = [
            _is_zero(want) or _hands_back(call, want) for call, want in zip(self.cases, self.expected, strict=True)
        ]
        self.earns = [not easy or all(cheap) for easy in cheap]  # all: to give an argument another shape is the answer
        known = exercise.cases(torch.Generator().manual_seed(PUBLIC_SEED)) if seed != PUBLIC_SEED else ()
        self.drawn = [not any(_same_call(call, other) for other in known) for call in self.cases]
        self._answers = [mistake.answer for mistake in exercise.mistakes]
        self._mistaken: dict[tuple[int, int], Reply] = {}

    def mistaken(self, mistake: int, case: int) -> Reply:
        """What a known wrong answer gives: computed only where an answer is not right, and once."""
        if (mistake, case) not in self._mistaken:
            self._mistaken[mistake, case] = execute(self._answers[mistake], self.cases[case])
        return self._mistaken[mistake, case]


@lru_cache(maxsize=512)
def examination(exercise: Exercise, seed: int) -> Examination:
    """The examination of an exercise from a seed, kept: a class of eight hundred sits the same one."""
    return Examination(exercise, seed)


def judge(exercise: Exercise | Question, runner: Runner, seed: int = PUBLIC_SEED) -> Verdict:
    """Judge the answer that `runner` holds under the exercise's id; never raises because of what an answer does.

    seed: draws the inputs. An answer that fails is tried again with the course's own pieces in place of the earlier
    answers that it needs, so that one mistake costs once.
    """
    if isinstance(exercise, Question) and isinstance(exercise.answer, FreeText):
        return Verdict(exercise, NOT_ATTEMPTED, "This one is read by a person: nothing to check here.")
    if isinstance(exercise, Question):
        return _judge_written(exercise, runner.read(exercise.id))
    altered = replaced_builtins()
    if altered:
        return Verdict(
            exercise, CRASHED, f"The builtin `{altered[0]}` has been overwritten: rename yours and restart the kernel."
        )
    sat = examination(exercise, seed)
    verdict = _judge_code(exercise, runner, sat, given=())
    if verdict.kind in (WRONG, CRASHED, NOT_ATTEMPTED) and exercise.needs and not _interrupted(verdict):
        again = _judge_code(exercise, runner, sat, given=exercise.needs)
        if again.kind == RIGHT:
            names = " and ".join(f"`{name}`" for name in exercise.needs)
            remark = f"Right with the course's own {names}; not with yours, so mend what it builds on."
            return replace(again, remarks=(*again.remarks, remark), given=exercise.needs)
        if verdict.kind == NOT_ATTEMPTED or again.kind == NOT_ATTEMPTED or (again.mistake and not verdict.mistake):
            return replace(again, given=exercise.needs)
    return verdict


def same_value(expected: Any, found: Any, tolerance: float | None = None) -> str | None:
    """None where `found` is `expected` as mathematics has it, else what differs, in a sentence.

    A number may come as a tensor of one element; floating tensors agree up to `tolerance` times the largest expected
    value; tensors of whole numbers or truth values agree exactly, dtype family included.
    """
    if isinstance(found, Foreign):
        if found.kind.startswith("numpy."):
            return f"It returns a {found.kind}, and a torch tensor was asked for: stay in torch."
        return f"It returns {_article(found.kind)}, and {_kind(expected)} was asked for."
    if isinstance(expected, Tensor):
        if found is None:
            return "It returns None: is the `return` missing?"
        if type(found) is not Tensor:
            return f"It returns {_article(type(found).__name__)}, and {_kind(expected)} was asked for."
        return _same_tensor(expected, found, tolerance)
    if type(expected) in (tuple, list):
        if found is None:
            return "It returns None: is the `return` missing?"
        if type(found) not in (tuple, list) or len(found) != len(expected):
            came = f"{len(found)} of them" if type(found) in (tuple, list) else _article(type(found).__name__)
            return f"It should return {len(expected)} values, and returns {came}."
        for position, (one, other) in enumerate(zip(expected, found, strict=True)):
            difference = same_value(one, other, tolerance)
            if difference:
                return f"Returned value number {position + 1}: {difference}"
        return None
    if type(expected) in (int, float):
        if type(found) is Tensor and found.numel() == 1:
            found = found.item()
        if found is None:
            return "It returns None: is the `return` missing?"
        if type(found) not in (int, float):
            return f"It returns {_kind(found)}, and a number was asked for."
        limit = (TOLERANCE[torch.float64] if tolerance is None else tolerance) * max(1.0, abs(expected))
        if math.isfinite(found) and abs(found - expected) <= limit:
            return None
        return f"It returns {found:.6g}, and {expected:.6g} was expected."
    return (
        None
        if type(found) is type(expected) and found == expected
        else f"It returns {_kind(found)}, and {_kind(expected)} was expected."
    )


def _judge_written(question: Question, reply: Reply) -> Verdict:
    missing = reply.crash is not None or reply.value is None or reply.value == "" or reply.value == Foreign("...")
    if missing:
        return Verdict(question, NOT_ATTEMPTED, f"Set `{question.id}` in the cell above, run it, and check again.")
    try:
        difference = question.answer.judge(reply.value)
    except Unreadable as error:
        return Verdict(question, WRONG, str(error))
    if difference is None:
        return Verdict(question, RIGHT, "That is right.", passed=1, total=1)
    return Verdict(question, WRONG, difference, total=1)


def _judge_code(exercise: Exercise, runner: Runner, sat: Examination, given: tuple[str, ...]) -> Verdict:
    cases, expected = sat.cases, sat.expected
    replies: list[Reply] = []
    remarks: list[str] = []
    for call in cases:
        reply = runner.run(exercise.id, call, given)
        if reply.crash and _stops(reply.crash) and not (_unwritten(reply.crash) and _any_value(replies)):
            return _stopped(exercise, reply.crash)
        replies.append(_in_float32(exercise, runner, call, reply, given, remarks))
    differences = [
        _difference(exercise, call, want, got) for call, want, got in zip(cases, expected, replies, strict=True)
    ]
    passed = sum(difference is None for difference in differences)
    count = {"passed": passed, "total": len(cases), "groups": _groups(sat, replies, differences)}
    if any(reply.device != "cpu" for reply in replies):
        remarks.append(
            "It moves its result to another device: leave tensors where they came from, so that it runs anywhere."
        )
    if passed == len(cases):
        return Verdict(exercise, RIGHT, "That is right.", remarks=tuple(dict.fromkeys(remarks)), **count)
    first = next(i for i, difference in enumerate(differences) if difference is not None)
    facts = _facts(exercise, cases[first], expected[first], replies[first])
    mistake = _recognise(exercise, sat, replies)
    if mistake:
        return Verdict(exercise, WRONG, mistake.message, mistake.name, facts, **count)
    if replies[first].crash and not expected[first].crash:
        return Verdict(exercise, CRASHED, _crash_words(exercise, replies[first].crash), facts=facts, **count)
    return Verdict(exercise, WRONG, differences[first], facts=facts, **count)


def _difference(exercise: Exercise, call: Call, expected: Reply, found: Reply) -> str | None:
    """What is wrong with one reply, or None."""
    if expected.crash:  # the case asks for an error
        if found.crash and found.crash.kind == expected.crash.kind:
            return None
        return f"It should raise a {expected.crash.kind} here: {expected.crash.message}"
    if found.crash:
        return found.crash.message or found.crash.kind
    if found.changed:
        names = _argument_names(exercise, call)
        name = names[found.changed[0]]
        return f"It writes into its argument `{name}`, which whoever calls it still needs: make a new tensor."
    difference = (
        exercise.compare(call, expected, found) if exercise.compare else same_value(expected.value, found.value)
    )
    if difference or not call.gradients:
        return difference
    largest = _largest(expected.gradients)
    for name, gradient in expected.gradients.items():
        if name not in found.gradients:
            return (
                f"No gradient reaches {_gradient_name(exercise, call, name)}: something cuts the graph (numpy, "
                ".item(), .detach(), .data, or a tensor that is no nn.Parameter), so it could not be trained."
            )
        if _gradients_differ(gradient, found.gradients[name], 1e-3 if call.dtype == torch.float32 else 1e-5, largest):
            return f"The result is right, and its gradient by {_gradient_name(exercise, call, name)} is not."
    return None


def _groups(
    sat: Examination, replies: Sequence[Reply], differences: Sequence[str | None]
) -> dict[str, tuple[bool, int]]:
    """Which groups of cases pass whole; none where no value that earns points was found out.

    Errors are cheap, one number for every case is a guess, and what the notebook's own check asks may stand in a table.
    """
    groups: dict[str, tuple[bool, int]] = {}
    any_value = not _one_number(replies) and any(
        difference is None and want.crash is None and earns and drawn
        for want, difference, earns, drawn in zip(sat.expected, differences, sat.earns, sat.drawn, strict=True)
    )
    for call, difference, earns in zip(sat.cases, differences, sat.earns, strict=True):
        whole, count = groups.get(call.group, (any_value, 0))
        groups[call.group] = (whole and difference is None, count + earns)
    return groups


def _hands_back(call: Call, expected: Reply) -> bool:
    """Whether a case is passed by handing back an argument, whatever its shape: that earns no part of the points."""
    if call.build is not None or expected.crash:
        return False
    return any(
        not isinstance(value, TorchModule) and same_value(expected.value, _shaped(value, expected.value)) is None
        for value in call.args
    )


def _shaped(value: Any, like: Any) -> Any:
    """A tensor in another one's shape, where it has as many values."""
    both = isinstance(value, Tensor) and isinstance(like, Tensor) and value.numel() == like.numel()
    return value.reshape(like.shape) if both else value


def _is_zero(expected: Reply) -> bool:
    """Whether what is expected is 0 everywhere: that earns no part of the points either."""
    value = expected.value
    if isinstance(value, Tensor) and value.numel():
        return bool((value.double().abs() <= TOLERANCE[torch.float64]).all())
    return type(value) in (int, float) and abs(value) <= TOLERANCE[torch.float64]


def _one_number(replies: Sequence[Reply]) -> bool:
    """Whether all that came is one and the same number, again and again."""
    values = [reply.value for reply in replies if reply.crash is None]
    if len(values) < 2 or not all(type(value) in (int, float, bool, Tensor) for value in values):
        return False
    numbers = torch.cat([torch.as_tensor(float(v) if type(v) is not Tensor else v).double().flatten() for v in values])
    return numbers.numel() > 0 and bool(((numbers - numbers[0]).abs() <= 1e-6 * max(1.0, abs(numbers[0].item()))).all())


def _same_call(one: Call, other: Call) -> bool:
    """Whether two calls ask the same."""
    if (one.build, one.method, one.state is None) != (other.build, other.method, other.state is None):
        return False
    values = [*one.args, *(one.state or {}).values()], [*other.args, *(other.state or {}).values()]
    return len(values[0]) == len(values[1]) and all(map(_same_argument, *values))


def _same_argument(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other


def _recognise(exercise: Exercise, sat: Examination, replies: Sequence[Reply]) -> Mistake | None:
    """The known mistake whose results equal the student's in every case, if there is one."""
    for number, mistake in enumerate(exercise.mistakes):
        agreed, told_apart = False, False
        for case, (call, want, got) in enumerate(zip(sat.cases, sat.expected, replies, strict=True)):
            wrong = sat.mistaken(number, case)
            if wrong.crash or got.crash:
                if not (wrong.crash and got.crash):
                    break
                told_apart = told_apart or want.crash is None
                continue
            if wrong.changed != got.changed or _values_differ(exercise, call, want, wrong, got):
                break
            agreed = True
            told_apart = told_apart or _difference(exercise, call, want, wrong) is not None
        else:
            if agreed and told_apart:
                return mistake
    return None


def _values_differ(exercise: Exercise, call: Call, want: Reply, wrong: Reply, got: Reply) -> bool:
    """Whether a student's reply is another one than a known wrong answer's.

    Of the gradients those count that the right answer has: whether the target of a loss gets one is nobody's mistake.
    """
    if exercise.compare:
        if exercise.compare(call, wrong, got) is not None:
            return True
    elif same_value(wrong.value, got.value) is not None:
        return True
    if not call.gradients:
        return False
    largest = _largest(wrong.gradients)
    return any(
        (name in wrong.gradients) != (name in got.gradients)
        or (name in got.gradients and _gradients_differ(wrong.gradients[name], got.gradients[name], 1e-3, largest))
        for name in want.gradients
    )


def _largest(gradients: Mapping[str, Tensor]) -> float:
    """The largest finite entry of all gradients."""
    finite = (gradient[torch.isfinite(gradient)].abs() for gradient in gradients.values())
    return max((entries.max().item() for entries in finite if entries.numel()), default=0.0)


def _gradients_differ(expected: Tensor, found: Tensor, tolerance: float, largest: float) -> bool:
    """Whether two gradients differ. One far below the `largest` of all may be a zero that rounding has filled."""
    if expected.shape != found.shape:
        return True
    finite = torch.isfinite(expected)
    if not torch.equal(finite, torch.isfinite(found)):
        return True
    limit = tolerance * max(_largest({"": expected}), SMALL_GRADIENT * largest)
    return not bool((expected[finite].double() - found[finite].double()).abs().le(limit).all())


def _in_float32(
    exercise: Exercise, runner: Runner, call: Call, reply: Reply, given: tuple[str, ...], remarks: list[str]
) -> Reply:
    """The reply, or the float32 one of an answer that only minds float64: the mathematics counts, not the float."""
    if call.dtype != torch.float64:
        return reply
    minds = reply.crash is not None and any(word in reply.crash.message for word in DTYPE_WORDS)
    narrowed = type(reply.value) is Tensor and reply.value.dtype == torch.float32
    if not (minds or narrowed):
        return reply
    again = runner.run(exercise.id, call.to(torch.float32), given)
    if again.crash:
        return reply
    remarks.append("It only works in float32: create tensors with the dtype and device of the input.")
    return again


def _same_tensor(expected: Tensor, found: Tensor, tolerance: float | None) -> str | None:
    if found.shape != expected.shape:
        swapped = sorted(found.shape) == sorted(expected.shape)
        hint = ": are two axes swapped?" if swapped else "."
        return f"The result has shape {tuple(found.shape)}, and {tuple(expected.shape)} was expected{hint}"
    exact = not (expected.is_floating_point() or expected.is_complex())
    if exact:
        if found.is_floating_point() or (found.dtype == torch.bool) != (expected.dtype == torch.bool):
            return f"The result has dtype {_dtype(found)}, and {_dtype(expected)} was expected."
        wrong = found.to(torch.int64) != expected.to(torch.int64)
    else:
        if not found.is_floating_point():
            return f"The result has dtype {_dtype(found)}, and {_dtype(expected)} was expected."
        finite = torch.isfinite(expected)
        if not torch.equal(finite, torch.isfinite(found)):
            return "The result holds NaN or infinite values." if finite.all() else "It is NaN or infinite elsewhere."
        if not torch.equal(found[~finite].double().nan_to_num(), expected[~finite].double().nan_to_num()):
            return "The result holds other infinite values than expected."
        expected, found = expected.where(finite, 0), found.where(finite, 0)
        narrow = torch.float32 if torch.float32 in (found.dtype, expected.dtype) else torch.float64
        limit = TOLERANCE[narrow] if tolerance is None else tolerance
        scale = expected.double().abs().max().item() if expected.numel() else 0.0
        wrong = (found.double() - expected.double()).abs() > limit * max(scale, 1e-12)
    if not bool(wrong.any()):
        return None
    return _how_values_differ(expected.double().flatten(), found.double().flatten(), wrong.flatten())


def _how_values_differ(expected: Tensor, found: Tensor, wrong: Tensor) -> str:
    share = f"{int(wrong.sum())} of {wrong.numel()} values differ"
    if torch.allclose(expected.sort().values, found.sort().values, rtol=1e-5, atol=1e-8):
        return f"The shape is right and all the right values are there, in another order: {share}."
    ratio = found / torch.where(expected == 0, torch.nan, expected)
    ratio = ratio[~ratio.isnan()]
    if ratio.numel() > 1 and bool((ratio - ratio[0]).abs().max() < 1e-5 * ratio[0].abs()):
        return f"The shape is right, and every value is {ratio[0].item():.4g} times what was expected."
    return f"The shape is right, the values are not: {share}."


def _facts(exercise: Exercise, call: Call, expected: Reply, found: Reply) -> tuple[tuple[str, str], ...]:
    """The failing input, what was expected and what came, in short texts."""
    names = _argument_names(exercise, call)
    inputs = ", ".join(f"{name}: {_input_words(value)}" for name, value in zip(names, call.args, strict=True))
    if call.build is not None:
        inputs = f"{exercise.id}{call.build!r}; " + inputs
    which, wanted_value, found_value = _first_that_differs(expected.value, found.value)
    start = _first_difference(wanted_value, found_value)
    wanted = f"a {expected.crash.kind}" if expected.crash else which + _value_words(wanted_value, start)
    facts = [("input", inputs), ("expected", wanted)]
    if found.crash is None:
        foreign = isinstance(found_value, Foreign)
        facts.append(("found", which + (found_value.kind if foreign else _value_words(found_value, start))))
    return tuple(facts)


def _first_that_differs(expected: Any, found: Any) -> tuple[str, Any, Any]:
    """Of several returned values the first that differs, and its number in words; one value as it is."""
    if type(expected) in (tuple, list) and type(found) in (tuple, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True), 1):
            if same_value(one, other):
                return f"number {number}: ", one, other
    return "", expected, found


def _first_difference(expected: Any, found: Any) -> int:
    """Where, in the flat order of their values, two tensors begin to differ; 0 where they cannot be compared."""
    if not (isinstance(expected, Tensor) and isinstance(found, Tensor) and expected.shape == found.shape):
        return 0
    a, b = expected.double().flatten(), found.double().flatten()
    differ = ((a - b).abs() > TOLERANCE[torch.float32] * a.abs().clamp(min=1e-3)).nonzero()
    return int(differ[0]) if len(differ) else 0


def _value_words(value: Any, start: int = 0) -> str:
    """Shape, dtype and four values from `start` on."""
    words = tensor_facts(value)
    if isinstance(value, Tensor) and value.numel():
        shown = ", ".join(_short(x) for x in value.flatten()[start : start + 4].tolist())
        words += f" [{'…, ' if start else ''}{shown}{', …' if value.numel() > start + 4 else ''}]"
    return words


def _short(x: Any) -> str:
    return f"{x:.4g}" if isinstance(x, float) else str(x)


def _input_words(value: Any) -> str:
    return f"a torch.nn.{value.kind}" if isinstance(value, TorchModule) else tensor_facts(value)


def _argument_names(exercise: Exercise, call: Call) -> list[str]:
    function: Callable = getattr(exercise.reference, "func", exercise.reference)  # under a partial of its conventions
    if call.build is not None:
        function = function.forward if call.method == "__call__" else getattr(function, call.method)
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(call.args))]


def _gradient_name(exercise: Exercise, call: Call, name: str) -> str:
    if name.startswith("argument "):
        return f"`{_argument_names(exercise, call)[int(name.removeprefix('argument '))]}`"
    return f"the parameter `{name}`"


def _stops(crash: Crash) -> bool:
    return crash.kind in ("NotImplementedError", "Missing", "KeyboardInterrupt", "Unusable")


def _unwritten(crash: Crash) -> bool:
    return crash.kind == "NotImplementedError"


def _any_value(replies: Sequence[Reply]) -> bool:
    return any(reply.crash is None for reply in replies)


def _stopped(exercise: Exercise, crash: Crash) -> Verdict:
    """Verdict on a crash after which no further case is worth trying."""
    if _unwritten(crash):
        return Verdict(
            exercise,
            NOT_ATTEMPTED,
            f"`{exercise.id}` is still to be written: replace the `raise NotImplementedError` line.",
        )
    if crash.kind == "Missing":
        words = f"There is no `{exercise.id}` in this notebook yet. Run the cell that defines it, then check again."
        return Verdict(exercise, NOT_ATTEMPTED, words)  # not the crash's: an answer may raise what it likes
    if crash.kind == "KeyboardInterrupt":
        where = f" in line {crash.line}: `{crash.text}`" if crash.line else ""
        return Verdict(
            exercise, CRASHED, f"You stopped it while it was still running{where}. Is there a loop that never ends?"
        )
    return Verdict(exercise, WRONG, f"`{exercise.id}` cannot be used as asked: {crash.message}")


def _interrupted(verdict: Verdict) -> bool:
    return verdict.kind == CRASHED and verdict.message.startswith("You stopped it")


def _crash_words(exercise: Exercise, crash: Crash) -> str:
    if "CUDA" in crash.message or "NVIDIA" in crash.message:
        return (
            "It asks for a CUDA device, and this machine has none: leave tensors on the device they came on "
            "(and create new ones with `device=x.device`)."
        )
    other = f" of `{crash.function}`" if crash.function.isidentifier() and crash.function != exercise.id else ""
    where = f" in line {crash.line}{other}, `{crash.text}`" if crash.line else ""
    if _unwritten(crash):
        return f"Other cases have an answer already; for this one{where} still says that it is to be written."
    return f"`{exercise.id}` stopped{where}: {crash.kind}: {crash.message}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if value is None:
        return "None"
    return (
        f"{_article(type(value).__name__)} ({tensor_facts(value)})"
        if type(value) in (int, float, bool, str)
        else _article(type(value).__name__)
    )


def _article(noun: str) -> str:
    noun = noun.removeprefix("__main__.")
    return f"an {noun}" if noun[:1].lower() in "aeio" else f"a {noun}"
