# SPDX-License-Identifier: Apache-2.0
"""The float step of a model as a TFLite graph: a cell's `step` interpreted as the construction of a graph."""

from collections.abc import Mapping

import numpy as np

from edgernn.backends.tflite.graph import Graph
from edgernn.cells.algebra import Affine
from edgernn.model import FloatModel
from edgernn.spec.program import identifier_of


class FloatGraph:
    """An `edgernn.cells.algebra.Algebra` whose values are the float32 tensors [1, size] of `graph`."""

    def __init__(self, matrices: Mapping[str, Affine]) -> None:
        self.scope = ""
        self.graph = Graph()
        self._matrices = matrices
        self._sizes: dict[int, int] = {}
        self._axis = self.graph.constant("split:axis", np.array(1, np.int32))

    def tensor(self, name: str, size: int) -> int:
        """A tensor [1, size] of that name."""
        index = self.graph.tensor(name, [1, size], "float32")
        self._sizes[index] = size
        return index

    def linear(self, kernel: str, v: int) -> int:
        name = f"{self.scope}/{kernel}"
        affine = self._matrices[name]
        weights = self.graph.constant(f"{name}:weights", affine.weights.astype(np.float32))
        bias = self.graph.constant(f"{name}:bias", affine.bias.astype(np.float32))
        return self._op("FULLY_CONNECTED", v, weights, bias, size=len(affine.weights))

    def operand(self, v: int, name: str) -> int:
        return v

    def split(self, v: int, parts: int) -> tuple[int, ...]:
        size = self._sizes[v] // parts
        results = tuple(self.tensor(f"{self.scope}/split_{len(self._sizes)}", size) for _ in range(parts))
        self.graph.op("SPLIT", [self._axis, v], results, numSplits=parts)
        return results

    def add(self, a: int, b: int, frac: int) -> int:
        return self._op("ADD", a, b, size=self._sizes[a])

    def sub(self, a: int, b: int, frac: int) -> int:
        return self._op("SUB", a, b, size=self._sizes[a])

    def mul(self, a: int, b: int, frac: int) -> int:
        return self._op("MUL", a, b, size=self._sizes[a])

    def requantize(self, v: int, frac: int) -> int:
        return v

    def sigmoid(self, v: int) -> int:
        return self._op("LOGISTIC", v, size=self._sizes[v])

    def tanh(self, v: int) -> int:
        return self._op("TANH", v, size=self._sizes[v])

    def relu(self, v: int) -> int:
        return self._op("RELU", v, size=self._sizes[v])

    def _op(self, kind: str, *inputs: int, size: int) -> int:
        result = self.tensor(f"{self.scope}/{kind.lower()}_{len(self._sizes)}", size)
        self.graph.op(kind, inputs, [result])
        return result


def float_graph(model: FloatModel) -> tuple[Graph, dict[str, int], dict[str, int]]:
    """The graph, its inputs x and the states, and its outputs y and the new states, by their keys in the signature.

    x is the normalized input. Raises MissingExtraError.
    """
    algebra = FloatGraph(model.matrices())
    x = algebra.tensor("x", len(model.interface.features))
    states = {name: algebra.tensor(name, size) for name, (size, _) in model.states().items()}
    y, new_states = model.step(algebra, x, states)
    inputs = {"x": x, **{identifier_of(name): state for name, state in states.items()}}
    outputs = {"y": y, **{identifier_of(name): state for name, state in new_states.items()}}
    return algebra.graph, inputs, outputs
