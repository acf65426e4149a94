"""Lesson 03: counts are exactly PyTorch's, windows and measurements do what the lesson says of them."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from helpers import profiling
from helpers.exercises import find
from helpers.figures import attention_cost as figures
from helpers.models import costs
from helpers.models.attention import attention
from helpers.models.conventions import STANDARD
from helpers.models.vit import EncoderBlock, ViT
from helpers.models.windows import windowed_attention
from helpers.papers import VIT_GFLOPS
from vitlab.course.parse import parse

SOURCE = Path(__file__).parents[1] / "solutions" / "03_attention_cost.py"
NAMES = ("num_tokens", "attention_flops", "block_flops", "vit_flops", "windowed_attention_flops")
MODELS = {"ViT-B/16": (224, 16, 768, 12), "ViT-B/32": (224, 32, 768, 12), "ViT-L/16": (224, 16, 1024, 24)}


def solved():
    """What the solved lesson's exercise cells define, and nothing else of the lesson."""
    namespace = {}
    for cell in parse(SOURCE, find=find, words=STANDARD.words()).cells:
        if cell.task == "exercise":
            exec(compile(cell.solved, f"{SOURCE.name}:{cell.line}", "exec"), namespace)
    return namespace


@pytest.fixture(scope="module", params=["the lesson's", "the reference"])
def count(request):
    """The five functions by name: those of the solved lesson, and those of the course."""
    return solved() if request.param == "the lesson's" else {name: getattr(costs, name) for name in NAMES}


@pytest.mark.parametrize(
    ("size", "patch", "channels", "classes", "dim", "depth", "heads", "ratio"),
    [
        ((224, 224), 16, 3, 1000, 768, 12, 12, 4),
        ((224, 336), 16, 3, 10, 384, 3, 6, 4),
        ((28, 56), 7, 1, 5, 48, 2, 4, 1.5),
        ((16, 8), 8, 2, 3, 20, 1, 5, 3),
    ],
)
def test_a_whole_vit_costs_exactly_what_pytorch_counts(count, size, patch, channels, classes, dim, depth, heads, ratio):
    with torch.device("meta"):
        model = ViT(size, patch, channels, classes, dim, depth, heads, ratio)
        found = profiling.count_flops(partial(model.stages, torch.empty(1, channels, *size)))
    assert count["vit_flops"](size, patch, dim, depth, ratio, channels, classes) == found


@pytest.mark.parametrize("name", MODELS)
def test_published_gflops_come_out_within_one_percent(count, name):
    assert count["vit_flops"](*MODELS[name]) / 2e9 == pytest.approx(VIT_GFLOPS.values[name], rel=0.01)


def test_attention_and_blocks_cost_exactly_what_pytorch_counts(count):
    q = torch.zeros(1, 4, 6 * 9, 8)  # (B, heads, N, d)
    assert count["attention_flops"](6 * 16, 9 * 16, 16, 32) == profiling.count_flops(lambda: attention(q, q, q))
    block = EncoderBlock(32, 4, 3)
    assert count["block_flops"](55, 32, 3) == profiling.count_flops(lambda: block(torch.zeros(1, 55, 32)))


def test_windowed_attention_costs_exactly_what_pytorch_counts(count):
    q = torch.zeros(1, 4, 6 * 9, 8)  # (B, heads, N, d)
    found = profiling.count_flops(lambda: windowed_attention(q, q, q, (6, 9), 3))
    assert count["windowed_attention_flops"](6 * 16, 9 * 16, 16, 32, 3) == found


@pytest.mark.parametrize("dim", [64, 768])
def test_attention_overtakes_the_rest_of_a_block_at_six_times_the_width(count, dim):
    side = 7 * dim
    for tokens, more in [(6 * dim - 1, False), (6 * dim + 1, True)]:
        products = 4 * tokens**2 * dim
        assert (products > count["block_flops"](tokens, dim) - products) == more
    assert count["attention_flops"](2 * side, 2 * side, 7, dim) == 16 * count["attention_flops"](side, side, 7, dim)


def test_windows_are_full_attention_under_a_mask_of_windows():
    rows, cols, window = 6, 9, 3
    q, k, v = torch.randn(3, 2, 4, rows * cols, 8, dtype=torch.float64)  # (B, heads, N, d) each
    row, col = torch.arange(rows) // window, torch.arange(cols) // window
    member = (row[:, None] * cols + col).flatten()  # (N,)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=member[:, None] == member)
    assert torch.allclose(windowed_attention(q, k, v, (rows, cols), window), expected, atol=1e-12)


@pytest.mark.parametrize("window", [0, 4, 5])
def test_windows_that_do_not_tile_the_grid_are_refused_in_a_sentence(window):
    q = torch.zeros(1, 1, 54, 4)
    with pytest.raises(ValueError, match="do not tile a grid of 6 x 9"):
        windowed_attention(q, q, q, (6, 9), window)


def test_plain_attention_holds_two_arrays_of_n_by_n_and_fused_attention_far_less():
    q, k, v = torch.randn(3, 1, 3, 700, 64)  # (B, heads, N, d) each
    plain = profiling.peak_memory(lambda: attention(q, k, v))
    fused = profiling.peak_memory(lambda: F.scaled_dot_product_attention(q, k, v))
    assert plain == pytest.approx(2 * 3 * 700**2 * 4, rel=0.02)
    assert 3 * 700 * 64 * 4 <= fused < plain / 4


FRESH = """
import sys, torch, torch.nn.functional as F
from pathlib import Path
torch.set_num_threads(1)
from helpers.models.attention import attention

def kilobytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

q, k, v = torch.randn(3, 1, 8, 3000, 64)
run = {"plain": attention, "fused": F.scaled_dot_product_attention}[sys.argv[1]]
run(*(x[:, :, :8] for x in (q, k, v)))
before = kilobytes("VmRSS")
run(q, k, v)
print((kilobytes("VmHWM") - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the account that Linux keeps")
def test_fresh_processes_agree_with_the_account_of_pytorch():
    found = {}
    for kind in ("plain", "fused"):
        printed = subprocess.run([sys.executable, "-c", FRESH, kind], capture_output=True, text=True, check=True)
        found[kind] = int(printed.stdout)
    assert found["plain"] == pytest.approx(2 * 8 * 3000**2 * 4, rel=0.15)
    assert found["fused"] < found["plain"] / 8


def test_a_power_law_is_found_with_its_confidence():
    law = profiling.power_law({n: 3e-9 * n**2 for n in (100, 200, 400, 800)})
    assert (law.slope, law.low, law.high) == pytest.approx((2, 2, 2))
    assert law.factor == pytest.approx(3e-9)
    assert profiling.kept_at_twice_the_resolution(law) == pytest.approx(25)
    bent = profiling.power_law({n: n + n**2 / 300 for n in (100, 200, 400, 800)})
    assert bent.low < bent.slope < bent.high
    assert bent.high - bent.low > 0.2


def test_the_fastest_run_of_a_size_counts():
    clean = profiling.power_law({100: [1.0], 200: [2.0], 400: [4.0]})
    assert profiling.power_law({100: [1.0, 9.0], 200: [7.0, 2.0], 400: [4.0, 5.0]}) == clean


@pytest.mark.parametrize("costs_", [{100: 1.0, 200: 2.0}, {100: 1.0, 200: 0.0, 400: 2.0}])
def test_a_slope_without_enough_points_is_refused_in_a_sentence(costs_):
    with pytest.raises(ValueError, match="needs three sizes and positive costs"):
        profiling.power_law(costs_)


def test_times_are_taken_in_turns_and_threads_are_given_back():
    threads, turns = torch.get_num_threads(), []
    taken = profiling.seconds({n: partial(turns.append, n) for n in (1, 2)}, rounds=3)
    assert turns == [1, 2] * 4
    assert [len(runs) for runs in taken.values()] == [3, 3]
    assert torch.get_num_threads() == threads


def test_time_grows_with_the_square_of_the_tokens_in_attention_and_linearly_in_windows():
    qs = {side**2: torch.randn(1, 2, side**2, 32) for side in (16, 24, 32, 40)}
    full = {n: partial(attention, q, q, q) for n, q in qs.items()}
    cut = {n: partial(windowed_attention, q, q, q, (int(n**0.5),) * 2, 8) for n, q in qs.items()}
    slopes = [profiling.power_law(profiling.seconds(runs, rounds=8)).slope for runs in (full, cut)]
    assert slopes[0] > slopes[1] + 0.4


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda: figures.score_matrices(torch.rand(3, 56, 84), [28, 14]), id="score matrices"),
        pytest.param(lambda: figures.crossing(768), id="crossing"),
        pytest.param(lambda: figures.against_tokens({}, "seconds"), id="nothing measured"),
        pytest.param(
            lambda: figures.against_tokens({"a": {10: [1.0], 20: [2.1], 40: [4.0]}}, "seconds"), id="measured"
        ),
        pytest.param(lambda: figures.windows(torch.rand(3, 56, 84), 7, 4, (2, 5)), id="windows"),
        pytest.param(lambda: figures.whole_model((224, 336), 16, 768, 12), id="whole model"),
    ],
)
def test_every_figure_says_in_words_what_is_seen(picture):
    drawn = picture()
    assert drawn.png.startswith(b"\x89PNG")
    assert len(drawn.alt) > 60
