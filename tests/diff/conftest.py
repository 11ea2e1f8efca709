# SPDX-License-Identifier: Apache-2.0
"""A file of the stock converter, one of edgernn's own, and what LiteRT in this process says of either."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgernn.backends.tflite.expose import with_outputs
from edgernn.backends.tflite.graph import pack, schema
from edgernn.diff import graph
from edgernn.workers.environments import KernelPath, kernel_paths

HERE = Path(__file__).parent
RESOLVERS = {
    "litert-xnnpack": OpResolverType.AUTO,
    "litert-builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "litert-reference": OpResolverType.BUILTIN_REF,
}


@pytest.fixture(scope="session")
def stock() -> bytes:
    """An unrolled GRU of the stock converter."""
    return (HERE / "stock_gru.tflite").read_bytes()


@pytest.fixture(scope="session")
def windows() -> npt.NDArray[np.float32]:
    """60 windows of `stock`, [60, 4, 3]."""
    with np.load(HERE / "stock_gru.npz") as arrays:
        x: npt.NDArray[np.float32] = arrays["x"]
        return x


@pytest.fixture(scope="session")
def own(pristine: Path) -> bytes:
    """The step of a GRU that edgernn made, 3 features, 5 units."""
    return (pristine / "model.tflite").read_bytes()


@pytest.fixture(scope="session")
def litert() -> tuple[KernelPath, ...]:
    """LiteRT's three kernel paths."""
    return tuple(kernel_paths()[name] for name in RESOLVERS)


@pytest.fixture(scope="session")
def results() -> Callable[[bytes, str, npt.NDArray[Any]], dict[int, npt.NDArray[Any]]]:
    """Everything that a model of one input computes, by LiteRT in this process: by indices of tensors."""

    def run(content: bytes, path: str, x: npt.NDArray[Any]) -> dict[int, npt.NDArray[Any]]:
        computed = graph.read(content).results
        model = Interpreter(
            model_content=with_outputs(content, computed),
            experimental_op_resolver_type=RESOLVERS[path],
            num_threads=1,
        )
        model.allocate_tensors()
        model.set_tensor(model.get_input_details()[0]["index"], x)
        model.invoke()
        return {index: model.get_tensor(index) for index in computed}

    return run


@pytest.fixture(scope="session")
def remembering() -> bytes:
    """A float model that keeps its state itself: h = relu(x + h), of two values, in the operator RNN."""
    classes = schema()
    model = classes.ModelT(version=3, description="a cell with a state of its own")
    constants = [np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.zeros(2, np.float32)]
    buffers = [b"", *(constant.tobytes() for constant in constants)]
    model.buffers = [classes.BufferT(data=np.frombuffer(data, np.uint8) if data else None) for data in buffers]
    shapes = {"x": [1, 2], "w": [2, 2], "u": [2, 2], "b": [2], "h": [1, 2], "y": [1, 2]}
    places = {"w": 1, "u": 2, "b": 3}
    tensors = [classes.TensorT(shape=s, name=n, buffer=places.get(n, 0)) for n, s in shapes.items()]
    tensors[4].isVariable = True
    operator = classes.OperatorT(opcodeIndex=0, inputs=[0, 1, 2, 3, 4], outputs=[5])
    operator.builtinOptionsType = classes.BuiltinOptions.RNNOptions
    operator.builtinOptions = classes.RNNOptionsT(fusedActivationFunction=classes.ActivationFunctionType.RELU)
    model.subgraphs = [classes.SubGraphT(tensors=tensors, operators=[operator], inputs=[0], outputs=[5], name="main")]
    code = classes.BuiltinOperator.RNN
    model.operatorCodes = [classes.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=1)]
    return pack(model)
