"""From a slider's event to the painted frame, for every slider of every explorer, in a real browser.

python benchmarks/explorers.py [--rounds N]; needs Chromium and the extra `test`.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "browser"))
from serve import served
from standalone import repaints, write_page

from helpers.data import CLASSES, fashion_mnist, photo
from helpers.explorers import einops, masked_autoencoder, patch_order, patches_to_tokens
from helpers.models.checkpoints import load_vit
from helpers.models.checkpoints.mae_fashion import load_mae
from helpers.models.vit import ViT
from vitlab.course.editions.browser import chromium

GOAL = 20  # milliseconds


def explorers():
    """(name, widget, the button that gives its sliders something to do)."""
    garments = fashion_mnist("test", 10)
    vit, picture = load_vit(), garments.images[3]
    torch.manual_seed(0)
    large, photograph = ViT((224, 336), 16, 3, 10, 64, 4, 4), photo("chelsea", (224, 336))
    yield "einops, 6 garments", einops.explore(garments.images[:6]), "album"
    yield "patches to tokens, 49 patches", patches_to_tokens.explore(vit, picture, CLASSES), None
    yield "patches to tokens, 294 patches", patches_to_tokens.explore(large, photograph), None
    yield "patch order, 49 patches", patch_order.explore(vit, picture, CLASSES), "spiral"
    yield "patch order, 294 patches", patch_order.explore(large, photograph), "spiral"
    yield "masked autoencoder, 49 patches", masked_autoencoder.explore(load_mae(), garments.images), None


def measure(browser, widget, prepare, rounds):
    """(slider's label, milliseconds of each round) for the sliders of a widget, in alternating rounds."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address:
        write_page(Path(folder), widget)
        page = browser.new_page(viewport={"width": 1200, "height": 1000}, reduced_motion="reduce")
        page.goto(address)
        page.wait_for_function("window.ready === true")
        page.get_by_role("button", name="Explore freely").click()
        if prepare:
            page.get_by_role("button", name=prepare).click()
        sliders = page.evaluate(
            """() => Array.from(document.querySelectorAll("input[type=range]"), (input) =>
              [`#${input.id}`, input.ariaLabel ?? input.labels[0].textContent, input.max - input.min])"""
        )
        times = {label: [] for _, label, steps in sliders if steps > 0}
        for _ in range(4):
            for selector, label, steps in sliders:
                if steps > 0:
                    times[label] += [whole for whole, _ in repaints(page, selector, max(1, rounds // 4))]
        page.close()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="events per slider")
    rounds = parser.parse_args().rounds
    table = Table(title=f"Slider to repaint, ms: goal {GOAL}")
    for column in ("explorer", "slider", "median", "90%", "within the goal"):
        table.add_column(column, justify="left" if column in ("explorer", "slider") else "right")
    with chromium() as browser:
        for name, widget, prepare in explorers():
            for label, times in measure(browser, widget, prepare, rounds).items():
                late = sorted(times)[int(0.9 * len(times))]
                verdict = "yes" if median(times) <= GOAL else "no"
                table.add_row(name, label, f"{median(times):.1f}", f"{late:.1f}", verdict)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
