# SPDX-License-Identifier: Apache-2.0
"""Opens .onnx files without trusting them: nodes, constants, inputs and outputs as plain values.

The only place that knows the protobuf messages. Weights have to be in the file itself: nothing else is opened.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import MissingExtraError, ModelError
from edgernn.importers.chain import MAX_PARAMETERS

MAX_BYTES = 5 * MAX_PARAMETERS
"""Of a file: four bytes a weight, and as many again for a quarter of them."""
MAX_NODES = 20_000
MAX_ITEMS = 200_000
"""Messages in a file: a message of two bytes takes hundreds when it is unpacked."""
_OLDEST_OPSET = 7
_DTYPES = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 16: "bfloat16"}
_TYPES = ", ".join(_DTYPES.values())
_QUANTIZED = (2, 3, 4, 5)
"""8 and 16 bits."""
_LONGEST_NAME = 80
_LONGEST_LIST = 64
_MOST_AXES = 8
_DAMAGED = "it is no readable ONNX file, cut short or damaged"

# Which fields of which message are messages themselves, by field number; anything else is skipped as a whole.
_TENSOR: dict[int, Any] = {8: {}, 13: {}}
_GRAPH: dict[int, Any] = {}
_ATTRIBUTE = {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: {}, 23: {}}
_NODE = {1: {}, 2: {}, 5: _ATTRIBUTE, 9: {}}
_TYPE: dict[int, Any] = {}
_TYPE |= {1: {2: {1: {}}}, 4: {1: _TYPE}, 5: {2: _TYPE}, 8: {2: {1: {}}}, 9: {1: _TYPE}}
_INFO = {2: _TYPE, 4: {}}
_GRAPH |= {1: _NODE, 5: _TENSOR, 11: _INFO, 12: _INFO, 13: _INFO, 14: {}, 15: {}, 16: {}}
_FUNCTION = {4: {}, 5: {}, 6: {}, 7: _NODE, 9: {}, 11: _ATTRIBUTE, 12: _INFO, 14: {}}
_MODEL = {7: _GRAPH, 8: {}, 14: {}, 20: {}, 25: _FUNCTION, 26: {}}
_DEEPEST = 60


@dataclass(frozen=True)
class Node:
    """A node: what it reads and gives by name, "" for an input that is left out, and its attributes as in the file."""

    op: str
    where: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def integer(self, name: str, default: int) -> int:
        return int(self._get(name, "INT", "i", default))

    def number(self, name: str, default: float) -> float:
        return float(self._get(name, "FLOAT", "f", default))

    def text(self, name: str, default: str) -> str:
        value = self._get(name, "STRING", "s", default.encode())
        return bytes(value).decode("utf-8", "replace")

    def integers(self, name: str) -> list[int] | None:
        found = self._get(name, "INTS", "ints", None)
        return None if found is None else [int(value) for value in found]

    def texts(self, name: str) -> list[str]:
        return [bytes(value).decode("utf-8", "replace") for value in self._get(name, "STRINGS", "strings", ())]

    def numbers(self, name: str) -> list[float]:
        return [float(value) for value in self._get(name, "FLOATS", "floats", ())]

    def tensor(self, name: str) -> npt.NDArray[Any] | None:
        found = self._get(name, "TENSOR", "t", None)
        return None if found is None else _array(found, self.where)

    def graph(self, name: str) -> "Graph":
        found = self._get(name, "GRAPH", "g", None)
        if found is None:
            raise ModelError(f"{self.where}: it has no {name}")
        return _graph(found)

    def _get(self, name: str, kind: str, field: str, default: Any) -> Any:
        found = self.attributes.get(name)
        if found is None:
            return default
        if found.type != found.DESCRIPTOR.enum_types_by_name["AttributeType"].values_by_name[kind].number:
            raise ModelError(f"{self.where}: its attribute {name} is of another type than {kind}")
        value = getattr(found, field)
        if kind in ("FLOATS", "INTS", "STRINGS") and len(value) > _LONGEST_LIST:
            raise ModelError(f"{self.where}: its attribute {name} has {len(value)} values")
        return value


@dataclass(frozen=True)
class Graph:
    """inputs: the shape of each, None where it is unknown; a size that can change is its name, "" without one."""

    nodes: tuple[Node, ...]
    constants: dict[str, npt.NDArray[Any]]
    inputs: dict[str, tuple[int | str, ...] | None]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """The main graph, the version of the operators it is written in, and what wrote it."""

    graph: Graph
    opset: int
    producer: str


def open_file(path: Path) -> File:
    """The file's content. Raises OSError, MissingExtraError without onnx, and ModelError for anything damaged."""
    onnx = _onnx()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size) if size <= MAX_BYTES else b""
    if size > MAX_BYTES:
        raise ModelError(f"the file has more than {MAX_BYTES} bytes, which is more than any model for a small device")
    _check_size(memoryview(content))
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:
        # The protobuf library raises a different kind for each of its implementations.
        raise ModelError(_DAMAGED) from error
    if not model.HasField("graph"):
        raise ModelError("it is no ONNX file: there is no graph in it")
    if len(model.functions):
        raise ModelError("it defines operators of its own (functions); export it with them inlined")
    graph = _graph(model.graph)
    return File(graph, _opset(onnx, model), quote(_name(model.producer_name))[1:-1])


def _name(value: Any) -> str:
    """A string of the file, for which the protobuf library gives bytes where it is no UTF-8."""
    if not isinstance(value, str):
        raise ModelError(_DAMAGED)
    return value


def quote(name: str) -> str:
    """A name from the file for a message: in quotes, on one line, cut where it is very long."""
    return repr(name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 3] + "...")


def _onnx() -> ModuleType:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("reading an ONNX file", "onnx", "convert") from error
    module: ModuleType = onnx
    return module


def _opset(onnx: ModuleType, model: Any) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1 or not _OLDEST_OPSET <= versions[0] <= newest:
        found = ", ".join(map(str, versions)) or "none"
        raise ModelError(
            f"it is written in version {found} of ONNX' operators; {_OLDEST_OPSET} to {newest} can be read"
        )
    return int(versions[0])


def _graph(graph: Any) -> Graph:
    if len(graph.node) > MAX_NODES:
        raise ModelError(f"it has {len(graph.node)} nodes, more than the {MAX_NODES} that are read")
    tensors = {_name(tensor.name): tensor for tensor in graph.initializer}
    constants = {name: _array(tensor, f"the constant {quote(name)}") for name, tensor in tensors.items()}
    inputs = {_name(value.name): _shape(value) for value in graph.input if value.name not in constants}
    nodes = tuple(_node(index, node) for index, node in enumerate(graph.node))
    return Graph(nodes, constants, inputs, tuple(_name(value.name) for value in graph.output))


def _node(index: int, node: Any) -> Node:
    name, domain, op = _name(node.name), _name(node.domain), _name(node.op_type)
    op = op if domain in ("", "ai.onnx") else f"{domain}.{op}"
    kind = quote(op)[1:-1]
    where = f"node {quote(name)} ({kind})" if name else f"node {index} ({kind})"
    attributes = {_name(attribute.name): attribute for attribute in node.attribute}
    return Node(op, where, tuple(map(_name, node.input)), tuple(map(_name, node.output)), attributes)


def _shape(value: Any) -> tuple[int | str, ...] | None:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    sizes: list[int | str] = []
    for dim in value.type.tensor_type.shape.dim:
        known = dim.HasField("dim_value")
        if known and not 0 < dim.dim_value <= 2**31:
            raise ModelError(f"the input {quote(_name(value.name))} has an axis of {dim.dim_value} values")
        sizes.append(int(dim.dim_value) if known else _name(dim.dim_param))
    return tuple(sizes)


def _array(tensor: Any, where: str) -> npt.NDArray[Any]:
    """A constant, after checks that its content is here and as long as it says."""
    if tensor.data_location or len(tensor.external_data):
        raise ModelError(f"{where}: it is kept in another file; save the model as one file (external_data=False)")
    if tensor.data_type in _QUANTIZED:
        raise ModelError(f"{where}: the model is quantized already; give the float model that it was made from")
    if tensor.data_type not in _DTYPES or tensor.HasField("segment"):
        raise ModelError(f"{where}: its numbers are of a type that is not supported; there are {_TYPES}")
    if len(tensor.dims) > _MOST_AXES:
        raise ModelError(f"{where}: it has {len(tensor.dims)} axes")
    shape = tuple(int(size) for size in tensor.dims)
    if any(size < 0 for size in shape) or math.prod(shape) > MAX_PARAMETERS:
        raise ModelError(f"{where}: its shape is {quote(str(list(shape)))[1:-1]}, more than {MAX_PARAMETERS} numbers")
    from onnx import numpy_helper

    try:
        # Its shape is set here, so that a tensor whose content is too short or long is found whatever it is kept in.
        array: npt.NDArray[Any] = numpy_helper.to_array(tensor)
    except Exception as error:
        # numpy_helper raises half a dozen kinds, among them its own.
        raise ModelError(f"{where}: its content is not what its shape and type say") from error
    if array.shape != shape:
        raise ModelError(f"{where}: its content is not what its shape and type say")
    return array.astype(np.float32) if tensor.data_type in (10, 16) else array


def _check_size(content: memoryview) -> None:
    """Counts messages before anything is unpacked, so that a small file can't take all memory."""
    count, open_messages = 0, [(_fields(content), _MODEL)]
    while open_messages:
        fields, schema = open_messages[-1]
        number, part = next(fields, (0, content))
        inner = schema.get(number)
        if number == 0:
            open_messages.pop()
        elif inner is not None:
            count += 1
            if count > MAX_ITEMS:
                raise ModelError(f"it consists of more than {MAX_ITEMS} parts, more than any model for a small device")
            if len(open_messages) > _DEEPEST:
                raise ModelError(f"its graphs lie more than {_DEEPEST} messages inside each other")
            if inner:
                open_messages.append((_fields(part), inner))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of variable length in a message, by number."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            _, position = _varint(message, position)
        elif kind == 2:
            length, position = _varint(message, position)
            if not key >> 3 or position + length > len(message):
                raise ModelError(_DAMAGED)
            yield key >> 3, message[position : position + length]
            position += length
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        else:
            raise ModelError(_DAMAGED)


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ModelError(_DAMAGED)
