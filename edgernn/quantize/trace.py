# SPDX-License-Identifier: Apache-2.0
"""Writes the integer program of a float model: an interpretation of the algebra whose values are tensors."""

from collections.abc import Mapping

import numpy as np

from edgernn.cells.algebra import Affine
from edgernn.errors import EdgernnError
from edgernn.model import FloatModel
from edgernn.quantize.calibrate import Calibrator, fake_quantize
from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, Kernel, Op, Program, State, Tensor, accumulator_bound

UNIT_OPERAND_FRAC = {"int8": 7, "int16": 14}
"""Operand scale of everything within +-1, which is what hidden states are: the whole range, nothing clipped."""
_WEIGHT_LIMIT = 127
_CLIPPING_CANDIDATES = 3
_NEGLIGIBLE = 2.0**-40
"""A row of weights below this never moves a result by a unit."""


class Tracer:
    """Appends an op for every call; results are named "layer/kind_number", kernels "layer/matrix"."""

    def __init__(self, matrices: Mapping[str, Affine], calibrated: Calibrator, operands: str) -> None:
        self.scope = ""
        self._matrices, self._calibrated, self._dtype = matrices, calibrated, operands
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self.kernels: dict[str, Kernel] = {}
        self._operands: dict[tuple[str, int], Tensor] = {}

    def declare(self, name: str, size: int, dtype: str, frac: int) -> Tensor:
        """A tensor that no op computes yet."""
        self.tensors[name] = Tensor(name, size, dtype, frac)
        return self.tensors[name]

    def linear(self, kernel: str, v: Tensor) -> Tensor:
        name = f"{self.scope}/{kernel}"
        frac = self._calibrated.linears[name].best()
        constants, frac = quantize_kernel(name, self._matrices[name], v, frac)
        self.kernels[name] = constants
        return self._emit("linear", (v,), len(constants.bias), frac, kernel=name)

    def operand(self, v: Tensor, name: str) -> Tensor:
        unit = v.frac == ops.UNIT_FRAC
        frac = UNIT_OPERAND_FRAC[self._dtype] if unit else self._calibrated.operands[f"{self.scope}/{name}"].best()
        known = self._operands.get((v.name, frac))
        return known or self._operands.setdefault(
            (v.name, frac), self._emit("operand", (v,), v.size, frac, self._dtype)
        )

    def split(self, v: Tensor, parts: int) -> tuple[Tensor, ...]:
        names = [self._name(f"split_{part}") for part in range(parts)]
        outputs = tuple(self.declare(name, v.size // parts, v.dtype, v.frac) for name in names)
        self.ops.append(Op("split", (v.name,), tuple(names)))
        return outputs

    def add(self, a: Tensor, b: Tensor, frac: int) -> Tensor:
        return self._emit("add", (a, b), a.size, frac)

    def sub(self, a: Tensor, b: Tensor, frac: int) -> Tensor:
        return self._emit("sub", (a, b), a.size, frac)

    def mul(self, a: Tensor, b: Tensor, frac: int) -> Tensor:
        return self._emit("mul", (a, b), a.size, frac)

    def requantize(self, v: Tensor, frac: int) -> Tensor:
        return self._emit("requantize", (v,), v.size, frac)

    def sigmoid(self, v: Tensor) -> Tensor:
        return self._emit("sigmoid", (v,), v.size, ops.UNIT_FRAC)

    def tanh(self, v: Tensor) -> Tensor:
        return self._emit("tanh", (v,), v.size, ops.UNIT_FRAC)

    def relu(self, v: Tensor) -> Tensor:
        return self._emit("relu", (v,), v.size, v.frac)

    def _emit(
        self,
        kind: str,
        inputs: tuple[Tensor, ...],
        size: int,
        frac: int,
        dtype: str = "int16",
        kernel: str | None = None,
    ) -> Tensor:
        output = self.declare(self._name(kind), size, dtype, frac)
        self.ops.append(Op(kind, tuple(t.name for t in inputs), (output.name,), kernel))
        return output

    def _name(self, kind: str) -> str:
        return f"{self.scope}/{kind}_{len(self.ops)}"


def quantize_kernel(name: str, affine: Affine, v: Tensor, frac: int) -> tuple[Kernel, int]:
    """Integer constants of W v + b for the operand `v`, and the result's scale: `frac`, or less where a row needs it.

    A row's scale is the best trade of clipping against resolution that keeps its accumulator within the limit;
    the result's scale leaves every row a right shift of at least 1.
    """
    limit = ops.OPERAND_LIMIT[v.dtype]
    bias_and_reach = np.abs(affine.bias) + np.abs(affine.weights).sum(axis=1) * limit * 2.0**-v.frac
    finest = np.floor(np.log2((ACCUMULATOR_LIMIT // 4) / np.maximum(bias_and_reach, 2.0**-20))) - v.frac
    fracs = np.minimum(np.array([_row_frac(row) for row in affine.weights]), finest).astype(np.int32)
    frac = min(frac, int(fracs.min()) + v.frac - 1)
    fracs = np.minimum(fracs, ops.MAX_SHIFT - 2 + frac - v.frac).astype(np.int32)
    scale = np.exp2(fracs.astype(np.float64))[:, None]
    weights = np.clip(np.rint(affine.weights * scale), -_WEIGHT_LIMIT, _WEIGHT_LIMIT).astype(np.int8)
    bias = np.rint(affine.bias * np.exp2(fracs.astype(np.float64) + v.frac)).astype(np.int32)
    kernel = Kernel(weights, bias, fracs)
    if frac < 0 or int(accumulator_bound(kernel, v.dtype, fracs + v.frac - frac).max()) > ACCUMULATOR_LIMIT:
        raise EdgernnError(f"the weights of {name} are too large for 8 bits; train with weight decay or clip them")
    return kernel, frac


def _row_frac(row: np.ndarray[tuple[int], np.dtype[np.float32]]) -> int:
    """The scale of a row of weights with the smallest squared error; the largest weight fits the first candidate."""
    largest = float(np.abs(row).max())
    if largest < _NEGLIGIBLE:
        return 24
    first = int(np.floor(np.log2(_WEIGHT_LIMIT / largest)))
    candidates = range(first, first + _CLIPPING_CANDIDATES)
    errors = [float(np.square(fake_quantize(row, f, _WEIGHT_LIMIT) - row).sum()) for f in candidates]
    return candidates[int(np.argmin(errors))]


def trace(model: FloatModel, calibrated: Calibrator, operands: str) -> Program:
    """The integer program of one step of `model` with matrix operands of dtype `operands`."""
    tracer = Tracer(model.matrices(), calibrated, operands)
    x = tracer.declare("x", model.layers[0].inputs, operands, calibrated.operands["input/x"].best())
    states = {name: tracer.declare(name, size, "int16", frac) for name, (size, frac) in model.states().items()}
    y, new_states = model.step(tracer, x, states)
    written = tuple(State(name, new_states[name].name) for name in states)
    return Program(tracer.tensors, tuple(tracer.ops), tracer.kernels, x.name, y.name, written)
