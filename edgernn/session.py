# SPDX-License-Identifier: Apache-2.0
"""Streaming inference: samples in, one after the other, with a state that lasts."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT


class Session:
    """One stream through a model. Sessions of the same model are independent of each other."""

    def __init__(self, model: IntegerModel) -> None:
        self._model = model
        self._interpreter = Interpreter(model.program)
        self.reset()

    def reset(self) -> None:
        """Forgets the past: the state is zero again, as before the first step."""
        self._states = self._model.zero_states()

    def step(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """One time step.

        x: a sample [F]. Floats are raw sensor values, and the result is float32 [K]: logits for classes, targets in
        their own unit otherwise. Integers are operands as `IntegerModel.quantize_input` gives them, and the result is
        the int16 [K] of the program. Raises DataError for another shape, for values that are not finite, and for
        integers out of the operand's range.
        """
        sample = np.asarray(x)
        program = self._model.program
        expected = program.tensors[program.x].size
        if sample.shape != (expected,):
            raise DataError(f"a step takes {expected} features, not an array of shape {sample.shape}")
        if np.issubdtype(sample.dtype, np.integer):
            return self._advance(self._checked_operand(sample))
        if not np.issubdtype(sample.dtype, np.floating):
            raise DataError(f"a step takes numbers, not {sample.dtype}")
        if not np.isfinite(sample).all():
            raise DataError(f"feature {int(np.argmin(np.isfinite(sample)))} of the sample is not finite")
        return self._model.dequantize_output(self._advance(self._model.quantize_input(sample)))

    def run(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Steps through x [T, F] from the present state; the outputs of all steps, [T, K]."""
        samples = np.asarray(x)
        if samples.ndim != 2 or not len(samples):
            raise DataError(f"a run takes an array [steps, features], not one of shape {samples.shape}")
        return np.stack([self.step(sample) for sample in samples])

    def _checked_operand(self, sample: npt.NDArray[Any]) -> npt.NDArray[Any]:
        dtype = self._model.program.tensors[self._model.program.x].dtype
        limit = OPERAND_LIMIT[dtype]
        if (np.abs(sample.astype(np.int64)) > limit).any():
            raise DataError(f"an integer sample must lie within +-{limit}; pass raw sensor values as floats")
        return sample.astype(dtype)

    def _advance(self, operand: npt.NDArray[Any]) -> npt.NDArray[Any]:
        program = self._model.program
        values = self._interpreter.step({program.x: operand, **self._states})
        self._states = {state.read: values[state.write] for state in program.states}
        return values[program.y]
