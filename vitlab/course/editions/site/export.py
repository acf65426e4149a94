"""`vitlab export site`: the folder that a browser opens from disk, or that any web server offers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vitlab.course.archive import archive
from vitlab.course.build import Course
from vitlab.course.editions.site import pages
from vitlab.course.editions.site.assets import Assets
from vitlab.course.editions.site.links import repository
from vitlab.course.editions.site.theme import run_sphinx
from vitlab.course.editions.solved import read_solved
from vitlab.files import write
from vitlab.project import ProjectError

LISTED = ".vitlab-site"  # the export's own files, so that the next one knows what it may replace
NOT_KEPT = (".buildinfo", "objects.inv")  # Sphinx's, of no use to a reader


def export_site(course: Course, out: Path, address: str | None = None) -> Path:
    """Makes the site of the solved lessons as they were last executed, and returns its first page.

    out: a folder: new, empty or a former export, whose files are replaced. address: of the course's repository,
    https://github.com/OWNER/NAME, for links to Colab and Binder; None: the one in pyproject.toml, if any.
    Raises EditionError for a lesson that was not executed since it changed, for an address of another form, and where
    Sphinx is missing; ProjectError for a folder that holds something else.
    """
    _check_room(out)
    repo = repository(course.root, address)
    lessons = tuple(read_solved(course))
    readme, licence = ((course.root / name).read_text(encoding="utf-8") for name in ("README.md", "LICENSE"))
    site, assets = pages.Site(lessons, readme, licence, repo, course.release), Assets()
    texts = pages.all_pages(site, assets)
    for solved in lessons:
        for file in (course.student_file(solved.lesson.path), course.solved_file(solved.lesson.path)):
            assets.files[course.shown(file)] = file.read_bytes()
    assets.files["vitlab.zip"] = archive(course.root)
    with tempfile.TemporaryDirectory() as scratch:
        source, extra, made = (Path(scratch, name) for name in ("source", "extra", "made"))
        for name, text in texts.items():
            write(source / f"{name}.md", text)
        for name, content in assets.files.items():
            write(extra / name, content)
        write(source / "picture.png", (course.root / "picture.png").read_bytes())
        write(extra / ".nojekyll", "")  # GitHub Pages leaves _static out without it
        run_sphinx(source, extra, made, Path(scratch, "doctrees"), pages.title(readme))
        _replace(out, made)
    return out / "index.html"


def _check_room(out: Path) -> None:
    """Makes sure that what the folder holds is ours to write over."""
    if out.exists() and not out.is_dir():
        raise ProjectError(f"{out} is a file: name a folder for the site.")
    if out.is_dir() and any(out.iterdir()) and not (out / LISTED).is_file():
        raise ProjectError(f"{out} is not empty and no former export (its {LISTED} would say so): name another folder.")


def _replace(out: Path, made: Path) -> None:
    """Puts the new files in place of the former export's; other files in the folder are left alone."""
    names = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    names = [name for name in names if name not in NOT_KEPT and not name.endswith(".map")]
    former = (out / LISTED).read_text(encoding="utf-8").splitlines() if (out / LISTED).is_file() else []
    for name in set(former) - set(names):
        (out / name).unlink(missing_ok=True)
    for name in names:
        write(out / name, (made / name).read_bytes())
    write(out / LISTED, "\n".join(names) + "\n")
