"""Finds what was handed in: a folder or a zip of notebooks, as Canvas, Gradescope, nbgrader or a person leaves them.

Nothing is unpacked to disk and no link is followed; what cannot be read becomes a sentence in its student's hand-in.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vitlab.grading.escape import show
from vitlab.project import ProjectError

MOST_FILES = 2_000  # in one zip that a student handed in
MOST_ZIPS = 20  # of one student, each of which is unpacked to see what it holds
MOST_OF_A_CLASS = 200_000  # in the zip of a whole class, of which each file is read by itself
MOST_BYTES = 64 << 20  # of one file in a zip, before and after it is unpacked
MOST_IN_ZIP = 512 << 20  # of all files of a student's zip, unpacked
CANVAS = re.compile(r"(?P<student>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?P<attempt>\d+)_(?P<file>.+)", re.DOTALL)
LESSON_FILE = re.compile(r"\d\d_[a-z][a-z_]*(?:[-_ ]?\(?\d+\)?)?")
GRADESCOPE = "submission_metadata.yml"
ENTRY = b"PK\x01\x02"  # how each entry of a zip's table of contents begins
IGNORED = (".ipynb_checkpoints", "__MACOSX", "__pycache__")


class CollectError(ProjectError):
    """Nothing that could be graded; the message says what was looked for and where."""


@dataclass(frozen=True)
class File:
    """A notebook that was handed in. name: as a person reads it; read: gives its bytes or raises OSError."""

    name: str
    read: Callable[[], bytes]


@dataclass
class HandIn:
    """What one student handed in. problems: sentences about what could not be read; zips: how many were looked into."""

    student: str
    files: list[File] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    zips: int = 0


class _Refused(Exception):
    """A file that is not read; the message says why."""


def collect(place: Path) -> list[HandIn]:
    """The hand-ins in a folder or a zip, by student. Raises CollectError where there are none.

    A file of Canvas's bulk download belongs to the student in its name; a folder or a zip to the one whom it is named
    after (so also nbgrader's `submitted/STUDENT/ASSIGNMENT/`); Gradescope's metadata file names its folders.
    """
    if not place.exists():
        raise CollectError(f"There is no folder or file {show(str(place))}.")
    hand_ins: dict[str, HandIn] = {}
    if place.is_dir():
        if (place / "submitted").is_dir():
            place = place / "submitted"
        entries = _walk_folder(place)
        names = _gradescope_names(place)
    elif zipfile.is_zipfile(place):
        entries, names = _walk_zip(lambda: place.open("rb"), place.name, of_a_class=True), {}
    else:
        raise CollectError(f"{show(place.name)} is neither a folder nor a zip of notebooks.")
    lonely = place.resolve().stem
    for parts, content in entries:
        student = _student(parts, lonely, names)
        hand_in = hand_ins.setdefault(student, HandIn(student))
        _add(hand_in, parts, content)
    if not hand_ins:
        raise CollectError(
            f"There is nothing to grade in {show(str(place))}: no notebook, no zip, no student's folder."
        )
    for hand_in in hand_ins.values():
        if not hand_in.files and not hand_in.problems:
            hand_in.problems.append("There is no notebook in it.")
    _name_apart(hand_ins)
    return sorted(hand_ins.values(), key=lambda hand_in: hand_in.student)


def collect_one(folder: Path, student: str) -> HandIn:
    """All that lies in a folder, however it is named, as the hand-in of one student."""
    hand_in = HandIn(student)
    for parts, content in _walk_folder(folder):
        _add(hand_in, parts, content)
    if not hand_in.files and not hand_in.problems:
        hand_in.problems.append("There is no notebook in it.")
    return hand_in


def _name_apart(hand_ins: dict[str, HandIn]) -> None:
    """Gives each student a name that can be printed and that no other one has, whatever the case of its letters."""
    shown = {name: show(name) for name in hand_ins}
    digits = 6
    while True:  # again for whoever is named as another one has just become
        often = Counter(name.casefold() for name in shown.values())
        alike = [name for name, student in shown.items() if often[student.casefold()] > 1]
        if not alike:
            break
        for name in alike:
            shown[name] = f"{show(name)}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:digits]}"
        digits += 6
    for name, hand_in in hand_ins.items():
        hand_in.student = shown[name]


def _add(hand_in: HandIn, parts: tuple[str, ...], content: Callable[[], bytes] | _Refused | None) -> None:
    name = "/".join(parts)
    suffix = os.path.splitext(name)[1].lower()
    if isinstance(content, _Refused):
        hand_in.problems.append(f"{show(name)}: {content}")
    elif content is not None and suffix == ".ipynb":
        hand_in.files.append(File(show(name), content))
    elif content is not None and suffix == ".zip" and hand_in.zips >= MOST_ZIPS:
        hand_in.problems.append(f"{show(name)}: It is not read: {MOST_ZIPS} zips are the most.")
    elif content is not None and suffix == ".zip":
        hand_in.zips += 1
        try:
            for inner, inner_content in _walk_zip(lambda: io.BytesIO(content()), parts[-1]):
                if os.path.splitext(inner[-1])[1].lower() == ".ipynb" or isinstance(inner_content, _Refused):
                    _add(hand_in, (*parts, *inner), inner_content)
        except (CollectError, OSError) as error:
            hand_in.problems.append(f"{show(name)}: {error}")


def _walk_folder(folder: Path) -> Iterator[tuple[tuple[str, ...], Callable[[], bytes] | _Refused | None]]:
    """Every notebook and zip below a folder, and every folder at its top, with how to read it."""
    for here, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not name.startswith("."))
        inside = Path(here).relative_to(folder).parts
        for name in list(folders):
            if os.path.islink(os.path.join(here, name)):
                folders.remove(name)
                yield (*inside, name), _Refused("It is a link, and links are not followed.")
            elif not inside:
                yield (name, ""), None
        for name in sorted(files):
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in (".ipynb", ".zip"):
                continue
            path = Path(here) / name
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                yield (*inside, name), _reader(path)
            else:
                kind = "a link, and links are not followed" if stat.S_ISLNK(mode) else "no regular file"
                yield (*inside, name), _Refused(f"It is {kind}.")


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            return file.read(MOST_BYTES + 1)

    return read


def _walk_zip(
    open_zip: Callable[[], io.IOBase], name: str, of_a_class: bool = False
) -> Iterator[tuple[tuple[str, ...], Callable[[], bytes] | _Refused | None]]:
    """Every notebook and zip in a zip, with how to read it. Raises CollectError for no zip, or too large a one.

    of_a_class: whether many students' files are in it, so that what one of them put in may not close it for all.
    """
    try:
        with open_zip() as file:
            if not of_a_class and file.read().count(ENTRY) > 10 * MOST_FILES:  # a million take ten seconds to list
                raise CollectError(f"{show(name)} holds more than the {MOST_FILES:,} files that are read.")
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError, EOFError) as error:
        raise CollectError(f"{show(name)} is no zip that can be read ({show(str(error))}).") from None
    most = MOST_OF_A_CLASS if of_a_class else MOST_FILES
    if len(members) > most:
        raise CollectError(f"{show(name)} holds {len(members):,} files; {most:,} are the most that is read.")
    if not of_a_class and sum(member.file_size for member in members) > MOST_IN_ZIP:
        raise CollectError(f"{show(name)} holds over {MOST_IN_ZIP >> 20} MB when unpacked: it is not read.")
    for member in members:
        parts = tuple(part for part in member.filename.replace("\\", "/").split("/") if part not in ("", "."))
        inside = set(parts[:-1]) - {".."}
        if member.is_dir() or not parts or any(part in IGNORED or part.startswith(".") for part in inside):
            continue
        if os.path.splitext(parts[-1])[1].lower() not in (".ipynb", ".zip") or parts[-1].startswith("._"):
            continue
        if ".." in parts or member.filename.startswith(("/", "\\")) or re.match("[A-Za-z]:", member.filename):
            yield parts[-1:], _Refused("Its name leads out of the zip, so it is not read.")
        elif stat.S_ISLNK(member.external_attr >> 16):
            yield parts, _Refused("It is a link, and links are not followed.")
        elif member.flag_bits & 1:
            yield parts, _Refused("It is encrypted.")
        else:
            yield parts, _member_reader(open_zip, member)


def _member_reader(open_zip: Callable[[], io.IOBase], member: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with open_zip() as file, zipfile.ZipFile(file) as archive, archive.open(member) as content:
                return content.read(MOST_BYTES + 1)  # whatever size the zip claims
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            RuntimeError,
            EOFError,
            zlib.error,
        ) as error:
            raise OSError(f"it cannot be unpacked ({show(str(error))})") from None

    return read


def _student(parts: tuple[str, ...], lonely: str, names: dict[str, str]) -> str:
    """Whose file it is, by its place and its name (Canvas's with the number that tells namesakes apart)."""
    if len(parts) > 1:
        top = parts[0]
        if top in names:
            return names[top]
        canvas = CANVAS.fullmatch(os.path.splitext(top)[0])
        return f"{canvas['student']}_{canvas['id']}" if canvas else top
    stem = os.path.splitext(parts[0])[0]
    canvas = CANVAS.fullmatch(stem)
    if canvas:
        return f"{canvas['student']}_{canvas['id']}"
    if LESSON_FILE.fullmatch(stem):
        return lonely
    return re.sub(r"[-_ ]+\d\d_[a-z][a-z_]*$", "", stem)


def _gradescope_names(folder: Path) -> dict[str, str]:
    """The students of Gradescope's folders `submission_123`, from its export's metadata; empty where there is none."""
    path = folder / GRADESCOPE
    if path.is_symlink() or not path.is_file():
        return {}
    import yaml

    try:
        with path.open(encoding="utf-8") as file:
            content = yaml.safe_load(file.read(MOST_BYTES))
        return {
            str(name): " and ".join(str(who.get(":sid") or who[":name"]) for who in entry[":submitters"])
            for name, entry in content.items()
        }
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise CollectError(f"{GRADESCOPE} is not as Gradescope writes it ({type(error).__name__}).") from None
