"""What stands on a lesson's page for the section: each task with its words, its room, its answer and the mistakes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from helpers.exercises.definition import Experiment, Item
from helpers.exercises.written import Choice, FreeText, Growth
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

    pace: its part and minutes; lead: what stands before the question; short: whether two options fit on a line;
    room: millimetres to write in, as `lines` ruled lines or, where that is 0, blank; ask: what stands there.
    The rest is for the key: answer (where there are no options), reason, what was measured, mistakes.
    """

    title: Markup
    pace: str
    lead: Markup
    question: Markup
    options: tuple[Option, ...]
    short: bool
    room: float
    lines: int
    ask: str
    unit: str
    answer: Markup
    reason: Markup
    measured: tuple[Markup, ...]
    mistakes: tuple[Mistake, ...]


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
        return _own_task(task)
    item = course.find(task.exercise)
    place = next(place for place, cell in enumerate(lesson.cells) if cell.task and cell.exercise == task.exercise)
    cell, prompt = lesson.cells[place], lesson.cells[place - 1].solved
    if isinstance(item, Experiment):
        question, ask, lines = line(item.question), "Because", 1
        options, right, wrong = dict(item.options), item.outcome, {}
    else:
        question = _question(lesson, item, prompt)
        ask, lines, options, right, wrong = "", 0, {}, "", {}
        if isinstance(item.answer, Choice):
            ask, lines = "Why?", 1 + (item.minutes > 2)
            right, wrong = item.answer.right, item.answer.wrong
            options = {letter: " ".join(words.split()) for letter, words in OPTION.findall(prompt)}
            options = options or dict(item.answer.options)
        elif isinstance(item.answer, FreeText):
            lines = -(-len(cell.solved.split()) // WORDS_A_LINE)
        else:
            ask = "Grows like" if isinstance(item.answer, Growth) else "Answer:"
    if lines and task.room:
        lines = round(task.room / LINE)
    room = LINE * lines or task.room or 4 + 5.5 * item.minutes
    return PaperTask(
        title=line(item.title),
        pace=_pace(lesson, cell, item),
        lead=rich(task.lead),
        question=question[:1].upper() + question[1:],
        options=tuple(
            Option(letter, line(words), letter == right, line(wrong.get(letter, "")))
            for letter, words in options.items()
        ),
        short=all(len(words) <= SHORT_OPTION for words in options.values()),
        room=room,
        lines=lines,
        ask=ask,
        unit=getattr(item.answer, "unit", "") if not isinstance(item, Experiment) else "",
        answer=Markup() if options else _answer(item),
        reason=_reason(task, item),
        measured=_measured(lesson, item) if isinstance(item, Experiment) else (),
        mistakes=() if options or isinstance(item.answer, FreeText) else _mistakes(item.answer.wrong),
    )


def _own_task(task: Task) -> PaperTask:
    return PaperTask(
        title=line(task.title),
        pace="",
        lead=rich(task.lead),
        question=Markup(),
        options=(),
        short=False,
        room=task.room or 0,
        lines=0,
        ask="",
        unit="",
        answer=Markup(),
        reason=rich(task.key),
        measured=(),
        mistakes=(),
    )


def _question(lesson: SourceLesson, item: Item, prompt: str) -> Markup:
    found = questions(prompt)
    if len(found) != 1:
        raise EditionError(
            f"{lesson.path.name}: the worksheet takes the question of {item.id!r} from the words in bold before it, "
            f"and {len(found)} of them hold a question mark: let it be one."
        )
    return raised(found[0])


def _pace(lesson: SourceLesson, cell: Cell, item: Item) -> str:
    part = None
    for other in lesson.cells[: lesson.cells.index(cell)]:
        if other.kind == "markdown" and "ta-note" not in other.tags:
            for row, heading in text.headings(other.solved):
                part = text.read_part(heading, row, lambda row, message: None) or part
    said = "predict" if isinstance(item, Experiment) else f"{item.minutes} min"
    return f"part {part.number} · {said}" if part else said


def _answer(item: Item) -> Markup:
    if isinstance(item.answer, Growth):
        return formula(item.answer.value)
    if isinstance(item.answer, FreeText):
        return Markup()
    value = item.answer.value
    return Markup.escape(f"{value:,.10g} {item.answer.unit}".strip() if isinstance(value, int | float) else value)


def _reason(task: Task, item: Item) -> Markup:
    rubric = item.answer.rubric if not isinstance(item, Experiment) and isinstance(item.answer, FreeText) else ()
    points = "".join(f"<li>{line(point)}</li>" for point in rubric)
    return rich(task.key) + (Markup(f"<ul>{points}</ul>") if points else Markup())


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
