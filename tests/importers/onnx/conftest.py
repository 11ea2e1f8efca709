# SPDX-License-Identifier: Apache-2.0
"""The files that PyTorch and tf2onnx wrote (`make_pytorch.py`, `make_tf2onnx.py`), and graphs made by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgernn.errors import ModelError
from edgernn.importers import onnx_graph

FOLDER = Path(__file__).parent
FEATURES, UNITS, OUTPUTS = 3, 5, 2
GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}

MakeGraph = Callable[..., Path]


@pytest.fixture(scope="session")
def folder() -> Path:
    """With pytorch/ and tf2onnx/."""
    return FOLDER


@pytest.fixture
def write(tmp_path: Path) -> MakeGraph:
    """Writes a graph of nodes and constants over x [steps, batch, 3] whose output is "y"."""

    def make(
        nodes: Sequence[Any],
        constants: dict[str, Any],
        *,
        shape: Sequence[Any] = ("steps", "batch", FEATURES),
        opset: int = 17,
        inputs: dict[str, Sequence[Any]] | None = None,
        outputs: Sequence[str] = ("y",),
        change: Callable[[Any], Any] | None = None,
    ) -> Path:
        given = {"x": shape, **(inputs or {})}
        graph = helper.make_graph(
            list(nodes),
            "graph",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in given.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        if change is not None:
            change(model)
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return make


@pytest.fixture
def weights() -> Callable[..., dict[str, Any]]:
    """Constants W, R and B of a recurrent node, and a matrix "kernel" [units, 2] behind it."""

    def make(op: str, directions: int = 1) -> dict[str, Any]:
        rng, rows = np.random.default_rng(4), GATES[op] * UNITS
        shapes = {
            "W": (directions, rows, FEATURES),
            "R": (directions, rows, UNITS),
            "B": (directions, 2 * rows),
            "kernel": (UNITS * directions, OUTPUTS),
        }
        return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}

    return make


@pytest.fixture
def layer(write: MakeGraph, weights: Callable[..., dict[str, Any]]) -> MakeGraph:
    """Writes one recurrent node and nodes behind its output "Y" [steps, directions, batch, units], "H" and "C"."""

    def make(
        op: str,
        *behind: Any,
        directions: int = 1,
        given: Sequence[str] = ("x", "W", "R", "B"),
        constants: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **rest: Any,
    ) -> Path:
        names = ["Y", "H", "C"] if op == "LSTM" else ["Y", "H"]
        attributes = {"hidden_size": UNITS, **({"direction": "bidirectional"} if directions == 2 else {})}
        node = helper.make_node(op, list(given), names, name="layer", **{**attributes, **(options or {})})
        return write([node, *behind], {**weights(op, directions), **(constants or {})}, **rest)

    return make


@pytest.fixture(scope="session")
def run() -> Callable[..., Any]:
    """What onnxruntime computes with a file."""
    import onnxruntime

    def compute(path: Path, **given: Any) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.run(None, given)[0]

    return compute


@pytest.fixture(scope="session")
def reason() -> Callable[[Path], str]:
    """Why a file is refused: one sentence on one line."""

    def read(path: Path) -> str:
        with pytest.raises(ModelError) as caught:
            onnx_graph.read(path)
        message = str(caught.value)
        assert message.isprintable() and not message.endswith(".") and len(message) < 700
        return message

    return read


@pytest.fixture(scope="session")
def load() -> Callable[[Path], Any]:
    """A file's protobuf messages."""

    def read(path: Path) -> Any:
        return onnx.load(path)

    return read
