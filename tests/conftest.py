"""What several test files use."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def transformers():
    # Not needed, and a torchvision that does not fit this torch would stop the import.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", None)
        import transformers

        _ = transformers.ViTForImageClassification
        yield transformers


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the static site, made once: every lesson, with links to a repository."""
    from vitlab.course.build import standard_course
    from vitlab.course.editions.site.export import export_site

    folder = tmp_path_factory.mktemp("export") / "site"
    export_site(standard_course(Path(__file__).parent.parent), folder, "https://github.com/someone/course")
    return folder
