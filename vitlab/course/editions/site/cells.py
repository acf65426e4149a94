"""Cells of a solved lesson as a reader of the site sees them: tasks first, answers folded, plumbing folded."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from helpers.exercises import find
from helpers.exercises.definition import Question
from vitlab.course import colab
from vitlab.course.blocks import DELIMITERS
from vitlab.course.editions.markdown import to_html
from vitlab.course.editions.site.assets import Assets
from vitlab.course.editions.solved import Output, Shown, Solved
from vitlab.templates import templates

LONG = 12  # lines; code that is longer and no task is plumbing, and folded
LEFT_OUT = ("ta-note", "progress", colab.TAG)  # the TA's, and what a reader who has no notebook has not
# what only a reader with a running kernel needs: whose version of a piece is used, how far a training is
PROGRESS = re.compile(r"^\w+: (yours|the course's own, until yours is right)$|\d%\||\(\d+ of \d+\)$")


class Cells:
    """Renders the cells of one lesson, an HTML fragment each; gives `assets` what these will load."""

    def __init__(self, solved: Solved, assets: Assets) -> None:
        self._solved, self._assets = solved, assets
        self._cards = {
            shown.cell.exercise: Markup("".join(map(self._output, shown.outputs)))
            for shown in solved.cells
            if shown.cell.is_check
        }

    def html(self, shown: Shown) -> str:
        """A code cell or an answer, with what it showed; empty for what a reader of the site does not need."""
        cell = shown.cell
        if set(cell.tags) & set(LEFT_OUT):
            return ""
        if cell.task:
            return self._task(shown)
        if cell.is_check and isinstance(find(cell.exercise), Question):
            return ""  # its card stands in the folded answer
        shows_nothing = {"setup", "optional"} & set(
            cell.tags
        )  # the progress of nobody, and a network that was not there
        outputs = [] if shows_nothing else [self._output(output) for output in shown.outputs]
        lines = cell.solved.count("\n") + 1
        folded = (
            "Set-up"
            if "setup" in cell.tags
            else "Optional code: it needs a network, and was not run for this page"
            if "optional" in cell.tags
            else f"Code, {lines} lines"
            if lines > LONG
            else None
        )
        return TEMPLATES.get_template("code.html.j2").render(
            code=code(cell.solved), folded=folded, outputs=[output for output in outputs if output], tags=cell.tags
        )

    def _task(self, shown: Shown) -> str:
        cell, item = shown.cell, find(shown.cell.exercise)
        return TEMPLATES.get_template(f"{cell.task}.html.j2").render(
            item=item,
            stub=to_html(cell.student) if cell.kind == "markdown" else code(cell.student),
            solution=to_html(cell.solved) if cell.kind == "markdown" else code(_undelimited(cell.solved)),
            card=self._cards.get(cell.exercise, ""),
            outputs=[self._output(output) for output in shown.outputs],
        )

    def _output(self, output: Output) -> Markup:
        if output.kind == "explorer":
            name = self._solved.lesson.name
            address = self._assets.explorer(name, output.explorer)
            return Markup(TEMPLATES.get_template("explorer.html.j2").render(name=name, address=address))
        if output.kind == "html":
            return Markup(self._assets.html(output.content))
        kept = [line for line in output.content.splitlines() if not PROGRESS.search(line)]
        return Markup(f"<pre>{escape(chr(10).join(kept))}</pre>") if any(kept) else Markup()


def code(source: str) -> Markup:
    """Python in colours, as the theme's stylesheet knows them."""
    return Markup(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight")))


def ticked(text: str) -> Markup:
    """A line of an exercise's definition, in which backticks mark code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _undelimited(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in DELIMITERS)


TEMPLATES = templates(Path(__file__).with_name("templates"))
TEMPLATES.filters["ticked"] = ticked
