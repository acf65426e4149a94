"""`vitlab export worksheet`: a page for the 50-minute section and its key, as PDF and the HTML it is printed from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vitlab.course.build import Course, parsed
from vitlab.course.editions.browser import MissingBrowser, chromium, pdf
from vitlab.course.editions.page import page
from vitlab.course.editions.paper import PaperSheet, paper_sheet
from vitlab.course.editions.solved import EditionError
from vitlab.files import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

Paper = Literal["A4", "Letter"]
PAPERS: tuple[Paper, ...] = get_args(Paper)
COURSE = "Vision Transformers and masked autoencoders"
MOST_KEY_PAGES = 2  # of one lesson


@dataclass(frozen=True)
class Document:
    """A page or a key to print. name: of its files, up to the paper; lessons: how many it holds."""

    name: str
    html: str
    key: bool
    lessons: int


def documents(course: Course, lessons: Sequence[str] = (), together: bool = False) -> list[Document]:
    """The worksheet and the key of each lesson named (none: all) as HTML; together: also one document of all of each.

    Raises EditionError where a lesson has no worksheet, ValueError for a lesson that there is not.
    """
    sheets = {lesson.name: paper_sheet(course, lesson) for lesson in parsed(course, course.select(lessons))}
    made = [
        Document(f"{name}_{kind}", worksheet_html([sheet], key), key, 1)
        for name, sheet in sheets.items()
        for kind, key in (("worksheet", False), ("key", True))
    ]
    if together:
        everything = list(sheets.values())
        for name, key in (("worksheets", False), ("keys", True)):
            made.append(Document(name, worksheet_html(everything, key), key, len(everything)))
    return made


def worksheet_html(sheets: Sequence[PaperSheet], key: bool) -> str:
    """A self-contained document of one lesson's page or of several; key: with the answers in place of the room."""
    about = sheets[0].title if len(sheets) == 1 else COURSE
    title = f"{'Key' if key else 'Worksheet'}: {about}"
    return page("worksheet.html.j2", title=title, pages=sheets, key=key)


def export_worksheets(
    course: Course, out: Path, lessons: Sequence[str] = (), papers: Sequence[Paper] = PAPERS
) -> Iterator[Path]:
    """Writes NN_name_worksheet.html, NN_name_worksheet_A4.pdf, … and the same of the key; gives each file in turn.

    lessons: "02" or "02_patch_order"; none or "all": all, and then also all in one. The HTML is written first, so that
    it is there where no PDF can be made. Raises EditionError where Chromium is missing or a page does not fit.
    """
    made = documents(course, lessons, together=course.select(lessons) == course.sources())
    for document in made:
        write(out / f"{document.name}.html", document.html)
        yield out / f"{document.name}.html"
    try:
        with chromium() as browser, browser.new_context() as context:
            for document in made:
                for paper in papers:
                    printed = print_document(context, document, paper)
                    path = out / f"{document.name}_{paper}.pdf"
                    write(path, printed)
                    yield path
    except MissingBrowser as error:
        raise EditionError(f"{error} Until then, print the HTML pages in {out} from any browser.") from None


def print_document(browser: Browser | BrowserContext, document: Document, paper: Paper) -> bytes:
    """A document as PDF. Raises EditionError where a worksheet takes more than a page, or a key more than two."""
    from pypdf import PdfReader

    printed = pdf(browser, document.html, paper)
    pages = len(PdfReader(io.BytesIO(printed)).pages)
    most = document.lessons * (MOST_KEY_PAGES if document.key else 1)
    if pages > most:
        raise EditionError(
            f"{document.name} takes {pages} pages of {paper}, and {most} is the most: take a task out of the "
            "worksheet cell, or shorten one."
        )
    return printed
