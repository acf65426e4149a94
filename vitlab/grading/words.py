"""Whether two answers in students' own words are the same words."""

from __future__ import annotations

import re


def bare(text: str) -> str:
    """A text without case, marks and spacing: what two copies of it have in common."""
    return " ".join(re.findall(r"\w+", text.casefold()))
