"""What the build reads in a lesson's text and writes into it: headings with minutes, contents, {{words}}."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from vitlab.course.blocks import DELIMITERS, Fail

CONTENTS = "contents"
SECTION_MINUTES = 50
PART = re.compile(r"## (\d+) · (\S.*?) \((\d+) min\)( ★)?")
WORD = re.compile(r"\{\{([^{}\\]*)\}\}")  # a backslash inside: LaTeX


@dataclass(frozen=True)
class Part:
    """One `## N · Title (M min) ★` of a lesson; `section`: marked ★, on the 50-minute path."""

    number: int
    title: str
    minutes: int
    section: bool


def headings(source: str) -> list[tuple[int, str]]:
    """The headings of a markdown text: (line from 0, the line); what stands in a code fence is none."""
    found, fence = [], None
    for number, line in enumerate(source.splitlines()):
        mark = re.match(r"\s{0,3}(```+|~~~+)", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and line.strip().startswith(fence):
            fence = None
        elif fence is None and re.match(r"#{1,6} \S", line) and line.strip() not in DELIMITERS:
            found.append((number, line.rstrip()))
    return found


def read_part(heading: str, number: int, fail: Fail) -> Part | None:
    """The part that a heading opens, or None for a heading without number, minutes and ★."""
    if match := PART.fullmatch(heading):
        return Part(int(match[1]), match[2], int(match[3]), bool(match[4]))
    if heading.startswith("## ") and re.search(r"^## *\d|\bmin\b|★|·", heading):
        fail(number, f"{heading!r} is not of the form '## 2 · Attention (15 min)', with ' ★' after it for the section.")
    return None


def heading_name(heading: str) -> str:
    """A heading's words alone: no number, no minutes, no star."""
    match = PART.fullmatch(heading)
    return match[2] if match else heading.lstrip("#").strip()


def contents(parts: Iterable[Part]) -> str:
    """The table that stands for {{contents}}."""
    parts = list(parts)
    rows = [f"| {p.number} · {p.title} | {p.minutes} | {'★' if p.section else ''} |" for p in parts]
    total, section = sum(p.minutes for p in parts), sum(p.minutes for p in parts if p.section)
    head = ["| part | minutes | 50-minute section |", "|:---|---:|:---:|"]
    return "\n".join([*head, *rows, f"| **in all** | **{total}** | **{section} minutes** |"])


def fill_text(source: str, words: Mapping[str, str], fail: Fail) -> str:
    """Puts the course's words into a markdown text."""
    lines = source.splitlines()
    return "\n".join(_fill(line, words, lambda m, n=number: fail(n, m)) for number, line in enumerate(lines))


def fill_code(source: str, words: Mapping[str, str], fail: Fail) -> str:
    """Puts the course's words into the docstrings and comments of a code cell; the code itself stays as it is."""
    if "{{" not in source:
        return source
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source + "\n").readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start[0] - 1, token.start[1]
            lines[row] = lines[row][:column] + _fill(lines[row][column:], words, lambda m, n=row: fail(n, m))
    for row in sorted(_docstring_rows(source)):
        lines[row] = _fill(lines[row], words, lambda m, n=row: fail(n, m))
    for row, line in enumerate(lines):
        if forgotten := [word for word in WORD.findall(line) if word.strip() in words]:
            fail(row, f"{{{{{forgotten[0]}}}}} stands in code: words are filled in only in comments and docstrings.")
    return "\n".join(lines)


def _fill(line: str, words: Mapping[str, str], fail: Callable[[str], NoReturn]) -> str:
    def word(match: re.Match) -> str:
        if match[1] not in words:
            fail(f"unknown word {match[0]}: the course knows {', '.join(sorted(words))}.")
        return words[match[1]]

    return WORD.sub(word, line)


def _docstring_rows(source: str) -> set[int]:
    rows = set()
    for node in ast.walk(ast.parse(source)):
        has_docstring = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if has_docstring and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            rows |= set(range(text.lineno - 1, text.end_lineno))
    return rows
