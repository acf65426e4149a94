"""Every figure says in words what is to be seen: what the functions return, and what the executed solutions show."""

import importlib
import inspect
import json
import re
import typing
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

import helpers.figures
from helpers.figures import Picture

SOLUTIONS = sorted((Path(__file__).parents[1] / "solutions").glob("[0-9][0-9]_*.ipynb"))
FIGURES = Path(helpers.figures.__file__).parent
MODULES = sorted(path.stem for path in FIGURES.glob("[a-z]*.py") if path.stem != "palette")
FEWEST = 40  # characters that say something


def pictures(path):
    """(cell id, alternative text or None, source) of every image in the outputs of a notebook."""
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert not [kind for kind in data if kind.startswith("image/")], f"{cell['id']}: a bare image has no text"
            for tag in re.findall(r"<img\b[^>]*>", "".join(data.get("text/html", ""))):
                alt = re.search(r'\balt="([^"]*)"', tag)
                found.append((cell["id"], alt and unescape(alt[1]), re.search(r'\bsrc="([^"]*)"', tag)[1]))
    return found


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_picture_of_a_solved_lesson_says_what_it_shows(path):
    found = pictures(path)
    assert found
    for cell, alt, _ in found:
        assert alt, cell
        assert len(alt) >= FEWEST, f"{cell}: {alt}"
        assert " " in alt.strip(), f"{cell}: {alt}"
        assert not re.search(r"\.(png|jpe?g|svg|gif)\b", alt), f"{cell} names a file: {alt}"
        assert not re.match(r"(?i)(a |an |the )?(figure|image|plot|chart|photo) of\b", alt), f"{cell}: {alt}"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_no_two_different_pictures_of_a_lesson_say_the_same(path):
    sources = {(alt, source) for _, alt, source in pictures(path)}
    assert [alt for alt, count in Counter(alt for alt, _ in sources).items() if count > 1] == []


def public_functions(name):
    module = importlib.import_module(f"helpers.figures.{name}")
    for key, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not key.startswith("_"):
            yield function


@pytest.mark.parametrize("name", MODULES)
def test_every_drawing_function_returns_a_picture(name):
    """Or words where there is nothing to draw yet; a function that draws nothing says so by what it returns."""
    for function in public_functions(name):
        returned = typing.get_type_hints(function)["return"]
        kinds = typing.get_args(returned) or (returned,)
        draws = "figure" in inspect.getsource(function).split('"""')[-1]
        assert not draws or Picture in kinds, function.__name__
