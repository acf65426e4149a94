"""What several test files use."""

import sys

import pytest


@pytest.fixture(scope="module")
def transformers():
    # Not needed, and a torchvision that does not fit this torch would stop the import.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torchvision", None)
        import transformers

        _ = transformers.ViTForImageClassification
        yield transformers
