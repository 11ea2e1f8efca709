# SPDX-License-Identifier: Apache-2.0
"""The backend's two files: the integer step and, for comparing, the float step."""

from pathlib import Path

from edgernn.backends.metadata import METADATA, metadata
from edgernn.backends.tflite.float_graph import float_graph
from edgernn.backends.tflite.lower import lower
from edgernn.model import FloatModel, IntegerModel

FILE = "model.tflite"
FLOAT_FILE = "model_float.tflite"


def export(model: IntegerModel, original: FloatModel, name: str, folder: Path) -> None:
    """Writes FILE and FLOAT_FILE. Raises MissingExtraError when ai-edge-litert is not installed."""
    (folder / FILE).write_bytes(integer_file(model))
    (folder / FLOAT_FILE).write_bytes(float_file(original))


def integer_file(model: IntegerModel) -> bytes:
    """The step on integers: x int8 or int16, y and the states int16, each with its scale, a power of two."""
    graph, inputs, outputs = lower(model.program)
    return graph.finish(inputs, outputs, {METADATA: metadata(model.interface).encode()})


def float_file(model: FloatModel) -> bytes:
    """The step on float32; x is the normalized input, which is what the integer x stands for."""
    graph, inputs, outputs = float_graph(model)
    return graph.finish(inputs, outputs, {METADATA: metadata(model.interface).encode()})
