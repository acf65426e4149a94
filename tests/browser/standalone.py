"""An explorer on a plain page, drawn as the site and the decks draw it: no kernel, no Jupyter."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from vitlab.course.editions.live import SCRIPT, payload
from vitlab.course.widgets import OWN, Explorer

PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>explorer</title><link rel="icon" href="data:,">
<style>body {{ margin: 16px; background: {background}; }}</style><script>{script}</script></head>
<body><div id="explorer" style="width: {width}px"></div>
<script type="application/json" id="payload">{payload}</script>
<script type="module">
const payload = JSON.parse(document.getElementById("payload").textContent);
window.state = payload.traits;
window.explorer = await import("./explorer.js");
await window.vitlab.live(document.getElementById("explorer"), payload);
window.ready = true;
</script></body></html>
"""


def write_page(folder: Path, widget, width: int = 940, theme: str = "light") -> None:
    """index.html of a widget in a folder. In the page `window.explorer` is its module, from explorer.js beside it, and
    `window.state` its traits, bytes as {base64}.
    """
    names = (name for name in widget.keys if not name.startswith("_") and name not in (*OWN, "comm"))
    explorer = Explorer(widget._esm, widget._css, {name: getattr(widget, name) for name in names})
    background = "#ffffff" if theme == "light" else "#0e1013"
    page = PAGE.format(script=SCRIPT, payload=payload(explorer), width=width, theme=theme, background=background)
    (folder / "index.html").write_text(page, encoding="utf-8")
    (folder / "explorer.js").write_text(widget._esm, encoding="utf-8")


WHOLE = 300  # ms: what a hand on a slider still takes for an answer


REPAINT = """
async ([selector, rounds]) => {
  const input = document.querySelector(selector);
  const bare = document.createElement("input");
  bare.style.cssText = "position: fixed; left: 0; bottom: 0; width: 1px; height: 1px; padding: 0; border: 0";
  let on = false;
  bare.addEventListener("input", () => { on = !on; bare.style.background = on ? "black" : "white"; });
  document.body.append(bare);

  const [low, high, step] = [Number(input.min), Number(input.max), Number(input.step) || 1];
  const move = () => { const next = Number(input.value) + step; input.value = next > high ? low : next; };

  /** Milliseconds of one event: until its frame is painted, and of those the ones in which the page worked. */
  const repaint = (element) => new Promise((done) => {
    let frame;
    requestAnimationFrame(() => { frame = performance.now(); });  // before any that the explorer asks for
    const begin = performance.now();
    element.dispatchEvent(new Event("input", { bubbles: true }));
    const handled = performance.now();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const painted = performance.now();
        done({ whole: painted - begin, work: handled - begin + painted - frame });
      };
      channel.port2.postMessage(0);
    });
  });

  const times = [];
  for (let i = 0; i < rounds; i++) {
    await new Promise((done) => setTimeout(done, 3 + (i * 7) % 23));
    const idle = await repaint(bare);
    move();
    const own = await repaint(input);
    times.push([own.whole, own.work - idle.work]);
  }
  bare.remove();
  return times;
}
"""


@dataclass(frozen=True)
class Repaint:
    """What moving a slider costs, in milliseconds.

    whole: from the slider's event until the frame that shows it is painted; the median of all steps.
    added: how much longer the page works for that than for a repaint of one pixel; the lower quartile of all steps,
        since whatever else runs on the machine only adds.
    """

    whole: float
    added: float


def repaints(page, selector: str, rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of each step of a slider: the whole repaint, and how much longer it works than a bare one."""
    return page.evaluate(REPAINT, [selector, rounds])


def repaint(page, selector: str, rounds: int = 30) -> Repaint:
    """Moves a slider step by step and measures each repaint beside a bare one: a browser that is slow at any frame is
    slow in both.

    selector: the slider in the page; rounds: how many steps.
    """
    wholes, differences = zip(*repaints(page, selector, rounds), strict=True)
    return Repaint(whole=median(wholes), added=quantiles(differences)[0])


def assert_repaints(page, selector: str, adds: float) -> None:
    """AssertionError where a step of the slider takes 300 ms or more as a whole, or adds `adds` ms or more of work."""
    seen = repaint(page, selector)
    assert seen.whole < WHOLE, f"from the event to the painted frame: {seen.whole:.1f} ms, expected under {WHOLE}"
    assert seen.added < adds, f"the explorer adds {seen.added:.1f} ms to a repaint, expected under {adds}"
