"""Proves that no line of a solution stands in a student edition.

What is secret is read from the lesson's source by a scanner of its own, which shares no code with the parser that
removes it: what stands in solution blocks (comments included, explicit stubs not), hidden tests and TA notes, and every
line whose condition (`### class_token: last`) does not hold.

The rule is a count. A secret line may stand in the student notebook as often as it stands in the public part of the
same lesson's source, and not once more. So nothing is too trivial to be caught: `else:` or `)` planted into a notebook
is one more than its source has, while `return x` in a solution does no harm where the text shows `return x` elsewhere.
White space does not count: lines are compared with all of it taken out.

- As a whole line: every secret line, in every string of the notebook's JSON, keys included (sources, outputs, metadata,
  attachments), each string cut at its line breaks, written out ("\\n" in a repr) or real.
- Inside a longer line: secret lines of at least 12 characters other than white space. Shorter ones (`x = x + 1`) say
  nothing once they are inside other words, and would meet the notebook's own format.
- From another lesson: a secret line of at least 24 such characters which is public nowhere in its own lesson must not
  stand as a whole line in any other lesson's student edition. Shorter ones are common idiom.

What it cannot see: an answer in other words, and a secret line planted while the same public line was taken out.
`vitlab build --check` compares bytes and sees both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.models.conventions import CHOICES, STANDARD, Conventions

EMBEDDED = 12  # characters without white space from which a line counts inside a longer one
ELSEWHERE = 24  # … from which it counts in another lesson


@dataclass(frozen=True)
class Leak:
    """A line of a solution in a student edition. file, line: where the solution stands; text: the line itself."""

    file: Path
    line: int
    text: str
    notebook: str

    def __str__(self) -> str:
        return f"{self.notebook}: holds a line of a solution, {self.text!r} ({self.file}:{self.line})"


@dataclass(frozen=True)
class Secrets:
    """A lesson's secret lines and its public ones. secret: (line in the file, the line); public: lines."""

    file: Path
    secret: tuple[tuple[int, str], ...]
    public: tuple[str, ...]


def read_secrets(
    path: str | Path,
    words: Mapping[str, str] | None = None,
    conventions: Conventions = STANDARD,
    shown: Collection[int] | None = None,
) -> Secrets:
    """Reads a lesson's source line by line.

    words: what {{word}} stands for. conventions: which of the lines that carry a condition are public.
    shown: the lines on which the edition's cells begin in the source; None: all. Other cells make nothing public.
    """
    path = Path(path)
    secret: list[tuple[int, str]] = []
    public: list[str] = []
    markdown = note = inside = stub = here = False
    below: bool | None = None  # what a condition alone on its line said of the next one
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"# ?%%", line):
            markdown, note, inside, stub = "[markdown]" in line, "ta-note" in line, False, False
            here = shown is None or number in shown
            continue
        if markdown:
            line = re.sub(r"^# ?", "", line)
        line, holds = _condition(line, conventions)
        if holds is not None and not line.strip():
            below = holds
            continue
        holds, below = (below if holds is None else holds), None
        for word, meaning in (words or {}).items():
            line = line.replace("{{" + word + "}}", meaning)
        mark = line.strip()
        if mark.startswith("### BEGIN"):
            inside = True
        elif mark.startswith("### END"):
            inside = stub = False
        elif mark == "### STUB":
            stub = True
        elif stub:
            line = line if markdown else re.sub(r"^(\s*)# ?", r"\1", line)
            if holds is False:
                secret.append((number, line))
            elif here:
                public.append(line)
        elif inside or note or holds is False:
            secret.append((number, line))
        elif here:
            public.append(line)
    return Secrets(path, tuple((number, line) for number, line in secret if line.strip()), tuple(public))


def _condition(line: str, conventions: Conventions) -> tuple[str, bool | None]:
    """A line without its condition, and whether that holds; None where it carries none."""
    before, mark, after = line.partition("###")
    said = re.findall(r"(\w+)\s*:\s*([\w-]+)", after)
    if not mark or not said or any(name not in CHOICES for name, _ in said):
        return line, None
    return before.rstrip(), all(str(getattr(conventions, name)) == value for name, value in said)


def find_leaks(
    notebook: Mapping[str, Any], name: str, secrets: Secrets, others: tuple[Secrets, ...] = ()
) -> list[Leak]:
    """The secret lines that stand in a student notebook.

    notebook: the JSON of the student edition. name: what to call it. secrets: those of its own lesson.
    others: those of the other lessons.
    """
    page = [line for text in strings(notebook) for line in _lines(text)]
    public = [line for text in secrets.public for line in _lines(text)]
    seen, allowed = Counter(page), Counter(public)
    page_text, public_text = "\n".join(page), "\n".join(public)
    leaks = {}
    for number, text in secrets.secret:
        for key in _lines(text):
            inside = len(key) >= EMBEDDED and page_text.count(key) > public_text.count(key)
            if seen[key] > allowed[key] or inside:
                leaks.setdefault(key, Leak(secrets.file, number, text.strip(), name))
    for other in others:
        known = {line for text in other.public for line in _lines(text)}
        for number, text in other.secret:
            for key in _lines(text):
                if len(key) >= ELSEWHERE and key in seen and key not in known:
                    leaks.setdefault(key, Leak(other.file, number, text.strip(), name))
    return list(leaks.values())


def strings(node: Any) -> Iterator[str]:
    """Every string in a JSON value, keys of objects included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from strings(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from strings(value)


def _lines(text: str) -> list[str]:
    """The lines of a text without white space, empty ones left out; a written out line break counts as one."""
    cut = re.split(r"\\n|[\r\n\f\v\x1c-\x1e\x85\u2028\u2029]", text)
    return [squeezed for line in cut if (squeezed := "".join(line.split()))]
