"""The reports' pages: self-contained HTML from the templates beside this module.

Whatever a page prints is escaped by the template engine; no page may load anything, and none may run a script but its
own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from helpers.cards import LOOKS as CARDS
from vitlab.grading.escape import plain
from vitlab.grading.job import MARKED, NOT_GRADED, UNREAD
from vitlab.templates import templates

TEMPLATES = Path(__file__).parent / "templates"
# sign and colour of each verdict, in the order of every table; its word stands beside them
LOOKS = {
    **{verdict: look for verdict, look in CARDS.items() if verdict != "note"},
    UNREAD: ("…", CARDS["note"][1]),
    MARKED: ("✎", CARDS["note"][1]),
    NOT_GRADED: ("?", CARDS["note"][1]),
}
WORDS = {UNREAD: "not yet read"}  # where the word is not the verdict itself


def page(template: str, script: str = "", **values: Any) -> str:
    """A page as HTML. script: the name of its own script among the templates, the only one that it may run."""
    source = (TEMPLATES / script).read_text(encoding="utf-8") if script else ""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; form-action 'none'"
    return _environment().get_template(template).render(policy=policy, script=Markup(source), looks=LOOKS, **values)


@cache
def _environment() -> Environment:
    environment = templates(TEMPLATES, finalize=lambda value: plain(value) if type(value) is str else value)
    environment.filters |= {"code": _code, "number": number, "slug": _slug, "word": word}
    return environment


def word(verdict: str) -> str:
    """A verdict as it is said."""
    return WORDS.get(verdict, verdict)


def _slug(verdict: str) -> str:
    return verdict.replace(" ", "-")


def _code(text: str) -> Markup:
    """A message with its `code` marked as such."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(plain(text)))))


def number(value: float) -> str:
    """A number of points: at most two decimals, and none that says nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
