# SPDX-License-Identifier: Apache-2.0
"""What quantization did to each layer: scales, clipping, room in the accumulators, signal to noise."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Affine, Float
from edgernn.footprint import scales as row_scales
from edgernn.model import FloatModel, IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array
from edgernn.spec.program import Op, Program, Tensor, accumulator_bound, layer_of

_LARGEST_RATIO = 200.0


@dataclass(frozen=True)
class MatrixReport:
    """A matrix product W v + b, on the calibration windows.

    operand, weights, result: scales, as in "2^-7", a range where rows differ; clipped_...: share of the values that
    stand at the end of their range (weights: that lie beyond it), 0..1; accumulator_bits: with its sign, of the largest
    sum that any operand can cause, at most 31.
    """

    name: str
    operand: str
    weights: str
    result: str
    clipped_operand: float
    clipped_weights: float
    clipped_result: float
    accumulator_bits: int


@dataclass(frozen=True)
class LayerReport:
    """A layer, on the calibration windows.

    signal_to_noise: of its integer output against its float output, in dB, at most 200; clipped_states: share of the
    values of its states that stand at the end of their range, 0..1; state_limit: that end, 0 without states.
    """

    name: str
    signal_to_noise: float
    clipped_states: float
    state_limit: float
    matrices: tuple[MatrixReport, ...]


def report(
    model: FloatModel, integer: IntegerModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32]
) -> tuple[LayerReport, ...]:
    """Compares both models on raw windows x [n, T, F], each with its own states."""
    program, exact = integer.program, model.layer_outputs(x)
    layers = {name: _Layer(program, name, output) for name, output in _layer_outputs(program, tuple(exact)).items()}
    products = [_Product(program, op) for op in program.ops if op.kind == "linear"]
    interpreter, quantized, states = Interpreter(program), integer.quantize_input(x), integer.zero_states((len(x),))
    for t in range(x.shape[1]):
        values = interpreter.step({program.x: quantized[:, t], **states})
        states = program.next_states(values)
        inside = lengths > t
        within = {name: value[inside] for name, value in values.items()}
        for name, layer in layers.items():
            layer.see(exact[name][inside, t], within)
        for product in products:
            product.see(within)
    affines = model.matrices()
    return tuple(
        layer.report(tuple(product.report(affines) for product in products if layer_of(product.name) == name))
        for name, layer in layers.items()
    )


class _Layer:
    """Energies of a layer's float output and of what the integers miss of it; its saturated states."""

    def __init__(self, program: Program, name: str, output: str) -> None:
        self._name, self._output = name, program.tensors[output]
        self._states = [state.write for state in program.states if layer_of(state.read) == name]
        self._limit = max((2.0 ** (15 - program.tensors[state].frac) for state in self._states), default=0.0)
        self._signal = self._noise = 0.0
        self._clipping = _Clipping(32767)

    def see(self, exact: Float, values: Mapping[str, Array]) -> None:
        found = values[self._output.name] * 2.0**-self._output.frac
        self._signal += float(np.square(exact, dtype=np.float64).sum())
        self._noise += float(np.square(exact - found, dtype=np.float64).sum())
        for state in self._states:
            self._clipping.see(values[state])

    def report(self, matrices: tuple[MatrixReport, ...]) -> LayerReport:
        noise = max(self._noise, self._signal * 10 ** (-_LARGEST_RATIO / 10))
        decibels = 10 * float(np.log10(self._signal / noise)) if self._signal else 0.0
        return LayerReport(self._name, decibels, self._clipping.share(), self._limit, matrices)


class _Product:
    """The saturated operands and results of one `linear`."""

    def __init__(self, program: Program, op: Op) -> None:
        assert op.kernel is not None
        self.name, self._kernel = op.kernel, program.kernels[op.kernel]
        self._operand, self._result = program.tensors[op.inputs[0]], program.tensors[op.outputs[0]]
        self._bound = int(accumulator_bound(self._kernel, self._operand.dtype, program.row_shifts(op)).max())
        self._operands, self._results = _Clipping(OPERAND_LIMIT[self._operand.dtype]), _Clipping(32767)

    def see(self, values: Mapping[str, Array]) -> None:
        self._operands.see(values[self._operand.name])
        self._results.see(values[self._result.name])

    def report(self, affines: Mapping[str, Affine]) -> MatrixReport:
        scaled = np.abs(affines[self.name].weights * np.exp2(self._kernel.frac.astype(np.float64))[:, None])
        return MatrixReport(
            name=self.name,
            operand=_scale(self._operand),
            weights=row_scales(self._kernel),
            result=_scale(self._result),
            clipped_operand=self._operands.share(),
            clipped_weights=float((scaled > 127.5).mean()),
            clipped_result=self._results.share(),
            accumulator_bits=self._bound.bit_length() + 1,
        )


class _Clipping:
    """Counts values at or beyond a limit."""

    def __init__(self, limit: int) -> None:
        self._limit, self._clipped, self._total = limit, 0, 0

    def see(self, values: Array) -> None:
        self._clipped += int((np.abs(values.astype(np.int32)) >= self._limit).sum())
        self._total += values.size

    def share(self) -> float:
        return self._clipped / max(self._total, 1)


def _scale(tensor: Tensor) -> str:
    return f"2^{-tensor.frac}"


def _layer_outputs(program: Program, names: tuple[str, ...]) -> dict[str, str]:
    """The tensor that each layer hands on: what the next layer's first operand reads; the last layer's is y."""
    outputs = {}
    for before, after in zip(names, names[1:], strict=False):
        operands = (op for op in program.ops if op.kind == "operand" and layer_of(op.outputs[0]) == after)
        outputs[before] = next(operands).inputs[0]
    return {**outputs, names[-1]: program.y}
