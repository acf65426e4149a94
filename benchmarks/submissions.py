"""Submissions for benchmarks: the solved lessons 01, 02 and 07 with a share of their answers left out or spoilt."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from vitlab.course.blocks import DELIMITERS
from vitlab.course.build import parsed, standard_course
from vitlab.course.notebooks import solved_notebook, student_notebook

LESSONS = ("01", "02", "07")
KEPT = {"setup", "exercise", "answer", "check"}  # tags of the cells that a grader needs
RIGHT = 0.7  # share of the answers that are left as they are

# What people get wrong, as an edit of the solution: exercise -> (text of the solved cell, what stands there instead).
MISTAKES = {
    "patchify": [("(c p1 p2)", "(p1 p2 c)"), ("b (h w) (", "b (w h) (")],
    "unpatchify": [("b (h w) (c p1 p2) ->", "b (w h) (c p1 p2) ->"), ("w=width //", "w=height //")],
    "linear_to_conv": [("d (c p1 p2)", "d (p1 p2 c)")],
    "PatchEmbed": [("b (h w) d", "b (w h) d"), ("stride=patch_size", "stride=1")],
    "attention": [(" / q.shape[-1] ** 0.5", ""), ("softmax(dim=-1)", "softmax(dim=-2)"), ("** 0.5", "")],
    "MultiHeadSelfAttention": [("b n (h d)", "b n (d h)"), ("(three h d)", "(h three d)"), ("self.proj(", "(")],
    "EncoderBlock": [("x = x + self.attn", "x = self.attn"), ("self.norm2(x)", "x"), ("F.gelu", "F.relu")],
    "ViT": [("self.norm(x)[:, 0]", "self.norm(x).mean(1)"), (" + self.pos_embed", ""), ("[class_tokens, x]", "[x]")],
    "inverse_permutation": [("inverse[order] = torch.arange(len(order))", "inverse = order.clone()")],
    "scan_order": [("if row % 2 else col", "if row else col"), ('kind == "column"', 'kind == "columns"')],
    "permutation_gap": [(".abs()", ""), ("tokens)[:, order]", "tokens)"), (".max()", ".mean()")],
    "random_masking": [(">= keep_length", "< keep_length"), ("ids_shuffle.argsort(dim=1)", "ids_shuffle")],
    "restore_masked": [("[kept, masked]", "[masked, kept]"), ("gather(1, ids_restore", "gather(1, 0 * ids_restore")],
    "masked_loss": [("(error * mask).sum() / mask.sum()", "error.mean()"), (".square()", ".abs()")],
    "MaskedAutoencoder": [(" + self.decoder_pos_embed", ""), ("return self.norm(x), mask", "return x, mask")],
}


@dataclass(frozen=True)
class Submission:
    """What one student hands in: one lesson, cut to what a grader needs (no experiments, no figures)."""

    student: str
    lesson: str
    notebook: NotebookNode


def submissions(root: Path, count: int, seed: int = 0) -> Iterator[Submission]:
    """As many submissions, the lessons in turn; the same ones for the same seed.

    root: the project's folder. Raises ValueError for a mistake whose text its solution no longer holds.
    """
    course = standard_course(root)
    lessons = [
        (lesson.name, solved_notebook(lesson), student_notebook(lesson))
        for lesson in parsed(course, course.select(LESSONS))
    ]
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        name, solved, student = lessons[number % len(lessons)]
        stubs = {cell.id: cell.source for cell in student.cells}
        notebook = cut(solved)
        for cell in notebook.cells:
            if {"exercise", "answer"} & set(cell.metadata.tags):
                cell.source = answer(cell.id, _without_delimiters(cell.source), stubs[cell.id], draw)
        yield Submission(f"student_{number:04}", name, notebook)


def cut(notebook: NotebookNode) -> NotebookNode:
    """A notebook of the same kind with only the cells that a grader needs."""
    return NotebookNode(
        {
            **notebook,
            "cells": [NotebookNode(cell) for cell in notebook.cells if KEPT & set(cell.metadata.get("tags", []))],
        }
    )


def answer(exercise: str, solution: str, stub: str, draw: random.Random) -> str:
    """A student's cell: right, not attempted, not finished, or with a mistake."""
    if draw.random() < RIGHT:
        return solution
    kinds = [stub, *(_spoilt(exercise, solution, *edit) for edit in MISTAKES.get(exercise, ()))]
    if exercise in MISTAKES:
        kinds.append(solution.rstrip().rpartition("\n")[0] + "\n")  # the last line is missing
    return draw.choice(kinds)


def _spoilt(exercise: str, solution: str, right: str, wrong: str) -> str:
    if right not in solution:
        raise ValueError(f"The solution of {exercise} no longer holds {right!r}: mend MISTAKES in {__name__}.")
    return solution.replace(right, wrong)


def _without_delimiters(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in DELIMITERS)
