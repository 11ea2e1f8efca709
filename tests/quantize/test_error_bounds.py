# SPDX-License-Identifier: Apache-2.0
"""One integer step is close to the float step from the same operand and states: by how much, and why.

`Bounds` is an interpretation of the cells' algebra. Beside the exact real value it carries an interval in which the
integer program's value must lie, derived primitive by primitive from the float weights and the scales alone. What a
cell's error can be is then the composition of these, written down by the cell's own `step`. With u = 2**-frac of a
result:

linear      every weight is off by at most half a step of its row, 2**-(fw + 1), or by what clipping cuts off it; so the
            sum is off by that times sum |v|. The bias is off by 2**-(fw + fv + 1), the result by u / 2.
operand,    to the right they round twice: half up to one bit fewer, which moves by one unit of the input, then to u,
requantize  which moves by u / 2. To the left they are exact.
add, sub    one rounding: u / 2, or nothing where the result is as fine as both inputs.
mul         the product lies between those of the ends; half up to one bit fewer moves it by one unit of the product,
            then u / 2.
sigmoid,    rise monotonically, with slope at most 1/4 and 1, so ends go to ends; the tables are off by at most 1.1 and
tanh        2.5 units of 2**-15 (tests/spec/test_tables.py).

Saturation is monotone too: it moves both ends into the range of the result.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgernn.cells.algebra import FloatAlgebra
from edgernn.quantize import quantize
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT

FLOAT64 = 1e-9
"""The bounds themselves are computed in float64, on numbers below 2**16."""
TABLE_ERROR = {"sigmoid": 1.1 * 2.0**-15, "tanh": 2.5 * 2.0**-15}


@dataclass(frozen=True)
class Bounded:
    """A tensor of the program: its exact value, and where the integers are, as real numbers [batch, size]."""

    exact: np.ndarray
    low: np.ndarray
    high: np.ndarray
    frac: int

    @property
    def unit(self):
        return 2.0**-self.frac

    @property
    def reach(self):
        return np.maximum(np.abs(self.low), np.abs(self.high))


class Bounds:
    """Follows the ops of a program, in the order in which the tracer wrote them."""

    def __init__(self, model, program):
        self.scope = ""
        self._matrices, self._program, self._ops = model.matrices(), program, iter(program.ops)
        self._float = FloatAlgebra(self._matrices)
        self.values = {}

    def _emit(self, kind, exact, low, high, error=0.0):
        op = next(self._ops)
        tensor = self._program.tensors[op.outputs[0]]
        assert op.kind == kind
        limit = OPERAND_LIMIT[tensor.dtype] if kind == "operand" else 32767
        ends = np.array([-limit - (kind != "operand"), limit]) * 2.0**-tensor.frac
        low, high = np.clip(low - error, *ends), np.clip(high + error, *ends)
        self.values[tensor.name] = Bounded(exact, low, high, tensor.frac)
        return self.values[tensor.name]

    def _frac(self):
        """Of the result of the next op."""
        position = len(self._program.ops) - self._ops.__length_hint__()
        return self._program.tensors[self._program.ops[position].outputs[0]].frac

    def linear(self, kernel, v):
        name = f"{self.scope}/{kernel}"
        affine, constants = self._matrices[name], self._program.kernels[name]
        weights, bias = affine.weights.astype(np.float64), affine.bias.astype(np.float64)
        step = 2.0 ** -constants.frac.astype(np.float64)
        off = np.maximum(step[:, None] / 2, np.abs(weights) - 127 * step[:, None])
        error = v.reach @ off.T + step * v.unit / 2 + 2.0 ** -self._frac() / 2
        up, down = np.maximum(weights, 0), np.minimum(weights, 0)
        low, high = v.low @ up.T + v.high @ down.T + bias, v.high @ up.T + v.low @ down.T + bias
        return self._emit("linear", v.exact @ weights.T + bias, low, high, error)

    def split(self, v, parts):
        names, size = next(self._ops).outputs, v.exact.shape[-1] // parts
        cuts = [slice(i * size, (i + 1) * size) for i in range(parts)]
        made = [replace(v, exact=v.exact[:, c], low=v.low[:, c], high=v.high[:, c]) for c in cuts]
        self.values.update(zip(names, made, strict=True))
        return tuple(made)

    def _scaled(self, kind, v):
        frac = self._frac()
        return self._emit(kind, v.exact, v.low, v.high, v.unit + 2.0**-frac / 2 if v.frac > frac else 0.0)

    def operand(self, v, name):
        return self._scaled("operand", v)

    def requantize(self, v, frac):
        return self._scaled("requantize", v)

    def add(self, a, b, frac):
        error = 2.0**-frac / 2 if max(a.frac, b.frac) > frac else 0.0
        return self._emit("add", a.exact + b.exact, a.low + b.low, a.high + b.high, error)

    def sub(self, a, b, frac):
        error = 2.0**-frac / 2 if max(a.frac, b.frac) > frac else 0.0
        return self._emit("sub", a.exact - b.exact, a.low - b.high, a.high - b.low, error)

    def mul(self, a, b, frac):
        corners = np.array([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
        error = a.unit * b.unit + 2.0**-frac / 2
        return self._emit("mul", a.exact * b.exact, corners.min(axis=0), corners.max(axis=0), error)

    def sigmoid(self, v):
        return self._function("sigmoid", self._float.sigmoid, v)

    def tanh(self, v):
        return self._function("tanh", self._float.tanh, v)

    def _function(self, kind, function, v):
        return self._emit(kind, function(v.exact), function(v.low), function(v.high), TABLE_ERROR[kind])

    def relu(self, v):
        return self._emit("relu", *(np.maximum(value, 0) for value in (v.exact, v.low, v.high)))


def starts(program, largest_x=1.0):
    """Integer inputs of a step [batch, size]: random, zero, and each at its ends in all combinations with the others.

    largest_x: share of the operand's range that x takes.
    """
    rng = np.random.default_rng(0)
    found = {}
    for position, name in enumerate(program.inputs):
        tensor = program.tensors[name]
        limit = OPERAND_LIMIT[tensor.dtype] if name == program.x else 32746 if tensor.frac == 15 else 32767
        limit = int(limit * largest_x) if name == program.x else limit
        random = rng.integers(-limit, limit + 1, (64, tensor.size))
        ends = limit * (2 * (np.arange(16)[:, None] >> position & 1) - 1) * np.ones(tensor.size, int)
        signs = limit * rng.choice([-1, 1], (16, tensor.size))
        found[name] = np.concatenate([random, random // 64, 0 * ends, ends, signs]).astype(tensor.dtype)
    return found


def step_both(model, program, inputs):
    """The integers' real values and the bounds of every tensor."""
    exact = {name: value * 2.0 ** -program.tensors[name].frac for name, value in inputs.items()}
    bounded = {name: Bounded(v, v, v, program.tensors[name].frac) for name, v in exact.items()}
    bounds = Bounds(model, program)
    model.step(bounds, bounded.pop(program.x), bounded)
    found = Interpreter(program).step(inputs)
    return {name: found[name] * 2.0 ** -program.tensors[name].frac for name in bounds.values}, bounds.values


@pytest.mark.parametrize("operands", OPERAND_LIMIT)
@pytest.mark.parametrize("spread", [0.05, 1.0, 8.0], ids=["small", "usual", "saturating"])
def test_every_value_lies_within_its_bounds(make_model, windows, layers, spread, operands):
    model = make_model(*layers, spread=spread)
    program = quantize(model, *windows, operands).model.program
    found, bounds = step_both(model, program, starts(program))
    assert set(found) == {name for op in program.ops for name in op.outputs}
    for name, value in found.items():
        assert (bounds[name].low - FLOAT64 <= value).all(), name
        assert (value <= bounds[name].high + FLOAT64).all(), name


@pytest.mark.parametrize("operands", OPERAND_LIMIT)
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_the_bounds_are_narrow(make_model, windows, kind, operands):
    """At usual weights and samples; int8 weights make up most of it: 11 of them, each off by up to 2**-8 or 2**-7."""
    model = make_model((kind, 6, {}))
    program = quantize(model, *windows, operands).model.program
    h = step_both(model, program, starts(program, largest_x=0.125))[1][program.y]
    widest = float(np.maximum(h.high - h.exact, h.exact - h.low).max())
    assert 0 < widest < 0.2
