# SPDX-License-Identifier: Apache-2.0
"""What steps a session: the engine in C where it is installed, the interpreter otherwise. Both give the same."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy.typing as npt

from edgernn.engine import native
from edgernn.engine.native import NativeEngine
from edgernn.engine.numpy import NumpyEngine
from edgernn.errors import ConfigError, SlowEngineWarning
from edgernn.model import IntegerModel


class Engine(Protocol):
    """One stream through a model, or n of them. Operands are of the program's dtype, within the range of operands."""

    @property
    def name(self) -> str:
        """As given to `choose`."""

    def reset(self, stream: int | None = None) -> None:
        """The state is zero again: of that stream, or of all."""

    def quick(self, x: object) -> npt.NDArray[Any] | None:
        """A step of one stream where no more than a glance at x is needed: `Session.step`. None for anything unusual
        or wrong."""

    def quick_operands(self, operands: object) -> npt.NDArray[Any] | None:
        """The same for `Session.step_operands`."""

    def run(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Steps through [T, F], or [n, T, F] of n streams, from the present state; every step's output of the program,
        [T, K] or [n, T, K]."""

    def run_windows(self, operands: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Steps through each window of [n, T, F] from a state of zero; [n, T, K]. The present state stays as it is."""


@cache
def warn_where_slow(stacklevel: int) -> None:
    """Warns, once a process, where sessions step in NumPy for want of the engine in C."""
    if not native.installed():
        warnings.warn(
            "the engine in C is not installed, so sessions step in NumPy: the results are the same, but a step takes "
            f"hundreds of times as long; {native.REMEDY}",
            SlowEngineWarning,
            stacklevel,
        )


def describe() -> str:
    """What steps a session that names no engine: "native (avx512)", or "numpy" and what to do about it.

    Raises EdgernnError when EDGERNN_KERNELS names kernels that are not there.
    """
    if native.installed():
        return f"{NativeEngine.name} ({native.kernels()})"
    return f"{NumpyEngine.name} ({native.REMEDY})"


def choose(model: IntegerModel, name: str | None, streams: int | None = None) -> Engine:
    """A new stream by the engine of this name, or so many; None takes "native" where it is installed, else "numpy".

    Raises ConfigError for another name, and EdgernnError for "native" where it is not installed.
    """
    if name is None:
        name = NativeEngine.name if native.installed() else NumpyEngine.name
    engines: dict[str, Callable[[IntegerModel, int | None], Engine]] = {e.name: e for e in (NativeEngine, NumpyEngine)}
    if name not in engines:
        raise ConfigError(f"there is no engine {name!r}; there are {', '.join(engines)}")
    return engines[name](model, streams)
