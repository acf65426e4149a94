"""An explorer on a plain page: its ES module with a small stand-in for anywidget's model, no kernel, no Jupyter."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>explorer</title><link rel="icon" href="data:,">
<style>{css} body {{ margin: 16px; background: {background}; }}</style></head>
<body><div id="explorer" style="width: {width}px"></div>
<script type="module">
import * as module from "./explorer.js";
const state = await (await fetch("./state.json")).json();
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const model = {{ get: (name) => (state[name]?.bytes !== undefined ? bytes(state[name].bytes) : state[name]) }};
window.explorer = module;
module.default.render({{ model, el: document.getElementById("explorer"), signal: new AbortController().signal }});
window.ready = true;
</script></body></html>
"""


def write_page(folder: Path, widget, width: int = 940, theme: str = "light") -> None:
    """index.html, explorer.js and state.json of a widget in a folder: what a static site would hold."""
    state = {name: getattr(widget, name) for name in widget.keys if not name.startswith("_") and name not in SKIPPED}
    plain = {
        name: {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in state.items()
    }
    background = "#ffffff" if theme == "light" else "#0e1013"
    page = PAGE.format(css=widget._css, width=width, theme=theme, background=background)
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "explorer.js").write_text(widget._esm, encoding="utf-8")
    (folder / "state.json").write_text(json.dumps(plain), encoding="utf-8")


SKIPPED = {"layout", "tabbable", "tooltip", "comm"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")  # a test may open two explorers one after the other
        super().end_headers()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on 127.0.0.1 while the block runs."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


REPAINT = """
async ([selector, rounds]) => {
  const input = document.querySelector(selector);
  const nextPaint = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  const times = [];
  const [low, high, step] = [Number(input.min), Number(input.max), Number(input.step) || 1];
  for (let i = 0; i < rounds; i++) {
    await new Promise((done) => setTimeout(done, 3 + (i * 7) % 23));
    const next = Number(input.value) + step;
    input.value = next > high ? low : next;
    const begin = performance.now();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    times.push(await nextPaint() - begin);
  }
  return times;
}
"""


def repaint_times(page, selector: str, rounds: int = 30) -> list[float]:
    """Milliseconds from a slider's event until the frame that shows it is painted, once per round."""
    return page.evaluate(REPAINT, [selector, rounds])
