# SPDX-License-Identifier: Apache-2.0
"""The reference: executes a program with NumPy, for any batch at once."""

from collections.abc import Callable, Mapping

from edgernn.spec import ops
from edgernn.spec.ops import Array
from edgernn.spec.program import Op, Program

_Execute = Callable[[Mapping[str, Array]], tuple[Array, ...]]


class Interpreter:
    """Steps a program.

    Every array has the shape [..., size of its tensor]; the leading shape is the batch, the same for all inputs.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._steps = [(op, _bind(program, op)) for op in program.ops]

    def step(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """One time step: from the arrays of `program.inputs` to the arrays of every tensor of the program."""
        values = dict(inputs)
        for op, execute in self._steps:
            values.update(zip(op.outputs, execute(values), strict=True))
        return values


def _bind(program: Program, op: Op) -> _Execute:
    """`op` as a function from the values so far to its results."""
    name, *rest = op.inputs
    if op.kind == "linear":
        assert op.kernel is not None
        kernel, shifts = program.kernels[op.kernel], program.row_shifts(op)
        return lambda values: (ops.linear(values[name], kernel.weights, kernel.bias, shifts),)
    if op.kind == "split":
        size = program.tensors[op.outputs[0]].size
        return lambda values: tuple(values[name][..., i * size : (i + 1) * size] for i in range(len(op.outputs)))
    if op.kind in ("add", "sub"):
        other, function = rest[0], {"add": ops.add, "sub": ops.sub}[op.kind]
        fracs = tuple(program.tensors[t].frac for t in (*op.inputs, *op.outputs))
        return lambda values: (function(values[name], values[other], *fracs),)
    if op.kind == "mul":
        other, shift = rest[0], program.shift(op)
        return lambda values: (ops.mul(values[name], values[other], shift),)
    if op.kind == "requantize":
        shift = program.shift(op)
        return lambda values: (ops.requantize(values[name], shift),)
    if op.kind == "operand":
        shift, dtype = program.shift(op), program.tensors[op.outputs[0]].dtype
        return lambda values: (ops.operand(values[name], shift, dtype),)
    activation = {"sigmoid": ops.sigmoid, "tanh": ops.tanh, "relu": ops.relu}[op.kind]
    return lambda values: (activation(values[name]),)
