"""What a student reads: feedback.json, and the same as a page, feedback.html.

Only what is named here comes out of a record, and a record holds no hidden input and no value expected for one.
"""

from __future__ import annotations

import json
from typing import Any

from vitlab.grading.job import MARKED
from vitlab.grading.pages import page
from vitlab.grading.tally import most, points, unread

SHOWN = ("id", "title", "kind", "verdict", "most", "message")
SHOWN_WHERE_THERE = {"mistake": None, "facts": [], "remarks": [], "passed": 0, "total": 0, "text": "", "comment": ""}
MORE = ("wrong", "crashed", "marked", "unread", "not graded")  # verdicts of which there is more to say than their word


def feedback(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says to its student."""
    lessons = [
        {
            **{name: lesson[name] for name in ("number", "title", "file")},
            "points": points(lesson),
            "most": most(lesson),
            "unread": unread(lesson),
            "exercises": [_exercise(exercise) for exercise in lesson["exercises"]],
        }
        for lesson in record["lessons"]
    ]
    return {
        "student": record["student"],
        **{name: round(sum(lesson[name] for lesson in lessons), 2) for name in ("points", "most", "unread")},
        "isolation": record["level"],
        "problems": record["problems"],
        "lessons": lessons,
    }


def feedback_json(record: dict[str, Any]) -> str:
    """feedback.json."""
    return json.dumps(feedback(record), indent=1)


def feedback_html(record: dict[str, Any]) -> str:
    """feedback.html."""
    return page("feedback.html.j2", **feedback(record), more=MORE)


def _exercise(exercise: dict[str, Any]) -> dict[str, Any]:
    shown = {name: exercise[name] for name in SHOWN}
    shown |= {name: exercise.get(name, default) for name, default in SHOWN_WHERE_THERE.items()}
    shown["points"] = exercise["points"] or 0.0
    shown["rubric"] = exercise["rubric"] if exercise["verdict"] == MARKED else []  # before that, it is half an answer
    return shown
