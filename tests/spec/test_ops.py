# SPDX-License-Identifier: Apache-2.0
"""Every primitive against its definition in exact rational numbers, one value at a time."""

import math
from fractions import Fraction

import numpy as np
import pytest

from edgernn.spec import ops

EDGES = [-32768, -32767, -16385, -16384, -16383, -255, -128, -127, -5, -3, -2, -1, 0]
EDGES += [1, 2, 3, 5, 127, 128, 255, 16383, 16384, 16385, 32766, 32767]
RANDOM = np.random.default_rng(0).integers(-32768, 32768, 20).tolist()
VALUES = np.array(EDGES + RANDOM, np.int16)
A, B = (grid.ravel() for grid in np.meshgrid(VALUES, VALUES))


def half_up(value):
    return math.floor(value + Fraction(1, 2))


def half_away(value):
    return half_up(abs(value)) * (1 if value >= 0 else -1)


def saturated(value, low=-32768, high=32767):
    return max(low, min(high, value))


def power(exponent):
    return Fraction(2) ** exponent


def twice_rounded(value, shift):
    """value / 2**shift as TensorFlow Lite's double high multiplication and its rounding division give it."""
    return saturated(half_away(Fraction(half_up(Fraction(value, 2)), 2 ** (shift - 1))))


def each(function, *arrays):
    return [function(*map(int, values)) for values in zip(*arrays, strict=True)]


FRACS = [(15, 15, 14), (14, 15, 15), (11, 9, 11), (0, 13, 13), (13, 0, 0), (5, 9, 13), (-3, -5, -4), (7, 7, 7)]


@pytest.mark.parametrize("a_frac, b_frac, frac", FRACS)
@pytest.mark.parametrize("name, sign", [("add", 1), ("sub", -1)])
def test_sums_round_once_half_away_from_zero(name, sign, a_frac, b_frac, frac):
    def exact(a, b):
        return saturated(half_away((a * power(-a_frac) + sign * b * power(-b_frac)) * power(frac)))

    found = getattr(ops, name)(A, B, a_frac, b_frac, frac)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, each(exact, A, B))


@pytest.mark.parametrize("shift", range(ops.MIN_MUL_SHIFT, ops.MAX_SHIFT + 1))
def test_mul_rounds_twice(shift):
    found = ops.mul(A, B, shift)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, each(lambda a, b: twice_rounded(a * b, shift), A, B))


@pytest.mark.parametrize("shift", range(-15, 16))
def test_requantize_rounds_twice_or_multiplies(shift):
    def exact(a):
        return twice_rounded(a, shift) if shift > 0 else saturated(a * 2**-shift)

    expected = each(exact, VALUES)
    found = ops.requantize(VALUES, shift)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, expected)
    for dtype, limit in ops.OPERAND_LIMIT.items():
        clipped = ops.operand(VALUES, shift, dtype)
        assert clipped.dtype == dtype
        np.testing.assert_array_equal(clipped, [saturated(value, -limit, limit) for value in expected])


def test_ties_in_numbers():
    ties = np.array([-6, -2, 2, 6], np.int16)
    np.testing.assert_array_equal(ops.add(ties, 0 * ties, 2, 2, 0), [-2, -1, 1, 2])
    np.testing.assert_array_equal(ops.mul(ties, 0 * ties + 1, 2), [-2, -1, 1, 2])
    np.testing.assert_array_equal(ops.requantize(np.array([-3, -1, 1, 3], np.int16), 1), [-1, 0, 1, 2])


def test_results_saturate_at_both_ends():
    top, bottom = np.array([32767], np.int16), np.array([-32768], np.int16)
    assert ops.add(top, top, 15, 15, 15) == 32767 and ops.add(bottom, bottom, 15, 15, 15) == -32768
    assert ops.sub(top, bottom, 15, 15, 15) == 32767 and ops.sub(bottom, top, 15, 15, 15) == -32768
    assert ops.mul(bottom, bottom, 2) == 32767 and ops.mul(bottom, top, 2) == -32768
    assert ops.requantize(top, -1) == 32767 and ops.requantize(bottom, -15) == -32768
    assert ops.operand(bottom, 8, "int8") == -127 and ops.operand(bottom, 0, "int16") == -16383


def random_linear(dtype, rows=40, columns=9):
    rng = np.random.default_rng(rows * columns)
    limit = ops.OPERAND_LIMIT[dtype]
    v = rng.integers(-limit, limit + 1, (6, columns)).astype(dtype)
    v[0], v[1] = limit, -limit
    weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
    bias = rng.integers(-(2**27), 2**27, rows).astype(np.int32)
    return v, weights, bias, rng.integers(1, ops.MAX_SHIFT + 1, rows).astype(np.int32)


@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
def test_linear_shifts_every_row_by_its_own_and_rounds_half_up(dtype):
    v, weights, bias, shifts = random_linear(dtype)

    def row(sample, number):
        total = sum(int(w) * int(x) for w, x in zip(weights[number], sample, strict=True)) + int(bias[number])
        return saturated(half_up(Fraction(total, 2 ** int(shifts[number]))))

    found = ops.linear(v, weights, bias, shifts)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, [[row(sample, number) for number in range(len(bias))] for sample in v])


def test_linear_rounds_ties_up():
    weights, shifts = np.ones((1, 1), np.int8), np.array([2], np.int32)
    v = np.array([[-6], [-2], [2], [6]], np.int8)
    np.testing.assert_array_equal(ops.linear(v, weights, np.zeros(1, np.int32), shifts)[:, 0], [-1, 0, 1, 2])


@pytest.mark.parametrize("rows, columns", [(40, 9), (700, 600)])
def test_linear_is_the_same_for_one_vector_and_for_a_batch(rows, columns):
    v, weights, bias, shifts = random_linear("int8", rows, columns)
    batch = ops.linear(v, weights, bias, shifts)
    for sample, expected in zip(v, batch, strict=True):
        np.testing.assert_array_equal(ops.linear(sample, weights, bias, shifts), expected)
    np.testing.assert_array_equal(ops.linear(v.reshape(2, 3, columns), weights, bias, shifts).reshape(6, rows), batch)
    assert ops.linear(v[:0], weights, bias, shifts).shape == (0, rows)


def test_linear_is_exact_at_the_limit_of_the_accumulator():
    columns = (2**30 - 2) // (127 * 16383)
    v, weights = np.full(columns, 16383, np.int16), np.full((1, columns), 127, np.int8)
    bias = np.array([2**30 - 2 - columns * 127 * 16383], np.int32)
    assert ops.linear(v, weights, bias, np.array([16], np.int32)) == (2**30 - 2 + 2**15) >> 16


def test_relu():
    np.testing.assert_array_equal(ops.relu(VALUES), [max(0, int(value)) for value in VALUES])


@pytest.mark.parametrize("function", [ops.sigmoid, ops.tanh, ops.relu])
def test_functions_of_one_value_keep_shape_and_dtype(function):
    for shape in [(0,), (4,), (2, 1, 2)]:
        result = function(np.resize(VALUES, shape))
        assert (result.shape, result.dtype) == (shape, np.int16)
