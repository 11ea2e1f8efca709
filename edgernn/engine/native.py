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

REMEDY = "install a C compiler and Python's headers (Debian's packages gcc and python3-dev), then install edgernn again"
"""Where the extension is not installed."""

_loaded: "WeakKeyDictionary[IntegerModel, _engine.Model]" = WeakKeyDictionary()


def installed() -> bool:
    """Whether the extension module is there."""
    return _engine is not None


def kernels() -> str:
    """The family of kernels that models are loaded for: the best one that the processor can run, or the one that the
    environment variable EDGERNN_KERNELS names.

    Raises EdgernnError when that is not there, or the extension not installed.
    """
    _check_installed()
    return _engine.kernels()


def load(model: IntegerModel) -> "_engine.Model":
    """The model in the extension, loaded once however many streams it has. Raises what `kernels` raises."""
    _check_installed()
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


def _check_installed() -> None:
    if not installed():
        raise EdgernnError(f"the native engine is not installed: {REMEDY}")


class NativeEngine:
    """Steps with the C runtime."""

    name = "native"

    def __init__(self, model: IntegerModel, streams: int | None = None) -> None:
        """Raises what `load` raises."""
        self._model = load(model)
        self._stream = _engine.Stream(self._model, streams or 1)
        self.quick = self._stream.step
        self.quick_operands = self._stream.step_operands

    def reset(self, stream: int | None = None) -> None:
        if stream is None:
            self._stream.reset()
        else:
            self._stream.reset(stream)

    def run(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self._stream.run(np.require(operands, requirements=["C", "A"]))

    def run_windows(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self._model.run(np.require(operands, requirements=["C", "A"]))
