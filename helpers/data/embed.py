"""What the two scripts that made the embedded data share: checked sources in, PNG files and their manifest out."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.data.files import manifest_digest


def require(content: bytes, sha256: str, name: str) -> bytes:
    """The content itself, where it has the expected checksum; SystemExit with a sentence where not."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(f"{name}: expected a content with sha256 {sha256}, found {found}; is it the original?")
    return content


def encode(pixels: np.ndarray) -> bytes:
    """Pixels, uint8 (H, W) or (H, W, 3), as a PNG file as small as Pillow can make it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes], facts: dict) -> None:
    """Write the files and, beside them, manifest.json: the facts, size and sha256 of each file, its own checksum."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        listed[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        print(f"{name}: {len(content):,} bytes")
    manifest = {**facts, "files": listed}
    text = json.dumps({**manifest, "sha256": manifest_digest(manifest)}, indent=2) + "\n"
    (folder / "manifest.json").write_bytes(text.encode())  # bytes: the same line ends everywhere
