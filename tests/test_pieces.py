"""A cell falls into pieces that know what they define, change and use; an answer brings what it builds on."""

import pytest

from vitlab.grading.extract import extract
from vitlab.grading.pieces import pieces


def ran(name, *cells):
    """The value of a name once what it needs of a notebook has run."""
    submission = extract([{"cell_type": "code", "source": source} for source in cells], [])
    namespace = {}
    for _, source, _ in submission.sources(name):
        exec(source, namespace)
    return namespace[name]


@pytest.mark.parametrize(
    "cells",
    [
        ("a = 41", "f = a + 1"),
        ("a = 0", "a += 41", "f = a + 1"),
        ("t = {}", "for i in range(42):\n    t[i] = i", "f = len(t)"),
        ("t = []", "t.append(42)", "f = t[0]"),
        ("class C: pass", "C.x = 42", "f = C().x"),
        ("def g(): return h()", "def h(): return 42", "f = g()"),
        ("from math import *", "f = int(sqrt(1764))"),
        ("import math as m", "f = int(m.sqrt(1764))"),
        ("a = 1; b = 41; print(a)", "f = a + b"),
        ("if True:\n    a = 42\nelse:\n    a = 0", "f = a"),
        ("try:\n    import nothing_of_the_kind\nexcept ImportError:\n    a = 42", "f = a"),
        ("with open('/dev/null') as file:\n    a = 42", "f = a"),
        ("%matplotlib inline\n!pip install x\na = 42", "f = a"),
        ("%%time\nf = 42",),
        ("f = 84 \\\n % 43 + 1",),
        ("f = 0", "f = 42"),
        ("a = (b := 42)", "f = b"),
        ("def deco(g):\n    return lambda: 42", "@deco\ndef g(): return 0", "f = g()"),
        ("a = 40", "f = (lambda x: x + 2)(a)"),
        ("n = 42", "f = [n for _ in range(1)][0]"),
        ("x, (f, y) = 1, (42, 2)",),
        ("f: int = 42",),
        ("raise ValueError", "f = 42"),
        ("f = 1", "print(f)", "f = f + 41"),
        ("\ufefff = 42",),
        ("f = 42\r\n",),
        ("f = 42  # comment; f = 3",),
    ],
)
def test_a_name_is_what_the_notebook_makes_of_it(cells):
    assert ran("f", *cells) == 42


def test_plots_and_prints_are_left_out():
    assert not pieces("print(x)\nplt_show(x)\nx\nlesson.check('x')")


def test_other_cells_are_left_out():
    submission = extract([{"cell_type": "code", "source": source} for source in ("a = 1", "b = 2", "f = a")], [])
    assert [source for _, source, _ in submission.sources("f")] == ["a = 1", "f = a"]


def test_a_piece_of_the_lesson_is_no_definition_of_the_students():
    cells = ("def f(): return 42", 'f = lesson.piece("f")', 'g = lesson.piece("f")')
    submission = extract([{"cell_type": "code", "source": source} for source in cells], [])
    assert [source for _, source, _ in submission.sources("f")] == [cells[0]]
    assert [source for _, source, _ in submission.sources("g")] == [cells[0], cells[2]]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('a = "b"', "b"),
        ("a = (1, 2)", (1, 2)),
        ("a = 0\na = -3", -3),
        ("a = 3 * 16**2 + 4 // 2", 770),
        ("a = (2, 14 * 14, 3 * 16 * 16)", (2, 196, 768)),
        ("a = 100 * (1 - 1 / 4)", 75.0),
        ("a = ...", ...),
    ],
)
def test_a_literal_is_read_without_running_it(cell, value):
    assert extract([{"cell_type": "code", "source": cell}], []).literal("a") == value


@pytest.mark.parametrize(
    "cell",
    [
        "a = f()",
        "a = 9**9**9",
        "a = 1 / 0",
        "a = 'x' * 10**9",
        "a = [0] * 10**9",
        "a = 1\na += 1",
        "from x import *\na = b",
        "a = [1]\na.append(2)",
        "b = 1",
    ],
)
def test_what_has_to_be_run_is_no_literal(cell):
    with pytest.raises(ValueError, match=r"^a$|malformed|no number|power"):
        extract([{"cell_type": "code", "source": cell}], []).literal("a")
