# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite for Microcontrollers: its interpreter for the host, with its portable kernels, on edgernn's files."""

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
from tflite_micro import runtime

from benchmarks.peers.case import EXACT, FLOAT, STEP, WINDOW, Case, Contender, Missing

_ARENA = 1 << 24


def version() -> str:
    return metadata.version("tflite-micro")


def contenders(case: Case) -> Iterator[Contender | Missing]:
    states = {"gru": 1, "lstm": 2}[case.cell]
    for file, arithmetic, x in (("model.tflite", EXACT, case.operands), ("model_float.tflite", FLOAT, case.x)):
        interpreter = runtime.Interpreter.from_file(str(case.folder / file), arena_size=_ARENA)
        yield Contender(file, STEP, arithmetic, _Stream(interpreter, states), [sample[None] for sample in x])
        yield Missing(file, WINDOW, "the file is one step")


class _Stream:
    """Inputs are x and the states, outputs y and the new states, in this order; y is the first state h."""

    def __init__(self, interpreter: Any, states: int) -> None:
        self._interpreter = interpreter
        details = [interpreter.get_input_details(1 + number) for number in range(states)]
        self._states: Sequence[npt.NDArray[Any]] = [np.zeros(detail["shape"], detail["dtype"]) for detail in details]

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        interpreter = self._interpreter
        interpreter.set_input(x, 0)
        for number, state in enumerate(self._states, 1):
            interpreter.set_input(state, number)
        interpreter.invoke()
        self._states = [interpreter.get_output(1 + number) for number in range(len(self._states))]
        return self._states[0]
