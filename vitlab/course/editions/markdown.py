"""The lessons' Markdown as HTML: CommonMark, tables, formulas as MathML."""

from __future__ import annotations

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from vitlab.course.editions.mathml import mathml


def to_html(text: str) -> str:
    """Markdown as HTML. Raw HTML in it is shown as text; headings keep their level."""
    return _PARSER.render(text)


def inline_html(text: str) -> str:
    """One line of Markdown as HTML without a paragraph around it."""
    return _PARSER.renderInline(text)


def blocks(text: str) -> list[tuple[str, str]]:
    """The blocks of a Markdown text in order, each with its kind and its source.

    Kinds: "heading", "paragraph", "list", "table", "code" (indented or fenced), "formula", "other".
    """
    lines = text.splitlines()
    tops = [token for token in _PARSER.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    found = []
    for token in tops:
        first, last = token.map
        source = "\n".join(lines[first:last]).rstrip()  # an indented block of code needs its first spaces
        found.append((_KINDS.get(token.type, "other"), source))
    return found


def questions(text: str) -> list[str]:
    """The runs in bold of a Markdown text that ask something (hold a question mark), as HTML without paragraphs."""
    found = []
    for block in _PARSER.parse(text):
        tokens, start = block.children or [], 0
        for place, token in enumerate(tokens):
            if token.type == "strong_open":
                start = place + 1
            if token.type == "strong_close" and "?" in "".join(inner.content for inner in tokens[start:place]):
                found.append(_PARSER.renderer.render(tokens[start:place], _PARSER.options, {}))
    return found


_KINDS = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "code_block": "code",
    "fence": "code",
    "math_block": "formula",
}
_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
dollarmath_plugin(_PARSER, renderer=lambda tex, options: mathml(tex, options["display_mode"]))
