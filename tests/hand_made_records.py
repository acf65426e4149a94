"""Records as `vitlab.grading.grade` makes them, written by hand: one of each verdict."""

from typing import Any

RUBRIC = [
    "1 point: attention is permutation-equivariant.",
    "1 point: positions travel along.",
    "1 point: an exception.",
]
LEVEL = "bubblewrap + landlock + seccomp + rlimits"


def exercise(id: str, verdict: str, points: float | None, most: float, message: str, **more: Any) -> dict[str, Any]:
    plain = {"mistake": None, "facts": [], "remarks": [], "passed": 0, "total": 0, "given": [], "seconds": 0.1}
    entry = {"id": id, "title": id.replace("_", " ").capitalize(), "kind": "code", "most": most}
    return {**entry, "verdict": verdict, "points": points, "message": message, **plain, **more}


def free_text(id: str, text: str | None, most: float = 3) -> dict[str, Any]:
    entry = {"id": id, "title": id.replace("_", " ").capitalize(), "most": most, "kind": "free text"}
    if text is None:
        return {**entry, "verdict": "not attempted", "points": 0.0, "message": "There is no answer."}
    words = "This one is read by a person."
    return {**entry, "verdict": "unread", "points": None, "message": words, "text": text, "rubric": RUBRIC}


def right(id: str, most: float) -> dict[str, Any]:
    return exercise(id, "right", float(most), most, "That is right.", passed=5, total=5)


def wrong(
    id: str, most: float, points: float = 0.0, mistake: str | None = "inverse order", **more: Any
) -> dict[str, Any]:
    facts = [
        ["input", "order: (6,) int64"],
        ["expected", "(6,) int64 [2, 0, 1, …]"],
        ["found", "(6,) int64 [1, 2, 0, …]"],
    ]
    words = "This is the inverse: `order[i]` says where token i comes from, and yours where it goes."
    shown = {"facts": facts, "mistake": mistake, "passed": 3, "total": 5} | more
    return exercise(id, "wrong", points, most, shown.pop("message", words), **shown)


def lesson(*exercises: dict[str, Any], number: str = "02", file: str = "02_patch_order.ipynb") -> dict[str, Any]:
    titles = {"01": "From patches to tokens", "02": "Does the order of the patches matter?"}
    names = {"01": "01_patches_to_tokens", "02": "02_patch_order"}
    return {
        "number": number,
        "name": names[number],
        "title": titles[number],
        "file": file,
        "exercises": list(exercises),
    }


def record(
    student: str, *lessons: dict[str, Any], problems: tuple[str, ...] = (), seconds: float = 4.5
) -> dict[str, Any]:
    return {
        "student": student,
        "files": [part["file"] for part in lessons if part["file"]],
        "level": LEVEL,
        "problems": list(problems),
        "lessons": list(lessons),
        "seconds": seconds,
        "digest": "0" * 64,
    }


def every_verdict(student: str, text: str = "Attention does not mind the order.\n\nA CNN does.") -> dict[str, Any]:
    """A hand-in with one exercise of each verdict: 7 of 22 points, 3 of them not yet read."""
    crash = "`cls_token` stopped in line 3, `x @ w`: RuntimeError: shapes do not fit."
    other = "It passes the check in the notebook and fails for other inputs of the same kind."
    return record(
        student,
        lesson(
            right("inverse_permutation", 2),
            wrong("scan_order", 5, 3.0),
            exercise("cls_token", "crashed", 0.0, 4, crash, facts=[["input", "x: (2, 3) float32"]], total=6),
            exercise("reads_order", "not attempted", 0.0, 1, "`reads_order` is still to be written."),
            wrong(
                "permutation_gap",
                4,
                0.0,
                None,
                message=other,
                facts=[],
                remarks=["It is defined 2 times: the last one counts."],
            ),
            exercise(
                "twin_start", "right", 2.0, 2, "That is right.", remarks=["Right with the course's own `scan_order`."]
            ),
            exercise("odd_one", "not graded", 0.0, 1, "The grader's worker stopped twice at this exercise."),
            free_text("why_order_is_free", text),
        ),
    )
