"""The value of a literal, or of plain arithmetic with numbers, read off its syntax and never run."""

from __future__ import annotations

import ast
import operator
from typing import Any

LARGEST = 1e30  # of any number on the way
OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


def plain_value(node: ast.expr) -> Any:
    """What Python would make of an expression of literals, tuples, lists, + - * / // and **.

    Raises ValueError for anything else, and for numbers beyond 1e30.
    """
    if isinstance(node, ast.Tuple | ast.List):
        return (tuple if isinstance(node, ast.Tuple) else list)(plain_value(item) for item in node.elts)
    if not isinstance(node, ast.BinOp):
        return ast.literal_eval(node)
    if type(node.op) not in OPERATIONS:
        raise ValueError("no plain arithmetic")
    left, right = _number(node.left), _number(node.right)
    if isinstance(node.op, ast.Pow) and abs(right) > 100:
        raise ValueError("too large a power")
    try:
        return OPERATIONS[type(node.op)](left, right)
    except ArithmeticError:
        raise ValueError("no number") from None


def _number(node: ast.expr) -> float:
    value = plain_value(node)
    if type(value) not in (int, float) or not abs(value) <= LARGEST:
        raise ValueError("no number that arithmetic is done with")
    return value
