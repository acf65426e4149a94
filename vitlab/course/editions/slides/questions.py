"""A question as the slides ask it: what leads to it, the question, its options, and the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vitlab.course.blocks import DELIMITERS
from vitlab.course.editions.markdown import blocks
from vitlab.course.parse import Cell

OPTION = re.compile(r"([a-z])\) (\S.*)", re.DOTALL)
ASKED = re.compile(r"\*\*(?P<asked>[^*]+(?:\*(?!\*)[^*]+\*(?!\*)[^*]*)*)\*\*", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question in Markdown.

    context: the blocks that lead to it; asked: the question itself, "" where the text does not set it in bold;
    options: (letter, text) pairs, none for an open question; after: what is said below the options.
    """

    context: tuple[tuple[str, str], ...]
    asked: str
    options: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]


def read_question(text: str) -> Question:
    """The question that a Markdown text ends with: the last words in bold, and the list of a), b), c) after them."""
    found = blocks(text)
    options, after = (), ()
    for place, (kind, source) in enumerate(found):
        if kind == "list" and (read := _options(source)):
            options, after, found = read, tuple(found[place + 1 :]), found[:place]
            break
    for place in reversed(range(len(found))):
        kind, source = found[place]
        marks = list(ASKED.finditer(source)) if kind == "paragraph" else []
        if marks:
            mark = marks[-1]
            left = " ".join((source[: mark.start()] + source[mark.end() :]).split())
            before = [*found[:place], ("paragraph", left)] if left else found[:place]
            return Question((*before, *found[place + 1 :]), " ".join(mark["asked"].split()), options, after)
    return Question(tuple(found), "", options, after)


def answer(cell: Cell) -> str:
    """What an answer's code cell says: the value where it is one assignment ("b", 196), else its lines."""
    lines = [line for line in cell.solved.splitlines() if line.strip() not in DELIMITERS and line.strip()]
    if len(lines) == 1 and (match := re.fullmatch(r"\w+ = (.+?)(?:  #.*)?", lines[0])):
        return match[1].strip("\"'")
    return "\n".join(lines)


def _options(source: str) -> tuple[tuple[str, str], ...]:
    """The options of a list whose points begin with a), b), c); () for another list."""
    points = [" ".join(point.split()) for point in re.split(r"(?m)^[-*] ", source) if point.strip()]
    matches = [OPTION.fullmatch(point) for point in points]
    return tuple((match[1], match[2]) for match in matches) if all(matches) else ()
