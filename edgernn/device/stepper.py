# SPDX-License-Identifier: Apache-2.0
"""A device as what validation steps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.backends.runtime import Arrays
from edgernn.device.link import Device
from edgernn.spec.ops import Array
from edgernn.spec.program import Program


class DeviceStepper:
    """Steps the model that a device holds. States go over the line only when they are not those that it has."""

    batch = False

    def __init__(self, device: Device, program: Program) -> None:
        self._device, self._program = device, program
        self._sizes = [program.tensors[state.read].size for state in program.states]
        self._held: bytes | None = None

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        program = self._program
        before = b"".join(inputs[state.read].astype("<i2").tobytes() for state in program.states)
        y, after = self._device.insist(lambda patience: self._step_from(before, inputs[program.x], patience))
        values = dict(zip((state.write for state in program.states), self._split(after), strict=True))
        values[program.y] = y
        self._held = after[: len(before)]
        return {name: value.astype(program.tensors[name].dtype) for name, value in values.items()}

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """What `step` gives: a device shows nothing in between."""
        return self.step(inputs)

    def _step_from(self, states: bytes, x: Array, patience: float) -> tuple[npt.NDArray[np.int16], bytes]:
        held, self._held = self._held, None
        if states != held:
            self._set(states)
        return self._device.step(x, patience)

    def _set(self, states: bytes) -> None:
        if any(states):
            self._device.write_state(states)
        else:
            self._device.reset()

    def _split(self, content: bytes) -> list[npt.NDArray[np.int16]]:
        values = np.frombuffer(content[: 2 * sum(self._sizes)], "<i2").astype(np.int16)
        return np.split(values, np.cumsum(self._sizes, dtype=np.int64))[:-1]
