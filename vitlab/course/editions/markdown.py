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


_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
dollarmath_plugin(_PARSER, renderer=lambda tex, options: mathml(tex, options["display_mode"]))
