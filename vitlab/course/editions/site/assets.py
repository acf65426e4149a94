"""What pages load besides themselves: pictures, and what each explorer is drawn from, as files of the site."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from dataclasses import dataclass, field

from vitlab.course.editions.live import payload
from vitlab.course.widgets import Explorer

PICTURE = re.compile(r'(<img [^>]*?)style="max-width:100%" src="data:image/png;base64,([^"]+)"')


@dataclass
class Assets:
    """Files that the pages ask for. files: path from the site's root -> content."""

    files: dict[str, bytes] = field(default_factory=dict)

    def html(self, text: str) -> str:
        """An output's HTML with each picture in it as a file, of known size and loaded when it comes near.

        Addresses are those of a page one folder below the root.
        """
        return PICTURE.sub(self._picture, text)

    def _picture(self, match: re.Match) -> str:
        content = base64.b64decode(match[2])
        width, height = struct.unpack(">II", content[16:24])  # of the PNG's first chunk
        path = f"pictures/{hashlib.sha256(content).hexdigest()[:16]}.png"
        self.files[path] = content
        return f'{match[1]}src="../{path}" width="{width}" height="{height}" loading="lazy" decoding="async"'

    def explorer(self, name: str, explorer: Explorer) -> str:
        """Keeps an explorer under a name; returns the address of its script, which `site.js` loads.

        A script and not JSON, since a page from disk may run a file beside it but not read it.
        """
        path = f"explorers/{name}.js"
        self.files[path] = f'vitlab.payloads["{name}"] = {payload(explorer)};\n'.encode()
        return f"../{path}"
