"""Pages of the editions: self-contained HTML from the templates beside this module, everything escaped."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from vitlab.course.editions.typeset import line, raised
from vitlab.templates import templates


def page(template: str, **values: Any) -> str:
    """A page as HTML. Filters: `md` for a line of Markdown, `coded` for a message in which `code` is marked."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = templates(Path(__file__).parent / "templates")
    environment.filters |= {"md": line, "coded": _coded}
    return environment


def _coded(text: str) -> Markup:
    """As the student's card shows it: `code` is marked, a * stays a *."""
    return raised(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))
