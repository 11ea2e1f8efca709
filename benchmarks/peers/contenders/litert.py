# SPDX-License-Identifier: Apache-2.0
"""LiteRT, with its default kernels (XNNPACK), on edgernn's .tflite files, which are one step, and on Keras' windows."""

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from benchmarks.peers.case import EXACT, FLOAT, STEP, WINDOW, Case, Contender, Missing
from benchmarks.peers.keras_files import UNROLLED, WHILE

INTEGER, FLOATS = "model.tflite", "model_float.tflite"


def version() -> str:
    return metadata.version("ai-edge-litert")


def contenders(case: Case) -> Iterator[Contender | Missing]:
    for file, arithmetic, x in ((INTEGER, EXACT, case.operands), (FLOATS, FLOAT, case.x)):
        interpreter = Interpreter(str(case.folder / file), num_threads=1)
        yield Contender(file, STEP, arithmetic, _Stream(interpreter), [sample[None] for sample in x])
        yield Missing(file, WINDOW, "the file is one step")
    for name, file in (("converted Keras layer", WHILE), ("converted Keras layer, unrolled", UNROLLED)):
        interpreter = Interpreter(str(case.folder / file), num_threads=1)
        yield Missing(name, STEP, "the file is a window, and keeps no state")
        yield Contender(name, WINDOW, FLOAT, _Window(interpreter), [case.x[None]])


class _Stream:
    """Inputs are x and the states, outputs y and the new states, in this order."""

    def __init__(self, interpreter: Any) -> None:
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self._interpreter = interpreter
        self._x, *self._inputs = (detail["index"] for detail in inputs)
        self._y, *self._outputs = (detail["index"] for detail in outputs)
        self._states: Sequence[npt.NDArray[Any]] = [np.zeros(detail["shape"], detail["dtype"]) for detail in inputs[1:]]

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        interpreter = self._interpreter
        interpreter.set_tensor(self._x, x)
        for index, state in zip(self._inputs, self._states, strict=True):
            interpreter.set_tensor(index, state)
        interpreter.invoke()
        self._states = [interpreter.get_tensor(index) for index in self._outputs]
        # The output of the layer is its state h: the file has one tensor for both.
        return self._states[0] if self._y == self._outputs[0] else interpreter.get_tensor(self._y)


class _Window:
    def __init__(self, interpreter: Any) -> None:
        interpreter.allocate_tensors()
        (x,), (y,) = interpreter.get_input_details(), interpreter.get_output_details()
        self._interpreter, self._x, self._y = interpreter, x["index"], y["index"]

    def __call__(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._interpreter.set_tensor(self._x, x)
        self._interpreter.invoke()
        result: npt.NDArray[np.float32] = self._interpreter.get_tensor(self._y)
        return result
