"""The embedded files: read, compared with their checksums, or refused with one sentence."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

EMBEDDED = Path(__file__).resolve().parent / "embedded"


class DataError(RuntimeError):
    """A data file or data set cannot be had; the message names it and says what to do."""


def read_manifest(folder: str) -> dict:
    """The manifest of an embedded data set.

    folder: name of a folder in `embedded`
    Returns the parsed manifest.json: `files` (name -> `bytes`, `sha256`) and the facts of that data set.
    Raises DataError where it is missing or damaged.
    """
    path = EMBEDDED / folder / "manifest.json"
    try:
        manifest = json.loads(_read(path))
        intact = manifest.pop("sha256") == manifest_digest(manifest)
    except (ValueError, KeyError, TypeError, AttributeError):  # not JSON, or not what was written
        intact = False
    if not intact:
        raise _broken(path, "is damaged (its content does not match its own checksum)")
    return manifest


def manifest_digest(manifest: dict) -> str:
    """The sha256 of what a manifest says, whatever its line ends (git may change them on Windows)."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def read_pixels(folder: str, name: str, manifest: dict) -> np.ndarray:
    """The pixels of an embedded PNG file, once its bytes have been compared with the manifest.

    folder: name of a folder in `embedded`; name: of the file in it; manifest: of that folder
    Returns uint8 (H, W) for a grey picture, (H, W, 3) for a colour one; the array is the caller's own.
    Raises DataError where the file is missing, unreadable or damaged.
    """
    path = EMBEDDED / folder / name
    content = _read(path)
    expected = manifest["files"][name]
    if len(content) != expected["bytes"]:
        raise _broken(path, f"is damaged (it has {len(content):,} bytes where {expected['bytes']:,} were expected)")
    if hashlib.sha256(content).hexdigest() != expected["sha256"]:
        raise _broken(path, "is damaged (its content does not match its sha256 checksum)")
    with Image.open(io.BytesIO(content)) as picture:
        return np.array(picture)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _broken(path, "is missing") from None
    except OSError as error:
        raise _broken(path, f"cannot be read ({error.strerror})") from None


def _broken(path: Path, fault: str) -> DataError:
    """The sentence for a broken file: which one, what is wrong, and the cure that fits this installation."""
    root = EMBEDDED.parents[2]  # above helpers/data/embedded
    name = path.relative_to(root).as_posix()
    if (root / ".git").exists():
        return DataError(f"{name} {fault}; to get it back, run `git checkout -- {name}` in the folder {root}.")
    return DataError(f"{path} {fault}; to get it back, install the course again as its README says.")
