# SPDX-License-Identifier: Apache-2.0
"""A model and a window of samples, as every contender gets them. Imports NumPy alone: TFLM's Python has no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FILE = "case.npz"
STEP, WINDOW = "step", "window"
EXACT, FLOAT, DYNAMIC = "edgernn int8", "float32", "dynamic int8"
"""Arithmetic of a contender: the integer model's, which has one right answer; float32; float32 around products of
integers whose scales are found anew in every step."""


@dataclass(frozen=True)
class Case:
    """folder: an artifact of one layer (`benchmarks.models.write_artifact`) with FILE beside its files.

    x: samples [T, F] float32; operands: the same for the integer model, int8; weights: float32 by Keras' names.
    """

    folder: Path
    cell: str
    inputs: int
    units: int
    x: npt.NDArray[np.float32]
    operands: npt.NDArray[np.int8]
    weights: Mapping[str, npt.NDArray[np.float32]]

    def write(self) -> None:
        """Writes FILE."""
        shape: dict[str, Any] = {"cell": self.cell, "inputs": self.inputs, "units": self.units}
        weights: dict[str, Any] = {f"weights/{name}": weight for name, weight in self.weights.items()}
        np.savez(self.folder / FILE, allow_pickle=False, x=self.x, operands=self.operands, **shape, **weights)


def read(folder: Path) -> Case:
    """What `Case.write` wrote."""
    with np.load(folder / FILE) as arrays:
        weights = {name.partition("/")[2]: arrays[name] for name in arrays if name.startswith("weights/")}
        shape = str(arrays["cell"]), int(arrays["inputs"]), int(arrays["units"])
        return Case(folder, *shape, arrays["x"], arrays["operands"], weights)


@dataclass(frozen=True)
class Contender:
    """Something that runs the case's samples once: `call` of each of `inputs`, which are its samples one by one
    (STEP) or all in one (WINDOW), gives the results of those steps as an array. The state goes on from call to call
    (STEP), from zero in the first one."""

    name: str
    mode: str
    arithmetic: str
    call: Callable[[Any], Any]
    inputs: Sequence[Any]


@dataclass(frozen=True)
class Missing:
    """Something that a runtime can't do, and why."""

    name: str
    mode: str
    reason: str
