"""How much a slide of 1280 x 720 holds: an estimate, which the browser tests hold to account."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 1160  # of the text, in pixels
TEXT, CODE, TITLE = 26, 20, 36  # sizes of type in pixels
LINE, CODE_LINE, TITLE_LINE, ROW, GAP = 37, 27, 44, 46, 14
ROOM = 560  # height below the line that names the part, without the title
CODE_COLUMNS = 93
CODE_LINES = 16  # more cannot be read aloud

Block = tuple[str, str]  # kind and Markdown, as markdown.blocks gives them


def shown(text: str) -> str:
    """Markdown as what is seen of it, roughly: no marks, no addresses, formulas about as long as they look."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\(?:text|mathrm|operatorname|sqrt|frac|left|right|,|;|!)|\\(?=[A-Za-z])", "", text)
    return re.sub(r"[*`${}]", "", text)


def text_height(text: str, size: int = TEXT, line: int = LINE, width: int = WIDTH) -> int:
    """Of a paragraph, in pixels."""
    columns = int(width / (size * 0.5))
    return line * max(1, len(textwrap.wrap(shown(text), columns)))


def title_height(title: str) -> int:
    """Of a title in Markdown, in pixels."""
    return text_height(title, TITLE, TITLE_LINE) + GAP


def code_height(code: str) -> int:
    """Of a block of code, in pixels, long lines broken."""
    lines = sum(max(1, -(-len(line) // CODE_COLUMNS)) for line in code.splitlines())
    return lines * CODE_LINE + 24 + GAP


def height(block: Block) -> int:
    """Of a block, in pixels."""
    kind, source = block
    if kind == "list":
        points = [point for point in re.split(r"(?m)^(?:[-*]|\d+\.) ", source) if point.strip()]
        return sum(text_height(" ".join(point.split()), width=WIDTH - 40) + 8 for point in points) + GAP
    if kind == "table":
        rows = [row for row in source.splitlines() if not re.fullmatch(r"[|:\-\s]+", row)]
        return sum(ROW + (LINE if len(row) > 115 else 0) for row in rows) + GAP
    if kind == "code":
        return code_height(source)
    if kind == "formula":
        return 76 + GAP
    return text_height(" ".join(source.split())) + GAP


def split(blocks: Sequence[Block], first: int, room: int = ROOM - TITLE_LINE - GAP) -> list[list[Block]]:
    """The blocks in groups of which each fits a slide. first: the room on the first slide."""
    groups: list[list[Block]] = [[]]
    left = first
    for block in (piece for whole in blocks for piece in _pieces(whole, room)):
        if groups[-1] and height(block) > left:
            groups.append([])
            left = room
        groups[-1].append(block)
        left -= height(block)
    return groups


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; "e.g." and the like end none."""
    text = " ".join(text.split())
    ends = re.finditer(r"(?<=[.!?:])(?:\*\*|\*|\)|\")? (?=[A-Z`*$\"(])", text)
    found, begin = [], 0
    for end in ends:
        piece = text[begin : end.end()].strip()
        if re.search(r"(?:\b(?:et al|e\.g|i\.e|vs|cf)\.)$", piece) or piece.count("**") % 2 or piece.count("$") % 2:
            continue
        found.append(piece)
        begin = end.end()
    return [*found, text[begin:]] if text[begin:] else found


def headline(text: str, most: int = 130) -> tuple[str, str]:
    """A paragraph's first sentence as a title, and the rest; ("", text) where that sentence is too long for one."""
    first, *rest = sentences(text) or [""]
    if not first or len(shown(first)) > most:
        return "", text
    title = first.replace("**", "").rstrip(":").removesuffix(".")
    return title, " ".join(rest).replace("**", "", 1) if first.count("**") % 2 else " ".join(rest)


def short(text: str, most: int) -> str:
    """As many whole sentences from the beginning as fit into so many characters; at least the first."""
    kept = ""
    for sentence in sentences(text):
        if kept and len(shown(kept)) + len(shown(sentence)) > most:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _pieces(block: Block, room: int) -> Iterable[Block]:
    """A block that alone is too high for a slide, in pieces: a list by its points, a paragraph by its sentences."""
    kind, source = block
    if height(block) <= room or kind not in ("list", "paragraph"):
        return [block]
    parts = re.split(r"\n(?=[-*] )", source) if kind == "list" else sentences(source)
    half = len(parts) // 2 or 1
    joined = "\n" if kind == "list" else " "
    return [(kind, joined.join(parts[:half])), (kind, joined.join(parts[half:]))]
