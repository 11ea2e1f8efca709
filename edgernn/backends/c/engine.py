# SPDX-License-Identifier: Apache-2.0
"""The C runtime on this machine: the engine that sessions use, as a runtime like any other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgernn import __version__
from edgernn.backends.runtime import Arrays, InProcess
from edgernn.engine import native
from edgernn.model import IntegerModel
from edgernn.native.serialize import numbered


class NativeStepper:
    """Steps a program in the extension module."""

    batch = False

    def __init__(self, model: IntegerModel) -> None:
        """Raises EdgernnError when the extension is not installed."""
        program = model.program
        numbers = {name: number for number, name in enumerate(numbered(program))}
        self._model = native.load(model)
        self._inputs = program.inputs
        self._outputs = {name: numbers[name] for name in program.outputs}
        self._all = numbers

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        return self._compute(inputs, self._outputs)

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        return self._compute(inputs, self._all)

    def _compute(self, inputs: Mapping[str, npt.NDArray[Any]], wanted: Mapping[str, int]) -> Arrays:
        values = self._model.compute(tuple(inputs[name] for name in self._inputs), tuple(wanted.values()))
        return dict(zip(wanted, values, strict=True))


class NativeRuntime(InProcess):
    """The runtime in C with the loader of programs, as `session` uses it. Its version is edgernn's."""

    name = "native"

    @property
    def kernels(self) -> str:
        """The family of the processor's kernels that the extension uses; "" where it is not installed."""
        return native.kernels() if native.installed() else ""

    def version(self) -> str:
        return __version__

    def load(self, artifact: Path, model: IntegerModel) -> NativeStepper:
        """Needs no file of its own. Raises EdgernnError when the extension is not installed."""
        return NativeStepper(model)
