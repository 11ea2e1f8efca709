# SPDX-License-Identifier: Apache-2.0
"""The reference as a runtime like any other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.backends.runtime import Arrays, InProcess
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter


class NumpyStepper:
    """Steps the program with the interpreter of the specification."""

    batch = True

    def __init__(self, model: IntegerModel) -> None:
        self._interpreter = Interpreter(model.program)

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        values = self._interpreter.step(inputs)
        return {name: values[name] for name in self._interpreter.program.outputs}

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        return self._interpreter.step(inputs)


class NumpyRuntime(InProcess):
    """The NumPy interpreter, which is the specification."""

    name = "numpy"
    kernels = "reference"

    def version(self) -> str:
        return np.__version__

    def load(self, artifact: Path, model: IntegerModel) -> NumpyStepper:
        return NumpyStepper(model)


RUNTIMES = (NumpyRuntime(),)
