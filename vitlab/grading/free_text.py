"""free_text.html: the answers in students' own words, gathered by question, to be marked without a server."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from vitlab.grading.escape import FORMULA
from vitlab.grading.job import MARKED, UNREAD
from vitlab.grading.marks import COLUMNS, text_key
from vitlab.grading.pages import page
from vitlab.grading.words import bare

WORTH = re.compile(r"\s*(\d+(?:\.\d+)?) points?\b")


def free_text_html(records: list[dict[str, Any]]) -> str:
    """free_text.html. Answers that have marks come along with them, so that these can be changed."""
    found = questions(records)
    return page(
        "free_text.html.j2",
        script="free_text.js",
        questions=found,
        answers=sum(len(question["answers"]) for question in found),
        marks={"columns": COLUMNS, "formula": f"^(?:{FORMULA})"},
    )


def questions(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each question with its rubric and every answer that a person reads or has read, by lesson and question."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        for lesson in record["lessons"]:
            for exercise in lesson["exercises"]:
                if exercise["verdict"] not in (UNREAD, MARKED):
                    continue
                question = found.setdefault(
                    (lesson["number"], exercise["id"]),
                    {
                        **{name: exercise[name] for name in ("id", "title", "most")},
                        "lesson": lesson["number"],
                        "rubric": [(line, worth(line)) for line in exercise["rubric"]],
                        "answers": [],
                    },
                )
                question["answers"].append(
                    {
                        "student": record["student"],
                        "text": exercise["text"],
                        "of_the_course": exercise.get("of_the_course", False),
                        "key": text_key(record["student"], exercise["id"], exercise["text"]),
                        "points": exercise["points"],
                        "comment": exercise.get("comment", ""),
                    }
                )
    for question in found.values():
        often = Counter(bare(answer["text"]) for answer in question["answers"])
        for answer in question["answers"]:
            answer["twins"] = often[bare(answer["text"])] - 1
    return [found[where] for where in sorted(found)]


def worth(line: str) -> float | None:
    """The points that a line of a rubric says it is worth: "1 point: ..."; None where it says none."""
    said = WORTH.match(line)
    return float(said[1]) if said else None
