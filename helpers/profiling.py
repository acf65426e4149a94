"""What a function costs on this machine: its FLOPs, its seconds, the memory it takes at its peak."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

# 97.5% quantile of Student's t by degrees of freedom: scipy would be a large dependency for nine numbers
STUDENT_T = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
FINE_THREAD_TIME = sys.platform != "win32"  # Windows counts a thread's time in steps of 16 ms


@dataclass(frozen=True)
class PowerLaw:
    """cost = factor * size**slope, fitted on log-log axes. low, high: 95% confidence interval of the slope."""

    slope: float
    low: float
    high: float
    factor: float

    def __str__(self) -> str:
        return f"slope {self.slope:.2f} (95% confidence {self.low:.2f} to {self.high:.2f})"


def count_flops(run: Callable[[], object]) -> int:
    """FLOPs of the matrix products and convolutions in run(), a multiply-add counted as 2, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


@torch.no_grad()
def seconds(
    runs: Mapping[int, Callable[[], object]], device: torch.device | str = "cpu", rounds: int = 5
) -> dict[int, list[float]]:
    """Seconds of each run, by its size, measured in turns, so that a busy moment hits all sizes alike.

    runs: by size, what is to be timed; device: where it computes; rounds: times that each runs, after one to warm up
    On a CPU one thread computes, since how many help depends on the size and would bend the line, and its own
    computing time counts, so that other programs do not.
    """
    device = torch.device(device)
    clock = time.thread_time if device.type == "cpu" and FINE_THREAD_TIME else time.perf_counter
    taken: dict[int, list[float]] = {size: [] for size in runs}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for turn in range(rounds + 1):
            for size, run in runs.items():
                _finish(device)
                start = clock()
                run()
                _finish(device)
                if turn:
                    taken[size].append(clock() - start)
    finally:
        torch.set_num_threads(threads)
    return taken


@torch.no_grad()
def peak_memory(run: Callable[[], object], device: torch.device | str = "cpu") -> int:
    """Bytes that run() holds at its peak, over what was there before, as PyTorch's own allocator counts them.

    On a CPU the profiler's trace of every allocation is added up, scratch space inside fused kernels included.
    Raises RuntimeError where the device keeps no such account.
    """
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if device.type != "cpu":
        raise RuntimeError(f"PyTorch keeps no account of peak memory on {device.type}: measure on the CPU.")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler announces itself in the notebook otherwise
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = sorted((event["ts"], event["args"]["Bytes"]) for event in events if event["name"] == "[memory]")
    live = peak = 0
    for _, change in changes:
        live += change
        peak = max(peak, live)
    return peak


def power_law(costs: Mapping[int, Sequence[float] | float]) -> PowerLaw:
    """The straight line on log-log axes through the least cost at each size, by least squares.

    costs: by size, one cost or the costs of several rounds, of which the least counts, since whatever disturbs a run
        only adds; at least three sizes
    The confidence interval is that of the slope of a straight line with normal errors (Student's t), so it grows where
    the points scatter, and also where they bend. Raises ValueError for fewer than three sizes or a cost of zero.
    """
    least = {size: float(np.min(cost)) for size, cost in costs.items()}
    if len(least) < 3 or min(least.values()) <= 0:
        raise ValueError(f"A slope with its confidence needs three sizes and positive costs, but there came {least}.")
    x, y = np.log(list(least)), np.log(list(least.values()))
    slope, start = np.polyfit(x, y, 1)
    freedom = len(x) - 2
    variance = ((y - start - slope * x) ** 2).sum() / freedom / ((x - x.mean()) ** 2).sum()
    margin = STUDENT_T.get(freedom, 2.0 if freedom > 30 else 2.2) * float(variance) ** 0.5
    return PowerLaw(float(slope), float(slope - margin), float(slope + margin), float(np.exp(start)))


def kept_at_twice_the_resolution(law: PowerLaw) -> float:
    """Percent of the tokens per unit of cost that are left when both sides of the picture double.

    There are 4 times the tokens then. At slope 1 each costs what it did: 100. At slope 2 each costs 4 times that: 25.
    """
    return 100 * 4 ** (1 - law.slope)


def _finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
