"""What the course gives to a child that runs an answer: imports, its own pieces, the modules that an answer builds on.

Everything is source out of the solved lessons and `helpers.models`; the answer that is asked for is cut out of it.
"""

from __future__ import annotations

import ast
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

from nbformat import NotebookNode

from helpers.exercises import LESSONS, find, items, lesson_info
from helpers.exercises.definition import Exercise, Item
from helpers.models.conventions import STANDARD, Conventions
from vitlab.course.notebooks import solved_notebook
from vitlab.course.parse import SourceLesson, parse
from vitlab.grading.extract import Submission, extract
from vitlab.grading.pieces import Piece, pieces

SERVED = "helpers.models."  # the only modules of which an answer may get any


class CourseSource:
    """The solved lessons of a project, under the conventions of a homework pack or the standard ones."""

    def __init__(self, root: Path, conventions: Conventions = STANDARD):
        self.root, self.conventions = root, conventions
        self._lessons: dict[str, _Lesson] = {}

    def items(self, number: str) -> tuple[Item, ...]:
        """The items of a lesson."""
        return items(number, self.conventions)

    def prelude(self, number: str) -> list[Piece]:
        """The imports of a lesson's own cells: they hold where a student has lost or changed the setup cell."""
        return self._lesson(number).prelude

    def piece(self, name: str) -> str:
        """The course's own source of an exercise, with everything that it uses."""
        return "\n".join(source for _, source, _ in self._home(name).solved.sources(name))

    def stub(self, name: str) -> str:
        """What stands in the student's notebook before an exercise is answered."""
        return self._home(name).stubs[name]

    def question(self, name: str) -> str:
        """The text right above the cell of an exercise, in the student's notebook."""
        return self._home(name).questions[name]

    def text(self, name: str) -> str:
        """The course's own answer to a question that a person reads."""
        return self._home(name).solved.texts[name]

    def modules(self, name: str, given: tuple[str, ...] = ()) -> dict[str, str]:
        """Modules that the course's answers to an exercise and to those given import.

        Each comes without the answer to the exercise and what rests on it.
        """
        sources = "\n".join(self.piece(piece) for piece in (name, *given))
        return _modules(self.root, sources, frozenset(_names_of(find(name, self.conventions))))

    def _home(self, name: str) -> _Lesson:
        return self._lesson(next(info.number for info in LESSONS if name in {i.id for i in self.items(info.number)}))

    def _lesson(self, number: str) -> _Lesson:
        if number not in self._lessons:
            self._lessons[number] = _Lesson(self.root, number, self.conventions)
        return self._lessons[number]


class _Lesson:
    """One solved lesson, parsed when it is first needed."""

    def __init__(self, root: Path, number: str, conventions: Conventions):
        self.path = root / "solutions" / f"{lesson_info(number).file}.py"
        self.items, self.conventions = items(number, conventions), conventions

    @cached_property
    def solved(self) -> Submission:
        submission = extract(self._notebook["cells"], self.items)
        submission.pieces = [*self.prelude, *submission.pieces]
        return submission

    @cached_property
    def prelude(self) -> list[Piece]:
        setup = [cell["source"] for cell in self._notebook["cells"] if "setup" in cell["metadata"].get("tags", ())]
        return [piece for source in setup for piece in pieces(source) if piece.imports]

    @cached_property
    def stubs(self) -> dict[str, str]:
        return {cell.exercise: cell.student for cell in self._parsed.cells if cell.task and cell.student is not None}

    @cached_property
    def questions(self) -> dict[str, str]:
        shown = [cell for cell in self._parsed.cells if cell.student is not None]
        return {cell.exercise: above.student for above, cell in pairwise(shown) if cell.task}

    @cached_property
    def _parsed(self) -> SourceLesson:
        return parse(
            self.path,
            find=lambda name: find(name, self.conventions),
            words=self.conventions.words(),
            conventions=self.conventions,
        )

    @cached_property
    def _notebook(self) -> NotebookNode:
        return solved_notebook(self._parsed)


def _names_of(item: Item) -> set[str]:
    """The names under which an exercise's answer stands in the course's modules."""
    reference = getattr(item, "reference", None)
    reference = getattr(reference, "func", reference)  # under a partial of its conventions
    return {item.id, getattr(reference, "__name__", item.id)} if isinstance(item, Exercise) else {item.id}


@lru_cache(maxsize=256)
def _modules(root: Path, source: str, answers: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    wanted = _imports(source)
    while wanted:
        name = wanted.pop()
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        if name in found or not path.is_file():
            continue
        found[name] = _without(path.read_text(encoding="utf-8"), answers)
        wanted |= _imports(found[name])
    return found


def _imports(source: str) -> set[str]:
    """The modules of `helpers.models` that a source imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith(SERVED)}


def _without(source: str, answers: frozenset[str]) -> str:
    """A module's source without the definitions of these names and without what uses them."""
    kept = list(pieces(source))
    gone = set(answers)
    while True:
        resting = [piece for piece in kept if (piece.defines | piece.uses) & gone]
        if not resting:
            return "\n".join(piece.source for piece in kept)
        gone |= {name for piece in resting for name in piece.defines}
        kept = [piece for piece in kept if piece not in resting]
