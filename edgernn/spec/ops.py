# SPDX-License-Identifier: Apache-2.0
"""The primitives: the one executable definition of edgernn's integer arithmetic.

Every value is an integer `q` that stands for the real number `q * 2**-frac`; `frac` is the number of fractional bits.
All functions take and return int16 arrays (int8 where they say so) of any leading batch shape; all of them saturate,
none wraps. The roundings are those that every TensorFlow Lite kernel shares once all scales are powers of two:
`tests/backends/test_conformance.py` compares each function with each kernel path, exhaustively where it can.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.spec.tables import SIGMOID_TABLE

Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Array = npt.NDArray[Any]

SIGMOID_FRAC = 11
"""Fractional bits of the input of `sigmoid`: a range of +-16, so that a gate can close."""
TANH_FRAC = 13
"""Fractional bits of the input of `tanh`: it saturates at +-4, so |h| stays below 1, as does its int8 copy."""
UNIT_FRAC = 15
"""Fractional bits of what `sigmoid` and `tanh` return."""

OPERAND_LIMIT = {"int8": 127, "int16": 16383}
"""The largest magnitude of a matrix operand. Symmetric; int16 has a bit to spare because kernels are fed 2*v."""
MAX_SIZE = 2**20
"""The most values that a tensor can have: a file that declares more is refused before anything is allocated."""
MAX_VALUES = 2**24
"""The most values that all tensors of a program can have together."""
MAX_FRAC = 32
"""The largest magnitude of a tensor's `frac`: every scale in a file, weights' too, is then a normal float32."""
MAX_SHIFT = 30
"""The largest right shift of any primitive."""
MIN_MUL_SHIFT = 2
MAX_ALIGN = 13
"""The largest difference of `frac` between the two inputs of `add` and `sub`: kernels lose bits from 14 on."""


def saturate(q: Array, dtype: str = "int16") -> Array:
    """Clip to the range of `dtype` and convert."""
    info = np.iinfo(dtype)
    return np.clip(q, info.min, info.max).astype(dtype)


def round_shift(q: Array, shift: int) -> Array:
    """q / 2**shift, rounded half away from zero (gemmlowp's RoundingDivideByPOT); an exact product for shift <= 0."""
    if shift <= 0:
        return q << -shift
    half: Array = (1 << (shift - 1)) - (q < 0)
    return (q + half) >> shift


def linear(v: Array, weights: Int8, bias: Int32, shift: Int32) -> Int16:
    """Matrix-vector product with a rounding shift of its own for every row: sat16((W v + b + 2**(m-1)) >> m).

    v: int8 or int16 [..., K], |v| <= OPERAND_LIMIT; weights: int8 [N, K], within +-127; bias: int32 [N];
    shift: int32 [N], 1 <= m <= MAX_SHIFT. Rounds half up. Returns int16 [..., N].
    The caller proves that no accumulator passes 2**30 (`edgernn.spec.program`), so int32 holds it.
    """
    half = np.int32(1) << (shift - 1)
    return saturate((_product(v, weights) + (bias + half)) >> shift)


_ONE_THREAD = 2**18
"""Multiplications that OpenBLAS does in one thread. Waking a second one costs more than it gives, and milliseconds on a
busy machine, so larger products are cut."""


def _product(v: Array, weights: Int8) -> Array:
    """v W' as int32 [..., N]. Every partial sum is an integer below 2**53, so float64 is exact and BLAS can be used."""
    matrix = weights.T.astype(np.float64)
    rows = v.reshape(-1, v.shape[-1])
    block = max(1, _ONE_THREAD // weights.size)
    blocks = [rows[i : i + block].astype(np.float64) @ matrix for i in range(0, max(len(rows), 1), block)]
    product = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    return product.astype(np.int32).reshape(*v.shape[:-1], len(weights))


def _align(a: Int16, a_frac: int, b: Int16, b_frac: int) -> tuple[Array, Array, int]:
    frac = max(a_frac, b_frac)
    return a.astype(np.int32) << (frac - a_frac), b.astype(np.int32) << (frac - b_frac), frac


def add(a: Int16, b: Int16, a_frac: int, b_frac: int, frac: int) -> Int16:
    """a + b at `frac` fractional bits: one rounding, half away from zero."""
    a_aligned, b_aligned, common = _align(a, a_frac, b, b_frac)
    return saturate(round_shift(a_aligned + b_aligned, common - frac))


def sub(a: Int16, b: Int16, a_frac: int, b_frac: int, frac: int) -> Int16:
    """a - b at `frac` fractional bits: one rounding, half away from zero."""
    a_aligned, b_aligned, common = _align(a, a_frac, b, b_frac)
    return saturate(round_shift(a_aligned - b_aligned, common - frac))


def _halve_twice(q: Array, shift: int) -> Array:
    """q / 2**shift, shift >= 1, rounded twice: half up to one bit, then half away from zero.

    This is what gemmlowp's doubling high multiplication by 2**30 and its rounding division come to.
    """
    return round_shift((q + 1) >> 1, shift - 1)


def mul(a: Int16, b: Int16, shift: int) -> Int16:
    """a * b / 2**shift, MIN_MUL_SHIFT <= shift <= MAX_SHIFT: rounded twice (`_halve_twice`)."""
    return saturate(_halve_twice(a.astype(np.int32) * b.astype(np.int32), shift))


def requantize(a: Int16, shift: int) -> Int16:
    """a / 2**shift: rounded twice (`_halve_twice`) for shift > 0, an exact product for shift <= 0."""
    q = a.astype(np.int32)
    return saturate(_halve_twice(q, shift) if shift > 0 else q << -shift)


def operand(a: Int16, shift: int, dtype: str) -> Array:
    """`requantize`, then clipped to the symmetric operand range of `dtype`: what `linear` multiplies."""
    limit = OPERAND_LIMIT[dtype]
    return np.clip(requantize(a, shift), -limit, limit).astype(dtype)


def relu(a: Int16) -> Int16:
    """max(a, 0)."""
    return np.maximum(a, np.int16(0))


def _sigmoid16(x: Array) -> Array:
    """sigmoid with x at 2**-12 / 3 per unit, as TensorFlow Lite computes it: linear interpolation, 10 guard bits."""
    magnitude = np.abs(x)
    index = np.minimum(magnitude >> 9, 254)
    low, high = SIGMOID_TABLE[index], SIGMOID_TABLE[index + 1]
    value = np.where(magnitude >> 9 >= 255, 0x7FFF << 10, (low << 9) + (magnitude & 0x1FF) * (high - low))
    value = np.where(x >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1)
    return value >> 10


def _tanh16(x: Array) -> Array:
    """tanh by 2 sigmoid(2 x) - 1 from the same table, x at 2**-12 / 3 per unit."""
    magnitude = np.abs(x)
    index = np.minimum(magnitude >> 8, 254)
    low, high = SIGMOID_TABLE[index], SIGMOID_TABLE[index + 1]
    value = np.where(magnitude >> 8 >= 255, 0xFFFF << 8, (low << 8) + (magnitude & 0xFF) * (high - low))
    value = np.where(x >= 0, value - (1 << 23) + (1 << 7), -value + (1 << 23) + (1 << 7) - 1)
    return value >> 8


@cache
def _results(kind: str) -> Int16:
    """What `sigmoid` or `tanh` gives for every int16, from the least to the largest: made where it is first needed."""
    every = np.arange(-32768, 32768, dtype=np.int64)
    table = _sigmoid16(6 * every) if kind == "sigmoid" else _tanh16((3 * every + 1) >> 1)
    return table.astype(np.int16)


def _look_up(kind: str, a: Int16) -> Int16:
    found: Int16 = _results(kind)[a.astype(np.int32) + 32768]
    return found


def sigmoid(a: Int16) -> Int16:
    """1 / (1 + exp(-a)); `a` at SIGMOID_FRAC, the result at UNIT_FRAC."""
    return _look_up("sigmoid", a)


def tanh(a: Int16) -> Int16:
    """tanh(a); `a` at TANH_FRAC, the result at UNIT_FRAC."""
    return _look_up("tanh", a)
