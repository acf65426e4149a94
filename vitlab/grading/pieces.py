"""A code cell as pieces: its top-level statements, with the names that each defines, uses and changes.

Nothing is run: scopes come from Python's own symbol tables.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

LESSON = "lesson"  # the object of `helpers.check`; what it does in a notebook is no part of an answer
NOT_PYTHON = ("%%bash", "%%sh", "%%html", "%%javascript", "%%js", "%%latex", "%%markdown", "%%svg", "%%writefile")


@dataclass(frozen=True)
class Piece:
    """A top-level statement.

    defines: names that it binds; makes: these and the names of objects that it changes; uses: names that it needs, its
    own among them only where it builds on what they were; everywhere: whether it may bind any name (import *).
    """

    source: str
    defines: frozenset[str]
    makes: frozenset[str]
    uses: frozenset[str]
    everywhere: bool = False


def pieces(source: str) -> Iterator[Piece]:
    """The statements of a cell that define or change something, magics left out; shows and plots are dropped.

    Raises SyntaxError, ValueError, RecursionError or MemoryError where it is no Python.
    """
    text = _without_magics(source)
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", None) == "__future__":
            continue
        start = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        body = "\n" * (start - 1) + "\n".join(lines[start - 1 : node.end_lineno])
        if _several_on_a_line(node, lines):
            body = "\n" * (node.lineno - 1) + ast.unparse(node)
        defines, uses = _names(body)
        asked_for = set(_pieces_asked_for(node))
        changes = set(_changed(node))
        star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        if asked_for and defines <= asked_for:
            continue  # `patchify = lesson.piece("patchify")`: the student's own, which stands elsewhere
        if star or defines or changes:
            yield Piece(body, frozenset(defines), frozenset(defines | changes), frozenset(uses | asked_for), star)


def _without_magics(source: str) -> str:
    """The cell's Python: as it stands where that parses, else without IPython's lines."""
    if source.lstrip().startswith(NOT_PYTHON):
        return ""
    source = source.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    try:
        ast.parse(source)
        return source
    except SyntaxError:
        lines = source.split("\n")
        plain = [
            "" if line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?") else line for line in lines
        ]
        return "\n".join(plain)


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
    augmented = {node.target.id for node in ast.walk(ast.parse(source)) if _augments(node)}
    return defines, uses | augmented | (within - defines)


def _augments(node: ast.AST) -> bool:
    """Whether it is `name += ...`, which Python's table takes for a mere binding."""
    return isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)


def _changed(node: ast.AST) -> Iterator[str]:
    """Names of objects that a statement writes into or calls a method of, outside of functions and classes."""
    if isinstance(
        node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.Import | ast.ImportFrom
    ):
        return
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield from _root(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        yield from _root(node.value.func)
    for inner in ast.iter_child_nodes(node):
        yield from _changed(inner)


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
