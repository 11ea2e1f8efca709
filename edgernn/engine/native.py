# SPDX-License-Identifier: Apache-2.0
"""The engine in C: an extension module, which is not there where edgernn was installed without a C compiler."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from edgernn.errors import EdgernnError
from edgernn.model import IntegerModel
from edgernn.native.serialize import serialize

try:
    from edgernn.native import _engine
except ImportError:
    _engine = None  # type: ignore[assignment]

_loaded: "WeakKeyDictionary[IntegerModel, _engine.Model]" = WeakKeyDictionary()


def installed() -> bool:
    """Whether the extension module is there."""
    return _engine is not None


def load(model: IntegerModel) -> "_engine.Model":
    """The model in the extension, loaded once however many streams it has. Raises EdgernnError when there is none."""
    if not installed():
        raise EdgernnError(
            "the native engine is not installed: install a C compiler and Python's headers (Debian's packages gcc and "
            "python3-dev), then install edgernn again"
        )
    if model not in _loaded:
        interface = model.interface
        _loaded[model] = _engine.Model(
            serialize(model.program),
            mean=interface.mean,
            factor=model.input_factor,
            scale=float(model.output_scale),
            target_std=interface.target_std,
            target_mean=interface.target_mean,
        )
    return _loaded[model]


class NativeEngine:
    """Steps with the C runtime."""

    name = "native"

    def __init__(self, model: IntegerModel) -> None:
        """Raises EdgernnError when the extension is not installed."""
        self._model = load(model)
        self._stream = _engine.Stream(self._model)
        self.quick = self._stream.step

    def reset(self) -> None:
        self._stream.reset()

    def run(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self._stream.run(np.require(operands, requirements=["C", "A"]))

    def run_windows(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self._model.run(np.require(operands, requirements=["C", "A"]))
