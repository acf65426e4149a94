"""Written answers: a choice, a number with its unit, a shape, an expression judged by its growth, free text.

A student's text is only ever read by the small parser below: it is never evaluated as Python.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_ANSWER = 400  # characters that an expression or a number may take
PREFIXES = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12}
BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}  # of bytes only
SHORT = {"times": ("x", "×", "fold", "-fold"), "pixels": ("px",), "%": ("percent", "per cent")}  # other names of a unit
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


class Unreadable(Exception):
    """A written answer that cannot be read; the message says why in a sentence."""


@dataclass(frozen=True)
class Choice:
    """One letter of `options`. wrong: what to say to those who chose another letter."""

    options: Mapping[str, str]
    right: str
    wrong: Mapping[str, str]

    def judge(self, value: Any) -> str | None:
        """None where the answer is right, else what is wrong, in a sentence."""
        letters = ", ".join(f'"{letter}"' for letter in self.options)
        if type(value) is not str or value.strip().lower() not in self.options:
            raise Unreadable(f"Answer with one of the letters {letters}.")
        letter = value.strip().lower()
        return None if letter == self.right else self.wrong[letter]


@dataclass(frozen=True)
class Number:
    """A number, with its unit where it has one. tolerance: relative. wrong: known wrong numbers with their messages."""

    value: float
    unit: str = ""
    tolerance: float = 0.0
    wrong: Mapping[float, str] = field(default_factory=dict)

    def judge(self, value: Any) -> str | None:
        """None where the answer is right, else what is wrong, in a sentence."""
        found = read_number(value, self.unit)
        for number, message in self.wrong.items():
            if math.isclose(found, number, rel_tol=max(self.tolerance, 1e-9)):
                return message
        if math.isclose(found, self.value, rel_tol=max(self.tolerance, 1e-9)):
            return None
        if self.unit == "%" and math.isclose(100 * found, self.value, rel_tol=max(self.tolerance, 1e-9)):
            return "That is a fraction of 1. Write it in percent."
        return f"{found:,.10g} is too {'large' if found > self.value else 'small'}."


@dataclass(frozen=True)
class Shape:
    """The shape of a tensor: a tuple of whole numbers. wrong: known wrong shapes and what to say of each."""

    value: tuple[int, ...]
    wrong: Mapping[tuple[int, ...], str] = field(default_factory=dict)

    def judge(self, value: Any) -> str | None:
        """None where the answer is right, else what is wrong, in a sentence."""
        if type(value) is int and len(self.value) == 1:
            value = (value,)
        if type(value) not in (tuple, list) or len(value) > 20 or not all(type(size) is int for size in value):
            raise Unreadable("Answer with a tuple of whole numbers, such as (2, 3, 4).")
        found = tuple(value)
        if found == self.value:
            return None
        if found in self.wrong:
            return self.wrong[found]
        if len(found) != len(self.value):
            return f"It has {len(self.value)} axes, and {found} has {len(found)}."
        if math.prod(found) != math.prod(self.value):
            return f"{found} holds {math.prod(found)} elements, and the result holds {math.prod(self.value)}."
        return f"{found} holds the right number of elements, split over the axes in another way."


@dataclass(frozen=True)
class Growth:
    """An expression such as `H**2*W**2*D/P**4`, right where it grows as `value` does in every variable.

    variables: the names and what each means; wrong: known wrong expressions and what to say of each.
    """

    value: str
    variables: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)

    def judge(self, value: Any) -> str | None:
        """None where the answer is right, else what is wrong, in a sentence."""
        if type(value) is not str:
            raise Unreadable(f'Answer with an expression in quotes, such as "{next(iter(self.variables))}**2".')
        expression = parse_expression(value, tuple(self.variables))
        if same_growth(expression, parse_expression(self.value, tuple(self.variables)), tuple(self.variables)):
            return None
        for known, message in self.wrong.items():
            if same_growth(expression, parse_expression(known, tuple(self.variables)), tuple(self.variables)):
                return message
        return "It grows in another way: double one variable at a time and follow what happens to the cost."


@dataclass(frozen=True)
class FreeText:
    """An answer in the student's own words, in a markdown cell, read by a person. rubric: what earns points."""

    rubric: tuple[str, ...]


Answer = Choice | Number | Shape | Growth | FreeText


def read_number(value: Any, unit: str) -> float:
    """A student's number in the base unit: 86_567_656, "86.6 M parameters", "17.6 GFLOPs", "1e9 FLOPs".

    Raises Unreadable where it is no number, or carries another unit than asked for.
    """
    if type(value) in (int, float):
        return float(value)
    if type(value) is not str or len(value) > LONGEST_ANSWER:
        raise Unreadable(
            f"Answer with a number{f' of {unit}' if unit else ''}, such as 12 or {f'12 {unit}'.strip()!r}."
        )
    match = re.fullmatch(r"\s*([+-]?[\d,_]*\.?\d+(?:[eE][+-]?\d+)?)\s*(.*?)\s*", value.replace("\u202f", ""))
    if not match:
        raise Unreadable(f"{value!r} does not start with a number.")
    number, rest = float(re.sub("[,_]", "", match[1])), match[2]
    singular = unit.lower().removesuffix("s")
    if rest.lower() in SHORT.get(unit, ()):
        return number
    for prefix, factor in (("", 1.0), *PREFIXES.items(), *(BINARY.items() if unit == "B" else ())):
        if rest.startswith(prefix) and rest[len(prefix) :].strip().lower().removesuffix("s") in ("", singular):
            return number * factor
    if rest[:1] in ("/", "*", "+", "-"):
        raise Unreadable("A calculation needs no quotes: write 3 / 4, not '3 / 4'.")
    words = {"million": 1e6, "billion": 1e9, "thousand": 1e3}
    first, _, last = rest.partition(" ")
    if first.lower() in words and last.lower().removesuffix("s") in ("", singular):
        return number * words[first.lower()]
    raise Unreadable(f"{rest!r} is another unit than {unit or 'a plain number'}.")


def parse_expression(text: str, variables: tuple[str, ...]):
    """A student's expression as a function of its variables.

    Grammar: numbers, the given variables, + - * / ** ^, brackets, log(), sqrt(), an outer O(), and multiplication by
    writing side by side. Returns f(point) with point a dict of positive floats, giving a float. Raises Unreadable where
    the text does not parse.
    """
    if len(text) > LONGEST_ANSWER:
        raise Unreadable(f"The expression is longer than {LONGEST_ANSWER} characters.")
    text = re.sub("([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "^" + m[1].translate(SUPERSCRIPTS), text)
    text = text.replace("·", "*").replace("×", "*").replace("−", "-").replace("√", "sqrt ").strip()
    outer = re.fullmatch(r"(?:O|Θ|\\mathcal\{O\})\s*\((.*)\)", text, re.DOTALL)
    return _Parser(_tokens(outer[1] if outer else text, variables), variables).whole()


def same_growth(a, b, variables: tuple[str, ...]) -> bool:
    """Whether the ratio of two expressions tends to a constant, however the variables grow.

    Each variable grows as scale**k, for every way to give k from {1, 2, 3, 5} to the variables; the ratio must be the
    same at two large scales.
    """
    for powers in itertools.product((1.0, 2.0, 3.0, 5.0), repeat=len(variables)):
        ratios = []
        for scale in (1e5, 1e6):
            point = {name: scale**power for name, power in zip(variables, powers, strict=True)}
            try:
                top, bottom = a(point), b(point)
            except (OverflowError, TypeError, ValueError, ZeroDivisionError):  # TypeError: of complex numbers
                return False
            if isinstance(top, complex) or not (0 < top < math.inf and 0 < bottom < math.inf):
                return False
            ratios.append(top / bottom)
        if not math.isclose(ratios[0], ratios[1], rel_tol=0.02):
            return False
    return True


def _tokens(text: str, variables: tuple[str, ...]) -> list[str]:
    names = sorted((*variables, "log", "sqrt"), key=len, reverse=True)
    pattern = re.compile(r"\s*(\*\*|[-+*/^()]|\d+\.?\d*|\.\d+|" + "|".join(map(re.escape, names)) + ")")
    tokens, position = [], 0
    while position < len(text.rstrip()):
        match = pattern.match(text, position)
        if not match:
            known = ", ".join(variables)
            raise Unreadable(
                f"{text[position:].strip()[:12]!r} is not understood; use {known}, numbers, + - * / **, sqrt(), log() "
                "and brackets."
            )
        tokens.append("^" if match[1] == "**" else match[1])
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over tokens; every method returns a function of a point."""

    def __init__(self, tokens: list[str], variables: tuple[str, ...]):
        self.tokens, self.variables, self.depth = tokens, variables, 0

    def whole(self):
        value = self.sum()
        if self.tokens:
            raise Unreadable(f"The expression goes on after it should have ended, at {self.tokens[0]!r}.")
        return value

    def sum(self):
        self.depth += 1
        if self.depth > 30:
            raise Unreadable("The brackets are nested too deeply.")
        negative = bool(self.tokens) and self.tokens[0] == "-"
        if negative:
            self.tokens.pop(0)
        value = self.product()
        if negative:
            value = _combine("-", lambda point: 0.0, value)
        while self.tokens and self.tokens[0] in "+-":
            value = _combine(self.tokens.pop(0), value, self.product())
        self.depth -= 1
        return value

    def product(self):
        value = self.power()
        while self.tokens and self.tokens[0] not in ("+", "-", ")", "^"):
            sign = self.tokens.pop(0) if self.tokens[0] in "*/" else "*"
            value = _combine(sign, value, self.power())
        return value

    def power(self):
        base = self.atom()
        if self.tokens and self.tokens[0] == "^":
            self.tokens.pop(0)
            sign = -1.0 if self.tokens and self.tokens[0] == "-" else 1.0
            if sign < 0:
                self.tokens.pop(0)
            exponent = self.atom()
            return lambda point: float(base(point)) ** (sign * exponent(point))
        return base

    def atom(self):
        if not self.tokens:
            raise Unreadable("The expression ends too early.")
        token = self.tokens.pop(0)
        if token in ("log", "sqrt"):
            inside = self.atom()
            function = math.log if token == "log" else math.sqrt
            return lambda point: function(inside(point))
        if token == "(":
            value = self.sum()
            if not self.tokens or self.tokens.pop(0) != ")":
                raise Unreadable("A bracket is not closed.")
            return value
        if token in self.variables:
            return lambda point: point[token]
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            return lambda point: number
        raise Unreadable(f"{token!r} stands where a number or a variable was expected.")


def _combine(sign: str, a, b):
    return {
        "+": lambda point: a(point) + b(point),
        "-": lambda point: a(point) - b(point),
        "*": lambda point: a(point) * b(point),
        "/": lambda point: a(point) / b(point),
    }[sign]
