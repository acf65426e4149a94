"""team.html: what the course team wants to know of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vitlab.grading.job import NOT_GRADED
from vitlab.grading.levels import NO_ISOLATION
from vitlab.grading.pages import page
from vitlab.grading.store import key
from vitlab.grading.tally import by_lesson, handed_in, mean, most, points, unread, verdicts

SHARES = (*(f"{low}–{low + 9}" for low in range(0, 100, 10)), "100")  # % of a lesson's points
SLOWEST, COMMONEST = 5, 15  # rows
UNPROVEN = (
    "With --unsafe nothing shuts a student's code in: it may have read the answers, other hand-ins and all that you "
    "may read, or changed any of them."
)


@dataclass(frozen=True)
class CommonMistake:
    """A named mistake, how often it was made, and one who made it: facts on a public input."""

    lesson: str
    exercise: str
    name: str
    message: str
    facts: list[list[str]]
    count: int


def team_html(records: list[dict[str, Any]]) -> str:
    """team.html."""
    lessons = by_lesson(records)
    return page(
        "team.html.j2",
        hand_ins=[_hand_in(record) for record in records],
        lessons=[_lesson(number, parts) for number, parts in lessons.items()],
        mistakes=common_mistakes(lessons)[:COMMONEST],
        look_at=[(record["student"], why) for record in records for why in _for_a_person(record)],
        slowest=sorted(records, key=lambda record: -record["seconds"])[:SLOWEST],
        unproven=UNPROVEN if any(record["level"] == NO_ISOLATION.name for record in records) else "",
        levels=Counter(record["level"] or "not graded" for record in records),
    )


def common_mistakes(lessons: Mapping[str, Iterable[dict[str, Any]]]) -> list[CommonMistake]:
    """The named mistakes in these lessons' hand-ins, the most common first."""
    made: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for number, parts in lessons.items():
        for part in parts:
            for exercise in part["exercises"]:
                if exercise.get("mistake"):
                    made.setdefault((number, exercise["id"], exercise["mistake"]), []).append(exercise)
    found = [
        CommonMistake(*where, answers[0]["message"], _example(answers), len(answers)) for where, answers in made.items()
    ]
    return sorted(found, key=lambda mistake: -mistake.count)


def shares(lessons: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    """How many hand-ins of a lesson have how large a share of its points: (percent, hand-ins), in tenths and all."""
    counts = Counter(int(round(10 * points(lesson) / most(lesson), 6)) for lesson in lessons)
    return [(share, counts[tenth]) for tenth, share in enumerate(SHARES)]


def _example(answers: list[dict[str, Any]]) -> list[list[str]]:
    """The facts of the first answer that has any: one that fails for hidden inputs alone has none."""
    return next((answer["facts"] for answer in answers if answer["facts"]), [])


def _lesson(number: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    mine = handed_in(parts)
    answers: dict[str, list[dict[str, Any]]] = {exercise["id"]: [] for part in parts for exercise in part["exercises"]}
    for part in mine:
        for exercise in part["exercises"]:
            answers[exercise["id"]].append(exercise)
    return {
        "number": number,
        "title": parts[0]["title"],
        "handed_in": len(mine),
        "asked": len(parts),
        "mean": mean(points(part) for part in mine),
        "most": most(parts[0]),
        "exercises": [_exercise(same) for same in answers.values() if same],
        "counts": verdicts(mine),
        "shares": shares(mine),
    }


def _exercise(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **{name: answers[0][name] for name in ("id", "title", "most")},
        "counts": Counter(answer["verdict"] for answer in answers),
        "mean": mean(answer["points"] or 0.0 for answer in answers),
    }


def _hand_in(record: dict[str, Any]) -> dict[str, Any]:
    lessons = record["lessons"]
    return {
        "student": record["student"],
        "key": key(record["student"]),
        "lessons": [lesson["number"] for lesson in handed_in(lessons)],
        "points": sum(points(lesson) for lesson in lessons),
        "most": sum(most(lesson) for lesson in lessons),
        "unread": sum(unread(lesson) for lesson in lessons),
        "problems": record["problems"],
        "seconds": record["seconds"],
    }


def _for_a_person(record: dict[str, Any]) -> list[str]:
    """Why a person has to look at a hand-in, but for free text: a sentence each."""
    why = []
    if record.get("failed"):
        why.append("It could not be graded at all.")
    elif not handed_in(record["lessons"]):
        why.append("It holds no notebook that could be graded.")
    for lesson in record["lessons"]:
        if lesson.get("other_conventions"):
            why.append(f"Its notebook of lesson {lesson['number']} names other conventions than it was graded by.")
        for exercise in lesson["exercises"]:
            if exercise["verdict"] == NOT_GRADED:
                why.append(f"Lesson {lesson['number']}, `{exercise['id']}`: {exercise['message']}")
    return why
