# SPDX-License-Identifier: Apache-2.0
"""What quantization did to each layer: scales, clipping, signal to noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float, FloatAlgebra
from edgernn.footprint import scales as row_scales
from edgernn.model import FloatModel, IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT, Array
from edgernn.spec.program import Op, Program

_LARGEST_RATIO = 200.0


@dataclass(frozen=True)
class LayerReport:
    """One layer, on the calibration windows.

    scales: binary exponents by tensor ("x": -5 stands for a step of 2**-5), a range for the rows of a kernel;
    clipped: share of the values of operands and matrix products that saturate, 0..1; clipped_weights: of the weights;
    signal_to_noise: of the layer's integer output against its float output, in dB, at most 200.
    """

    name: str
    scales: dict[str, str]
    clipped: float
    clipped_weights: float
    signal_to_noise: float


class _Watcher(FloatAlgebra):
    """Float arithmetic that keeps what every layer hands to the next."""

    def __init__(self, model: FloatModel) -> None:
        super().__init__(model.matrices())
        self.handed: dict[str, Float] = {}

    def operand(self, v: Float, name: str) -> Float:
        if name == "x":
            self.handed[self.scope] = v
        return v


def report(
    model: FloatModel, integer: IntegerModel, x: npt.NDArray[np.float32], lengths: npt.NDArray[np.int32]
) -> tuple[LayerReport, ...]:
    """Steps both models through raw windows x [n, T, F] side by side, each with its own states."""
    program, names = integer.program, model.names()
    tallies = {name: _Tally() for name in names}
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
            tallies[name].compare(exact[inside], values[tensor.name][inside] * 2.0**-tensor.frac)
        for op in program.ops:
            if op.kind in ("linear", "operand"):
                tallies[_layer(op)].count_clipped(values[op.outputs[0]][inside], program, op)
    return tuple(_layer_report(model, program, name, tallies[name]) for name in names)


class _Tally:
    def __init__(self) -> None:
        self.signal = self.noise = 0.0
        self.clipped = self.total = 0

    def compare(self, exact: Float, rounded: Array) -> None:
        self.signal += float(np.square(exact, dtype=np.float64).sum())
        self.noise += float(np.square(exact - rounded, dtype=np.float64).sum())

    def count_clipped(self, values: Array, program: Program, op: Op) -> None:
        dtype = program.tensors[op.outputs[0]].dtype
        limit = OPERAND_LIMIT[dtype] if op.kind == "operand" else 32767
        self.clipped += int((np.abs(values.astype(np.int32)) >= limit).sum())
        self.total += values.size


def _layer(op: Op) -> str:
    return op.outputs[0].partition("/")[0]


def _layer_outputs(program: Program, names: tuple[str, ...]) -> dict[str, str]:
    """The tensor that each layer hands on: what the next layer's first operand reads; the last layer's is y."""
    outputs = {names[-1]: program.y}
    for before, after in zip(names, names[1:], strict=False):
        outputs[before] = next(op.inputs[0] for op in program.ops if op.kind == "operand" and _layer(op) == after)
    return outputs


def _layer_report(model: FloatModel, program: Program, name: str, tally: _Tally) -> LayerReport:
    scales, clipped, total = {}, 0, 0
    affines = model.matrices()
    for op in program.ops:
        if op.kind == "linear" and _layer(op) == name:
            assert op.kernel is not None
            kernel, short = program.kernels[op.kernel], op.kernel.partition("/")[2]
            scales[f"{short}.operand"] = f"2^{-program.tensors[op.inputs[0]].frac}"
            scales[short] = row_scales(kernel)
            scales[f"{short}.result"] = f"2^{-program.tensors[op.outputs[0]].frac}"
            scaled = np.abs(affines[op.kernel].weights * np.exp2(kernel.frac.astype(np.float64))[:, None])
            clipped += int((scaled > 127.5).sum())
            total += scaled.size
    noise = max(tally.noise, tally.signal * 10 ** (-_LARGEST_RATIO / 10))
    decibels = 10 * float(np.log10(tally.signal / noise)) if tally.signal else 0.0
    return LayerReport(name, scales, tally.clipped / max(tally.total, 1), clipped / max(total, 1), decibels)
