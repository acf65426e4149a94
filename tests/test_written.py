"""Written answers are judged by what they mean, never by how they are spelled, and never evaluated."""

import time

import pytest

from helpers.exercises.written import Choice, Growth, Number, Shape, Unreadable

COST = Growth("N**2 * D", {"N": "tokens", "D": "width"}, {"N * D": "every token looks at every token"})
PARAMETERS = Number(86_567_656, "parameters", 0.001, {85_000_000: "the head is missing"})
PICTURE = Growth("H**2*W**2*D/P**4", {"H": "height", "W": "width", "P": "patch", "D": "size"})


@pytest.mark.parametrize(
    "text",
    [
        "N**2*D",
        "N^2 D",
        "O(N²·D)",
        "N N D",
        "7*N**2*D + N*D",
        "D*(N**2+3*N)",
        "D / N**-2",
        "sqrt(N**4)*D",
        "(N*D)**2/D",
    ],
)
def test_the_same_growth_is_right(text):
    assert COST.judge(text) is None


@pytest.mark.parametrize(
    "text", ["N*D", "N**2", "N**2*D + N*D**2", "N**2*D*log(N)", "0", "(0-1)**0.5", "1/0", "N**(2*D)"]
)
def test_another_growth_is_wrong(text):
    assert COST.judge(text)


def test_an_exponent_may_be_negative():
    share = Growth("1/sqrt(n)", {"n": "layers"}, {})
    assert share.judge("n**(-0.5)") is None
    assert share.judge("1/√n") is None
    assert share.judge("-1/sqrt(n)")


def test_a_known_wrong_growth_has_its_own_message():
    assert COST.judge("3*D*N") == "every token looks at every token"


def test_four_variables_are_told_apart():
    assert PICTURE.judge("D*(H*W/P**2)**2") is None
    assert PICTURE.judge("D*H*W/P**2")
    assert PICTURE.judge("H**2*W**2*D/P**2")


@pytest.mark.parametrize(
    "text", ["", "N^", "foo", "((((N", "N)", "__import__('os')", "N;D", "N" * 500, "(" * 200 + "N", 3, None]
)
def test_what_cannot_be_read_gets_a_sentence(text):
    with pytest.raises(Unreadable, match=r"\.$"):
        COST.judge(text)


def test_a_power_tower_is_answered_at_once():
    started = time.perf_counter()
    assert COST.judge("(9**(9**(9**9)))*N")
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "value",
    [
        86_567_656,
        86.567656e6,
        "86.6 M",
        "86.6M parameters",
        "86,567,656 parameters",
        "86.6 million parameters",
        "8.66e7",
    ],
)
def test_a_number_may_be_written_in_many_ways(value):
    assert PARAMETERS.judge(value) is None


@pytest.mark.parametrize(
    ("value", "unit", "number"),
    [("16x", "times", 16), ("16 ×", "times", 16), ("1088 px", "pixels", 1088), ("768 MiB", "B", 805_306_368)],
)
def test_units_have_short_names(value, unit, number):
    assert Number(number, unit).judge(value) is None


def test_a_fraction_in_place_of_percent_is_told_so():
    assert "in percent" in Number(66.7, "%", tolerance=1e-2).judge(0.667)


def test_a_calculation_in_quotes_is_told_so():
    with pytest.raises(Unreadable, match="needs no quotes"):
        Number(1 / 256).judge("1/256")


def test_binary_prefixes_are_for_bytes_only():
    with pytest.raises(Unreadable):
        Number(12, "tokens").judge("12 Mitokens")


def test_wrong_numbers_say_why():
    assert PARAMETERS.judge("85 M") == "the head is missing"
    assert "too small" in PARAMETERS.judge(12)
    assert "too large" in PARAMETERS.judge("1 B parameters")


@pytest.mark.parametrize("value", ["abc", "86 GB", "", None, [1], True, "1" * 500])
def test_what_is_no_number_gets_a_sentence(value):
    with pytest.raises(Unreadable):
        PARAMETERS.judge(value)


def test_a_shape_is_compared_axis_by_axis():
    shape = Shape((2, 6, 12), {(2, 12, 6): "tokens come before features"})
    assert shape.judge((2, 6, 12)) is None
    assert shape.judge([2, 6, 12]) is None
    assert shape.judge((2, 12, 6)) == "tokens come before features"
    assert "3 axes" in shape.judge((2, 72))
    assert "elements" in shape.judge((2, 6, 11))
    assert "another way" in shape.judge((4, 3, 12))
    with pytest.raises(Unreadable):
        shape.judge("2, 6, 12")


def test_a_choice_is_a_letter():
    choice = Choice({"a": "yes", "b": "no"}, "b", {"a": "think again"})
    assert choice.judge(" B ") is None
    assert choice.judge("a") == "think again"
    for value in ("c", "", 1, None, ["b"]):
        with pytest.raises(Unreadable):
            choice.judge(value)
