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
    """x: operands [n, T, F]; lengths: int32 [n]; values: by the names of `program.outputs`, int16 [n, T, size].

    Steps behind a window's length hold zeros and count for nothing.
    """

    x: Array
    lengths: npt.NDArray[np.int32]
    values: Mapping[str, Array]

    @property
    def steps(self) -> int:
        """Number of steps in all windows."""
        return int(self.lengths.sum())

    def save(self, folder: Path) -> None:
        """Writes FILE."""
        arrays = {f"values/{name}": values for name, values in self.values.items()}
        np.savez_compressed(folder / FILE, allow_pickle=False, x=self.x, lengths=self.lengths, **arrays)


def compute(model: IntegerModel, x: Array, lengths: npt.NDArray[np.int32]) -> Golden:
    """The reference's values for operands x [n, T, F] of these lengths, the state starting at zero in every window."""
    program, interpreter = model.program, Interpreter(model.program)
    sizes = {name: program.tensors[name].size for name in program.outputs}
    golden = {name: np.zeros((*x.shape[:2], size), np.int16) for name, size in sizes.items()}
    states = model.zero_states((len(x),))
    for t in range(x.shape[1]):
        values = interpreter.step({program.x: x[:, t], **states})
        states = program.next_states(values)
        inside = lengths > t
        for name, array in golden.items():
            array[inside, t] = values[name][inside]
    return Golden(x, lengths, golden)


def load(folder: Path, program: Program) -> Golden:
    """Reads FILE from an artifact. Raises ArtifactError when it does not fit the program."""
    path = folder / FILE
    try:
        arrays: dict[str, Any] = read_npz(path, limit=_LIMIT)
        x, lengths = arrays.pop("x"), arrays.pop("lengths")
        values = {name.removeprefix("values/"): array for name, array in arrays.items()}
        sizes = {name: program.tensors[name].size for name in program.outputs}
        fits = x.shape[2:] == (program.tensors[program.x].size,) and x.dtype == program.tensors[program.x].dtype
        fits = fits and {n: a.shape for n, a in values.items()} == {n: (*x.shape[:2], s) for n, s in sizes.items()}
        fits = fits and all(array.dtype == np.int16 for array in values.values())
        fits = fits and lengths.dtype == np.int32 and lengths.shape == (len(x),)
        limit = OPERAND_LIMIT[program.tensors[program.x].dtype]
        if not fits or not x.size or x.min() < -limit or x.max() > limit:
            raise ValueError("its arrays do not fit the program")
        if lengths.min() < 1 or lengths.max() > x.shape[1]:
            raise ValueError("the length of a window is not within its array")
        return Golden(x, lengths, values)
    except KeyError as error:
        raise ArtifactError(f"{path} can't be used (it lacks {error}): build the artifact again") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} can't be used ({error}): build the artifact again") from error
