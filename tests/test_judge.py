"""A check gives a verdict in a sentence whatever stands under the exercise's name."""

import builtins

import numpy as np
import pytest
import torch
from einops import rearrange
from torch import Tensor, nn

from helpers.exercises import find
from helpers.exercises.definition import Exercise, Mistake
from helpers.exercises.judge import CRASHED, NOT_ATTEMPTED, RIGHT, WRONG, judge, same_value
from helpers.runner import Call, Foreign, LocalRunner, Reply, TorchModule, execute, plain

PATTERN = "b c (h p1) (w p2) -> b (h w) (c p1 p2)"


def patchify(images, patch_size):
    return rearrange(images, PATTERN, p1=patch_size, p2=patch_size)


def verdict_on(answer, name="patchify"):
    return judge(find(name), LocalRunner({name: answer}, lambda piece: find(piece).reference))


class ClaimsEverything:
    """Equal to everything, of every shape."""

    shape, dtype = (2, 6, 12), torch.float64

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


class LyingTensor(Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True


def raises(error):
    def answer(images, patch_size):
        raise error

    return answer


def no_return(images, patch_size):
    patchify(images, patch_size)


class UnreadableError(Exception):
    def __str__(self):
        raise RuntimeError("no message for you")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (3, WRONG, "its type is int"),
        (nn.Linear, WRONG, "it is a class"),
        (no_return, WRONG, "`return` missing"),
        (lambda images, patch_size: (patchify(images, patch_size),), WRONG, "It returns a tuple"),
        (lambda images, patch_size: np.zeros(3), WRONG, "stay in torch"),
        (lambda images, patch_size: patchify(images, patch_size).long(), WRONG, "dtype int64"),
        (lambda images, patch_size: patchify(images, patch_size).to("meta"), WRONG, "on meta"),
        (lambda images, patch_size: patchify(images, patch_size).to_sparse(), WRONG, "sparse"),
        (lambda images, patch_size: patchify(images, patch_size) / 0, WRONG, "NaN or infinite"),
        (lambda images, patch_size: ClaimsEverything(), WRONG, "ClaimsEverything"),
        (lambda images, patch_size: patchify(images, patch_size).as_subclass(LyingTensor), WRONG, "LyingTensor"),
        (lambda images, patch_size: patchify(images, patch_size).transpose(0, 1), WRONG, "two axes swapped"),
        (lambda images, patch_size: 2 * patchify(images, patch_size), WRONG, "2 times"),
        (lambda images, patch_size: patchify(images, patch_size).detach(), WRONG, "No gradient reaches `images`"),
        (lambda images, patch_size: patchify(images.data.mul_(2), patch_size) / 2, WRONG, "writes into its argument"),
        (lambda images: images, CRASHED, "TypeError"),
        (lambda images, patch_size: images.cuda(), CRASHED, "CUDA"),
        (raises(SystemExit(0)), CRASHED, "SystemExit"),
        (raises(KeyboardInterrupt()), CRASHED, "You stopped it"),
        (raises(UnreadableError()), CRASHED, "could not be read"),
        (raises(NotImplementedError()), NOT_ATTEMPTED, "still to be written"),
    ],
)
def test_a_bad_answer_gets_a_sentence(answer, kind, words):
    if "CUDA" in words and torch.cuda.is_available():
        pytest.skip("with a GPU at hand .cuda() works")
    verdict = verdict_on(answer)
    assert verdict.kind == kind
    assert words in verdict.message
    assert "\n" not in verdict.message


def test_a_missing_answer_is_not_attempted():
    verdict = judge(find("patchify"), LocalRunner({}, None))
    assert verdict.kind == NOT_ATTEMPTED
    assert "`patchify`" in verdict.message


def test_a_right_answer_is_right():
    assert verdict_on(patchify).kind == RIGHT


def test_nan_is_never_taken_for_a_number():
    numbers = torch.tensor([1.0, 2.0])
    for broken in (torch.tensor([1.0, torch.nan]), torch.tensor([torch.inf, 2.0])):
        assert "NaN or infinite" in same_value(numbers, broken)
        assert "NaN or infinite" in same_value(broken, numbers)
        assert same_value(broken, broken.clone()) is None
    assert "other infinite values" in same_value(torch.tensor([torch.inf]), torch.tensor([-torch.inf]))
    assert same_value(torch.tensor([1.0, -torch.inf]), torch.tensor([5.0, -torch.inf]))


def test_a_mistake_is_recognised_by_what_the_exercise_calls_equal():
    """Draws of two runs never agree number by number."""

    def as_often(call, expected, found):
        return None if abs(expected.value.mean() - found.value.mean()) < 0.1 else "other frequencies"

    exercise = Exercise(
        id="coin",
        title="A coin",
        points=1,
        minutes=1,
        difficulty=1,
        cases=lambda generator: [Call((1000,))],
        reference=lambda count: (torch.rand(count) < 0.5).float(),
        mistakes=(Mistake("loaded", "The coin is loaded.", lambda count: (torch.rand(count) < 0.9).float()),),
        hints=("Throw it.",),
        compare=as_often,
    )
    fair, loaded = (lambda count, p=p: torch.bernoulli(torch.full((count,), p)) for p in (0.5, 0.9))
    assert judge(exercise, LocalRunner({"coin": fair}, None)).kind == RIGHT
    assert judge(exercise, LocalRunner({"coin": loaded}, None)).mistake == "loaded"


def test_an_answer_that_only_works_in_float32_is_right_and_told_so():
    verdict = verdict_on(lambda images, patch_size: patchify(images, patch_size).float())
    assert verdict.kind == RIGHT
    assert "float32" in verdict.remarks[0]


def test_an_overwritten_builtin_is_named(monkeypatch):
    monkeypatch.setattr(builtins, "sorted", lambda *args: [])
    verdict = verdict_on(patchify)
    assert verdict.kind == CRASHED
    assert "`sorted`" in verdict.message


def test_a_check_leaves_random_state_and_default_dtype_alone():
    def meddler(images, patch_size):
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(0)
        return patchify(images, patch_size)

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    assert verdict_on(meddler).kind == RIGHT
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_default_dtype() == torch.float32


def double(x):
    return 2 * x


def _built_on(piece_name):
    """An exercise `twice` whose answer is asked to use an earlier one."""
    return Exercise(
        id="quadruple",
        title="",
        points=1,
        minutes=1,
        difficulty=1,
        cases=lambda generator: [Call((torch.randn(2, 3, generator=generator),))],
        reference=lambda x: 4 * x,
        mistakes=(Mistake("doubled once", "Only doubled once.", lambda x: 2 * x),),
        hints=(),
        needs=(piece_name,),
    )


def test_one_mistake_costs_once():
    namespace = {"double": lambda x: 3 * x}
    exec("def quadruple(x): return double(double(x))", namespace)
    verdict = judge(_built_on("double"), LocalRunner(namespace, lambda name: double))
    assert verdict.kind == RIGHT
    assert verdict.given == ("double",)
    assert "`double`" in verdict.remarks[0]
    assert namespace["double"](1) == 3, "the student's own piece stays in place"


def test_an_answer_on_an_unwritten_piece_is_judged_by_itself():
    namespace = {}
    exec(
        "def double(x): raise NotImplementedError\ndef quadruple(x): return double(x)",
        namespace,
    )
    verdict = judge(_built_on("double"), LocalRunner(namespace, lambda name: double))
    assert verdict.kind == WRONG
    assert verdict.mistake == "doubled once"


def test_a_crash_names_the_students_line():
    source = "def patchify(images, patch_size):\n    return images.reshape(7)\n"
    namespace = {}
    exec(compile(source, "notebook", "exec"), namespace)
    reply = LocalRunner(namespace, None).run("patchify", Call((torch.zeros(1, 1, 4, 4), 2)))
    assert reply.crash.line == 2


def test_parameters_of_a_module_are_asked_for_by_name():
    class Misnamed(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.linear = nn.Linear(dim, dim)

    call = Call((torch.zeros(1, 2),), build=(2,), state={"proj.weight": torch.zeros(2, 2)})
    assert "no parameter `proj.weight`" in execute(Misnamed, call).crash.message


def test_a_class_that_builds_no_module_is_told_so():
    call = Call((torch.zeros(1, 2),), build=(2,))
    assert "nn.Module" in execute(lambda dim: double, call).crash.message


def test_gradients_of_parameters_come_back():
    call = Call((torch.randn(3, 2),), build=(2, 2), gradients=True)
    assert set(execute(nn.Linear, call).gradients) == {"argument 0", "weight", "bias"}


def test_a_described_module_is_the_same_each_time():
    described = TorchModule("Sequential", parts=(TorchModule("Linear", {"in_features": 2, "out_features": 3}, seed=1),))
    x = torch.randn(4, 2, dtype=torch.float64)
    assert torch.equal(described.build(torch.float64)(x), described.build(torch.float64)(x))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ClaimsEverything(), Foreign("tests.test_judge.ClaimsEverything")),
        (..., Foreign("...")),
        ({"a": [1, (2.0, "b", None, True)]}, {"a": [1, (2.0, "b", None, True)]}),
        (np.float32(0.5), 0.5),
    ],
)
def test_only_plain_values_leave_a_runner(value, expected):
    found = plain(value)
    if isinstance(expected, Foreign):
        assert isinstance(found, Foreign)
        assert found.kind.endswith(expected.kind.rsplit(".", 1)[-1])
    else:
        assert found == expected


def test_values_agree_within_the_mathematics():
    x = torch.randn(4, 5, dtype=torch.float64)
    assert same_value(x, x * (1 + 1e-7)) is None
    assert same_value(x, x * (1 + 1e-4)) is not None
    assert same_value(torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.int32)) is None
    assert same_value(1.5, torch.tensor(1.5)) is None
    assert same_value((x, 1), (x, 2)).startswith("Returned value number 2")


def test_judging_survives_a_runner_that_answers_nonsense():
    class Nonsense:
        def run(self, name, call, given=()):
            return Reply(value=Foreign("nothing you know"))

    assert judge(find("patchify"), Nonsense()).kind == WRONG


def shifted_softmax(x, shift):
    return (x + shift).softmax(-1)


SOFTMAX = Exercise(
    "shifted_softmax",
    "A shift that softmax forgets",
    points=1,
    minutes=1,
    difficulty=1,
    cases=lambda generator: [
        Call(args=(torch.randn(4, 5, generator=generator, dtype=torch.float64), torch.ones(1).double()), gradients=True)
    ],
    reference=shifted_softmax,
    mistakes=(),
    hints=("a", "b"),
)


def test_a_gradient_that_is_zero_but_for_rounding_may_round_otherwise():
    def otherwise(x, shift):
        return (x - shift).exp() / (x - shift).exp().sum(-1, keepdim=True)

    assert judge(SOFTMAX, LocalRunner({"shifted_softmax": otherwise}, None)).kind == RIGHT


def test_a_gradient_that_should_be_zero_and_is_not_is_wrong():
    class Leaks(torch.autograd.Function):
        @staticmethod
        def forward(context, x, shift):
            return shifted_softmax(x, shift)

        @staticmethod
        def backward(context, gradient):
            return gradient, gradient.sum().reshape(1)

    verdict = judge(SOFTMAX, LocalRunner({"shifted_softmax": Leaks.apply}, None))
    assert verdict.kind == WRONG
    assert "gradient" in verdict.message


def test_a_branch_that_is_still_to_be_written_is_said_so_and_the_rest_counts():
    def only_raster(rows, cols, kind):
        if kind != "raster":
            raise NotImplementedError
        return torch.arange(rows * cols)

    verdict = verdict_on(only_raster, "scan_order")
    assert verdict.kind == CRASHED
    assert "is to be written" in verdict.message
    assert verdict.passed > 0


def test_a_crash_in_a_helper_of_the_students_own_names_that_helper():
    notebook = {}
    exec("def one(x): return x[9]\ndef inverse_permutation(order): return one(order)", notebook)
    message = judge(find("inverse_permutation"), LocalRunner(notebook, None)).message
    assert message.startswith("`inverse_permutation` stopped in line 1 of `one`")


def test_a_gradient_left_behind_on_an_argument_is_a_change_of_it():
    def leaves_a_gradient(x, shift):
        x.requires_grad_()
        shifted_softmax(x, shift).sum().backward()
        return shifted_softmax(x, shift).detach()

    reply = execute(leaves_a_gradient, Call(args=(torch.ones(2, 3), torch.ones(1))))
    assert reply.changed == (0,)


def partly(answer):
    return judge(find("inverse_permutation"), LocalRunner({"inverse_permutation": answer}, None)).credit


def test_a_part_of_the_points_is_for_groups_of_cases_that_pass_whole():
    verdict = judge(
        find("cnn_receptive_field"),
        LocalRunner({"cnn_receptive_field": lambda layers: 1 + sum(k - 1 for k, _, _ in layers)}, None),
    )
    assert verdict.groups["stride 1"][0]
    assert not verdict.groups["strides"][0]
    assert 0 < verdict.credit < 1


def test_handing_back_the_argument_earns_nothing():
    assert partly(lambda order: order) == 0
    assert partly(lambda order: order.argsort()) == 1
