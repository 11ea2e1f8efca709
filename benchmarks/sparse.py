# SPDX-License-Identifier: Apache-2.0
"""What blocks of zeros save: bytes, instructions and time."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import timed, undisturbed
from benchmarks.counting import figures, layer, sizes
from benchmarks.generated import Generated
from edgernn.artifact import Model
from edgernn.device import boards

SHARES = (0.0, 0.5, 0.75, 0.9)
"""Of the blocks of every matrix that are zero, in a GRU of 64 units on 32 inputs with random weights."""
_BOARDS = ("cortex_m4", "cortex_m0")
_ROUNDS, _STEPS = 60, 2000


def measure() -> dict[str, Any]:
    """By share of zeros the bytes of constants, the instructions of a step by board, and its nanoseconds in C on this
    machine, the median over rounds in which all take turns."""
    models = {f"{share:g}": layer("gru", 32, 64, zeros=share) for share in SHARES}
    costs: dict[str, dict[str, float]] = {}
    for share, model in models.items():
        found = {name: figures(boards.get(name), model) for name in _BOARDS}
        constants = sizes(found[_BOARDS[0]]).constants
        costs[share] = {"constants": constants, **{name: round(one.cost) for name, one in found.items()}}
    for share, ns in _times(models).items():
        costs[share]["host_ns"] = ns
    return {"model": "GRU (32, 64)", "costs": costs}


def _times(models: Mapping[str, Model]) -> dict[str, float]:
    """Nanoseconds of a step in C."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = {name: Generated(model.integer, Path(scratch) / name) for name, model in models.items()}
    x = np.random.default_rng(0).integers(-127, 128, (_STEPS, 32)).astype(np.int8)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(_ROUNDS):
        for name, run in runs.items():
            passed, _ = undisturbed(partial(timed, partial(run, x)))
            times[name].append(passed / _STEPS * 1e9)
    return {name: round(float(np.median(found)), 1) for name, found in times.items()}
