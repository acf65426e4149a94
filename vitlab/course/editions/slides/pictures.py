"""What a cell showed, as a slide shows it: figures as large as they go, tables of measurements, printed lines, code."""

from __future__ import annotations

import ast
import base64
import html
import re
import struct
from collections.abc import Sequence

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from helpers.cards import LOOKS
from vitlab.course.editions.slides import room
from vitlab.course.editions.solved import Output, Shown

ENLARGED = 1.6  # times a figure's own pixels
IMAGE = re.compile(r'<img\b[^>]*?\balt="(?P<alt>[^"]*)"[^>]*?\bsrc="(?P<src>data:image/[^"]+)"')
SIGN = "|".join(re.escape(sign) for sign, _ in LOOKS.values())  # before a card's title, in a span in older outputs
TITLE = re.compile(rf"<strong>(?:<span[^>]*>.*?</span>|{SIGN})?\s*(?P<title>.*?)</strong>", re.DOTALL)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
STYLE = re.compile(r' style="[^"]*"')
VOTE = re.compile(
    r"<p>You predicted .*?</p>|(?<=[^–]) – (?:just as you predicted|you predicted[^<]*|not[^<]*predicted[^<]*)"
)
WHOSE = re.compile(r"\w+: (?:yours|the course's own.*)")  # whose version of a piece ran
PROGRESS = re.compile(r"█|\d+%\||^.* \(\d+ of \d+\)$|^ +learning rate ")


def image(shown: Shown) -> tuple[str, str] | None:
    """The figure that a cell shows, as its alternative text and its data address; None where it shows none."""
    for output in shown.outputs:
        if output.kind == "html" and (match := IMAGE.search(output.content)):
            return html.unescape(match["alt"]), match["src"]
    return None


def figure_html(alt: str, source: str) -> str:
    """A figure that takes the room that the slide leaves it, as far as it stays sharp."""
    width, height = (round(ENLARGED * size) for size in _size(source))
    style = f"max-width: {width}px; max-height: {height}px"
    return f'<div class="figure"><img alt="{html.escape(alt, quote=True)}" style="{style}" src="{source}"></div>'


def _size(source: str) -> tuple[int, int]:
    """Width and height of a PNG's data address, from its header."""
    return struct.unpack(">II", base64.b64decode(source.removeprefix("data:image/png;base64,")[:64])[16:24])


def card(shown: Shown) -> tuple[str, str] | None:
    """The card that a cell shows, as its title and the HTML below it, without what it says to one student."""
    for output in shown.outputs:
        if output.kind == "html" and not IMAGE.search(output.content) and (match := TITLE.search(output.content)):
            rest = output.content[match.end() :].rsplit("</div>", 1)[0]
            rest = VOTE.sub("", STYLE.sub("", FOLDED.sub("", rest)))
            rest = re.sub(r"<p>(Measured|Published):", r"<p><strong>\1:</strong>", rest).replace(" (as expected)", "")
            return html.unescape(re.sub(r"<[^>]+>", "", match["title"])).strip(), f'<div class="card">{rest}</div>'
    return None


def room_below(title: str, body: Sequence[str]) -> int:
    """Pixels that a slide with a figure or a card has left for text, so that the figure keeps 55% of its size."""
    text = " ".join(body)
    used = room.title_height(title) + card_height(body)
    if match := re.search(r'src="(data:image/png;base64,[^"]{64})', text):
        width, height = _size(match[1])
        used += min(0.57 * 1280 * height / width, 0.57 * 720)
    return room.ROOM - 10 - round(used)


def brief(card: str, room_: int) -> tuple[str, str]:
    """A card of results without its lines on which variant is above which where it is too high; and those lines."""
    lines = re.findall(r"<p>(?!<strong>|In )[^\n]*?</p>", card)
    if card_height([card]) <= room_ or not lines:
        return card, ""
    for line in lines:
        card = card.replace(line, "")
    return card, "".join(lines)


def card_height(body: Sequence[str]) -> int:
    """Of the card and what stands below it, in pixels, roughly."""
    text = " ".join(body)
    lines = re.findall(r"<p\b[^>]*>(.*?)</p>", text, re.DOTALL)
    code = [re.sub(r"<[^>]+>", "", block) for block in re.findall(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    words = sum(room.text_height(re.sub(r"<[^>]+>", "", html.unescape(line))) + 10 for line in lines)
    return room.ROW * text.count("<tr") + words + sum(map(room.code_height, code))


def printed(shown: Shown) -> str:
    """What a cell printed or ended on, without progress bars and without the lines on whose piece ran."""
    return "\n".join(line for output in shown.outputs if output.kind == "text" for line in _lines(output))


def taught(code: str) -> str:
    """A cell's code without what only draws (`figures.…` at its top level) and without imports."""
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):
        drawn = isinstance(node, ast.Expr) and ast.unparse(node).startswith("figures.")
        if drawn or isinstance(node, ast.Import | ast.ImportFrom):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip("\n")


def without_docstrings(code: str) -> str:
    """Code without its docstrings, which the slide before has shown."""
    lines = code.splitlines()
    holders = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in sorted(holders, key=lambda node: -node.lineno):
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            del lines[node.body[0].lineno - 1 : node.body[0].end_lineno]
            if not lines[node.body[0].lineno - 1].strip():
                del lines[node.body[0].lineno - 1]
    return "\n".join(lines)


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
