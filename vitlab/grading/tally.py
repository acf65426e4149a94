"""Sums over what a record says: the points of a lesson, and what is still to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from vitlab.grading.job import UNREAD


def points(lesson: dict[str, Any]) -> float:
    """Points earned in a lesson; free text that nobody has marked yet earns none."""
    return round(sum(exercise["points"] or 0.0 for exercise in lesson["exercises"]), 2)


def most(lesson: dict[str, Any]) -> float:
    """Points that a lesson is worth."""
    return sum(exercise["most"] for exercise in lesson["exercises"])


def unread(lesson: dict[str, Any]) -> float:
    """Points that a lesson's answers which nobody has marked yet are worth."""
    return sum(exercise["most"] for exercise in lesson["exercises"] if exercise["verdict"] == UNREAD)


def by_lesson(records: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Every hand-in's part of each lesson, by the lesson's number, in order; those not handed in among them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        for lesson in record["lessons"]:
            found.setdefault(lesson["number"], []).append(lesson)
    return dict(sorted(found.items()))


def handed_in(lessons: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the lessons that came with a notebook."""
    return [lesson for lesson in lessons if lesson["file"]]


def mean(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def verdicts(lessons: Iterable[dict[str, Any]]) -> Counter[str]:
    """How many exercises of these hand-ins have which verdict."""
    return Counter(exercise["verdict"] for lesson in lessons for exercise in lesson["exercises"])
