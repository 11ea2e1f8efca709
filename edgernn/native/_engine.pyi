# SPDX-License-Identifier: Apache-2.0
"""The C extension `module.c`. Where an argument has another form than it says, it raises ValueError."""

from typing import Any, final

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float32]
_Operands = npt.NDArray[Any]
"""int8 or int16, as the program's x, in one piece, within the range of operands."""

def kernels() -> str:
    """The family of kernels that a Model is loaded for: the processor's best, or what EDGERNN_KERNELS says.

    Raises EdgernnError when this machine has none of that name.
    """

def families() -> list[str]:
    """The families that this machine can run, the best one first."""

@final
class Model:
    """A loaded program. Streams share it; threads may run it at the same time."""

    def __new__(
        cls, program: bytes, mean: _Floats, factor: _Floats, scale: float, target_std: _Floats, target_mean: _Floats
    ) -> Model:
        """program: `serialize`d; ValueError says which rule other bytes break. Raises what `kernels` raises.

        A sample x becomes the operand (x - mean) * factor, an output y becomes y * scale * target_std + target_mean.
        """

    def compute(self, inputs: tuple[npt.NDArray[Any], ...], wanted: tuple[int, ...]) -> tuple[npt.NDArray[Any], ...]:
        """One step from x and the states to the tensors of these numbers, each [size]."""

    def run(self, operands: _Operands) -> npt.NDArray[Any]:
        """Windows [n, T, F], each from a state of zero, to every step's y [n, T, K]. Other threads run meanwhile."""

@final
class Stream:
    """A state of its own, zero at first; or `count` of them that are stepped together.

    Every method raises EdgernnError while `run` is at work in another thread.
    """

    def __new__(cls, model: Model, count: int = 1) -> Stream: ...
    def reset(self, number: int = -1) -> None:
        """The state of stream `number` is zero again, or all are."""

    def step(self, x: object) -> npt.NDArray[Any] | None:
        """One step of the first stream: from a sample [F] of real numbers to float32 [K].

        None, and nothing has changed, for anything but finite floats or integers in a list, tuple or array.
        """

    def step_operands(self, operands: object) -> npt.NDArray[Any] | None:
        """One step of the first stream: from operands [F] to the program's y [K].

        None, and nothing has changed, for anything but an array of the type of the program's x, within its range.
        """

    def run(self, operands: _Operands) -> npt.NDArray[Any]:
        """Steps through [T, F], or [count, T, F], to every step's y [T, K] or [count, T, K]. Other threads run
        meanwhile.
        """

    def states(self) -> tuple[npt.NDArray[Any], ...]:
        """The states of the first stream, in the order of the program."""
