# SPDX-License-Identifier: Apache-2.0
"""LiteRT's three sets of kernels as runtimes."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.backends.runtime import Arrays, InProcess
from edgernn.backends.tflite.expose import with_all_outputs
from edgernn.backends.tflite.graph import SIGNATURE
from edgernn.backends.tflite.lower import input_names, output_names
from edgernn.backends.tflite.write import FILE
from edgernn.errors import ArtifactError, MissingExtraError
from edgernn.model import IntegerModel
from edgernn.spec.program import Program, Tensor
from edgernn.stderr import held_back

_PACKAGE = "ai-edge-litert"
_REMARK = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
"""What LiteRT says whenever it makes an interpreter. It has a C++ function against that, but hides it."""


class LiteRtStepper:
    """A .tflite file in LiteRT's interpreter, one thread."""

    batch = False

    def __init__(self, content: bytes, program: Program, resolver: str) -> None:
        """Raises ValueError or RuntimeError when LiteRT refuses the file or its signature is not the program's."""
        self._content, self._resolver = content, resolver
        self._interpreter = _interpreter(content, resolver)
        signature = self._interpreter.get_signature_runner(SIGNATURE)
        self._inputs = _match(signature.get_input_details(), input_names(program), program)
        self._outputs = _match(signature.get_output_details(), output_names(program), program)
        self._exposed: Any = None

    def step(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        for name, index in self._inputs:
            self._interpreter.set_tensor(index, inputs[name][None])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs}

    def trace(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """The step in a second interpreter that has every result as an output; helper tensors are included."""
        if self._exposed is None:
            self._exposed = _interpreter(with_all_outputs(self._content), self._resolver)
        for name, index in self._inputs:
            self._exposed.set_tensor(index, inputs[name][None])
        self._exposed.invoke()
        details = self._exposed.get_output_details()
        return {detail["name"]: self._exposed.get_tensor(detail["index"])[0] for detail in details}


class LiteRtRuntime(InProcess):
    """One of LiteRT's kernel paths; `resolver` is the name of its `OpResolverType`."""

    def __init__(self, kernels: str, resolver: str) -> None:
        self.name, self.kernels = f"litert-{kernels}", kernels
        self._resolver = resolver

    def version(self) -> str:
        _litert()
        return metadata.version(_PACKAGE)

    def load(self, artifact: Path, model: IntegerModel) -> LiteRtStepper:
        path = artifact / FILE
        try:
            return LiteRtStepper(path.read_bytes(), model.program, self._resolver)
        except OSError as error:
            raise ArtifactError(f"{path} can't be read ({error.strerror}): build the artifact again") from error
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ArtifactError(f"{path} does not fit the model ({reason}): build the artifact again") from error


RUNTIMES = (
    LiteRtRuntime("xnnpack", "AUTO"),
    LiteRtRuntime("builtin", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"),
    LiteRtRuntime("reference", "BUILTIN_REF"),
)


def _litert() -> ModuleType:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise MissingExtraError("running a TFLite model", _PACKAGE, "litert") from error
    module: ModuleType = interpreter
    return module


def _interpreter(content: bytes, resolver: str) -> Any:
    """Verifies the flatbuffer too: ValueError for anything else."""
    litert = _litert()
    if not content:
        raise ValueError("it is empty")
    kernels = getattr(litert.OpResolverType, resolver)
    with held_back(lambda line: line.strip() == _REMARK):
        interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=kernels, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


def _match(details: Mapping[str, Any], names: Mapping[str, str], program: Program) -> list[tuple[str, int]]:
    """Names in the program with tensor indices in the file, from a signature's tensors by their keys there."""
    if details.keys() != names.keys():
        raise ValueError(f"its signature has {sorted(details)} where the model has {sorted(names)}")
    for key, name in names.items():
        _check(key, details[key], program.tensors[name])
    return [(name, int(details[key]["index"])) for key, name in names.items()]


def _check(key: str, detail: Mapping[str, Any], tensor: Tensor) -> None:
    found = tuple(detail["shape"].tolist()), np.dtype(detail["dtype"]).name, detail["quantization"]
    expected = (1, tensor.size), tensor.dtype, (2.0**-tensor.frac, 0)
    if found != expected:
        raise ValueError(f"{key} has shape, dtype, quantization {found} where the model has {expected}")
