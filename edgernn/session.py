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
        self._operand = model.program.tensors[model.program.x]
        self.reset()

    def reset(self) -> None:
        """Forgets the past: the state is zero again, as before the first step."""
        self._states = self._model.zero_states()

    def step(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """One time step.

        x: a sample [F] of raw sensor values; the result is float32 [K]: logits for classes, targets in their own unit
        otherwise. Or an array of the operands' dtype (int8, or int16 where the model has it), as
        `IntegerModel.quantize_input` gives it; the result is then the int16 [K] of the program.
        Raises DataError for another shape, for values that are no finite numbers, and for operands out of range.
        """
        sample = _array(x)
        features = self._model.interface.features
        if sample.shape != (len(features),):
            raise DataError(f"a step takes {len(features)} features, not an array of shape {list(sample.shape)}")
        if sample.dtype == self._operand.dtype:
            return self._advance(self._checked_operand(sample))
        if sample.dtype.kind not in "iuf":
            raise DataError(f"a step takes real numbers, not {sample.dtype}")
        with np.errstate(over="ignore"):
            sample = sample.astype(np.float32)
        if not np.isfinite(sample).all():
            at = int(np.argmin(np.isfinite(sample)))
            raise DataError(
                f"feature {at} ({features[at]}) of the sample is {sample[at]} in float32, which is not finite"
            )
        return self._model.dequantize_output(self._advance(self._model.quantize_input(sample)))

    def run(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Steps through x [T, F] from the present state; the outputs of all steps, [T, K]."""
        samples = _array(x)
        if samples.ndim != 2 or not len(samples):
            raise DataError(f"a run takes an array [steps, features], not one of shape {list(samples.shape)}")
        return np.stack([self.step(sample) for sample in samples])

    def _checked_operand(self, sample: npt.NDArray[Any]) -> npt.NDArray[Any]:
        limit = OPERAND_LIMIT[self._operand.dtype]
        if ((sample < -limit) | (sample > limit)).any():
            raise DataError(f"an operand must lie within +-{limit}; pass raw sensor values as floats")
        return sample

    def _advance(self, operand: npt.NDArray[Any]) -> npt.NDArray[Any]:
        program = self._model.program
        values = self._interpreter.step({program.x: operand, **self._states})
        self._states = program.next_states(values)
        # y may be a state, which the caller must not change.
        return values[program.y].copy()


def _array(x: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        return np.asarray(x)
    except ValueError as error:
        raise DataError("the rows of the samples differ in length") from error
