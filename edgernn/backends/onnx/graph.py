# SPDX-License-Identifier: Apache-2.0
"""Writes .onnx files: a graph builder over the message classes of onnx. The same graph gives the same bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import __version__
from edgernn.errors import MissingExtraError

OPSET = 12
"""The first version of the operators with a Max and a Min of integers; onnxruntime has it since 1.3 (2020)."""
IR_VERSION = 7
"""The version of the file format that came with OPSET."""


def package() -> ModuleType:
    """onnx. Raises MissingExtraError when it is not installed."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingExtraError("reading and writing ONNX", "onnx", "onnx") from error
    module: ModuleType = onnx
    return module


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; an axis of `shape` is a size, or the name of one that is free."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class Graph:
    """A graph under construction. Values are known by their names; each operator is named after its first result."""

    def __init__(self) -> None:
        self._onnx = package()
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, data: npt.NDArray[Any]) -> str:
        """A constant; one of the same name is made once."""
        if name not in self._constants:
            self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(data), name)
        return name

    def op(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Appends an operator of the default domain; an optional input that is left out is named ""."""
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, outputs, outputs[0], **attributes))

    def cast(self, source: str, target: str, dtype: str) -> None:
        """Appends a Cast to `dtype`."""
        self.op("Cast", [source], [target], to=self._element(dtype))

    def finish(self, inputs: Sequence[Port], outputs: Sequence[Port], metadata: Mapping[str, str]) -> bytes:
        """The file, with its metadata by key."""
        helper = self._onnx.helper
        ports = ([self._port(port) for port in side] for side in (inputs, outputs))
        graph = helper.make_graph(self._nodes, "edgernn", *ports, list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        model.producer_name, model.producer_version = "edgernn", __version__
        helper.set_model_props(model, dict(metadata))
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _port(self, port: Port) -> Any:
        return self._onnx.helper.make_tensor_value_info(port.name, self._element(port.dtype), port.shape)

    def _element(self, dtype: str) -> int:
        element: int = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return element
