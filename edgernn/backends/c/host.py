# SPDX-License-Identifier: Apache-2.0
"""The C sources of an artifact, compiled for this machine and called through ctypes."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import __version__
from edgernn.backends.c.names import prefix_of
from edgernn.backends.c.write import FOLDER, RUNTIME_FILES, sources
from edgernn.backends.runtime import Arrays, InProcess
from edgernn.errors import ArtifactError, EdgernnError, MissingToolError
from edgernn.model import IntegerModel
from edgernn.scratch import scratch

_AGAIN = "build the artifact again"
_FLAGS = ("-std=c99", "-O2", "-shared", "-fPIC")


class CStepper:
    """A compiled model; the states that go in and out are copied into and from its own."""

    batch = False

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


class CRuntime(InProcess):
    """The generated C with this machine's compiler."""

    name = "c"
    kernels = "compiled C"

    def version(self) -> str:
        command = _compiler()
        return f"{Path(command[0]).name}-{_output(*command, '-dumpfullversion', '-dumpversion').strip()}"

    def load(self, artifact: Path, model: IntegerModel) -> CStepper:
        """Compiles what edgernn writes for `model`, once it is what the artifact holds: no other code ever runs."""
        folder = artifact / FOLDER
        name = _name_in(folder)
        files = sources(model, name)
        if _texts(folder) != files:
            raise ArtifactError(f"{folder} is not what edgernn {__version__} writes for this model: {_AGAIN}")
        with scratch() as aside:
            for file, text in files.items():
                (aside / file).write_text(text, encoding="utf-8")
            return CStepper(_library(aside), name, model)


def _name_in(folder: Path) -> str:
    """What the model's own files begin with. Raises ArtifactError for none, or more than a name: it goes into C."""
    found = [path.stem for path in folder.glob("*.h") if path.name not in RUNTIME_FILES]
    if len(found) != 1 or prefix_of(found[0]) != found[0]:
        raise ArtifactError(f"{folder} does not hold the C of one model: {_AGAIN}")
    return found[0]


def _texts(folder: Path) -> dict[str, str]:
    try:
        return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{folder} can't be read ({error}): {_AGAIN}") from error


def _library(folder: Path) -> ctypes.CDLL:
    """The C in a folder, compiled and loaded."""
    library = folder / "model.so"
    command = [*_compiler(), *_FLAGS, "-o", str(library), *map(str, sorted(folder.glob("*.c")))]
    _output(*command)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise EdgernnError(f"{command[0]} does not compile for this machine: unset CC, or set it to another") from error


def _output(*command: str) -> str:
    """What a compiler prints. Raises EdgernnError when it can't be run, or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EdgernnError(f"{command[0]} can't be run ({error.strerror}): set CC to a C compiler") from error
    if done.returncode:
        lines = done.stderr.splitlines()
        reason = next((line for line in lines if "error" in line), f"exit status {done.returncode}")
        raise EdgernnError(f"{command[0]} does not compile for this machine ({reason}): set CC to another compiler")
    return done.stdout


def _compiler() -> list[str]:
    """The command of CC, or the first compiler that is there. Raises MissingToolError without one."""
    found = os.environ.get("CC", "").split() or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    if not found:
        raise MissingToolError("running a model's C", "a C compiler", "gcc")
    return found
