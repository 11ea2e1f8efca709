# SPDX-License-Identifier: Apache-2.0
"""How far the numbers of a float model reach, and the scale that loses least of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Affine, Float, FloatAlgebra
from edgernn.model import FloatModel

INT16_FRACS = range(16)
"""Candidates for an int16 result: from +-32768 to +-1."""
OPERAND_FRACS = range(15)
"""Candidates for an operand, int8 or int16."""


class ErrorTable:
    """Sums, for every candidate scale, the squared error of rounding and clipping all values seen.

    Clipping weighs by what it cuts off, rounding by the width of a step: the smallest sum is the best trade of the two.
    """

    def __init__(self, fracs: range, limit: int) -> None:
        self._fracs, self._limit = fracs, limit
        self._errors = np.zeros(len(fracs))

    def see(self, values: npt.NDArray[Any]) -> None:
        """Counts these values in."""
        wide = values.astype(np.float64)
        for i, frac in enumerate(self._fracs):
            self._errors[i] += np.square(fake_quantize(wide, frac, self._limit) - wide).sum()

    def best(self) -> int:
        """The candidate of the smallest error; the widest range among equals, +-1 where nothing but zeros was seen."""
        if not self._errors.any():
            return self._limit.bit_length()
        return self._fracs[int(np.argmin(self._errors))]


def fake_quantize(values: npt.NDArray[Any], frac: int, limit: int) -> npt.NDArray[Any]:
    """`values` as the integers of +-`limit` at `frac` fractional bits stand for them."""
    scale = 2.0**frac
    return np.clip(np.rint(values * scale), -limit, limit) / scale


class Calibrator(FloatAlgebra):
    """Float arithmetic that watches what every `linear` gives and every `operand` takes."""

    def __init__(self, matrices: Mapping[str, Affine], operand_limit: int) -> None:
        super().__init__(matrices)
        self._operand_limit = operand_limit
        self.linears: dict[str, ErrorTable] = {}
        self.operands: dict[str, ErrorTable] = {}

    def linear(self, kernel: str, v: Float) -> Float:
        out = super().linear(kernel, v)
        self.linears.setdefault(f"{self.scope}/{kernel}", ErrorTable(INT16_FRACS, 32767)).see(out)
        return out

    def operand(self, v: Float, name: str) -> Float:
        self.operands.setdefault(f"{self.scope}/{name}", ErrorTable(OPERAND_FRACS, self._operand_limit)).see(v)
        return v


def calibrate(
    model: FloatModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32], operand_limit: int
) -> Calibrator:
    """Runs raw windows x [n, T, F] of these lengths through the model, watching the steps within each window."""
    calibrator = Calibrator(model.matrices(), operand_limit)
    normalized = model.interface.normalize(x)
    states = model.zero_states(len(x))
    for t in range(x.shape[1]):
        inside = lengths > t
        normalized, lengths = normalized[inside], lengths[inside]
        states = {name: state[inside] for name, state in states.items()}
        calibrator.scope = "input"
        operand = calibrator.operand(normalized[:, t], "x")
        _, states = model.step(calibrator, operand, states)
    return calibrator
