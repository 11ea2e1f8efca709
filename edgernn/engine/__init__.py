# SPDX-License-Identifier: Apache-2.0
"""What steps a session: the engine in C where it is installed, the interpreter otherwise. Both give the same."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy.typing as npt

from edgernn.engine import native
from edgernn.engine.native import NativeEngine
from edgernn.engine.numpy import NumpyEngine
from edgernn.errors import ConfigError
from edgernn.model import IntegerModel


class Engine(Protocol):
    """One stream through a model. Operands are of the program's dtype, within the range of operands."""

    @property
    def name(self) -> str:
        """As given to `choose`."""

    def reset(self) -> None:
        """The state is zero again."""

    def quick(self, x: object) -> npt.NDArray[Any] | None:
        """A step where no more than a glance at x is needed: `Session.step`. None for anything unusual or wrong."""

    def run(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Steps through [T, F] from the present state; every step's output [T, K] of the program."""

    def run_windows(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Steps through each window of [n, T, F] from a state of zero; [n, T, K]. The present state stays as it is."""


def choose(model: IntegerModel, name: str | None) -> Engine:
    """A new stream by the engine of this name; None takes "native" where it is installed, "numpy" otherwise.

    Raises ConfigError for another name, and EdgernnError for "native" where it is not installed.
    """
    if name is None:
        name = NativeEngine.name if native.installed() else NumpyEngine.name
    engines: dict[str, Callable[[IntegerModel], Engine]] = {e.name: e for e in (NativeEngine, NumpyEngine)}
    if name not in engines:
        raise ConfigError(f"there is no engine {name!r}; there are {', '.join(engines)}")
    return engines[name](model)
