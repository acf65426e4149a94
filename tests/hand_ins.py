"""Small hand-ins for the tests of grading: notebooks made of answers."""

import json

from vitlab.project import find_project

RIGHT = "def inverse_permutation(order):\n    return order.argsort()"  # 2 points of lesson 02
WRONG = "def inverse_permutation(order):\n    return order"
READS = "reads_order = 'b'"  # 1 point


def notebook(*sources):
    """A notebook's bytes: one code cell a source."""
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for n, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def solved(lesson):
    """The solved notebook of a lesson, as bytes."""
    [path] = (find_project() / "solutions").glob(f"{lesson}_*.ipynb")
    return path.read_bytes()


def fresh(lesson):
    """The untouched student notebook of a lesson, as bytes."""
    [path] = (find_project() / "notebooks").glob(f"{lesson}_*.ipynb")
    return path.read_bytes()
