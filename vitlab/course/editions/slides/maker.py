"""What each cell of one part becomes: the rules that `deck.py` states."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape

from helpers.exercises import find
from helpers.exercises.written import Choice
from vitlab.course.blocks import DELIMITERS
from vitlab.course.editions import typeset
from vitlab.course.editions.markdown import blocks
from vitlab.course.editions.slides import pictures, room
from vitlab.course.editions.slides.questions import Question, answer, read_question
from vitlab.course.editions.slides.room import CODE_LINES, ROOM, Block
from vitlab.course.editions.slides.slide import Slide
from vitlab.course.editions.solved import Shown
from vitlab.course.text import Part

TASK = re.compile(r"\*\*(?:Exercise|Task)[^*]*\*\* ?")
READING = 230  # characters below a figure


def slide_type(shown: Shown) -> str:
    """The cell's `slide_type`, "-" where it has none."""
    return shown.cell.metadata.get("slideshow", {}).get("slide_type", "-")


class Maker:
    """Goes through the cells of one part and makes slides of them."""

    def __init__(self, part: Part | None, keys: Mapping[str, str]) -> None:
        self.part = part
        self.keys = keys  # what the worksheet's key says of a question, in Markdown
        self.slides: list[Slide] = []
        self.lead: list[Block] = []  # text that waits for what it introduces
        self.task: Sequence[Block] = ()  # text of the exercise that comes next
        self.question: Question | None = None  # asked by the text before an answer's cell
        self.asked: Sequence[Block] = ()  # text of the question whose answer is free text
        self.plumbing = False  # the text that waits only introduces code that shows nothing
        self.opened = part is None  # the part's title stands on a slide

    def add(self, shown: Shown, following: Shown | None) -> None:
        cell = shown.cell
        if cell.is_free_text:
            self.free_text(shown)
        elif cell.kind == "markdown":
            self.text(shown, following)
        elif cell.task == "exercise":
            self.exercise(shown)
        elif cell.task:
            self.answered(shown)
        elif not (cell.is_check or "setup" in cell.tags or "optional" in cell.tags):
            self.result(shown)

    # -------------------------------------------------------------------------------------------------------- text
    def text(self, shown: Shown, following: Shown | None) -> None:
        source = shown.cell.solved
        kind = slide_type(shown)
        if kind == "notes":
            self.note(typeset.text(source))
            return
        if following is not None and "setup" in following.cell.tags:
            return  # "run this cell first"
        found = [
            block
            for block in blocks(source)
            if not (block[0] == "heading" and self.part and block[1].startswith("## "))
        ]
        task = following.cell.task if following is not None else None
        if task == "exercise":
            self.flush()
            begin = next((i for i, (kind_, text) in enumerate(found) if kind_ == "paragraph" and TASK.match(text)), 0)
            self.explain(found[:begin])
            self.task = found[begin:]
        elif task and following.cell.is_free_text:
            self.flush()
            self.asked = found
        elif task:
            self.flush()
            self.question = read_question("\n\n".join(block[1] for block in found))
        elif kind in ("slide", "subslide") or not self.readable():
            if kind in ("slide", "subslide"):
                self.flush()
            self.plumbing = not self.lead and kind == "-" and following is not None and _silent(following)
            self.lead += found
        else:
            self.read(found, following)

    def readable(self) -> bool:
        """Whether the last slide shows something of which nothing has been said yet."""
        return bool(
            not self.lead
            and self.slides
            and self.slides[-1].kind in ("figure", "measured", "printed")
            and not any('class="reading' in piece for piece in self.slides[-1].body)
        )

    def read(self, found: Sequence[Block], following: Shown | None) -> None:
        """Text after a result: its first sentences below it, at a press, and all of it in the notes."""
        paragraphs = " ".join(source for kind, source in found if kind == "paragraph")
        others = [block for block in found if block[0] != "paragraph"]
        said = room.sentences(paragraphs)
        if others:
            self.lead += found
            return
        introduces = following is not None and following.cell.kind == "code" and _shows(following)
        if introduces and (len(said) > 1 or paragraphs.endswith(":")):
            self.lead.append(("paragraph", said.pop()))
        if not said:
            return
        text = " ".join(said)
        last, brief = self.slides[-1], room.short(text, READING)
        left = pictures.room_below(last.title, last.body)
        if room.text_height(brief) + room.GAP > left:
            brief = room.short(text, 0)
        if room.text_height(brief) + room.GAP <= left:
            last.body.append(f'<p class="reading fragment">{typeset.line(brief)}</p>')
        elif last.kind == "measured":
            self.slides.append(Slide("statement", brief.replace("**", "").removesuffix(".")))
        else:
            brief = ""
        if brief != text:
            self.note(f"<p><strong>The lesson says:</strong> {typeset.line(text)}</p>")

    def note(self, html: str) -> None:
        if self.slides:
            self.slides[-1].notes.append(html)

    def flush(self) -> None:
        """What waits goes onto slides of its own."""
        lead, self.lead = self.lead, []
        if self.plumbing and self.opened and len(lead) == 1 and len(room.sentences(lead[0][1])) == 1:
            self.note(typeset.text(lead[0][1]))
            return
        self.explain(lead)

    def explain(self, found: Sequence[Block]) -> None:
        """Slides of text. The first one of a part bears its title, every other one its first sentence."""
        found = [block for block in found if block[1].strip()]
        if not found:
            return
        title, found = self.titled(found)
        if not found and self.slides and self.opened and not self.part_title(title):
            self.slides.append(Slide("statement", title))
            return
        groups = room.split(found, ROOM - room.title_height(title), ROOM - room.title_height("x" * 100))
        for group in groups:
            if group is not groups[0]:
                title, group = self.titled(group)
            self.slides.append(Slide("text", title, [typeset.text(source) for _, source in group]))

    def part_title(self, title: str) -> bool:
        return self.part is not None and title == self.part.title

    def titled(self, found: Sequence[Block]) -> tuple[str, list[Block]]:
        """A title for what follows: the part's, else the first sentence, taken out of the text."""
        found = list(found)
        if not self.opened:
            self.opened = True
            return self.part.title, found
        if found and found[0][0] == "heading":
            return found[0][1].lstrip("# "), found[1:]
        if found and found[0][0] == "paragraph":
            title, rest = room.headline(found[0][1])
            if title:
                return title, ([("paragraph", rest)] if rest else []) + found[1:]
        return (self.slides[-1].title if self.slides and self.slides[-1].kind == "text" else self.name()), found

    def name(self) -> str:
        return self.part.title if self.part else ""

    # --------------------------------------------------------------------------------------- questions and exercises
    def answered(self, shown: Shown) -> None:
        """A question with its answer at a press; a prediction without one."""
        self.flush()
        question, self.question = self.question or Question((), "", (), ()), None
        vote = shown.cell.task == "predict"
        said = answer(shown.cell)
        right = None if vote or not any(letter == said for letter, _ in question.options) else said
        body = [_options_html(question, right)] if question.options else []
        body += [typeset.text(source) for _, source in question.after]
        if not vote and right is None:
            body.append(_answer_html(said))
        self.ask("vote" if vote else "question", question, body, right is None and not vote)
        if right:
            self.note(f"<p><strong>Answer:</strong> {right}) {typeset.line(dict(question.options)[right])}</p>")
        elif vote:
            self.note("<p>Take the vote by show of hands and write the numbers down; the result comes next.</p>")
        else:
            self.note(f"<p><strong>Answer:</strong> <code>{_escaped(said)}</code></p>")
        if not vote:
            self.replies(shown.cell.exercise)

    def why(self, identifier: str) -> list[str]:
        """The reason that the worksheet's key gives, for the presenter; nothing where the question is not on it."""
        return [f"<p><strong>Why:</strong></p>{typeset.text(self.keys[identifier])}"] if identifier in self.keys else []

    def replies(self, identifier: str) -> None:
        """What the presenter says of each answer: why the right one is right, and what is wrong with the others."""
        for reason in self.why(identifier):
            self.note(reason)
        given = getattr(find(identifier), "answer", None)
        if isinstance(given, Choice):
            said = "".join(f"<li>{letter}) {typeset.line(reply)}</li>" for letter, reply in given.wrong.items())
            self.note(f"<p><strong>To those who chose</strong></p><ul>{said}</ul>")

    def ask(self, kind: str, question: Question, body: list[str], open_: bool) -> None:
        """A question's slide; what leads to it before it on a slide of its own where both do not fit."""
        context = list(question.context)
        title = question.asked[:1].upper() + question.asked[1:] or (self.name() if not context else "")
        below = sum(room.text_height(text, 28, 42) + 14 for _, text in question.options) + 90 * open_
        below += sum(map(room.height, question.after))
        above = sum(map(room.height, context))
        if not title:
            title, context = self.titled(context)
        if context and (not self.opened or above + below + room.title_height(title) > ROOM):
            self.explain(context)
            context = []
        self.opened = True
        self.slides.append(Slide(kind, title, [typeset.text(source) for _, source in context] + body))

    def free_text(self, shown: Shown) -> None:
        """A question that a person reads: what is asked, and a good answer."""
        self.explain(self.asked)
        if self.slides:
            self.slides[-1].kind = "question"
        self.asked = ()
        text = blocks(shown.cell.solved)
        groups = room.split(text, ROOM - room.title_height("x"))
        for group in groups:
            self.slides.append(Slide("solution", "A good answer", [typeset.text(source) for _, source in group]))

    def exercise(self, shown: Shown) -> None:
        """The task with its stub, and the solution."""
        self.flush()
        task, self.task = self.task, ()
        cell = shown.cell
        title = f"Write `{cell.exercise}`"
        if not self.opened:
            self.opened = True
            title = f"{self.part.title}: write `{cell.exercise}`"
        found = [(kind, TASK.sub("", source, 1)) for kind, source in task]
        groups = room.split(found, ROOM - room.title_height(title), ROOM - room.title_height(title))
        for group in groups:
            self.slides.append(Slide("exercise", title, [typeset.text(source) for _, source in group]))
        stub, used = cell.student.strip(), sum(map(room.height, groups[-1])) + room.title_height(title)
        if used + room.code_height(stub) <= ROOM and len(stub.splitlines()) <= CODE_LINES:
            self.slides[-1].body.append(pictures.code_html(stub, "where the code goes"))
        else:
            self.note("<p>The stub is not on the slide: it is in the lesson.</p>")
        solution = "\n".join(line for line in cell.solved.splitlines() if line.strip() not in DELIMITERS).strip()
        solution = pictures.without_docstrings(solution)
        lines = len(solution.splitlines())
        if lines <= CODE_LINES:
            self.slides.append(
                Slide("solution", f"`{cell.exercise}`, solved", [pictures.code_html(solution, "solution")])
            )
        else:
            self.note(f"<p>The solution is not on a slide ({lines} lines): show it in the solved lesson.</p>")

    # ----------------------------------------------------------------------------------------------------- results
    def result(self, shown: Shown) -> None:
        """What a cell shows; nothing for a cell that shows nothing and whose code has no slide tag."""
        tagged = slide_type(shown) in ("slide", "subslide", "fragment")
        code = pictures.taught(shown.cell.solved) if tagged else ""
        explorer = next((output for output in shown.outputs if output.kind == "explorer"), None)
        image, card, printed = pictures.image(shown), pictures.card(shown), pictures.printed(shown)
        if explorer is not None:
            self.flush()
            title = self.name()
            self.slides.append(Slide("explorer", title, explorer=(explorer.explorer, explorer.content)))
        elif image:
            title, body = self.introduced()
            title = title or room.headline(image[0])[0]
            figure = pictures.figure_html(*image)
            if code and room.code_height(code) > pictures.room_below(title, [*body, figure]):
                self.slides.append(Slide("text", title, [*body, pictures.code_html(code)]))
                body = []
            elif code:
                body.append(pictures.code_html(code))
            self.slides.append(Slide("figure", title, [*body, figure]))
        elif card and "experiment" in shown.cell.tags:
            self.flush()
            brief, left = pictures.brief(card[1], ROOM - 100)
            named = [name for name in self.keys if f'"{name}"' in shown.cell.solved]
            reasons = [reason for name in named for reason in self.why(name)]
            self.slides.append(Slide("measured", card[0], [brief], [left, *reasons] if left else reasons))
        elif card:
            title, body = self.introduced()
            said = f"<p><strong>{typeset.line(card[0])}</strong></p>"
            self.slides.append(Slide("card", title, [*body, said, card[1]]))
        elif printed:
            self.printed(shown, code, printed)
        elif code:
            title, body = self.introduced()
            self.slides.append(Slide("text", title, [*body, pictures.code_html(code)]))

    def printed(self, shown: Shown, code: str, printed: str) -> None:
        """Printed lines: below the figure or table that they sum up, else with their code on a slide of their own."""
        last = self.slides[-1] if self.slides else None
        if "compare" in shown.cell.tags and last and not self.lead and last.kind in ("figure", "measured"):
            if last.kind == "measured":  # its card says most of it already
                told = _plain(" ".join(last.body))
                printed = "\n".join(line for line in printed.splitlines() if _plain(line) not in told)
            if not printed:
                return
            if room.code_height(printed) <= pictures.room_below(last.title, last.body):
                last.body.append(pictures.printed_html(printed, fragment=True))
            else:
                self.note(pictures.printed_html(printed))
            return
        if "compare" not in shown.cell.tags and len(shown.cell.solved.splitlines()) <= 8:
            code = shown.cell.solved
        title, body = self.introduced()
        if not title:  # nothing says what these lines are
            return
        body += [pictures.code_html(code)] if code else []
        self.slides.append(Slide("printed", title, [*body, pictures.printed_html(printed)]))

    def introduced(self) -> tuple[str, list[str]]:
        """Title and text for a result, from the text that waited for it; where none did, the part's title."""
        lead, self.lead = self.lead, []
        heavy = any(kind != "paragraph" for kind, _ in lead) or sum(map(room.height, lead)) > 5 * room.LINE
        if heavy:
            last = lead.pop() if len(lead) > 1 and lead[-1][0] == "paragraph" else None
            self.explain(lead)
            lead = [last] if last else []
        title, rest = "", " ".join(source for _, source in lead)
        if self.opened:
            title, rest = room.headline(rest)
        self.opened = True
        title = title or self.name()
        return title, [f"<p>{typeset.line(rest)}</p>"] if rest else []


def _plain(text: str) -> str:
    """Words only: no HTML, no case, no spaces, not whether it was expected."""
    return re.sub(r"\W+", "", re.sub(r"<[^>]+>|\(as expected\)", "", unescape(text))).lower()


def _silent(shown: Shown) -> bool:
    """A code cell of which a slide shows nothing."""
    return shown.cell.kind == "code" and not shown.cell.task and slide_type(shown) == "-" and not _shows(shown)


def _shows(shown: Shown) -> bool:
    return bool(pictures.image(shown) or pictures.card(shown) or pictures.printed(shown))


def _options_html(question: Question, right: str | None) -> str:
    points = []
    for letter, text in question.options:
        mark = '<span class="tick"> ✓</span>' if letter == right else ""
        kind = ' class="fragment custom right"' if letter == right else ""
        points.append(f'<li{kind}><span class="letter">{letter}</span><span>{typeset.line(text)}{mark}</span></li>')
    return f'<ul class="options">{"".join(points)}</ul>'


def _answer_html(said: str) -> str:
    if "\n" in said:
        return f'<div class="fragment">{pictures.code_html(said)}</div>'
    return f'<p class="fragment answer"><span class="tick">✓ </span><code>{_escaped(said)}</code></p>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
