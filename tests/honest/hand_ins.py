"""A solved lesson 02, handed in the ways in which it arrives."""

import io
import json
import zipfile

GROUP = "ways to hand in"
NAME = "02_patch_order.ipynb"


def _at(*names):
    def put(submissions, data):
        for name in names:
            (submissions / name).parent.mkdir(parents=True, exist_ok=True)
            (submissions / name).write_bytes(data)

    return put


def _beside(name, *others):
    """Beside files that are no hand-in."""

    def put(submissions, data):
        _at(name)(submissions, data)
        for other in others:
            (submissions / other).parent.mkdir(parents=True, exist_ok=True)
            (submissions / other).write_bytes(b"{}")

    return put


def _zipped(name, *members):
    def put(submissions, data):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in members:
                archive.writestr(member, data if member.endswith(NAME) or "02" in member else b"x")
        (submissions / name).write_bytes(file.getvalue())

    return put


def _gradescope(submissions, data):
    _at(f"submission_101/{NAME}")(submissions, data)
    (submissions / "submission_metadata.yml").write_text(
        "submission_101:\n  :submitters:\n  - :name: Anna Ash\n    :sid: '123'\n  :created_at: 2025-01-01\n"
    )


def _with_old_one(submissions, data):
    """An earlier try beside it, under a name that comes before."""
    old = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    folder = submissions / "anna"
    folder.mkdir()
    (folder / "01 old.ipynb").write_text(json.dumps(old))
    (folder / "02_patch_order-1.ipynb").write_bytes(data)


HAND_INS = {
    "a folder": _at(f"anna/{NAME}"),
    "a file that is named after its student": _at("anna.ipynb"),
    "a file with student and lesson": _at("anna_02_patch_order.ipynb"),
    "a renamed notebook": _at("anna/My Homework (final) v2.ipynb"),
    "a notebook named Untitled": _at("anna/Untitled.ipynb"),
    "a notebook numbered as another lesson": _at("anna/07_final.ipynb"),
    "capitals": _at("anna/02_PATCH_ORDER.IPYNB"),
    "a copy's name": _at("anna/02_patch_order-Copy1.ipynb"),
    "a browser's second download": _at("anna/02_patch_order (1).ipynb"),
    "a name with accents": _at("Zoë Müller/02_patch_order.ipynb"),
    "a name in Chinese": _at("李小龙/作业.ipynb"),
    "a name with spaces and quotes": _at('O\'Neil, "Ann" & Co/02 patch order.ipynb'),
    "a folder in a folder": _at(f"anna/homework/week 2/{NAME}"),
    "a checkpoint beside it": _beside(f"anna/{NAME}", "anna/.ipynb_checkpoints/02_patch_order-checkpoint.ipynb"),
    "a Mac's files beside it": _beside(f"anna/{NAME}", "anna/.DS_Store", "anna/._02_patch_order.ipynb"),
    "pictures and data beside it": _beside(f"anna/{NAME}", "anna/data.csv", "anna/report.pdf", "anna/helpers/check.py"),
    "an older try beside it": _with_old_one,
    "Canvas": _at("ashanna_12345_67890_02_patch_order.ipynb"),
    "Canvas, late": _at("ashanna_LATE_12345_67890_02_patch_order-1.ipynb"),
    "Canvas, renamed": _at("ashanna_12345_67890_homework final.ipynb"),
    "Canvas, a zip": _zipped("ashanna_12345_67890_homework.zip", NAME),
    "Gradescope": _gradescope,
    "nbgrader": _at(f"submitted/anna/patch_order/{NAME}"),
    "a zip": _zipped("anna.zip", NAME),
    "a zip of a folder": _zipped("anna.zip", f"homework/{NAME}", "homework/picture.png"),
    "a zip of a Mac": _zipped("anna.zip", f"homework/{NAME}", f"__MACOSX/homework/._{NAME}"),
    "a zip of Windows": _zipped("anna.zip", f"homework\\{NAME}"),
    "a zip in a folder": lambda submissions, data: (
        (submissions / "anna").mkdir(),
        _zipped("anna/homework.zip", NAME)(submissions, data),
    ),
}
