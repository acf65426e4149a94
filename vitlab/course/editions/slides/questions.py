"""A question as the slides ask it: what leads to it, the question, its options, and the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vitlab.course.blocks import DELIMITERS
from vitlab.course.editions.markdown import blocks
from vitlab.course.editions.slides.room import sentences
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
    """The question that a Markdown text ends with, and the list of a), b), c) after it.

    It is the last words in bold that end in a question mark, else the last sentence that does, else, above options,
    the last words in bold or the last sentence: "Dividing by d is there".
    """
    found = blocks(text)
    options, after = (), ()
    for place, (kind, source) in enumerate(found):
        if kind == "list" and (read := _options(source)):
            options, after, found = read, tuple(found[place + 1 :]), found[:place]
            break
    places = [place for place, (kind, _) in enumerate(found) if kind == "paragraph"]
    for find in (_bold_question, _plain_question, *((_bold, _last) if options else ())):
        for place in reversed(places):
            if (asked := find(" ".join(found[place][1].split()))) is not None:
                left = found[place][1].replace("\n", " ").replace(asked, "", 1).replace("****", "")
                kept = [("paragraph", " ".join(left.split()))] if left.strip(" *") else []
                return Question((*found[:place], *kept, *found[place + 1 :]), _bare(asked), options, after)
    return Question(tuple(found), "", options, after)


def _bold(text: str) -> str | None:
    marks = [mark for mark in ASKED.finditer(text) if mark.end() == len(text)]
    return marks[-1][0] if marks else None


def _bold_question(text: str) -> str | None:
    marks = [mark[0] for mark in ASKED.finditer(text) if re.search(r"\w.*\w.*\?\s*$", mark["asked"], re.DOTALL)]
    return marks[-1] if marks else None


def _plain_question(text: str) -> str | None:
    found = [sentence for sentence in sentences(text) if sentence.rstrip("*").endswith("?")]
    return found[-1] if found else None


def _last(text: str) -> str:
    return sentences(text)[-1]


def _bare(asked: str) -> str:
    """Without its bold marks, whole or half."""
    return asked.strip().removeprefix("**").removesuffix("**").replace("**", "") if asked.count("**") < 3 else asked


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
