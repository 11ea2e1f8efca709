# SPDX-License-Identifier: Apache-2.0
"""Matrices in blocks: what kernels read is the matrix, and zeros are left out where that pays."""

import numpy as np
import pytest

from edgernn.backends.c.layout import BLOCK, INT8_SUM_LIMIT, SPARSE_SHARE, lay_out, rounded_up
from edgernn.backends.c.write import RUNTIME
from edgernn.spec.program import Kernel


def kernel(rows, columns, *, weights=None, biased=True, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 128, (rows, columns)) if weights is None else weights
    bias = rng.integers(-999, 999, rows) if biased else np.zeros(rows)
    return Kernel(weights.astype(np.int8), bias.astype(np.int32), np.zeros(rows, np.int32))


def matrix(layout, rows):
    """The weights [rows, columns] that a kernel would multiply, zeros at the ends included."""
    bands, blocks = rows // BLOCK, rounded_up(layout.columns) // BLOCK
    dense = np.zeros((bands, blocks, BLOCK, BLOCK), np.int8)
    first = layout.first if layout.first is not None else np.arange(bands + 1) * blocks
    index = layout.index if layout.index is not None else np.tile(np.arange(blocks), bands)
    for band in range(bands):
        for number in range(first[band], first[band + 1]):
            dense[band, index[number]] = layout.words.reshape(-1, BLOCK, BLOCK)[number]
    return dense.transpose(0, 2, 1, 3).reshape(rows, -1)


@pytest.mark.parametrize("parts, size, columns", [(1, 1, 1), (1, 7, 6), (3, 5, 9), (4, 8, 16), (2, 3, 4)])
def test_every_part_begins_a_block(parts, size, columns):
    given, shift = kernel(parts * size, columns), np.arange(parts * size, dtype=np.int32) % 9 + 1
    layout = lay_out(given, shift, parts, "int8")
    padded = rounded_up(size)
    found = matrix(layout, parts * padded).reshape(parts, padded, -1)
    np.testing.assert_array_equal(found[:, :size, :columns].reshape(-1, columns), given.weights)
    assert not found[:, size:].any() and not found[:, :, columns:].any()
    assert layout.bias is not None
    bias, shifts = layout.bias.reshape(parts, padded), layout.shift.reshape(parts, padded)
    np.testing.assert_array_equal(bias[:, :size].ravel(), given.bias + 2 ** (shift - 1))
    np.testing.assert_array_equal(shifts[:, :size].ravel(), shift)
    assert (shifts >= 1).all(), "rows that fill a block up have a legal shift"
    assert layout.size == layout.words.size + 5 * parts * padded


def test_no_bias_takes_no_bytes():
    layout = lay_out(kernel(8, 8, biased=False), np.full(8, 3, np.int32), 1, "int8")
    assert layout.bias is None and layout.size == 64 + 8


@pytest.mark.parametrize("zeros, sparse", [(0, False), (3, False), (4, True), (15, True), (16, True)])
def test_blocks_of_zeros_are_left_out_where_that_pays(zeros, sparse):
    assert SPARSE_SHARE == 12 / 16
    weights = kernel(16, 16).weights.copy()
    for number in range(zeros):
        weights[4 * (number % 4) :, 4 * (number // 4) :][:4, :4] = 0
    layout = lay_out(kernel(16, 16, weights=weights), np.full(16, 2, np.int32), 1, "int8")
    assert (layout.index is not None) == sparse
    np.testing.assert_array_equal(matrix(layout, 16), weights)
    if sparse:
        assert layout.size == 16 * (16 - zeros) + 16 * 5 + 5 * 2 + (16 - zeros)


def test_places_that_a_byte_does_not_hold():
    weights = np.zeros((4, 4 * 257))
    weights[:, -1] = 1
    assert lay_out(kernel(4, 4 * 257, weights=weights), np.full(4, 2, np.int32), 1, "int8").index is None


def test_sums_that_kernels_of_int8_do_not_hold():
    columns = -(-INT8_SUM_LIMIT // 127**2)
    shift = np.full(1, 9, np.int32)
    for count, wide in ((columns - 1, False), (columns, True)):
        assert lay_out(kernel(1, count, weights=np.full((1, count), -127)), shift, 1, "int8").wide == wide
    assert lay_out(kernel(1, 1), shift, 1, "int16").wide


def test_the_constants_are_the_runtimes():
    assert f"#define EDGERNN_BLOCK {BLOCK}\n" in (RUNTIME / "edgernn.h").read_text(encoding="utf-8")
