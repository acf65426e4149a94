"""Which imports some cells of a lesson need when they stand without the others."""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Iterable, Iterator


def imports_for(needed: Iterable[str], sources: Iterable[str]) -> tuple[str, set[str]]:
    """Of all imports in `sources` those that bind a needed name: their lines, in three groups; and the names bound."""
    needed, bound = set(needed), set()
    pythons: list[str] = []
    libraries: list[str] = []
    own: list[str] = []
    for source in sources:
        for node in ast.parse(source).body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            node.names = [alias for alias in node.names if _bound(alias) in needed - bound]
            if node.names:
                bound |= {_bound(alias) for alias in node.names}
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                package = module.split(".")[0]
                group = pythons if package in sys.stdlib_module_names else own if package == "helpers" else libraries
                group.append(ast.unparse(node))
    return "\n\n".join("\n".join(group) for group in (pythons, libraries, own) if group), bound


def names_needed(source: str) -> set[str]:
    """The names that a cell reads and neither it nor Python defines."""
    used: set[str] = set()
    for table in _tables(symtable.symtable(source, "cell", "exec")):
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                if symbol.is_referenced():
                    used.add(symbol.get_name())
            elif symbol.is_global():
                used.add(symbol.get_name())
    return used - names_defined(source) - set(dir(builtins))


def names_defined(source: str) -> set[str]:
    """The names that a cell binds at its top level."""
    table = symtable.symtable(source, "cell", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)
