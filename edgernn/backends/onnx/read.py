# SPDX-License-Identifier: Apache-2.0
"""Reads .onnx files of programs, whose content is not trusted, and makes their intermediate results readable."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from edgernn.backends.onnx.graph import OPSET, Port, package
from edgernn.backends.onnx.lower import BATCH, OPERATORS, input_names, output_names, ports
from edgernn.spec.ops import MAX_VALUES
from edgernn.spec.program import Program


def read(content: bytes, program: Program) -> Any:
    """The `ModelProto` of a file.

    Raises ValueError or one of onnx' own errors when it is not valid ONNX, does not have the program's inputs and
    outputs, or holds what no program is lowered to: other operators, data in other files, values of any size.
    """
    onnx = package()
    model = onnx.load_model_from_string(content)
    graph = model.graph
    foreign = {f"{node.domain}:{node.op_type}".lstrip(":") for node in graph.node} - OPERATORS
    if foreign:
        raise ValueError(f"it has an operator {min(foreign)}, which no model of edgernn has")
    if [(opset.domain, opset.version) for opset in model.opset_import] != [("", OPSET)]:
        raise ValueError(f"its operators are not those of opset {OPSET}")
    if model.functions or model.training_info:
        raise ValueError("it has functions of its own")
    if graph.sparse_initializer or any(constant.data_location for constant in graph.initializer):
        raise ValueError("its constants are sparse, or in other files")
    _match("inputs", graph.input, ports(program, input_names(program)))
    _match("outputs", graph.output, ports(program, output_names(program)))
    onnx.checker.check_model(model)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    _check_sizes(inferred.graph, max(MAX_VALUES, len(content)))
    return model


def with_outputs(model: Any, values: Iterable[str]) -> bytes:
    """The same model with some int32 values of its graph as its only outputs."""
    onnx = package()
    exposed = onnx.ModelProto.FromString(model.SerializeToString())
    outputs = [onnx.helper.make_tensor_value_info(value, onnx.TensorProto.INT32, None) for value in values]
    exposed.graph.ClearField("output")
    exposed.graph.output.extend(outputs)
    content: bytes = exposed.SerializeToString()
    return content


def _check_sizes(graph: Any, limit: int) -> None:
    """Nothing that is computed is of unknown size, or of more than `limit` values in a row of the batch."""
    shapes = {value.name: _port(value).shape for value in (*graph.value_info, *graph.output)}
    for name in (output for node in graph.node for output in node.output):
        axes = [axis for axis in shapes.get(name, ("?",)) if axis != BATCH]
        if not all(isinstance(axis, int) for axis in axes) or not 0 < math.prod(map(int, axes)) <= limit:
            raise ValueError(f"{name} can become too large")


def _match(side: str, values: Iterable[Any], expected: Sequence[Port]) -> None:
    found = [_port(value) for value in values]
    if found != expected:
        raise ValueError(f"its {side} are {_words(found)} where the model has {_words(expected)}")


def _words(side: Sequence[Port]) -> str:
    return ", ".join(f"{port.name} {port.dtype} [{', '.join(map(str, port.shape))}]" for port in side) or "none"


def _port(value: Any) -> Port:
    tensor = value.type.tensor_type
    dtype = package().helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return Port(value.name, dtype, tuple(axis.dim_param or axis.dim_value for axis in tensor.shape.dim))
