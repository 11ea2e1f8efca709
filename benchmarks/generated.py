# SPDX-License-Identifier: Apache-2.0
"""The C that edgernn writes for a model, compiled for this machine, with a loop in C around its step."""

import ctypes
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.compiled import library
from edgernn.backends.c.write import sources
from edgernn.model import IntegerModel

_LOOP = Path(__file__).with_name("loop.c")


class Generated:
    """A stream through the step, whose state goes on from call to call; one of each model in a process."""

    def __init__(self, model: IntegerModel, folder: Path) -> None:
        """Compiles in a new folder, which is not needed afterwards."""
        folder.mkdir()
        for name, text in sources(model, "model").items():
            (folder / name).write_text(text, encoding="utf-8")
        self._loop = library(folder / "model.so", [_LOOP, *sorted(folder.glob("*.c"))], folder).loop
        self._loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        self._outputs = model.program.tensors[model.program.y].size

    def __call__(self, operands: npt.NDArray[np.int8]) -> npt.NDArray[np.int16]:
        """The results [T, K] of these steps: operands [T, F] of the model's dtype."""
        y = np.empty((len(operands), self._outputs), np.int16)
        self._loop(operands.ctypes.data, len(operands), y.ctypes.data)
        return y
