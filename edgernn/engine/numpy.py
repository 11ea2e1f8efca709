# SPDX-License-Identifier: Apache-2.0
"""The reference as an engine: pure Python and NumPy, on every machine."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter

_Array = npt.NDArray[Any]


class NumpyEngine:
    """Steps with the interpreter of the specification."""

    name = "numpy"

    def __init__(self, model: IntegerModel, streams: int | None = None) -> None:
        self._model = model
        self._interpreter = Interpreter(model.program)
        self._shape = () if streams is None else (streams,)
        self._states = model.zero_states(self._shape)

    def reset(self, stream: int | None = None) -> None:
        zero = self._model.zero_states(self._shape)
        if stream is not None:
            others = np.arange(*self._shape) != stream
            zero = {name: np.where(others[:, None], self._states[name], state) for name, state in zero.items()}
        self._states = zero

    def quick(self, x: object) -> None:
        return None

    def quick_operands(self, operands: object) -> None:
        return None

    def run(self, operands: _Array) -> _Array:
        y, self._states = self._through(operands, self._states)
        return y

    def run_windows(self, operands: _Array) -> _Array:
        y, _ = self._through(operands, self._model.zero_states((len(operands),)))
        return y

    def _through(self, operands: _Array, states: dict[str, _Array]) -> tuple[_Array, dict[str, _Array]]:
        """Outputs [..., T, K] and the last states for operands [..., T, F] and the first ones."""
        program = self._model.program
        outputs = []
        for t in range(operands.shape[-2]):
            values = self._interpreter.step({program.x: operands[..., t, :], **states})
            states = program.next_states(values)
            outputs.append(values[program.y])
        return np.stack(outputs, axis=-2), states
