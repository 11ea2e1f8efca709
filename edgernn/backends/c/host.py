# SPDX-License-Identifier: Apache-2.0
"""The C sources of an artifact, compiled for this machine and called through ctypes."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.artifact import digest
from edgernn.backends.c.write import FOLDER, HASH_DIGITS
from edgernn.backends.runtime import Arrays
from edgernn.errors import ArtifactError, MissingToolError
from edgernn.model import IntegerModel

_FLAGS = ("-std=c99", "-O2", "-shared", "-fPIC")


class CStepper:
    """A compiled model; the states that go in and out are copied into and from its own."""

    def __init__(self, library: ctypes.CDLL, name: str, model: IntegerModel) -> None:
        program = model.program
        self._program = program
        self._x = np.zeros(program.tensors[program.x].size, program.tensors[program.x].dtype)
        self._y = np.zeros(program.tensors[program.y].size, np.int16)
        sizes = [program.tensors[state.read].size for state in program.states]
        self._state = np.zeros(max(1, sum(sizes)), np.int16)
        ends = np.cumsum(sizes)
        self._parts = [self._state[end - size : end] for end, size in zip(ends, sizes, strict=True)]
        self._step = library[f"{name}_step"]
        self._arguments = [ctypes.c_void_p(array.ctypes.data) for array in (self._state, self._x, self._y)]

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        program = self._program
        self._x[:] = inputs[program.x]
        for state, part in zip(program.states, self._parts, strict=True):
            part[:] = inputs[state.read]
        self._step(*self._arguments)
        values = {state.write: part for state, part in zip(program.states, self._parts, strict=True)}
        values[program.y] = self._y
        return {name: value.astype(program.tensors[name].dtype) for name, value in values.items()}

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """What `step` gives: fused ops leave nothing to look at in between."""
        return self.step(inputs)


class CRuntime:
    """The generated C with this machine's compiler."""

    name = "c"

    def version(self) -> str:
        command = [*_compiler(), "-dumpfullversion", "-dumpversion"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return f"{Path(command[0]).name}-{found.stdout.strip()}"

    def load(self, artifact: Path, model: IntegerModel) -> CStepper:
        folder = artifact / FOLDER
        name = _model_of(folder)
        header = (folder / f"{name}.h").read_text(encoding="utf-8")
        if f'"{digest(model)[:HASH_DIGITS]}"' not in header:
            raise ArtifactError(f"{folder} holds the C of another model: build the artifact again")
        with tempfile.TemporaryDirectory(prefix="edgernn-") as scratch:
            library = Path(scratch) / "model.so"
            _compile(sorted(folder.glob("*.c")), library)
            return CStepper(ctypes.CDLL(str(library)), name, model)


def _model_of(folder: Path) -> str:
    """What the model's own files begin with. Raises ArtifactError when there are none."""
    found = [path.stem for path in folder.glob("*.h") if path.stem != "edgernn"]
    if len(found) != 1:
        raise ArtifactError(f"{folder} does not hold the C of one model: build the artifact again")
    return found[0]


def _compile(files: list[Path], library: Path) -> None:
    command = [*_compiler(), *_FLAGS, "-o", str(library), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"{command[0]} ended with {done.returncode}"]
        raise ArtifactError(f"{files[0].parent} does not compile ({reason[0]}): build the artifact again")


def _compiler() -> list[str]:
    """The command of CC, or the first compiler that is there."""
    chosen = os.environ.get("CC", "").split()
    if chosen:
        return chosen
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    raise MissingToolError("running a model's C", "a C compiler", "gcc")
