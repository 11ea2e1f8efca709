# SPDX-License-Identifier: Apache-2.0
"""The share of a core's multiplications that the kernels reach, in the inner product of a GRU alone: `product.c`."""

import ctypes
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compiled import library, number, text
from benchmarks.peak import Peak
from edgernn.backends.c.write import RUNTIME

_SOURCE = Path(__file__).with_name("product.c")
_LEVEL = "-O3"
"""That of the extension module."""
_ROUNDS = 60
_TURN_NS = 2_000_000


def measure() -> dict[str, Any]:
    """Medians over interleaved rounds, one thread: products and bytes a nanosecond, and shares of the peak.

    "stream" is one vector at a time, which reads every weight once for one product: "bound" is the share of the peak
    at which reading the weights alone, from where they are cached, leaves no time for more. "window" is so many
    vectors at once.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = library(Path(scratch) / "product.so", [_SOURCE, *sorted(RUNTIME.glob("*.c"))], RUNTIME, _LEVEL)
    peak, kernels = Peak(), ("stream", "window", "read_weights")
    made.prepare()
    turns: dict[str, Callable[[], float]] = {"peak": peak.turn}
    turns.update({name: _turn(getattr(made, name)) for name in kernels})
    rates: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(_ROUNDS):
        for name, turn in turns.items():
            rates[name].append(turn())
    rate = {name: float(np.median(values)) for name, values in rates.items()}
    return {
        "model": "GRU (64, 256)",
        "kernels": text(made, "family"),
        "instruction": peak.instruction,
        "weights_bytes": number(made, "weights_size"),
        "peak_macs_per_ns": round(rate["peak"], 1),
        "stream": {
            "macs_per_ns": round(rate["stream"], 1),
            "share": round(rate["stream"] / rate["peak"], 3),
            "read_bytes_per_ns": round(rate["read_weights"], 1),
            "bound": round(min(1.0, rate["read_weights"] / rate["peak"]), 3),
        },
        "window": {
            "vectors": number(made, "vectors"),
            "macs_per_ns": round(rate["window"], 1),
            "share": round(rate["window"] / rate["peak"], 3),
        },
    }


def _turn(function: Any) -> Callable[[], float]:
    """Work a nanosecond, in turns of about _TURN_NS."""
    function.restype, function.argtypes = ctypes.c_int64, [ctypes.c_int64]
    start = time.perf_counter_ns()
    function(1)
    rounds = max(1, _TURN_NS // max(1, time.perf_counter_ns() - start))

    def turn() -> float:
        start = time.perf_counter_ns()
        work = function(rounds)
        return float(work) / (time.perf_counter_ns() - start)

    return turn
