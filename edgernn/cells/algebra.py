# SPDX-License-Identifier: Apache-2.0
"""What a cell is written in: one `step` per cell, read as float arithmetic, as an integer program, or as a float graph.

An interpretation of the algebra decides what a value `V` is. `FloatAlgebra` here computes with NumPy arrays;
`edgernn.quantize.trace` writes the integer program; `edgernn.backends.tflite` writes a float graph.
`frac` is the number of fractional bits that the integer program gives a result; float interpretations ignore it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

V = TypeVar("V")
Float = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """weights float32 [N, K] and bias float32 [N] of W v + b."""

    weights: Float
    bias: Float


def two_matrices(weights: Mapping[str, Float]) -> dict[str, Affine]:
    """The usual two of a recurrent layer: "kernel" reads x and has the bias, "recurrent" reads h."""
    recurrent = weights["recurrent_kernel"].T
    return {
        "kernel": Affine(weights["kernel"].T, weights["bias"]),
        "recurrent": Affine(recurrent, np.zeros(len(recurrent), np.float32)),
    }


class Algebra(Protocol[V]):
    """The primitives of `edgernn.spec.ops`, by the same names."""

    scope: str
    """Name of the layer being stepped; its kernels and operands go by "scope/name"."""

    def linear(self, kernel: str, v: V) -> V:
        """W v + b with the layer's constants of that name; `v` is an operand."""

    def operand(self, v: V, name: str) -> V:
        """`v` as what `linear` multiplies: int8, or int16 on request."""

    def split(self, v: V, parts: int) -> tuple[V, ...]:
        """Equal parts of `v`, in order."""

    def add(self, a: V, b: V, frac: int) -> V:
        """a + b."""

    def sub(self, a: V, b: V, frac: int) -> V:
        """a - b."""

    def mul(self, a: V, b: V, frac: int) -> V:
        """a * b, elementwise."""

    def requantize(self, v: V, frac: int) -> V:
        """The same numbers at another scale."""

    def sigmoid(self, v: V) -> V:
        """1 / (1 + exp(-v)); `v` at SIGMOID_FRAC."""

    def tanh(self, v: V) -> V:
        """tanh(v); `v` at TANH_FRAC."""

    def relu(self, v: V) -> V:
        """max(v, 0)."""


class FloatAlgebra:
    """Computes in float32 on arrays [..., size]."""

    def __init__(self, matrices: Mapping[str, Affine]) -> None:
        """matrices: constants by "layer/matrix", as `FloatModel.matrices` gives them."""
        self.scope = ""
        self._matrices = matrices

    def linear(self, kernel: str, v: Float) -> Float:
        affine = self._matrices[f"{self.scope}/{kernel}"]
        return v @ affine.weights.T + affine.bias

    def operand(self, v: Float, name: str) -> Float:
        return v

    def split(self, v: Float, parts: int) -> tuple[Float, ...]:
        return tuple(np.split(v, parts, axis=-1))

    def add(self, a: Float, b: Float, frac: int) -> Float:
        return a + b

    def sub(self, a: Float, b: Float, frac: int) -> Float:
        return a - b

    def mul(self, a: Float, b: Float, frac: int) -> Float:
        return a * b

    def requantize(self, v: Float, frac: int) -> Float:
        return v

    def sigmoid(self, v: Float) -> Float:
        half = np.float32(0.5)
        result: Float = half * np.tanh(half * v) + half
        return result

    def tanh(self, v: Float) -> Float:
        return np.tanh(v)

    def relu(self, v: Float) -> Float:
        return np.maximum(v, 0)
