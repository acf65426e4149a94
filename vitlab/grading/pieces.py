"""A code cell as pieces: its top-level statements, with the names that each defines, uses and changes.

Nothing is run: scopes come from Python's own symbol tables.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

LESSON = "lesson"  # the object of `helpers.check`; what it does in a notebook is no part of an answer
MOST_STATEMENTS = 5_000  # at the top level of a cell
REMEMBERED = 4_000  # characters of a cell whose pieces are kept for the next notebook
NOT_PYTHON = ("%%bash", "%%sh", "%%html", "%%javascript", "%%js", "%%latex", "%%markdown", "%%svg", "%%writefile")


@dataclass(frozen=True)
class Piece:
    """A top-level statement.

    defines: names that it binds; makes: these and the names of objects that it writes into; calls: names of objects of
    which it calls a method, which may change them; uses: names that it needs, its own among them only where it builds
    on what they were; line: its first one in its cell; imports: whether it is an import; everywhere: whether it may
    bind any name (import *).
    """

    source: str
    defines: frozenset[str]
    makes: frozenset[str]
    calls: frozenset[str]
    uses: frozenset[str]
    line: int = 1
    imports: bool = False
    everywhere: bool = False


def parsed(source: str) -> tuple[str, list[ast.stmt]]:
    """A cell's Python, magics left out, and its statements.

    Raises SyntaxError, ValueError, RecursionError or MemoryError where it is no Python.
    """
    if source.lstrip().startswith(NOT_PYTHON):
        return "", []
    text = source.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    try:
        return text, ast.parse(text).body
    except SyntaxError:
        text = "\n".join("" if _is_magic(line) else line for line in text.split("\n"))
        return text, ast.parse(text).body


def _is_magic(line: str) -> bool:
    """Whether a line that Python cannot read may be IPython's: magics, shell commands, questions."""
    return line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?")


class TooMany(Exception):
    """More statements than a cell may have."""


def pieces(source: str) -> tuple[Piece, ...]:
    """The statements of a cell that define or change something; shows and plots are dropped.

    Raises TooMany, and SyntaxError, ValueError, RecursionError or MemoryError where it is no Python.
    """
    return _remembered(source) if len(source) <= REMEMBERED else _pieces(source)


def _pieces(source: str) -> tuple[Piece, ...]:
    text, statements = parsed(source)
    if len(statements) > MOST_STATEMENTS:
        raise TooMany
    return tuple(_each(text.split("\n"), statements))


_remembered = lru_cache(maxsize=2_000)(_pieces)  # most cells of a notebook are the course's, and the same in all


def _each(lines: list[str], statements: Iterable[ast.stmt]) -> Iterator[Piece]:
    for node in statements:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", None) == "__future__":
            continue
        start = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        body = "\n".join(lines[start - 1 : node.end_lineno])
        if _several_on_a_line(node, lines):
            body, start = ast.unparse(node), node.lineno
        defines, uses = _names(body)
        asked_for = set(_pieces_asked_for(node))
        own = list(_outside_functions(node))
        writes, calls, augments = ({name for part in own for name in how(part)} for how in (_writes, _calls, _augments))
        uses |= augments
        imports = isinstance(node, ast.Import | ast.ImportFrom)
        star = imports and node.names[0].name == "*"
        if asked_for and defines <= asked_for:
            continue  # `patchify = lesson.piece("patchify")`: the student's own, which stands elsewhere
        if star or defines or writes or calls:
            names = (frozenset(some) for some in (defines, defines | writes, calls, uses | asked_for))
            yield Piece(body, *names, start, imports, star)


def _several_on_a_line(node: ast.stmt, lines: list[str]) -> bool:
    """Whether the lines of a statement hold another one too (`a = 1; b = 2`)."""
    before = lines[node.lineno - 1].encode()[: node.col_offset].strip()
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].strip()
    alone = not before or bool(getattr(node, "decorator_list", []))
    return not alone or (bool(after) and not after.startswith(b"#"))


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a statement binds at the top level, and those that it looks up there, from within too."""
    table = symtable.symtable(source, "<cell>", "exec")
    defines = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    defines |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_namespace()}
    uses = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    inner, within = list(table.get_children()), set()
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        within |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return defines, uses | (within - defines)


def _augments(node: ast.AST) -> Iterator[str]:
    """The name of `name += ...`, which Python's table takes for a mere binding."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _writes(node: ast.AST) -> Iterator[str]:
    """The name of the object of which an attribute or an entry is set or deleted."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield from _root(node)


def _calls(node: ast.AST) -> Iterator[str]:
    """The name of the object of which a method is called for what it does, not for what it returns."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        yield from _root(node.value.func)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and all within it, but for what stands in functions and classes."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield part
            waiting += ast.iter_child_nodes(part)


def _root(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name) and node.id != LESSON:
        yield node.id


def _pieces_asked_for(node: ast.AST) -> Iterator[str]:
    """The names in `lesson.piece("name")`."""
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr == "piece"
            and isinstance(inner.func.value, ast.Name)
            and inner.func.value.id == LESSON
            and len(inner.args) == 1
            and isinstance(inner.args[0], ast.Constant)
            and type(inner.args[0].value) is str
        ):
            yield inner.args[0].value
