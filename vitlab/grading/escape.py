"""One place that makes a student's text harmless: for a terminal, a plain text, a spreadsheet.

HTML is made harmless by the templates' own escaping (`pages`), file names by `store.key`.
"""

from __future__ import annotations

import re
import unicodedata

# What a spreadsheet takes for a formula, wide forms included; the quotes in front make `cell` undone by `from_cell`.
FORMULA = r"'*[=+\-@\t\r\n＝＋－＠]"
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # Unicode's categories: control codes, direction marks, no characters
OVERRIDES = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")  # a text that reads backwards


def show(name: str) -> str:
    """A name as it can be printed on a line: no control codes, no bytes that are no text, 200 characters at most."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join("?" if unicodedata.category(c) in UNSEEN else c for c in name)[:200]


def plain(text: str) -> str:
    """A text of any length and script without control codes and overrides of direction; its lines and tabs stay."""
    text = text.replace("\r\n", "\n").translate(OVERRIDES)
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in text)


def cell(text: str) -> str:
    """A text as a spreadsheet's cell: one that would be read as a formula gets a quote in front."""
    return f"'{text}" if re.match(FORMULA, text) else text


def from_cell(text: str) -> str:
    """The text of which `cell` made this one."""
    return text[1:] if text.startswith("'") and re.match(FORMULA, text[1:]) else text
