# SPDX-License-Identifier: Apache-2.0
"""Every primitive of the C runtime against the specification, over all that the program checker allows."""

import ctypes

import numpy as np
import pytest

from edgernn.backends.c.step import ROWS, interleave
from edgernn.backends.c.write import LAYOUT_VERSION, RUNTIME, TABLE, table_source
from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, SPEC_VERSION

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
EDGES = np.unique([sign * (2**power + near) for sign in (-1, 1) for power in range(15) for near in (-1, 0, 1)])
EDGES = np.append(EDGES, [-32768, 32767]).astype(np.int16)
EDGE_PAIRS = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
PAIRS = np.concatenate([EDGE_PAIRS, np.random.default_rng(0).integers(-32768, 32768, (2, 2**20))], axis=1)
PAIRS = PAIRS.astype(np.int16)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


@pytest.fixture
def call(shim):
    """Runs a primitive of the shim on int16 arrays with constant arguments."""

    def run(kind, *arrays, constants=()):
        arrays = [np.ascontiguousarray(array) for array in arrays]
        out = np.empty(arrays[0].size, np.int16)
        values = [ctypes.c_size_t(out.size), *map(pointer, (*arrays, out)), *map(ctypes.c_int, constants)]
        shim[f"shim_{kind}"](*values)
        return out

    return run


@pytest.mark.parametrize("kind", ["sigmoid", "tanh", "relu"])
def test_activations_on_all_inputs(call, kind):
    np.testing.assert_array_equal(call(kind, EVERY_INT16), getattr(ops, kind)(EVERY_INT16))


@pytest.mark.parametrize("shift", range(-15, 16))
def test_requantize_and_operand_on_all_inputs(call, shift):
    found = call("requantize", EVERY_INT16, constants=(shift,))
    np.testing.assert_array_equal(found, ops.requantize(EVERY_INT16, shift))
    for dtype, limit in ops.OPERAND_LIMIT.items():
        found = call("operand", EVERY_INT16, constants=(shift, limit))
        np.testing.assert_array_equal(found, ops.operand(EVERY_INT16, shift, dtype))


@pytest.mark.parametrize("shift", range(ops.MIN_MUL_SHIFT, ops.MAX_SHIFT + 1))
def test_mul_at_every_shift(call, shift):
    np.testing.assert_array_equal(call("mul", *PAIRS, constants=(shift,)), ops.mul(*PAIRS, shift))


@pytest.mark.parametrize("kind", ["add", "sub"])
@pytest.mark.parametrize("a, b", [(0, 0), (3, 0), (0, 5), (13, 0), (0, 13)])
def test_sums_at_every_scale(call, kind, a, b):
    for frac in range(max(a, b) - ops.MAX_ALIGN, min(a, b) + ops.MAX_ALIGN + 1):
        expected = getattr(ops, kind)(*PAIRS, a, b, frac)
        np.testing.assert_array_equal(call(kind, *PAIRS, constants=(a, b, frac)), expected, err_msg=str(frac))


class Kernel(ctypes.Structure):
    """edgernn_kernel_t."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("weights", "bias", "shift")),
        ("columns", ctypes.c_size_t),
    ]


def linear(shim, v, weights, bias, shift, row=0, rows=None):
    """edgernn_linear on one operand vector."""
    laid = np.ascontiguousarray(interleave(weights, 1))
    kept = laid, np.ascontiguousarray(bias, np.int32), np.ascontiguousarray(shift, np.uint8)
    kernel = Kernel(kept[0].ctypes.data, kept[1].ctypes.data if bias.any() else None, kept[2].ctypes.data, v.size)
    rows = len(weights) - row if rows is None else rows
    wide, out = v.astype(np.int16), np.full(rows + 2, 77, np.int16)
    shim.edgernn_linear(ctypes.byref(kernel), ctypes.c_size_t(row), ctypes.c_size_t(rows), pointer(wide), pointer(out))
    assert out[rows:].tolist() == [77, 77], "it writes no more than its rows"
    return out[:rows]


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 8, 9, 16, 31, 64, 129])
@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
def test_linear_of_many_shapes(shim, columns, dtype):
    rng = np.random.default_rng(columns)
    limit = ops.OPERAND_LIMIT[dtype]
    for rows in (1, 2, 3, 4, 5, 7, 8, 13, 32):
        weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
        shift = rng.integers(1, 16, rows).astype(np.int32)
        for bias in (np.zeros(rows, np.int32), rng.integers(-(2**20), 2**20, rows).astype(np.int32)):
            for v in (rng.integers(-limit, limit + 1, columns), np.full(columns, -limit), np.full(columns, limit)):
                v = v.astype(dtype)
                np.testing.assert_array_equal(
                    linear(shim, v, weights, bias, shift), ops.linear(v, weights, bias, shift)
                )


@pytest.mark.parametrize("row, rows", [(0, 4), (4, 8), (8, 5), (12, 1), (0, 13), (4, 0)])
def test_some_rows_of_a_linear(shim, row, rows):
    rng = np.random.default_rng(0)
    weights, v = rng.integers(-127, 128, (13, 9)).astype(np.int8), rng.integers(-127, 128, 9).astype(np.int8)
    bias, shift = rng.integers(-999, 999, 13).astype(np.int32), rng.integers(1, 9, 13).astype(np.int32)
    expected = ops.linear(v, weights, bias, shift)[row : row + rows]
    np.testing.assert_array_equal(linear(shim, v, weights, bias, shift, row, rows), expected)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("shift", range(1, ops.MAX_SHIFT + 1))
def test_linear_at_the_accumulator_limit(shim, sign, shift):
    columns, limit = 100, ops.OPERAND_LIMIT["int16"]
    weights = np.full((5, columns), sign * 127, np.int8)
    products = 127 * limit * columns
    bias = np.full(5, sign * (ACCUMULATOR_LIMIT - products - 2 ** (shift - 1)), np.int64)
    v, shifts = np.full(columns, limit, np.int16), np.full(5, shift, np.int32)
    expected = ops.linear(v, weights, bias.astype(np.int32), shifts)
    np.testing.assert_array_equal(linear(shim, v, weights, bias, shifts), expected)


def test_ties_of_a_linear_are_rounded_up(shim):
    weights, v = np.array([[1], [-1], [3], [-3], [2]], np.int8), np.array([1], np.int8)
    found = linear(shim, v, weights, np.zeros(5, np.int32), np.full(5, 1, np.int32))
    assert found.tolist() == [1, 0, 2, -1, 1]


def test_the_table_is_the_specifications():
    assert (RUNTIME / TABLE).read_text(encoding="utf-8") == table_source()


def test_the_constants_are_the_specifications():
    text = (RUNTIME / "edgernn.h").read_text(encoding="utf-8")
    assert f"#define EDGERNN_SPEC_VERSION {SPEC_VERSION}\n" in text
    assert f"#define EDGERNN_LAYOUT_VERSION {LAYOUT_VERSION}\n" in text
    assert f"#define EDGERNN_ROWS {ROWS}\n" in text
    for dtype, limit in ops.OPERAND_LIMIT.items():
        assert f"#define EDGERNN_{dtype.upper()}_LIMIT {limit}\n" in text


def test_the_loaders_constants_are_the_specifications():
    text = (RUNTIME.parents[2] / "native" / "loader.c").read_text(encoding="utf-8")
    powers = {"MAX_SIZE": ops.MAX_SIZE, "MAX_VALUES": ops.MAX_VALUES}
    for name, value in powers.items():
        assert f"#define {name} (1u << {value.bit_length() - 1})\n" in text and value == 1 << value.bit_length() - 1
    plain = ("MAX_FRAC", "MAX_SHIFT", "MIN_MUL_SHIFT", "MAX_ALIGN", "SIGMOID_FRAC", "TANH_FRAC", "UNIT_FRAC")
    for name in plain:
        assert f"#define {name} {getattr(ops, name)}\n" in text
    assert "#define ACCUMULATOR_LIMIT ((1 << 30) - 1)\n" in text and ACCUMULATOR_LIMIT == (1 << 30) - 1
