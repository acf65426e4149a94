"""Files that are no honest notebook. Each function puts one hand-in into a folder where other students' lie already."""

import io
import json
import os
import socket
import struct
import zipfile
from pathlib import Path

from vitlab.attacks.notebook import code, markdown, notebook

GROUP = "notebook tricks"
WRONG = "def inverse_permutation(order):\n    return order[:0]\n"
PLAIN = notebook(code(WRONG, "inverse_permutation"))


def _file(data: bytes, name: str = "02_patch_order.ipynb"):
    def put(submissions: Path) -> None:
        folder = submissions / "mallory"
        folder.mkdir()
        (folder / name).write_bytes(data)

    return put


def _lazily(make, name: str = "02_patch_order.ipynb"):
    return lambda submissions: _file(make(), name)(submissions)


def _cell(**cell: object) -> bytes:
    return notebook({"cell_type": "code", "id": "inverse_permutation", "source": WRONG, **cell})


def _zip(*members: tuple[object, bytes], **options: object) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def _linked(name: str, target: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return _zip((info, target.encode()))


def _sparse(submissions: Path) -> None:
    _file(PLAIN)(submissions)
    os.truncate(submissions / "mallory" / "02_patch_order.ipynb", 200 << 20)


def _link(target: str):
    def put(submissions: Path) -> None:
        (submissions / "mallory").mkdir()
        os.symlink(target, submissions / "mallory" / "02_patch_order.ipynb")

    return put


def _folder_link(target: str):
    return lambda submissions: os.symlink(target, submissions / "mallory")


def _pipe(submissions: Path) -> None:
    (submissions / "mallory").mkdir()
    os.mkfifo(submissions / "mallory" / "02_patch_order.ipynb")


def _socket(submissions: Path) -> None:
    (submissions / "mallory").mkdir()
    here = os.getcwd()
    os.chdir(submissions / "mallory")  # the name of a socket may be no longer than 100 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("02_patch_order.ipynb")
    finally:
        os.chdir(here)


def _folder(submissions: Path) -> None:
    (submissions / "mallory" / "02_patch_order.ipynb").mkdir(parents=True)


def _named(name: bytes):
    def put(submissions: Path) -> None:
        folder = os.fsencode(submissions) + b"/" + name
        os.mkdir(folder)
        with open(folder + b"/02_patch_order.ipynb", "wb") as file:
            file.write(PLAIN)

    return put


def _deep(submissions: Path) -> None:
    folder = submissions / "mallory"
    for _ in range(200):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "02_patch_order.ipynb").write_bytes(PLAIN)


def _many(submissions: Path) -> None:
    for number in range(100):
        (submissions / "mallory" / str(number)).mkdir(parents=True)
        (submissions / "mallory" / str(number) / "02_patch_order.ipynb").write_bytes(PLAIN)


def _encrypted() -> bytes:
    data = bytearray(_zip(("02_patch_order.ipynb", PLAIN)))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + place] |= 1
    return bytes(data)


def _lying_size() -> bytes:
    data = bytearray(_zip(("02_patch_order.ipynb", bytes(100 << 20))))
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        data[data.index(sign) + place :][:4] = struct.pack("<I", 10)
        at = data.index(sign) + place
        data[at : at + 4] = struct.pack("<I", 10)
    return bytes(data)


def _in_itself() -> bytes:
    data = _zip(("02_patch_order.ipynb", PLAIN))
    for _ in range(50):
        data = _zip(("again.zip", data))
    return data


FILES = {
    "an empty file": _file(b""),
    "no JSON": _file(b"\x89PNG\r\n\x1a\n" * 99),
    "half a notebook": _file(PLAIN[: len(PLAIN) // 2]),
    "JSON of another kind": _file(b"[1, 2, 3]"),
    "JSON nested too deep": _file(b"[" * 1_000_000),
    "JSON of a million empty lists": _file(b'{"nbformat": 4, "cells": [' + b"[]," * 5_000_000 + b"[]]}"),
    "a number of ten thousand digits": _file(b'{"nbformat": 4, "cells": [], "metadata": ' + b"9" * 10_000 + b"}"),
    "two hundred megabytes": _sparse,
    "thirty megabytes of text": _lazily(lambda: notebook(markdown("x" * (30 << 20)))),
    "nbformat 3": _lazily(lambda: json.dumps({"nbformat": 3, "worksheets": [{"cells": []}], "cells": []}).encode()),
    "nbformat 5": _file(notebook(code(WRONG), nbformat=5)),
    "nbformat as text": _file(notebook(code(WRONG), nbformat="4")),
    "nbformat that is not said": _file(b'{"cells": []}'),
    "cells that are an object": _file(b'{"nbformat": 4, "cells": {"0": {}}}'),
    "cells that are numbers": _file(b'{"nbformat": 4, "cells": [1, null, "x", [], true]}'),
    "no cells": _file(notebook()),
    "a hundred thousand cells": _lazily(lambda: notebook(*[{"cell_type": "code", "source": ""}] * 100_000)),
    "a source that is a number": _file(_cell(source=1)),
    "a source of lists": _file(_cell(source=[[WRONG], None, {}])),
    "an id that is a list": _file(_cell(id=["inverse_permutation"])),
    "metadata that is a text": _file(_cell(metadata="x")),
    "tags that are a number": _file(_cell(metadata={"tags": 5})),
    "nbgrader's metadata of other types": _file(_cell(metadata={"nbgrader": {"grade_id": {}, "grade": 1}})),
    "a cell type of its own": _file(_cell(cell_type={"code": 1})),
    "a cell of a million characters": _lazily(lambda: _cell(source=WRONG + "#" * 1_000_000)),
    "a line of nearly thirty thousand characters": _lazily(lambda: _cell(source=WRONG + "a=1;" * 7_000)),
    "seven thousand statements": _lazily(lambda: _cell(source=WRONG + "a=1\n" * 7_000)),
    "a million statements in a hundred cells": _lazily(
        lambda: notebook(code(WRONG, "inverse_permutation"), *[code("a\n" * 14_000)] * 99)
    ),
    "statements that define nothing in two hundred cells": _lazily(
        lambda: notebook(code(WRONG, "inverse_permutation"), *[code("f\n" * 49)] * 190)
    ),
    "f-strings without end in six cells": _lazily(
        lambda: notebook(code(WRONG, "inverse_permutation"), *[code("x = f'" + "{a}" * 9_900 + "'")] * 6)
    ),
    "blank lines before four thousand statements": _lazily(lambda: _cell(source="\n" * 13_000 + "a=1\n" * 4_000)),
    "names that all lead to all": _lazily(
        lambda: _cell(source=WRONG + "".join(f"a{i} = a{i + 1} = a{i * 7 % 1200}\n" for i in range(1_200)))
    ),
    "an exercise defined in a thousand cells": _lazily(
        lambda: notebook(*[code(WRONG, f"inverse_permutation{i}") for i in range(1_000)])
    ),
    "brackets nested too deep": _lazily(lambda: _cell(source=WRONG + "(" * 29_000)),
    "minus signs without end": _lazily(lambda: _cell(source=WRONG + "x = " + "-" * 29_000 + "1")),
    "a chain of attributes without end": _lazily(lambda: _cell(source=WRONG + "x = a" + ".a" * 14_000)),
    "blocks nested too deep": _lazily(
        lambda: _cell(source=WRONG + "".join(" " * i + "if 1:\n" for i in range(200)) + " " * 200 + "x = 1\n")
    ),
    "decorators without end": _lazily(lambda: _cell(source="@a\n" * 9_000 + WRONG)),
    "a zero in the code": _file(_cell(source=WRONG + "\0")),
    "half a character in the code": _file(_cell(source=WRONG + "x = '\ud800'")),
    "characters that read backwards": _file(_cell(source=WRONG + "# \u202e\u2066 if admin\n")),
    "a number too long for Python": _file(_cell(source=WRONG + "x = " + "9" * 20_000)),
    "a number too long in hexadecimal": _file(_cell(source=WRONG + "x = 0x" + "f" * 20_000 + "; y = 1")),
    "another encoding": _file(PLAIN.decode().encode("utf-16")),
    "bytes that are no text": _file(PLAIN.replace(b"order", b"ord\xff\xfeer")),
    "no notebook at all": lambda submissions: (submissions / "mallory").mkdir(),
    "a notebook that is a folder": _folder,
    "a notebook that is a pipe": _pipe,
    "a notebook that is a socket": _socket,
    "a link to another's notebook": _link("../anna/02_patch_order.ipynb"),
    "a link to a file of the system": _link("/etc/passwd"),
    "a link to itself": _link("02_patch_order.ipynb"),
    "a link to a device": _link("/dev/zero"),
    "a folder that is a link to another's": _folder_link("anna"),
    "a folder that is a link upwards": _folder_link(".."),
    "two hundred folders deep": _deep,
    "a hundred notebooks": _many,
    "a name that is no text": _named(b"mall\xff\xfeory"),
    "a name with control codes": _named(b"mallory\x1b[2J\x07\r\n"),
    "a name that reads backwards": _named("mallory\u202egpj".encode()),
    "a name of 255 bytes": _named(b"m" * 255),
    "a name of a device": _named(b"CON"),
    "a name that is another's but for the case": _named(b"ANNA"),
    "a name that looks like another's": _named("аnna".encode()),  # a Cyrillic letter first
    "a name with a formula": _named(b"=1+1"),
    "a name with markup": _named(b"<b>[bold]mallory"),
    "no zip": _file(b"PK\x03\x04" + bytes(99), "hand-in.zip"),
    "half a zip": _lazily(lambda: _zip(("02_patch_order.ipynb", PLAIN))[:-30], "hand-in.zip"),
    "an empty zip": _lazily(_zip, "hand-in.zip"),
    "a zip that leads out": _lazily(lambda: _zip(("../anna/02_patch_order.ipynb", PLAIN)), "hand-in.zip"),
    "a zip from the root": _lazily(lambda: _zip(("/etc/02_patch_order.ipynb", PLAIN)), "hand-in.zip"),
    "a zip that leads out on Windows": _lazily(lambda: _zip(("..\\..\\02_patch_order.ipynb", PLAIN)), "hand-in.zip"),
    "a zip from a drive": _lazily(lambda: _zip(("C:\\02_patch_order.ipynb", PLAIN)), "hand-in.zip"),
    "a zip with a link": _lazily(lambda: _linked("02_patch_order.ipynb", "/etc/passwd"), "hand-in.zip"),
    "a zip that is a bomb": _lazily(
        lambda: _zip(*[(f"{i}/02_patch_order.ipynb", bytes(60 << 20)) for i in range(4)]), "hand-in.zip"
    ),
    "a zip of twenty thousand files": _lazily(
        lambda: _zip(*[(f"{i}.ipynb", b"") for i in range(20_000)]), "hand-in.zip"
    ),
    "a zip that lies about sizes": _lazily(_lying_size, "hand-in.zip"),
    "a zip in a zip in a zip": _lazily(_in_itself, "hand-in.zip"),
    "an encrypted zip": _lazily(_encrypted, "hand-in.zip"),
    "a zip with a name of ten thousand characters": _lazily(
        lambda: _zip(("m" * 10_000 + ".ipynb", PLAIN)), "hand-in.zip"
    ),
    "a zip with one name twice": _lazily(
        lambda: _zip(("02_patch_order.ipynb", PLAIN), ("02_patch_order.ipynb", b"")), "hand-in.zip"
    ),
}
