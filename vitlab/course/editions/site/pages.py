"""The site's pages as MyST text: home, a page a lesson, how to run them, where everything comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from helpers import papers
from vitlab.course.editions.site.assets import Assets
from vitlab.course.editions.site.cells import LEFT_OUT, TEMPLATES, Cells
from vitlab.course.editions.site.links import Repository
from vitlab.course.editions.solved import EditionError, Solved

DATA = Path(papers.__file__).parent / "data" / "embedded"


@dataclass(frozen=True)
class Site:
    """What the pages are made from. readme: the project's README; release: where Colab gets the course, or empty."""

    lessons: tuple[Solved, ...]
    readme: str
    licence: str
    repository: Repository | None
    release: str


def all_pages(site: Site, assets: Assets) -> dict[str, str]:
    """Every page's MyST text, by its path without .md; what the pages load is given to `assets`."""
    pages = {
        "index": _filled("home.md.j2", site, opening=_opening(site.readme), table=_lesson_table(site.readme)),
        "run": _filled("run.md.j2", site, commands=_section(site.readme, "Two commands"), downloads=_downloads(site)),
        "sources": _filled(
            "sources.md.j2", site, papers=_papers(), data=[_opening_of_source(path) for path in SOURCES]
        ),
    }
    for solved in site.lessons:
        pages[f"lessons/{solved.lesson.name}"] = _lesson(site, solved, assets)
    return pages


def title(readme: str) -> str:
    """The course's name: the README's title."""
    return readme.partition("\n")[0].removeprefix("# ")


def _lesson(site: Site, solved: Solved, assets: Assets) -> str:
    cells = Cells(solved, assets)
    links = TEMPLATES.get_template("links.html.j2").render(name=solved.lesson.name, repository=site.repository)
    blocks = []
    for shown, following in zip(solved.cells, (*solved.cells[1:], None), strict=True):
        if shown.cell.kind == "markdown" and not shown.cell.task:
            to_run = following is not None and "setup" in following.cell.tags  # "run this cell first"
            if not to_run and not set(shown.cell.tags) & set(LEFT_OUT):
                blocks.append(shown.cell.solved)
        elif html := cells.html(shown).strip():
            blocks.append(_raw(html))
        if len(blocks) == 1:  # the title's cell: how to run the lesson comes right after its heading
            heading, _, rest = blocks[0].partition("\n")
            blocks = [heading, _raw(links), rest]
    return "\n\n".join(blocks) + "\n"


def _raw(html: str) -> str:
    """HTML that a MyST page shows as it is."""
    fence = "`" * (3 + max(map(len, re.findall("`+", html)), default=0))
    return f"{fence}{{raw}} html\n{html}\n{fence}"


def _downloads(site: Site) -> str:
    return _raw(TEMPLATES.get_template("downloads.html.j2").render(lessons=site.lessons, repository=site.repository))


def _filled(template: str, site: Site, **values: object) -> str:
    return PLAIN.get_template(template).render(site=site, **values)


def _opening(readme: str) -> str:
    """What stands in the README between its title and its first section."""
    return readme.partition("\n")[2].partition("\n## ")[0].strip()


def _section(readme: str, heading: str) -> str:
    """The text of the README's section of that name."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    if found is None:
        raise EditionError(f"README.md has no section '## {heading}', which the site shows.")
    return found[1].strip()


def _lesson_table(readme: str) -> str:
    """The README's table of lessons, each row leading to the lesson's page."""
    return re.sub(r"\(notebooks/(\w+)\.ipynb\)", r"(lessons/\1.md)", _section(readme, "The lessons"))


def _papers() -> list[tuple[papers.Paper, list[papers.Finding]]]:
    """Every paper that the lessons cite, by title, with what is cited of it."""
    held = list(vars(papers).values())
    cited = sorted({one for one in held if isinstance(one, papers.Paper)}, key=lambda paper: paper.title.lower())
    return [(paper, [one for one in held if isinstance(one, papers.Finding) and one.paper == paper]) for paper in cited]


SOURCES = (DATA / "fashion_mnist" / "SOURCE.md", DATA / "photographs" / "SOURCE.md")


def _opening_of_source(path: Path) -> str:
    """What a data set's SOURCE.md says first: up to its first table or section; its title one level lower."""
    kept: list[str] = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        if block.startswith("## "):
            break
        kept.append(block)
        if block.startswith("|"):
            break
    return "#" + "\n\n".join(kept)


PLAIN = TEMPLATES.overlay(autoescape=False)  # for Markdown, which escapes by itself
