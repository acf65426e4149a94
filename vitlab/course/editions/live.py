"""Explorers on a page without a kernel: `live.js` stands in for the widget manager, their own module draws them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from vitlab.course.widgets import Explorer

SCRIPT = (Path(__file__).with_name("live.js")).read_text(encoding="utf-8")


def payload(explorer: Explorer) -> str:
    """What `live.js` draws an explorer from, as JSON that may stand in a <script>: module, css, traits.

    Bytes become {"base64": …}.
    """
    traits = {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in explorer.traits.items()
    }
    text = json.dumps({"module": explorer.module, "css": explorer.css, "traits": traits}, sort_keys=True)
    return text.replace("<", "\\u003c")
