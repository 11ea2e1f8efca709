# SPDX-License-Identifier: Apache-2.0
"""onnxruntime, and the reference implementation of ONNX in NumPy, as runtimes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy.typing as npt

from edgernn.backends.onnx.graph import package
from edgernn.backends.onnx.lower import input_names, output_names, value_of
from edgernn.backends.onnx.read import read, with_outputs
from edgernn.backends.onnx.write import FILE
from edgernn.backends.runtime import Arrays, InProcess
from edgernn.errors import ArtifactError, EdgernnError, MissingExtraError
from edgernn.model import IntegerModel
from edgernn.spec.program import Program

_ONLY_FATAL = 4
"""The severity from which on onnxruntime writes to stderr: what it raises is enough."""


class _Executable(Protocol):
    """A model that is ready to run: onnxruntime's `InferenceSession`, or onnx' `ReferenceEvaluator`."""

    def run(self, names: list[str], feeds: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs of these names."""


class OnnxStepper:
    """A .onnx file in one of the runtimes. It steps any batch; `batch` says whether it is to be asked for one."""

    def __init__(self, path: Path, program: Program, prepare: Callable[[bytes], _Executable], *, batch: bool) -> None:
        """Raises ArtifactError when the file can't be read, or is not a model of this program."""
        self._path, self._program, self._prepare, self.batch = path, program, prepare, batch
        self._inputs, self._outputs = input_names(program), output_names(program)
        with self._refusing():
            content = path.read_bytes()
            self._model = read(content, program)
            self._plain = prepare(content)
        self._exposed: _Executable | None = None

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        return dict(zip(self._outputs.values(), self._run(self._plain, self._outputs, inputs), strict=True))

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The step in a second session that has every tensor as an output: int32, as the graph holds them."""
        values = {value_of(name): name for name in self._program.tensors}
        computed = [output for node in self._model.graph.node for output in node.output if output in values]
        if self._exposed is None:
            with self._refusing():
                self._exposed = self._prepare(with_outputs(self._model, computed))
        results = self._run(self._exposed, computed, inputs)
        return dict(zip((values[value] for value in computed), results, strict=True))

    def _run(self, executable: _Executable, names: Iterable[str], inputs: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
        single = inputs[self._program.x].ndim == 1
        feeds = {key: inputs[name][None] if single else inputs[name] for key, name in self._inputs.items()}
        with self._refusing():
            results = executable.run(list(names), feeds)
        return [result[0] for result in results] if single else results

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Whatever the libraries raise, and they raise anything, is one sentence about the file."""
        try:
            yield
        except EdgernnError:
            raise
        except OSError as error:
            raise ArtifactError(f"{self._path} can't be read ({error.strerror}): build the artifact again") from error
        except Exception as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ArtifactError(f"{self._path} does not fit the model ({reason}): build the artifact again") from error


class OnnxRuntime(InProcess):
    """A library that runs model.onnx; `load_library` raises MissingExtraError when it is not installed.

    batch: whether validation steps all windows at once, or one after the other, as a stream is.
    """

    def __init__(
        self,
        name: str,
        kernels: str,
        load_library: Callable[[], ModuleType],
        prepare: Callable[[bytes], _Executable],
        *,
        batch: bool,
    ) -> None:
        self.name, self.kernels, self._batch = name, kernels, batch
        self._load_library, self._prepare = load_library, prepare

    def version(self) -> str:
        return str(self._load_library().__version__)

    def load(self, artifact: Path, model: IntegerModel) -> OnnxStepper:
        return OnnxStepper(artifact / FILE, model.program, self._prepare, batch=self._batch)


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running an ONNX model", "onnxruntime", "onnx") from error
    module: ModuleType = onnxruntime
    return module


def _session(content: bytes) -> _Executable:
    """onnxruntime's kernels for this processor, in one thread, without a word on stderr."""
    library = _onnxruntime()
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_FATAL
    session: _Executable = library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session


def _evaluator(content: bytes) -> _Executable:
    """The executable definition of ONNX."""
    package()
    from onnx.reference import ReferenceEvaluator

    evaluator: _Executable = ReferenceEvaluator(content)
    return evaluator


RUNTIMES = (
    OnnxRuntime("onnxruntime", "cpu", _onnxruntime, _session, batch=False),
    OnnxRuntime("onnx-reference", "numpy", package, _evaluator, batch=True),
)
