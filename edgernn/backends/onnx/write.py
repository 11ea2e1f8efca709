# SPDX-License-Identifier: Apache-2.0
"""The backend's two files: the integer step and, for those who want float, the float model over sequences."""

import json
from pathlib import Path

from edgernn.backends.metadata import METADATA, metadata
from edgernn.backends.onnx.float_graph import float_graph
from edgernn.backends.onnx.lower import input_names, lower, output_names, ports
from edgernn.model import FloatModel, IntegerModel
from edgernn.spec.ops import OPERAND_LIMIT

FILE = "model.onnx"
FLOAT_FILE = "model_float.onnx"
SCALES = "edgernn.scales"
"""Key of JSON with what one unit of each integer input and output stands for."""
LIMIT = "edgernn.limit"
"""Key of the largest magnitude of a value of x."""


def export(model: IntegerModel, original: FloatModel, name: str, folder: Path) -> None:
    """Writes FILE and FLOAT_FILE. Raises MissingExtraError when onnx is not installed."""
    (folder / FILE).write_bytes(integer_file(model))
    (folder / FLOAT_FILE).write_bytes(float_file(original))


def integer_file(model: IntegerModel) -> bytes:
    """The step on integers: x int8 or int16, y and the states int16."""
    program = model.program
    inputs, outputs = input_names(program), output_names(program)
    scales = {key: 2.0 ** -program.tensors[name].frac for key, name in (inputs | outputs).items()}
    limit = OPERAND_LIMIT[program.tensors[program.x].dtype]
    entries = {METADATA: metadata(model.interface), SCALES: json.dumps(scales), LIMIT: str(limit)}
    return lower(program).finish(ports(program, inputs), ports(program, outputs), entries)


def float_file(model: FloatModel) -> bytes:
    """The model on float32 over sequences; x is the normalized input."""
    graph, inputs, outputs = float_graph(model)
    return graph.finish(inputs, outputs, {METADATA: metadata(model.interface)})
