# SPDX-License-Identifier: Apache-2.0
"""Runtimes of TFLite models in environments of their own: each step goes to a worker and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgernn.backends.runtime import Arrays
from edgernn.backends.tflite.expose import with_all_outputs
from edgernn.backends.tflite.lower import input_names, output_names
from edgernn.backends.tflite.write import FILE
from edgernn.errors import ArtifactError
from edgernn.model import IntegerModel
from edgernn.spec.program import Program
from edgernn.workers.client import RefusedError, TensorInfo, Worker
from edgernn.workers.environments import KernelPath, kernel_paths


class WorkerStepper:
    """A .tflite file in a worker. Steps raise WorkerError when the worker dies."""

    batch = False

    def __init__(self, content: bytes, program: Program, path: KernelPath) -> None:
        """Raises RefusedError when the runtime refuses the file, ValueError when it is not the program's."""
        self._content, self._path = content, path
        self._inputs = tuple(input_names(program).values())
        self._outputs = tuple(output_names(program).values())
        self._worker = path.open()
        inputs, outputs = self._worker.load(content, path.kernels)
        _check(inputs, self._inputs, program)
        _check(outputs, self._outputs, program)
        self._exposed: tuple[Worker, tuple[str, ...]] | None = None

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        return self._run(self._worker, self._outputs, inputs)

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The step in a second worker, whose model has every result as an output; helper tensors are included."""
        if self._exposed is None:
            worker = self._path.open()
            _, outputs = worker.load(with_all_outputs(self._content), self._path.kernels)
            self._exposed = worker, tuple(info.name for info in outputs)
        return self._run(*self._exposed, inputs)

    def _run(self, worker: Worker, names: Sequence[str], inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        results = worker.run([inputs[name][None] for name in self._inputs])
        return {name: result[0] for name, result in zip(names, results, strict=True)}


class WorkerRuntime:
    """A kernel path as a runtime."""

    def __init__(self, path: KernelPath) -> None:
        self.name, self.kernels, self.architecture = path.name, path.kernels, path.variant.architecture
        self.environment, self.emulated = path.environment.name, path.environment.emulated
        self._path = path

    def version(self) -> str:
        return self._path.version()

    def load(self, artifact: Path, model: IntegerModel) -> WorkerStepper:
        file = artifact / FILE
        try:
            return WorkerStepper(file.read_bytes(), model.program, self._path)
        except OSError as error:
            raise ArtifactError(f"{file} can't be read ({error.strerror}): build the artifact again") from error
        except (RefusedError, ValueError) as error:
            raise ArtifactError(f"{file} does not fit the model ({error}): build the artifact again") from error


RUNTIMES = tuple(WorkerRuntime(path) for path in kernel_paths().values() if path.environment.name)


def _check(found: Sequence[TensorInfo], names: Sequence[str], program: Program) -> None:
    """Raises ValueError when these are not the program's tensors of these names."""
    expected = [program.tensors[name] for name in names]
    wanted = [TensorInfo(t.name, (1, t.size), t.dtype, (2.0**-t.frac,), (0,)) for t in expected]
    if len(found) != len(wanted):
        raise ValueError(f"it has {len(found)} inputs or outputs where the model has {len(wanted)}")
    for info, right in zip(found, wanted, strict=True):
        if info != right:
            raise ValueError(f"it has {_words(info)} where the model has {_words(right)}")


def _words(info: TensorInfo) -> str:
    points = f"{list(info.scales)} and zero points {list(info.zero_points)}"
    return f"{info.name} {info.dtype} {list(info.shape)} of scales {points}"
