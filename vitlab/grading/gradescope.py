"""results.json: a record in the form that Gradescope reads (its "Autograder Specifications")."""

from __future__ import annotations

import json
from typing import Any

from vitlab.grading.escape import plain
from vitlab.grading.job import MARKED, UNREAD
from vitlab.grading.pages import LOOKS, number, word
from vitlab.grading.tally import points, unread


def results(record: dict[str, Any]) -> dict[str, Any]:
    """The results of one record: a test for each exercise, all of them visible to the student."""
    lessons = record["lessons"]
    left = sum(unread(lesson) for lesson in lessons)
    words = [*record["problems"]]
    if left:
        words.append(f"{number(left)} points are for free text that is not yet read: they count as 0 for now.")
    if record["level"]:
        words.append(f"Isolation while it was graded: {record['level']}.")
    return {
        "score": round(sum(points(lesson) for lesson in lessons), 2),
        "execution_time": round(record["seconds"]),
        "output": plain("\n".join(words)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            _test(exercise, lesson["number"], place)
            for lesson in lessons
            for place, exercise in enumerate(lesson["exercises"], 1)
        ],
    }


def failed(sentence: str) -> dict[str, Any]:
    """The results where nothing could be graded: 0 points, and a sentence for the student."""
    return results({"lessons": [], "problems": [sentence], "level": "", "seconds": 0})


def results_json(record: dict[str, Any]) -> str:
    """results.json."""
    return json.dumps(results(record), indent=1)


def _test(exercise: dict[str, Any], lesson: str, place: int) -> dict[str, Any]:
    earned = exercise["points"] or 0.0
    return {
        "number": f"{lesson}.{place}",
        "name": f"{exercise['title']} ({exercise['id']})",
        "score": earned,
        "max_score": float(exercise["most"]),
        "status": "passed" if earned >= exercise["most"] else "failed",
        "output": plain("\n".join(_output(exercise))),
        "output_format": "text",
        "visibility": "visible",
    }


def _output(exercise: dict[str, Any]) -> list[str]:
    verdict = exercise["verdict"]
    lines = [f"{LOOKS[verdict][0]} {word(verdict)}", exercise["message"]]
    if verdict == UNREAD:
        lines[1] = "A person reads this one; it counts as 0 points for now."
    if exercise.get("mistake"):
        lines[0] += f": {exercise['mistake']}"
    lines += [f"{label}: {text}" for label, text in exercise.get("facts", ())]
    if exercise.get("total", 0) > 1:
        lines.append(f"{exercise['passed']} of {exercise['total']} cases passed")
    lines += exercise.get("remarks", ())
    if verdict == MARKED:
        lines += [*exercise["rubric"], *filter(None, [exercise["comment"]])]
    return lines
