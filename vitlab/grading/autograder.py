"""Grades one submission where Gradescope has put it: `python -m vitlab.grading.autograder ROOT`.

ROOT/submission and ROOT/submission_metadata.json come from Gradescope, and ROOT/results/results.json goes to it,
whatever happens. What is printed is for staff alone.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from vitlab.files import write
from vitlab.grading import gradescope
from vitlab.grading.batch import read, secret_seed
from vitlab.grading.collect import collect_one
from vitlab.grading.escape import show
from vitlab.grading.job import Options
from vitlab.grading.levels import best_level
from vitlab.grading.pool import grade_all
from vitlab.project import find_project

SETTINGS = "autograder.json"  # beside the project: what `vitlab export gradescope` was asked for
NOBODY = "the student"
SORRY = "The autograder itself stopped, so nothing is graded: please tell the course team."


def main(root: Path) -> None:
    """Grades ROOT/submission and writes ROOT/results/results.json."""
    try:
        found = grade_submission(root, find_project())
    except Exception:
        traceback.print_exc()
        found = gradescope.failed(SORRY)
    write(root / "results" / "results.json", json.dumps(found, indent=1))


def grade_submission(root: Path, project: Path) -> dict[str, Any]:
    """The results of what lies in ROOT/submission, all of it as one hand-in of one student."""
    settings = json.loads((project / SETTINGS).read_text(encoding="utf-8"))
    options = Options(secret_seed(), best_level().name, tuple(settings["lessons"]), settings["secret"])
    hand_in = collect_one(root / "submission", student_of(root / "submission_metadata.json"))
    [(_, record)] = grade_all([read(hand_in)], project, options, 1)
    return gradescope.results(record)


def student_of(metadata: Path) -> str:
    """Who handed in, all of a group; a word for anybody where Gradescope's metadata do not say it."""
    try:
        users = json.loads(metadata.read_text(encoding="utf-8"))["users"]
        names = [user.get("name") or user.get("email") for user in users]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return NOBODY
    return show(" and ".join(name for name in names if isinstance(name, str))) or NOBODY


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/autograder"))
