"""Sphinx, told how this site looks: settings in conf.py, formulas as MathML."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from vitlab.course.editions.mathml import mathml
from vitlab.course.editions.solved import EditionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent


def run_sphinx(source: Path, extra: Path, out: Path, scratch: Path, title: str) -> None:
    """Makes HTML of the MyST pages in `source`, and copies what lies in `extra` beside them.

    Raises EditionError with the cure where Sphinx is not installed, and for whatever Sphinx warns of.
    """
    try:
        import furo  # noqa: F401  (Sphinx would say that a theme is missing, and not how to get it)
        import myst_parser  # noqa: F401
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace, patch_docutils
    except ImportError:
        raise EditionError("Sphinx, myst-parser or furo is missing: pip install -e '.[editions]'.") from None
    own = {"project": title, "html_title": title, "html_extra_path": [str(extra)]}
    warnings = StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, HERE, out, scratch, "html", own, status=None, warning=warnings, freshenv=True)
        app.build()
    if said := warnings.getvalue().strip():
        raise EditionError(f"Sphinx does not accept a page of the site:\n{said}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this: formulas become MathML."""
    from docutils import nodes

    def renderer(display: bool):
        def visit(translator, node) -> None:
            formula = mathml(node.astext(), display)
            translator.body.append(f'<div class="vitlab-formula">{formula}</div>' if display else formula)
            raise nodes.SkipNode

        return visit, None

    app.add_html_math_renderer("mathml", renderer(False), renderer(True))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
