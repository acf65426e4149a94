"""What pages load besides themselves: pictures, and what each explorer is drawn from, as files of the site."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import struct
from dataclasses import dataclass, field

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
        text = base64.b64encode(packed(explorer)).decode()
        self.files[path] = f'vitlab.payloads["{name}"] = "{text}";\n'.encode()
        return f"../{path}"


def packed(explorer: Explorer) -> bytes:
    """What `live.js` draws an explorer from, in one gzip: half the bytes of its JSON, where bytes would be base64.

    A line of JSON {"module", "css", "traits", "bytes": [[name, length], ...]}, then these traits' bytes, end to end.
    """
    binary = sorted((name, value) for name, value in explorer.traits.items() if isinstance(value, bytes))
    plain = {name: value for name, value in explorer.traits.items() if not isinstance(value, bytes)}
    lengths = [[name, len(value)] for name, value in binary]
    head = {"module": explorer.module, "css": explorer.css, "traits": plain, "bytes": lengths}
    content = json.dumps(head, sort_keys=True).encode() + b"\n" + b"".join(value for _, value in binary)
    return gzip.compress(content, 9, mtime=0)
