# SPDX-License-Identifier: Apache-2.0
"""Lowers a program to a TFLite graph, one function for each kind of primitive.

Values keep the names and `frac` of the program's tensors and have the shape [1, size]; a tensor that the program does
not have is named after the one it serves, as in "gru_0/operand_1:doubled": no name of a program holds a ":".
"""

from collections.abc import Callable

import numpy as np

from edgernn.backends.tflite.graph import Graph
from edgernn.spec.ops import OPERAND_LIMIT
from edgernn.spec.program import Op, Program, identifier_of


class _Lowering:
    """A graph that grows by one program op at a time, and the graph tensors that exist so far."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = Graph()
        self._values = {name: self._declare(name) for name in program.inputs}
        self._doubled: dict[str, int] = {}
        self._constants: dict[str, int] = {}

    def lower(self, op: Op) -> None:
        _LOWER[op.kind](self, op)

    def value(self, name: str) -> int:
        return self._values[name]

    def inputs(self, op: Op) -> list[int]:
        return [self._values[name] for name in op.inputs]

    def outputs(self, op: Op) -> list[int]:
        for name in op.outputs:
            self._values[name] = self._declare(name)
        return [self._values[name] for name in op.outputs]

    def helper(self, name: str, role: str, dtype: str) -> int:
        """A tensor beside the program's `name`: same size and scale."""
        tensor = self.program.tensors[name]
        return self.graph.tensor(f"{name}:{role}", [1, tensor.size], dtype, tensor.frac)

    def scalar(self, value: int, dtype: str, frac: int | None) -> int:
        """A constant [1, 1] that broadcasts, or a plain scalar where it has no scale."""
        name = f"{dtype}:{value}" if frac is None else f"{dtype}:{value}:{frac}"
        if name not in self._constants:
            data = np.full([] if frac is None else [1, 1], value, dtype)
            self._constants[name] = self.graph.constant(name, data, frac)
        return self._constants[name]

    def doubled(self, name: str) -> int:
        """2*v of an operand v as int16 at the scale of v, made once."""
        if name not in self._doubled:
            wide = self._values[name]
            if self.program.tensors[name].dtype == "int8":
                wide = self.helper(name, "int16", "int16")
                self.graph.cast(self._values[name], wide)
            self._doubled[name] = self.helper(name, "doubled", "int16")
            self.graph.op("ADD", [wide, wide], [self._doubled[name]], potScaleInt16=False)
        return self._doubled[name]

    def _declare(self, name: str) -> int:
        tensor = self.program.tensors[name]
        return self.graph.tensor(name, [1, tensor.size], tensor.dtype, tensor.frac)


def input_names(program: Program) -> dict[str, str]:
    """The program's inputs by their keys in the signature: "x", and for a state the identifier of its name."""
    return {"x": program.x, **{identifier_of(state.read): state.read for state in program.states}}


def output_names(program: Program) -> dict[str, str]:
    """The program's outputs by their keys in the signature: "y", and for a new state the key of its input."""
    return {"y": program.y, **{identifier_of(state.read): state.write for state in program.states}}


def lower(program: Program) -> tuple[Graph, dict[str, int], dict[str, int]]:
    """The graph of a program, and the tensors of its signature's inputs and outputs. Raises MissingExtraError."""
    lowering = _Lowering(program)
    for op in program.ops:
        lowering.lower(op)
    inputs = {key: lowering.value(name) for key, name in input_names(program).items()}
    outputs = {key: lowering.value(name) for key, name in output_names(program).items()}
    return lowering.graph, inputs, outputs


def _linear(lowering: _Lowering, op: Op) -> None:
    """FULLY_CONNECTED of 2*v, half the weights' scale and the bias 2*b + 1.

    The accumulator 2*(W v + b) + 1 is odd and shifted by m + 1 >= 2, so it is never a tie, and all kernels, whose
    roundings differ in ties only, give (W v + b + 2**(m-1)) >> m.
    """
    assert op.kernel is not None
    kernel, v = lowering.program.kernels[op.kernel], lowering.program.tensors[op.inputs[0]]
    weight_frac = kernel.frac.astype(np.int64) + 1
    doubled = lowering.doubled(v.name)
    (out,) = op.outputs
    weights = lowering.graph.constant(f"{out}:weights", kernel.weights, weight_frac)
    bias = lowering.graph.constant(f"{out}:bias", 2 * kernel.bias.astype(np.int64) + 1, weight_frac + v.frac)
    lowering.graph.op("FULLY_CONNECTED", [doubled, weights, bias], lowering.outputs(op))


def _operand(lowering: _Lowering, op: Op) -> None:
    """QUANTIZE, which saturates to the whole dtype, then the clip to the symmetric operand range."""
    out = lowering.program.tensors[op.outputs[0]]
    limit = OPERAND_LIMIT[out.dtype]
    quantized = lowering.helper(out.name, "unclipped", out.dtype)
    lowering.graph.op("QUANTIZE", lowering.inputs(op), [quantized])
    if limit < np.iinfo(out.dtype).max:
        below = lowering.helper(out.name, "below", out.dtype)
        lowering.graph.op("MINIMUM", [quantized, lowering.scalar(limit, out.dtype, out.frac)], [below])
        quantized = below
    lowering.graph.op("MAXIMUM", [quantized, lowering.scalar(-limit, out.dtype, out.frac)], lowering.outputs(op))


def _split(lowering: _Lowering, op: Op) -> None:
    axis = lowering.scalar(1, "int32", None)
    lowering.graph.op("SPLIT", [axis, *lowering.inputs(op)], lowering.outputs(op), numSplits=len(op.outputs))


def _add(lowering: _Lowering, op: Op) -> None:
    lowering.graph.op("ADD", lowering.inputs(op), lowering.outputs(op), potScaleInt16=False)


def _sub(lowering: _Lowering, op: Op) -> None:
    lowering.graph.op("SUB", lowering.inputs(op), lowering.outputs(op), potScaleInt16=False)


def _same(kind: str) -> Callable[[_Lowering, Op], None]:
    """The lowering of a primitive that is the builtin operator `kind`, without options."""
    return lambda lowering, op: lowering.graph.op(kind, lowering.inputs(op), lowering.outputs(op))


_LOWER: dict[str, Callable[[_Lowering, Op], None]] = {
    "linear": _linear,
    "operand": _operand,
    "split": _split,
    "add": _add,
    "sub": _sub,
    "mul": _same("MUL"),
    "requantize": _same("QUANTIZE"),
    "sigmoid": _same("LOGISTIC"),
    "tanh": _same("TANH"),
    "relu": _same("RELU"),
}
