"""What a cell showed, as a slide shows it: figures as large as they go, tables of measurements, printed lines, code."""

from __future__ import annotations

import html
import re

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from vitlab.course.editions.solved import Output, Shown

IMAGE = re.compile(r'<img\b[^>]*?\balt="(?P<alt>[^"]*)"[^>]*?\bsrc="(?P<src>data:image/[^"]+)"')
TITLE = re.compile(r"<strong>(?:<span[^>]*>.*?</span>)?\s*(?P<title>.*?)</strong>", re.DOTALL)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
STYLE = re.compile(r' style="[^"]*"')
VOTE = re.compile(r"<p>You predicted .*?</p>|(?<=[^–]) – (?:just as you predicted|you predicted[^<]*|not[^<]*predicted[^<]*)")
WHOSE = re.compile(r"\w+: (?:yours|the course's own.*)")  # whose version of a piece ran
PROGRESS = re.compile(r"█|\d+%\||^.* \(\d+ of \d+\)$|^ +learning rate ")


def image(shown: Shown) -> tuple[str, str] | None:
    """The figure that a cell shows, as its alternative text and its data address; None where it shows none."""
    for output in shown.outputs:
        if output.kind == "html" and (match := IMAGE.search(output.content)):
            return html.unescape(match["alt"]), match["src"]
    return None


def figure_html(alt: str, source: str) -> str:
    """A figure that takes the room that the slide leaves it."""
    return f'<div class="figure"><img alt="{html.escape(alt, quote=True)}" src="{source}"></div>'


def card(shown: Shown) -> tuple[str, str] | None:
    """The card that a cell shows, as its title and the HTML below it, without what it says to one student."""
    for output in shown.outputs:
        if output.kind == "html" and not IMAGE.search(output.content) and (match := TITLE.search(output.content)):
            rest = output.content[match.end() :].rsplit("</div>", 1)[0]
            rest = VOTE.sub("", STYLE.sub("", FOLDED.sub("", rest)))
            return html.unescape(re.sub(r"<[^>]+>", "", match["title"])).strip(), f'<div class="card">{rest}</div>'
    return None


def printed(shown: Shown) -> str:
    """What a cell printed or ended on, without progress bars and without the lines on whose piece ran."""
    return "\n".join(line for output in shown.outputs if output.kind == "text" for line in _lines(output))


def code_html(code: str, label: str = "") -> str:
    """Python in colours; `label` says to a screen reader what the block is."""
    coloured = highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
    named = f' aria-label="{html.escape(label, quote=True)}" role="group"' if label else ""
    return f'<pre class="code"{named}><code>{coloured}</code></pre>'


def printed_html(text: str, fragment: bool = False) -> str:
    """Printed lines."""
    return f'<pre class="printed{" fragment" if fragment else ""}">{html.escape(text)}</pre>'


def _lines(output: Output) -> list[str]:
    lines = output.content.rstrip().split("\n")
    return [line.rstrip() for line in lines if not WHOSE.fullmatch(line.strip()) and not PROGRESS.search(line)]
