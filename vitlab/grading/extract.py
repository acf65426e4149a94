"""Takes the answers out of a submitted notebook: by cell id, by name where ids are lost; never its checks or outputs.

Nothing of the notebook is run here, and nothing in it is trusted: it is read as JSON within limits, and its code is
parsed, no more.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from helpers.exercises import LESSONS
from helpers.exercises.definition import Exercise, Item, Question
from helpers.exercises.written import FreeText
from vitlab.grading.arithmetic import plain_value
from vitlab.grading.pieces import Piece, TooMany, pieces

MOST_BYTES = 20 << 20  # of a notebook; its pictures included
MOST_BRACKETS = 2_000_000  # of its JSON: each takes a hundred bytes of memory once it is read
MOST_CELLS = 5_000
MOST_PIECES = 5_000  # statements at the top level of its code cells
MOST_LINES = 10_000  # of its code cells, and what a semicolon begins: those that define nothing cost as much as others
MOST_CODE = 200_000  # characters of its code cells: a solved lesson has 16,000
LONGEST_CELL = 30_000  # characters: the time to parse an f-string grows with the square of its length
LONGEST_LITERAL = 1_000  # characters of an answer that is read where it stands; a large one may be slow to build
BY_NAME = {"globals", "vars", "eval", "exec"}  # they find names that stand nowhere in the code
NUMBERED = re.compile(r"(?<!\d)(\d\d)_")
DEFINED = re.compile(r"^(?:def |class |)([A-Za-z_]\w*)(?=\s*[(:=])", re.MULTILINE)


class Unreadable(Exception):
    """A submission from which no answers can be taken; the message says why, in a sentence."""


@dataclass
class Submission:
    """What a notebook holds: pieces of code in their order, texts by exercise id, and remarks for the report."""

    pieces: list[Piece] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    prose: list[str | None] = field(default_factory=list)  # every cell: its text, None for code
    remarks: dict[str, list[str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)  # exercise id -> why its cell does not parse

    def sources(self, name: str) -> list[tuple[str, str, int]]:
        """What has to run so that `name` is as the notebook leaves it: (a title of its own, source, its first line).

        Every piece that defines or changes it and, name by name, what these use, in their order: so the last definition
        wins. Methods of what is imported change nothing that an answer may build on: `torch.manual_seed(0)` in a loop
        that trains does not make the loop a part of every answer.
        """
        own = {name for piece in self.pieces if not piece.imports for name in piece.defines}
        making: dict[str, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            for made in piece.makes | (piece.calls & own):
                making.setdefault(made, []).append(number)
        chosen = {number for number, piece in enumerate(self.pieces) if piece.everywhere}
        wanted, known = [name], {name}
        while wanted:
            for number in making.get(wanted.pop(), ()):
                if number not in chosen:
                    chosen.add(number)
                    wanted += self.pieces[number].uses - known
                    known |= self.pieces[number].uses
        if known & BY_NAME:  # whatever they look up
            chosen = set(range(len(self.pieces)))
        return [(f"piece {n}", self.pieces[n].source, self.pieces[n].line) for n in sorted(chosen)]

    def text_after(self, question: str) -> str:
        """The text that stands right below a question: the answer, where a cell has lost its id."""
        for above, below in pairwise(self.prose):
            if above is not None and below is not None and _bare(above) == _bare(question):
                return below
        return ""

    def literal(self, name: str) -> Any:
        """What a name holds where the notebook's last word on it is a literal or plain arithmetic: read, not run.

        Raises ValueError where only running the notebook could tell.
        """
        making = [piece for piece in self.pieces if name in piece.makes | piece.calls or piece.everywhere]
        if not making or making[-1].everywhere or name in making[-1].uses or len(making[-1].source) > LONGEST_LITERAL:
            raise ValueError(name)
        [statement] = ast.parse(making[-1].source).body
        if not isinstance(statement, ast.Assign) or [type(t) for t in statement.targets] != [ast.Name]:
            raise ValueError(name)
        return plain_value(statement.value)


def read_notebook(data: bytes) -> list[dict[str, Any]]:
    """The cells of a notebook. Raises Unreadable for what is none of format 4."""
    if len(data) > MOST_BYTES:
        raise Unreadable(f"The file has {len(data) / 2**20:.0f} MB; a notebook may have {MOST_BYTES >> 20}.")
    if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        raise Unreadable("The file is nested and split into more parts than a notebook has.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Unreadable("The file is not a notebook: it is no JSON that could be read.") from None
    if type(notebook) is not dict or type(notebook.get("cells")) is not list or notebook.get("nbformat") != 4:
        raise Unreadable("The file is not a notebook of format 4.")
    cells = [cell for cell in notebook["cells"] if type(cell) is dict]
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"The notebook has {len(cells):,} cells; {MOST_CELLS:,} are the most that is read.")
    return cells


def extract(cells: Iterable[Mapping[str, Any]], items: Iterable[Item]) -> Submission:
    """The answers to the items, from whichever cells they stand in.

    Raises Unreadable where there is more code than a notebook has.
    """
    ids = {item.id: item for item in items if isinstance(item, Exercise | Question)}
    submission, seen, code, lines = Submission(), {}, 0, 0
    for cell in cells:
        source = _source(cell)
        identifier = _identifier(cell, ids)
        submission.prose.append(source if cell.get("cell_type") == "markdown" else None)
        if len(source) > LONGEST_CELL:
            if identifier:
                submission.broken[identifier] = f"The cell is longer than {LONGEST_CELL:,} characters."
            continue
        if cell.get("cell_type") == "markdown":
            if identifier and _is_text(ids[identifier]):
                submission.texts[identifier] = source
            continue
        if cell.get("cell_type") != "code":
            continue
        code += len(source)
        lines += 1 + source.count("\n") + source.count(";")
        if code > MOST_CODE or lines > MOST_LINES:
            raise Unreadable(f"The notebook has over {MOST_CODE:,} characters or {MOST_LINES:,} lines of code.")
        try:
            found = pieces(source)
        except TooMany:
            raise Unreadable("The notebook has more statements than are read.") from None
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if identifier:
                line = getattr(error, "lineno", None)
                words = getattr(error, "msg", None) or str(error)
                submission.broken[identifier] = words + (f" (line {line} of its cell)" if line else "")
            continue
        if len(submission.pieces) + len(found) > MOST_PIECES:
            raise Unreadable(f"The notebook has over {MOST_PIECES:,} statements, which is more than is read.")
        for piece in found:
            for name in piece.defines & ids.keys() - piece.uses:
                seen[name] = seen.get(name, 0) + 1
        submission.pieces += found
    for name, times in seen.items():
        if times > 1:
            submission.remarks.setdefault(name, []).append(f"`{name}` is defined {times} times: the last one counts.")
        submission.broken.pop(name, None)
    return submission


def lesson_of(cells: Sequence[Mapping[str, Any]], name: str, items_of: Callable[[str], Iterable[Item]]) -> str | None:
    """The number of the lesson most of whose exercises are in a notebook; None where none is.

    name: of the file, whose number decides a tie; items_of: gives the items of a lesson.
    """
    names = names_in(cells)
    counts = {info.number: sum(item.id in names for item in items_of(info.number)) for info in LESSONS}
    most = max(counts.values())
    best = [number for number, count in counts.items() if count == most]
    numbered = NUMBERED.search(name.rpartition("/")[2])
    if numbered and numbered[1] in best:
        return numbered[1]
    return best[0] if most else None


def names_in(cells: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every name that may tell which exercises a notebook holds: of its cells and of what they define."""
    names: set[str] = set()
    for cell in cells:
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if type(metadata) is dict else None
        said = (cell.get("id"), nbgrader.get("grade_id") if type(nbgrader) is dict else None)
        names |= {name for name in said if type(name) is str}
        source = _source(cell)
        if cell.get("cell_type") == "code" and len(source) <= LONGEST_CELL:
            names |= set(DEFINED.findall(source))
    return names


def _identifier(cell: Mapping[str, Any], ids: Mapping[str, Item]) -> str | None:
    """The exercise to which a cell belongs, by its own id or nbgrader's, or None."""
    metadata = cell.get("metadata")
    metadata = metadata if type(metadata) is dict else {}
    nbgrader, tags = metadata.get("nbgrader"), metadata.get("tags")
    graded = nbgrader.get("grade_id") if type(nbgrader) is dict else None
    if type(nbgrader) is dict and nbgrader.get("grade") is True and nbgrader.get("solution") is not True:
        return None  # a check
    for name in (graded, metadata.get("exercise"), cell.get("id")):
        if type(name) is str and name in ids and not (type(tags) is list and "check" in tags):
            return name
    return None


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    if type(source) is list:
        source = "".join(line for line in source if type(line) is str)
    return source if type(source) is str else ""


def _bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _is_text(item: Item) -> bool:
    return isinstance(item, Question) and isinstance(item.answer, FreeText)
