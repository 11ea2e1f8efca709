# SPDX-License-Identifier: Apache-2.0
"""The float model as a graph of ONNX's own recurrent operators, over whole sequences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgernn import cells
from edgernn.backends.onnx.graph import Graph, Port
from edgernn.cells.algebra import Float
from edgernn.errors import EdgernnError
from edgernn.model import FloatModel, Layer
from edgernn.spec.program import identifier_of

STEPS, BATCH = "steps", "batch"
"""Names of the free first axes of x and y; the states have the second one."""


@dataclass(frozen=True)
class _Recurrent:
    """The operator of a cell: where its gates stand in Keras' order, and its switches by the cell's options."""

    operator: str
    gates: tuple[int, ...]
    switches: Mapping[str, str]


RECURRENT: Mapping[str, _Recurrent] = {
    "gru": _Recurrent("GRU", (0, 1, 2), {"linear_before_reset": "reset_after"}),
    "lstm": _Recurrent("LSTM", (0, 3, 1, 2), {}),
    "rnn": _Recurrent("RNN", (0,), {}),
}
ACTIVATION: Mapping[str, str] = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def float_graph(model: FloatModel) -> tuple[Graph, list[Port], list[Port]]:
    """The graph, its inputs x and the states, and its outputs y and the new states.

    x is the normalized input. Raises MissingExtraError, and EdgernnError for a cell that ONNX has no operator for.
    """
    graph, x = Graph(), "x"
    for name, layer in zip(model.names(), model.layers, strict=True):
        y = "y" if name == model.names()[-1] else f"{name}:y"
        append = _dense if layer.kind == "dense" else _recurrent
        append(graph, name, layer, x, y)
        x = y
    states = {identifier_of(name): size for name, (size, _) in model.states().items()}
    inputs = [_sequence("x", model.layers[0].inputs), *(_state(key, size) for key, size in states.items())]
    outputs = [_sequence("y", model.layers[-1].units), *(_state(f"{key}_out", size) for key, size in states.items())]
    return graph, inputs, outputs


def _dense(graph: Graph, name: str, layer: Layer, x: str, y: str) -> None:
    kernel = graph.constant(f"{name}:kernel", layer.weights["kernel"])
    bias = graph.constant(f"{name}:bias", layer.weights["bias"])
    activation = ACTIVATION.get(layer.options["activation"])
    total = f"{name}:total" if activation else y
    graph.op("MatMul", [x, kernel], [f"{name}:product"])
    graph.op("Add", [f"{name}:product", bias], [total])
    if activation:
        graph.op(activation, [total], [y])


def _recurrent(graph: Graph, name: str, layer: Layer, x: str, y: str) -> None:
    cell = RECURRENT.get(layer.kind)
    if cell is None:
        raise EdgernnError(f"{name}: ONNX has no operator for {layer.kind}: give it one in {__name__}.RECURRENT")
    weights = [graph.constant(f"{name}:{part}", data) for part, data in _weights(layer, cell.gates).items()]
    states = [identifier_of(f"{name}/{state}") for state in cells.get(layer.kind).STATES]
    for key in states:
        graph.op("Unsqueeze", [key], [f"{key}:initial"], axes=[0])
    initial, final = ([f"{key}:{place}" for key in states] for place in ("initial", "final"))
    switches = {switch: int(layer.options[option]) for switch, option in cell.switches.items()}
    results = [f"{y}:directions", *final]
    graph.op(cell.operator, [x, *weights, "", *initial], results, hidden_size=layer.units, **switches)
    graph.op("Squeeze", [f"{y}:directions"], [y], axes=[1])
    for key in states:
        graph.op("Squeeze", [f"{key}:final"], [f"{key}_out"], axes=[0])


def _weights(layer: Layer, gates: tuple[int, ...]) -> dict[str, Float]:
    """W [1, G*H, F], R [1, G*H, H] and B [1, 2*G*H] of the operator, of one direction."""
    biases = np.atleast_2d(layer.weights["bias"])
    biases = np.concatenate([biases, np.zeros_like(biases)])[:2]
    return {
        "W": _ordered(layer.weights["kernel"].T, gates)[None],
        "R": _ordered(layer.weights["recurrent_kernel"].T, gates)[None],
        "B": np.concatenate([_ordered(bias, gates) for bias in biases])[None],
    }


def _ordered(rows: Float, gates: tuple[int, ...]) -> Float:
    """Rows of gates one after the other, in another order."""
    parts = np.split(rows, len(gates))
    return np.concatenate([parts[gate] for gate in gates])


def _sequence(name: str, size: int) -> Port:
    return Port(name, "float32", (STEPS, BATCH, size))


def _state(name: str, size: int) -> Port:
    return Port(name, "float32", (BATCH, size))
