# SPDX-License-Identifier: Apache-2.0
"""What a model costs: numbers to store and to multiply, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgernn.spec.program import Kernel, Program, layer_of


@dataclass(frozen=True)
class LayerFootprint:
    """One layer of an integer program.

    shape: "inputs -> outputs"; parameters: weights, and biases of matrices that have some; zeros: share of weights that
    are 0; macs: multiplications of weights a step; weight_bytes: int8 weights, int32 biases and a byte of shift a row;
    state_bytes: int16 state; scales: binary exponents of the rows of each matrix.
    """

    name: str
    shape: str
    parameters: int
    zeros: float
    macs: int
    weight_bytes: int
    state_bytes: int
    scales: str


def layers(program: Program) -> tuple[LayerFootprint, ...]:
    """A row for each layer, in the order of the program."""
    kernels: dict[str, dict[str, Kernel]] = {}
    for op in program.ops:
        if op.kernel is not None:
            layer = layer_of(op.kernel)
            kernels.setdefault(layer, {})[op.kernel.removeprefix(f"{layer}/")] = program.kernels[op.kernel]
    return tuple(_layer(program, name, matrices) for name, matrices in kernels.items())


def totals(program: Program) -> dict[str, int]:
    """weight_bytes, state_bytes and macs_per_step of the whole program; all its states count, whatever their layer."""
    rows = layers(program)
    return {
        "weight_bytes": sum(row.weight_bytes for row in rows),
        "state_bytes": 2 * sum(program.tensors[state.read].size for state in program.states),
        "macs_per_step": sum(row.macs for row in rows),
    }


def _layer(program: Program, name: str, kernels: Mapping[str, Kernel]) -> LayerFootprint:
    """`kernels` by matrix, the one that reads the layer's input first."""
    weights = sum(kernel.weights.size for kernel in kernels.values())
    rows = sum(kernel.bias.size for kernel in kernels.values())
    biases = sum(kernel.bias.size for kernel in kernels.values() if kernel.bias.any())
    zeros = sum(int((kernel.weights == 0).sum()) for kernel in kernels.values())
    states = [program.tensors[state.read].size for state in program.states if layer_of(state.read) == name]
    first = next(iter(kernels.values()))
    return LayerFootprint(
        name=name,
        shape=f"{first.weights.shape[1]} -> {states[0] if states else len(first.bias)}",
        parameters=weights + biases,
        zeros=zeros / weights,
        macs=weights,
        weight_bytes=weights + rows + 4 * biases,
        state_bytes=2 * sum(states),
        scales=", ".join(f"{matrix} {scales(kernel)}" for matrix, kernel in kernels.items()),
    )


def scales(kernel: Kernel) -> str:
    """The scales of the rows that have weights, from the finest to the coarsest: "2^-9..2^-6"."""
    fracs = kernel.frac[kernel.weights.any(axis=1)] if kernel.weights.any() else kernel.frac
    finest, coarsest = f"2^{-int(fracs.max())}", f"2^{-int(fracs.min())}"
    return finest if finest == coarsest else f"{finest}..{coarsest}"
