# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: integer windows with every output and every state that the specification gives for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ArtifactError
from edgernn.model import IntegerModel
from edgernn.npz import read_npz
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array
from edgernn.spec.program import Program

FILE = "golden.npz"
_LIMIT = 2**30


@dataclass(frozen=True)
class Golden:
    """x: operands [n, T, F]; lengths: int32 [n]; y: every step's output, int16 [n, T, K];
    states: what each state is after every step, int16 [n, T, size], by the names that they are read by.

    Steps behind a window's length hold zeros and count for nothing.
    """

    x: Array
    lengths: npt.NDArray[np.int32]
    y: Array
    states: Mapping[str, Array]

    @property
    def steps(self) -> int:
        """Number of steps in all windows."""
        return int(self.lengths.sum())

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool [n, T]: whether a step belongs to its window."""
        inside: npt.NDArray[np.bool_] = np.arange(self.x.shape[1]) < self.lengths[:, None]
        return inside

    def take(self, windows: slice) -> "Golden":
        """Some of the windows, cut to the steps of the longest one."""
        steps = int(self.lengths[windows].max(initial=0))
        states = {name: values[windows, :steps] for name, values in self.states.items()}
        return Golden(self.x[windows, :steps], self.lengths[windows], self.y[windows, :steps], states)

    def first(self, steps: int) -> "Golden":
        """The first steps of every window, at most `steps` of each."""
        states = {name: values[:, :steps] for name, values in self.states.items()}
        return Golden(self.x[:, :steps], np.minimum(self.lengths, np.int32(steps)), self.y[:, :steps], states)

    def save(self, folder: Path) -> None:
        """Writes FILE: arrays `x`, `lengths`, `y` and `states/<name>`."""
        states = {_key(name): values for name, values in self.states.items()}
        np.savez_compressed(folder / FILE, allow_pickle=False, x=self.x, lengths=self.lengths, y=self.y, **states)


def compute(model: IntegerModel, x: Array, lengths: npt.NDArray[np.int32]) -> Golden:
    """The reference's values for operands x [n, T, F] of these lengths, the state starting at zero in every window."""
    program, interpreter = model.program, Interpreter(model.program)
    y = np.zeros((*x.shape[:2], program.tensors[program.y].size), np.int16)
    after = {name: np.zeros((*x.shape[:2], zero.size), np.int16) for name, zero in model.zero_states().items()}
    states = model.zero_states((len(x),))
    for t in range(x.shape[1]):
        values = interpreter.step({program.x: x[:, t], **states})
        states = program.next_states(values)
        inside = lengths > t
        y[inside, t] = values[program.y][inside]
        for name, array in after.items():
            array[inside, t] = states[name][inside]
    return Golden(x, lengths, y, after)


def load(folder: Path, program: Program) -> Golden:
    """Reads FILE from an artifact. Raises ArtifactError when it does not fit the program."""
    path = folder / FILE
    try:
        arrays: dict[str, Any] = read_npz(path, limit=_LIMIT)
        x, lengths = arrays.pop("x"), arrays.pop("lengths")
        _check_windows(program, x, lengths)
        sizes = {"y": program.tensors[program.y].size}
        sizes |= {_key(state.read): program.tensors[state.read].size for state in program.states}
        fits = {name: array.shape for name, array in arrays.items()} == {n: (*x.shape[:2], s) for n, s in sizes.items()}
        if not fits or any(array.dtype != np.int16 for array in arrays.values()):
            raise ValueError("its arrays do not fit the program")
        return Golden(x, lengths, arrays["y"], {state.read: arrays[_key(state.read)] for state in program.states})
    except KeyError as error:
        raise ArtifactError(f"{path} can't be used (it lacks {error}): build the artifact again") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} can't be used ({error}): build the artifact again") from error


def _check_windows(program: Program, x: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> None:
    """Raises ValueError for anything but operands of the program and the lengths of their windows."""
    tensor = program.tensors[program.x]
    limit = OPERAND_LIMIT[tensor.dtype]
    fits = x.shape[2:] == (tensor.size,) and x.dtype == tensor.dtype
    fits = fits and lengths.dtype == np.int32 and lengths.shape == (len(x),)
    if not fits or not x.size or x.min() < -limit or x.max() > limit:
        raise ValueError("its arrays do not fit the program")
    if lengths.min() < 1 or lengths.max() > x.shape[1]:
        raise ValueError("the length of a window is not within its array")


def _key(state: str) -> str:
    """The array of a state."""
    return f"states/{state}"
