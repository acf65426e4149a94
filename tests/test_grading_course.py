"""What the course gives to a child: enough for every solved answer, and never the answer that is asked for."""

import ast

import pytest

from helpers.exercises import LESSONS, items
from helpers.exercises.definition import Exercise
from vitlab.grading.course import CourseSource
from vitlab.project import find_project

COURSE = CourseSource(find_project())


def defined(source):
    return {getattr(node, "name", None) for node in ast.walk(ast.parse(source))}


@pytest.mark.parametrize("info", LESSONS, ids=lambda info: info.file)
def test_no_child_holds_the_answer_that_it_is_asked_for(info):
    for item in items(info.number):
        if isinstance(item, Exercise):
            reference = getattr(item.reference, "func", item.reference).__name__
            given = [*COURSE.modules(item.id, item.needs).values(), *(COURSE.piece(piece) for piece in item.needs)]
            for source in given:
                assert not defined(source) & {item.id, reference}, item.id


def test_what_rests_on_the_answer_is_cut_out_too():
    [image_gpt] = [source for name, source in COURSE.modules("ImageGPT").items() if name.endswith(".image_gpt")]
    assert "CausalBlock" in defined(image_gpt)
    assert "ImageGPT" not in image_gpt


def test_the_imports_of_the_setup_cell_are_given():
    defines = {name for piece in COURSE.prelude("01") for name in piece.defines}
    assert {"torch", "nn", "rearrange"} <= defines


def test_a_piece_comes_with_what_it_uses():
    namespace = {}
    exec(COURSE.piece("EncoderBlock"), namespace)
    assert namespace["EncoderBlock"](8, 2).attn
