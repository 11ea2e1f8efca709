# SPDX-License-Identifier: Apache-2.0
"""What quantization did to each layer: scales, clipping, room in the accumulators, signal to noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Affine, Float, FloatAlgebra
from edgernn.footprint import scales as row_scales
from edgernn.model import FloatModel, IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array
from edgernn.spec.program import Op, Program, Tensor, accumulator_bound

_LARGEST_RATIO = 200.0


@dataclass(frozen=True)
class MatrixReport:
    """A matrix product W v + b, on the calibration windows.

    operand, weights, result: scales, as in "2^-7", a range where rows differ; clipped_...: share of the values that
    saturate, 0..1; accumulator_bits: with its sign, of the largest sum that any operand can cause, at most 31.
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
    """A layer; signal_to_noise: of its integer output against its float output, in dB, at most 200."""

    name: str
    signal_to_noise: float
    matrices: tuple[MatrixReport, ...]


def report(
    model: FloatModel, integer: IntegerModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32]
) -> tuple[LayerReport, ...]:
    """Steps both models through raw windows x [n, T, F] side by side, each with its own states."""
    program, names = integer.program, model.names()
    noise = {name: _Noise() for name in names}
    clipping = {op.kernel: _Clipping(program, op) for op in program.ops if op.kernel is not None}
    watcher, interpreter = _Watcher(model), Interpreter(program)
    outputs = _layer_outputs(program, names)
    float_states = {name: np.zeros((len(x), size), np.float32) for name, (size, _) in model.states().items()}
    integer_states = integer.zero_states((len(x),))
    quantized, normalized = integer.quantize_input(x), model.interface.normalize(x)
    for t in range(x.shape[1]):
        inside = lengths > t
        y, float_states = model.step(watcher, normalized[:, t], float_states)
        values = interpreter.step({program.x: quantized[:, t], **integer_states})
        integer_states = program.next_states(values)
        floats = [watcher.handed[name] for name in names[1:]] + [y]
        for name, exact in zip(names, floats, strict=True):
            tensor = program.tensors[outputs[name]]
            noise[name].see(exact[inside], values[tensor.name][inside] * 2.0**-tensor.frac)
        for counter in clipping.values():
            counter.see(values, inside)
    affines = model.matrices()
    return tuple(
        LayerReport(
            name,
            noise[name].decibels(),
            tuple(counter.report(affines[kernel]) for kernel, counter in clipping.items() if _layer(kernel) == name),
        )
        for name in names
    )


class _Watcher(FloatAlgebra):
    """Float arithmetic that keeps what every layer hands to the next."""

    def __init__(self, model: FloatModel) -> None:
        super().__init__(model.matrices())
        self.handed: dict[str, Float] = {}

    def operand(self, v: Float, name: str) -> Float:
        if name == "x":
            self.handed[self.scope] = v
        return v


class _Noise:
    """Energies of a layer's float output and of what the integers miss of it."""

    def __init__(self) -> None:
        self._signal = self._noise = 0.0

    def see(self, exact: Float, rounded: Array) -> None:
        self._signal += float(np.square(exact, dtype=np.float64).sum())
        self._noise += float(np.square(exact - rounded, dtype=np.float64).sum())

    def decibels(self) -> float:
        noise = max(self._noise, self._signal * 10 ** (-_LARGEST_RATIO / 10))
        return 10 * float(np.log10(self._signal / noise)) if self._signal else 0.0


class _Clipping:
    """Counts the saturated operands and results of one `linear`."""

    def __init__(self, program: Program, op: Op) -> None:
        assert op.kernel is not None
        self._name, self._kernel = op.kernel, program.kernels[op.kernel]
        self._operand, self._result = program.tensors[op.inputs[0]], program.tensors[op.outputs[0]]
        self._largest_half = 1 << (int(program.row_shifts(op).max()) - 1)
        self._steps = self._operands = self._results = 0

    def see(self, values: dict[str, Array], inside: npt.NDArray[np.bool_]) -> None:
        self._steps += int(inside.sum())
        self._operands += _saturated(values[self._operand.name][inside], OPERAND_LIMIT[self._operand.dtype])
        self._results += _saturated(values[self._result.name][inside], 32767)

    def report(self, affine: Affine) -> MatrixReport:
        scaled = np.abs(affine.weights * np.exp2(self._kernel.frac.astype(np.float64))[:, None])
        largest = int(accumulator_bound(self._kernel, self._operand.dtype).max()) + self._largest_half
        return MatrixReport(
            name=self._name,
            operand=_scale(self._operand),
            weights=row_scales(self._kernel),
            result=_scale(self._result),
            clipped_operand=self._operands / (self._steps * self._operand.size),
            clipped_weights=float((scaled > 127.5).mean()),
            clipped_result=self._results / (self._steps * self._result.size),
            accumulator_bits=largest.bit_length() + 1,
        )


def _saturated(values: Array, limit: int) -> int:
    return int((np.abs(values.astype(np.int32)) >= limit).sum())


def _scale(tensor: Tensor) -> str:
    return f"2^{-tensor.frac}"


def _layer(name: str) -> str:
    """The layer of a kernel or tensor."""
    return name.partition("/")[0]


def _layer_outputs(program: Program, names: tuple[str, ...]) -> dict[str, str]:
    """The tensor that each layer hands on: what the next layer's first operand reads; the last layer's is y."""
    outputs = {names[-1]: program.y}
    for before, after in zip(names, names[1:], strict=False):
        operands = (op for op in program.ops if op.kind == "operand" and _layer(op.outputs[0]) == after)
        outputs[before] = next(operands).inputs[0]
    return outputs
