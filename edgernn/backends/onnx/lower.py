# SPDX-License-Identifier: Apache-2.0
"""Lowers a program to an ONNX graph of integer operators, one function for each kind of primitive.

Between the casts of the inputs and those of the outputs all values are int32 [batch, size]: "gru_0/h:int32" is the
program's tensor gru_0/h. Every other value is named after the one that it serves, as in "gru_0/add_1:magnitude"; no
name of a program holds a ":", so no two are the same.

ONNX defines an Add, Mul or MatMul of integers to the bit as long as nothing overflows, but not how a Div rounds below
zero: onnxruntime truncates, the reference implementation rounds down. So nothing below zero is ever divided.
"""

from collections.abc import Callable, Mapping

import numpy as np

from edgernn.backends.onnx.graph import Graph, Port
from edgernn.backends.onnx.segments import SIGMOID, TANH, Segments
from edgernn.spec.ops import OPERAND_LIMIT
from edgernn.spec.program import ACCUMULATOR_LIMIT, Op, Program, identifier_of

BATCH = "batch"
"""Name of the free first axis of all inputs and outputs."""

OPERATORS = frozenset(["Abs", "Add", "Cast", "Div", "Gather", "MatMul", "Max", "Min", "Mul", "Sign", "Split", "Sub"])
"""All that a lowered program is made of."""

_LIFT = ACCUMULATOR_LIMIT + 1
"""Makes any accumulator positive. With it one stays below 2**31, and it is a multiple of every row's divisor."""


class _Lowering:
    """A graph that grows by one program op at a time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = Graph()
        self._kernels: set[str] = set()

    def lower(self, op: Op) -> None:
        _LOWER[op.kind](self, op)

    def apply(self, kind: str, result: str, *inputs: str | int) -> str:
        """The value `result`: an operator of values and numbers."""
        self.graph.op(kind, [self._number(v) if isinstance(v, int) else v for v in inputs], [result])
        return result

    def saturate(self, op: Op, value: str, limits: tuple[int, int] = (-(2**15), 2**15 - 1)) -> None:
        """Makes `value` within `limits` the result of `op`. No Clip: onnxruntime has it for int32 since 1.15 only."""
        out, (low, high) = op.outputs[0], limits
        self.apply("Min", value_of(out), self.apply("Max", f"{out}:bounded", value, low), high)

    def kernel(self, name: str) -> str:
        """The weights [K, N] of a kernel: int8 in the file, and cast once."""
        wide = f"{name}:weights:int32"
        if name not in self._kernels:
            self._kernels.add(name)
            weights = self.graph.constant(f"{name}:weights", self.program.kernels[name].weights.T)
            self.graph.cast(weights, wide, "int32")
        return wide

    def _number(self, number: int) -> str:
        return self.graph.constant(f":{number}", np.array(number, np.int32))


def value_of(name: str) -> str:
    """The value of a graph that is the program's tensor `name`."""
    return f"{name}:int32"


def input_names(program: Program) -> dict[str, str]:
    """The program's inputs by the graph's: "x", and for a state the identifier of its name."""
    return {"x": program.x, **{identifier_of(state.read): state.read for state in program.states}}


def output_names(program: Program) -> dict[str, str]:
    """The program's outputs by the graph's: "y", and for a new state the name of its input, "_out" behind it."""
    taken, names = {*input_names(program), "y"}, {"y": program.y}
    for state in program.states:
        key = f"{identifier_of(state.read)}_out"
        while key in taken:
            key += "_"
        taken.add(key)
        names[key] = state.write
    return names


def ports(program: Program, names: Mapping[str, str]) -> list[Port]:
    """What `input_names` or `output_names` name."""
    tensors = ((key, program.tensors[name]) for key, name in names.items())
    return [Port(key, tensor.dtype, (BATCH, tensor.size)) for key, tensor in tensors]


def lower(program: Program) -> Graph:
    """The graph of a program, with `input_names` and `output_names`. Raises MissingExtraError."""
    lowering = _Lowering(program)
    for key, name in input_names(program).items():
        lowering.graph.cast(key, value_of(name), "int32")
    for op in program.ops:
        lowering.lower(op)
    for key, name in output_names(program).items():
        lowering.graph.cast(value_of(name), key, program.tensors[name].dtype)
    return lowering.graph


def _linear(lowering: _Lowering, op: Op) -> None:
    """MatMul of int32, then the rounding shift of each row as the quotient of what was lifted above zero."""
    assert op.kernel is not None
    out, graph = op.outputs[0], lowering.graph
    shifts = lowering.program.row_shifts(op)
    bias = lowering.program.kernels[op.kernel].bias + (np.int32(1) << (shifts - 1)) + np.int32(_LIFT)
    product = lowering.apply("MatMul", f"{out}:product", value_of(op.inputs[0]), lowering.kernel(op.kernel))
    lifted = lowering.apply("Add", f"{out}:lifted", product, graph.constant(f"{out}:bias", bias))
    divisors = graph.constant(f"{out}:divisors", np.int32(1) << shifts)
    quotient = lowering.apply("Div", f"{out}:quotient", lifted, divisors)
    lifts = graph.constant(f"{out}:lifts", np.int32(_LIFT) >> shifts)
    lowering.saturate(op, lowering.apply("Sub", f"{out}:shifted", quotient, lifts))


def _split(lowering: _Lowering, op: Op) -> None:
    sizes = [lowering.program.tensors[name].size for name in op.outputs]
    lowering.graph.op("Split", [value_of(op.inputs[0])], [value_of(name) for name in op.outputs], axis=1, split=sizes)


def _sum(kind: str) -> Callable[[_Lowering, Op], None]:
    """The lowering of `add` or `sub`: at the finest of the three scales, where nothing passes 2**29, then rounded."""

    def lower_sum(lowering: _Lowering, op: Op) -> None:
        out = op.outputs[0]
        a, b, result = (lowering.program.tensors[name] for name in (*op.inputs, out))
        finest = max(a.frac, b.frac, result.frac)
        left = _scaled(lowering, value_of(a.name), finest - a.frac, f"{out}:left")
        right = _scaled(lowering, value_of(b.name), finest - b.frac, f"{out}:right")
        exact = lowering.apply(kind, f"{out}:exact", left, right)
        lowering.saturate(op, _rounded(lowering, exact, finest - result.frac, out))

    return lower_sum


def _mul(lowering: _Lowering, op: Op) -> None:
    product = lowering.apply("Mul", f"{op.outputs[0]}:product", *map(value_of, op.inputs))
    lowering.saturate(op, _rounded_twice(lowering, product, lowering.program.shift(op), op.outputs[0]))


def _requantize(lowering: _Lowering, op: Op) -> None:
    lowering.saturate(op, _shifted(lowering, op))


def _operand(lowering: _Lowering, op: Op) -> None:
    limit = OPERAND_LIMIT[lowering.program.tensors[op.outputs[0]].dtype]
    lowering.saturate(op, _shifted(lowering, op), (-limit, limit))


def _shifted(lowering: _Lowering, op: Op) -> str:
    """The input of `op` at the scale of its result."""
    value, shift = value_of(op.inputs[0]), lowering.program.shift(op)
    if shift > 0:
        return _rounded_twice(lowering, value, shift, op.outputs[0])
    return _scaled(lowering, value, -shift, f"{op.outputs[0]}:scaled")


def _relu(lowering: _Lowering, op: Op) -> None:
    lowering.apply("Max", value_of(op.outputs[0]), value_of(op.inputs[0]), 0)


def _activation(name: str, segments: Segments) -> Callable[[_Lowering, Op], None]:
    """The lowering of `sigmoid` or `tanh`, whose segments stand in the file once."""

    def lower_activation(lowering: _Lowering, op: Op) -> None:
        out, apply = op.outputs[0], lowering.apply
        slopes = lowering.graph.constant(f":{name}:slopes", segments.slopes)
        offsets = lowering.graph.constant(f":{name}:offsets", segments.offsets)
        scaled = apply("Mul", f"{out}:scaled", value_of(op.inputs[0]), segments.factor)
        place = apply("Add", f"{out}:place", scaled, segments.origin)
        if segments.halving > 1:
            place = apply("Div", f"{out}:halved", place, segments.halving)
        segment = apply("Div", f"{out}:segment", place, segments.width)
        rise = apply("Mul", f"{out}:rise", place, apply("Gather", f"{out}:slope", slopes, segment))
        line = apply("Add", f"{out}:line", rise, apply("Gather", f"{out}:offset", offsets, segment))
        quotient = apply("Div", f"{out}:quotient" if segments.lift else value_of(out), line, segments.divisor)
        if segments.lift:
            apply("Sub", value_of(out), quotient, segments.lift)

    return lower_activation


def _scaled(lowering: _Lowering, value: str, shift: int, result: str) -> str:
    """value * 2**shift."""
    return lowering.apply("Mul", result, value, 1 << shift) if shift else value


def _rounded(lowering: _Lowering, value: str, shift: int, out: str) -> str:
    """value / 2**shift, half away from zero, of |value| <= 2**30: the magnitude's quotient with the sign put back."""
    if not shift:
        return value
    magnitude = lowering.apply("Abs", f"{out}:magnitude", value)
    raised = lowering.apply("Add", f"{out}:raised", magnitude, 1 << (shift - 1))
    return _signed(lowering, value, raised, shift, out)


def _rounded_twice(lowering: _Lowering, value: str, shift: int, out: str) -> str:
    """value / 2**shift, half up to one bit and then half away from zero, of |value| <= 2**30 and shift >= 1.

    Both roundings are one: (value + 1 + half) >> shift of what is positive, -((half - value) >> shift) of the rest.
    """
    half = 1 << (shift - 1) if shift > 1 else 0
    above = lowering.apply("Add", f"{out}:above", value, half + 1)
    below = lowering.apply("Sub", f"{out}:below", half, value)
    return _signed(lowering, value, lowering.apply("Max", f"{out}:raised", above, below), shift, out)


def _signed(lowering: _Lowering, value: str, raised: str, shift: int, out: str) -> str:
    """raised >> shift with the sign of `value`."""
    quotient = lowering.apply("Div", f"{out}:quotient", raised, 1 << shift)
    sign = lowering.apply("Sign", f"{out}:sign", value)
    return lowering.apply("Mul", f"{out}:rounded", quotient, sign)


_LOWER: dict[str, Callable[[_Lowering, Op], None]] = {
    "linear": _linear,
    "operand": _operand,
    "split": _split,
    "add": _sum("Add"),
    "sub": _sum("Sub"),
    "mul": _mul,
    "requantize": _requantize,
    "sigmoid": _activation("sigmoid", SIGMOID),
    "tanh": _activation("tanh", TANH),
    "relu": _relu,
}
