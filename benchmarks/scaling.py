# SPDX-License-Identifier: Apache-2.0
"""Time of a step in an artifact's C on this machine, against the units and against the inputs of a layer."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import timed, undisturbed
from benchmarks.generated import Generated
from benchmarks.models import random_model
from benchmarks.peak import Peak
from edgernn.footprint import totals
from edgernn.quantize import quantize

CELLS = ("gru", "lstm")
SHAPES = {
    "units": [(32, 2**power) for power in range(3, 10)],
    "inputs": [(2**power, 64) for power in range(8)],
}
"""Inputs and units of the layers, by which of the two grows."""
_CALIBRATION = 4, 20
"""Windows, and their steps."""
_ROUNDS = 40
_TURN = 0.003
"""Seconds of a turn, about."""


@dataclass(frozen=True)
class _Layer:
    """A layer, and the steps of a turn of it."""

    inputs: int
    units: int
    macs: int
    run: Generated
    steps: int = 20

    def turn(self) -> float:
        """Seconds a step, on samples that are all the same."""
        operands = np.full((self.steps, self.inputs), 37, np.int8)
        self.run(operands[: self.steps // 10])
        passed, _ = undisturbed(lambda: timed(lambda: self.run(operands)))
        return passed / self.steps


def measure() -> dict[str, Any]:
    """By cell and by what grows: inputs, units, multiplications of weights a step, and nanoseconds of a step, the
    median over rounds in which all layers take turns; and the most multiplications a nanosecond that the core does."""
    peak, rates = Peak(), []
    with tempfile.TemporaryDirectory() as scratch:
        layers = {
            (cell, grows): [
                _layer(cell, *shape, Path(scratch) / f"{cell}_{grows}_{i}") for i, shape in enumerate(shapes)
            ]
            for cell in CELLS
            for grows, shapes in SHAPES.items()
        }
    times: dict[_Layer, list[float]] = {layer: [] for found in layers.values() for layer in found}
    for _ in range(_ROUNDS):
        rates.append(peak.turn())
        for layer, found in times.items():
            found.append(layer.turn())
    ns = {layer: round(float(np.median(found)) * 1e9, 1) for layer, found in times.items()}
    return {
        "what": "a step of one layer in the C of an artifact, in a loop in C, batch 1, one thread",
        "rounds": _ROUNDS,
        "peak": {"instruction": peak.instruction, "macs_per_ns": round(max(rates), 1)},
        "series": [
            {
                "cell": cell,
                "grows": grows,
                "points": [
                    {"inputs": layer.inputs, "units": layer.units, "macs": layer.macs, "ns": ns[layer]}
                    for layer in found
                ],
            }
            for (cell, grows), found in layers.items()
        ],
    }


def _layer(cell: str, inputs: int, units: int, folder: Path) -> _Layer:
    """A layer with random weights, with as many steps in a turn as take _TURN."""
    windows, steps = _CALIBRATION
    x = np.random.default_rng(0).normal(size=(windows, steps, inputs)).astype(np.float32)
    model = quantize(random_model(inputs, [(cell, units, {})]), x, np.full(windows, steps, np.int32)).model
    layer = _Layer(inputs, units, totals(model.program)["macs_per_step"], Generated(model, folder))
    return replace(layer, steps=max(20, round(_TURN / layer.turn())))
