"""What stands on a lesson's page for the section: each task with its words, its room, its answer and the mistakes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from helpers.exercises.definition import Experiment, Item
from helpers.exercises.written import Choice, FreeText, Growth, Number, Shape
from helpers.experiment import load_shipped, mean_and_spread
from vitlab.course import text
from vitlab.course.build import Course
from vitlab.course.editions.markdown import questions
from vitlab.course.editions.solved import EditionError
from vitlab.course.editions.typeset import formula, line, raised, rich
from vitlab.course.parse import Cell, SourceLesson
from vitlab.course.sheet import Task

OPTION = re.compile(r"^- ([a-z])\) (.*(?:\n {2}.*)*)", re.MULTILINE)
SHORT_OPTION = 42  # characters: two such options stand side by side
SHOWN_MISTAKES = 3  # of a number's, a shape's or an expression's; definitions begin with the commonest
LINE = 7.2  # millimetres, as in worksheet.css
NOTHING = Markup()
WORDS_A_LINE = 16  # of the course's own answer to a free text; a student's is shorter


@dataclass(frozen=True)
class Option:
    """One answer to choose. mistake: what to say to those who chose it, empty where it is right or just a guess."""

    letter: str
    text: Markup
    right: bool
    mistake: Markup


@dataclass(frozen=True)
class Mistake:
    """A known wrong number, shape or expression, and what to say of it."""

    answer: Markup
    says: Markup


@dataclass(frozen=True)
class PaperTask:
    """A task on paper.

    lead: what stands before the question; room: millimetres to write in, as `lines` ruled lines or, where that is 0,
    blank; ask: what stands there; pace: its part and minutes.
    Of the key alone: reason, answer (where there are no options), what was measured, mistakes.
    """

    title: Markup
    lead: Markup
    room: float
    reason: Markup
    lines: int = 0
    ask: str = ""
    unit: str = ""
    pace: str = ""
    question: Markup = NOTHING
    options: tuple[Option, ...] = ()
    answer: Markup = NOTHING
    measured: tuple[Markup, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def short(self) -> bool:
        """Whether two options fit on a line."""
        return all(len(option.text.striptags()) <= SHORT_OPTION for option in self.options)


@dataclass(frozen=True)
class PaperSheet:
    """A lesson's page. number: "02"; title: with the number; question: of the hour."""

    number: str
    title: str
    question: Markup
    tasks: tuple[PaperTask, ...]


def paper_sheet(course: Course, lesson: SourceLesson) -> PaperSheet:
    """The page of a lesson. Raises EditionError where the source has no worksheet, or a question cannot be found."""
    if lesson.sheet is None:
        raise EditionError(
            f"Lesson {lesson.number} has no worksheet: its source needs a markdown cell with the tag worksheet."
        )
    tasks = tuple(_task(course, lesson, task) for task in lesson.sheet.tasks)
    return PaperSheet(lesson.number, lesson.title, rich(lesson.sheet.question), tasks)


def _task(course: Course, lesson: SourceLesson, task: Task) -> PaperTask:
    if task.exercise is None:
        return PaperTask(line(task.title), rich(task.lead), task.room or 0, rich(task.key))
    item = course.find(task.exercise)
    place = next(place for place, cell in enumerate(lesson.cells) if cell.task and cell.exercise == task.exercise)
    cell, prompt = lesson.cells[place], lesson.cells[place - 1].solved
    words = {"title": line(item.title), "lead": rich(task.lead), "pace": _pace(lesson, cell, item)}
    if isinstance(item, Experiment):
        return PaperTask(
            **words,
            **_ruled(task, 1),
            question=line(item.question),
            ask="Because",
            options=_options(item.options, item.outcome, {}),
            reason=rich(task.key),
            measured=_measured(lesson, item),
        )
    words["question"] = _question(lesson, item, prompt)
    if isinstance(item.answer, Choice):
        options = {letter: " ".join(text.split()) for letter, text in OPTION.findall(prompt)} or item.answer.options
        return PaperTask(
            **words,
            **_ruled(task, 2 if item.minutes > 2 else 1),
            ask="Why?",
            options=_options(options, item.answer.right, item.answer.wrong),
            reason=rich(task.key),
        )
    if isinstance(item.answer, FreeText):
        lines = -(-len(cell.solved.split()) // WORDS_A_LINE)
        return PaperTask(**words, **_ruled(task, lines), reason=_rubric(task, item.answer, cell))
    return PaperTask(
        **words,
        room=task.room or 4 + 5.5 * item.minutes,
        ask="Grows like" if isinstance(item.answer, Growth) else "Answer:",
        unit=getattr(item.answer, "unit", ""),
        answer=_answer(item.answer),
        reason=rich(task.key),
        mistakes=_mistakes(item.answer.wrong),
    )


def _ruled(task: Task, lines: int) -> dict[str, float]:
    lines = round(task.room / LINE) if task.room else lines
    return {"lines": lines, "room": lines * LINE}


def _options(texts: Mapping[str, str], right: str, wrong: Mapping[str, str]) -> tuple[Option, ...]:
    return tuple(
        Option(letter, line(text), letter == right, line(wrong.get(letter, ""))) for letter, text in texts.items()
    )


def _question(lesson: SourceLesson, item: Item, prompt: str) -> Markup:
    found = questions(prompt)
    if len(found) != 1:
        raise EditionError(
            f"{lesson.path.name}: the worksheet takes the question of {item.id!r} from the words in bold before it, "
            f"and {len(found)} of them hold a question mark: let it be one."
        )
    return raised(found[0][:1].upper() + found[0][1:])


def _pace(lesson: SourceLesson, cell: Cell, item: Item) -> str:
    part = None
    for other in lesson.cells[: lesson.cells.index(cell)]:
        if other.kind == "markdown" and "ta-note" not in other.tags:
            for row, heading in text.headings(other.solved):
                part = text.read_part(heading, row, lambda row, message: None) or part
    said = "predict" if isinstance(item, Experiment) else f"{item.minutes} min"
    return f"part {part.number} · {said}" if part else said


def _answer(answer: Number | Shape | Growth) -> Markup:
    if isinstance(answer, Growth):
        return formula(answer.value)
    return Markup.escape(f"{answer.value:,.10g} {answer.unit}".strip() if isinstance(answer, Number) else answer.value)


def _rubric(task: Task, answer: FreeText, cell: Cell) -> Markup:
    """What the key says of a free text, the course's own answer, and the rubric."""
    points = Markup("").join(Markup("<li>{}</li>").format(line(point)) for point in answer.rubric)
    return rich(task.key) + rich(cell.solved) + Markup("<ul>{}</ul>").format(points)


def _measured(lesson: SourceLesson, item: Experiment) -> tuple[Markup, ...]:
    variants = load_shipped(lesson.name)[item.id]
    seeds = max(map(len, variants.values()))
    numbers = "; ".join(f"{name} {mean_and_spread(values)}" for name, values in variants.items())
    measured = f"Measured here, in {item.unit}, mean ± spread over {seeds} seeds: {numbers}."
    published = [f"Published: {finding.says} ({finding.source})" for finding in item.published]
    return tuple(map(line, (measured, *published)))


def _mistakes(wrong: Mapping[object, str]) -> tuple[Mistake, ...]:
    return tuple(Mistake(_wrong_answer(answer), line(says)) for answer, says in islice(wrong.items(), SHOWN_MISTAKES))


def _wrong_answer(answer: object) -> Markup:
    if isinstance(answer, str):
        return formula(answer)
    return Markup.escape(f"{answer:,.10g}" if isinstance(answer, int | float) else answer)
