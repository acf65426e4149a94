"""One cell's source, split into what a student sees and what the solved edition shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

BEGIN, STUB, END = "### BEGIN SOLUTION", "### STUB", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
DELIMITERS = (BEGIN, STUB, END, BEGIN_HIDDEN, END_HIDDEN)
MEANT_AS_DELIMITER = re.compile(r"\s*#+\s*((BEGIN|END)[\s_-]*(SOLUTION|HIDDEN)|STUB\s*$)", re.IGNORECASE)
CODE_STUB = 'raise NotImplementedError("write your code here")'
TEXT_STUB = "*Write your answer here.*"

Fail = Callable[[int, str], NoReturn]  # (line of the cell from 0, sentence): raises a BuildError


@dataclass
class Block:
    """A solution block: its lines without the delimiters, and where it stands in the cell (lines from 0)."""

    begin: int
    indent: str
    solution: list[tuple[int, str]] = field(default_factory=list)
    stub: list[tuple[int, str]] | None = None  # None: no explicit stub


@dataclass(frozen=True)
class Editions:
    """A cell's text in both editions, and the number of its solution blocks."""

    student: str
    solved: str
    solutions: int


def split_code(source: str, fail: Fail) -> Editions:
    """Splits a code cell at its delimiters; both results must be Python.

    The solved text keeps the delimiters of solutions and hidden tests, as nbgrader's source notebooks do, and loses
    the stubs. The student's text has the stub in place of each solution and no hidden tests.
    """
    tree = _python(source, fail, "this cell is not Python (IPython's % and ! lines are not allowed)")
    student, solved, blocks = _walk(source, fail, code=True)
    _one_block_a_function(tree, blocks, fail)
    while student and not student[0][1].strip():
        del student[0]
    text = "\n".join(line for _, line in student).rstrip("\n")

    def fail_in_student(row: int, message: str) -> NoReturn:  # the student's rows are fewer: find the source's
        fail(student[min(row, len(student) - 1)][0] if student else 0, message)

    stub_tree = _python(text, fail_in_student, "what the student gets here, the stub in place, does not compile")
    if any(block.stub is None for block in blocks):
        _stubs_inside_functions(stub_tree, blocks, fail)
    return Editions(text, "\n".join(solved).strip("\n"), len(blocks))


def split_text(source: str, fail: Fail) -> Editions:
    """Splits a markdown cell: a free-text answer. Stub lines are plain text here, and no delimiter is shown."""
    student, solved, blocks = _walk(source, fail, code=False)
    if len(blocks) > 1:
        fail(blocks[1].begin, "a free-text answer takes one solution block: join the two.")
    shown = [line for line in solved if line.strip() not in DELIMITERS]
    return Editions("\n".join(line for _, line in student).strip("\n"), "\n".join(shown).strip("\n"), len(blocks))


def _walk(source: str, fail: Fail, code: bool) -> tuple[list[tuple[int, str]], list[str], list[Block]]:
    """Reads a cell line by line: the student's lines with their numbers, the solved lines, the solution blocks."""
    student: list[tuple[int, str]] = []
    solved: list[str] = []
    blocks: list[Block] = []
    block: Block | None = None
    hidden: int | None = None  # line of an open BEGIN HIDDEN TESTS
    hidden_lines = hidden_blocks = 0
    for number, line in enumerate(source.splitlines()):
        mark = line.strip()
        if mark not in DELIMITERS:
            if MEANT_AS_DELIMITER.match(line):
                fail(number, f"{mark!r} is no delimiter: write one of {', '.join(DELIMITERS)}, alone on its line.")
            if hidden is not None:
                hidden_lines += bool(mark)
                solved.append(line)
            elif block is None:
                student.append((number, line))
                solved.append(line)
            elif block.stub is None:
                block.solution.append((number, line))
                solved.append(line)
            else:
                block.stub.append((number, _stub_line(line, number, fail) if code else line))
            continue
        if mark == BEGIN:
            if block is not None or hidden is not None:
                fail(number, f"{BEGIN} inside another block: close that one first.")
            block = Block(number, line[: len(line) - len(line.lstrip())])
        elif mark == STUB:
            if block is None:
                fail(number, f"{STUB} outside a solution: it belongs between {BEGIN} and {END}.")
            if block.stub is not None:
                fail(number, f"a second {STUB} in one solution: keep one.")
            block.stub = []
        elif mark == END:
            if block is None:
                fail(number, f"{END} without {BEGIN} before it.")
            _close(block, number, fail, code)
            student += _stub_of(block, code)
            blocks.append(block)
            block = None
        elif mark == BEGIN_HIDDEN:
            if block is not None or hidden is not None:
                fail(number, f"{BEGIN_HIDDEN} inside another block: close that one first.")
            hidden_blocks += 1
            if hidden_blocks > 1:
                fail(number, "a second block of hidden tests in one cell: join the two.")
            hidden = number
        else:
            if hidden is None:
                fail(number, f"{END_HIDDEN} without {BEGIN_HIDDEN} before it.")
            if not hidden_lines:
                fail(hidden, "an empty block of hidden tests: fill it or take it out.")
            hidden = None
        if mark != STUB:
            solved.append(line)
    if block is not None:
        fail(block.begin, f"{BEGIN} is never closed: add {END} in the same cell.")
    if hidden is not None:
        fail(hidden, f"{BEGIN_HIDDEN} is never closed: add {END_HIDDEN} in the same cell.")
    return student, solved, blocks


def _close(block: Block, number: int, fail: Fail, code: bool) -> None:
    said = [line.strip() for _, line in block.solution if line.strip()]
    if not said or (code and all(line.startswith("#") for line in said)):
        fail(block.begin, "an empty solution: write the answer between the delimiters.")
    if block.stub is not None and not any(line.strip() for _, line in block.stub):
        fail(number, f"an empty stub: write what the student should see, or take {STUB} out.")


def _stub_line(line: str, number: int, fail: Fail) -> str:
    if not line.strip():
        return ""
    match = re.match(r"(\s*)#(?: (.*)|)$", line)
    if match is None:
        fail(number, "a stub's lines are comments: put '# ' before this one (the build takes it off).")
    return (match[1] + match[2]).rstrip() if match[2] else ""


def _stub_of(block: Block, code: bool) -> list[tuple[int, str]]:
    if block.stub is not None:
        return block.stub
    return [(block.begin, block.indent + (CODE_STUB if code else TEXT_STUB))]


def _python(text: str, fail: Fail, otherwise: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        fail((error.lineno or 1) - 1, f"{otherwise}: {error.msg}.")


def _enclosing_function(tree: ast.Module, line: int) -> ast.AST | None:
    """The innermost function whose body holds this line (from 0)."""
    holders = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno - 1 < line < (node.end_lineno or 0)
    ]
    return max(holders, key=lambda node: node.lineno, default=None)


def _one_block_a_function(tree: ast.Module, blocks: list[Block], fail: Fail) -> None:
    seen = set()
    for block in blocks:
        first = next(number for number, line in block.solution if line.strip() and not line.strip().startswith("#"))
        place = _enclosing_function(tree, first)
        if place in seen:
            fail(block.begin, "a second solution block in the same function or cell: join the two.")
        seen.add(place)


def _stubs_inside_functions(tree: ast.Module, blocks: list[Block], fail: Fail) -> None:
    """A bare `raise` outside a function would stop a student's Run All."""
    wanted = sum(block.stub is None for block in blocks)
    inside = {
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and ast.unparse(node) == ast.unparse(ast.parse(CODE_STUB))
    }
    if len(inside) < wanted:
        block = next(block for block in blocks if block.stub is None)
        fail(block.begin, f"this solution is not inside a function, so a student's Run All would stop: add {STUB}.")
