# SPDX-License-Identifier: Apache-2.0
"""Integer constants: within the accumulator and the legal shifts, as exact as 8 bits allow, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn.cells.algebra import Affine
from edgernn.errors import EdgernnError
from edgernn.quantize.trace import quantize_kernel
from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, Op, Program, Tensor, accumulator_bound


def normal(rng, rows, columns):
    return rng.normal(size=(rows, columns)), rng.normal(size=rows)


def scaled(factor):
    return lambda rng, rows, columns: tuple(factor * part for part in normal(rng, rows, columns))


def mixed_rows(rng, rows, columns):
    weights, bias = normal(rng, rows, columns)
    return weights * 10 ** rng.uniform(-8, 1, (rows, 1)), bias


def mixed_entries(rng, rows, columns):
    return rng.normal(size=(rows, columns)) * 10 ** rng.uniform(-6, 1, (rows, columns)), 100 * rng.normal(size=rows)


def mostly_zero(rng, rows, columns):
    weights, bias = normal(rng, rows, columns)
    return weights * (rng.random(weights.shape) < 0.1), bias * (rng.random(rows) < 0.5)


def huge_bias(rng, rows, columns):
    weights, bias = normal(rng, rows, columns)
    return weights, 1e4 * bias


WEIGHTS = {
    "usual": normal,
    "small": scaled(1e-3),
    "tiny": scaled(1e-30),
    "denormal": scaled(1e-41),
    "zero": scaled(0.0),
    "large": scaled(10.0),
    "mixed rows": mixed_rows,
    "mixed entries": mixed_entries,
    "mostly zero": mostly_zero,
    "huge bias": huge_bias,
}
SHAPES = [(1, 1), (7, 3), (64, 33), (3, 700)]


def affine(make, rows, columns):
    weights, bias = make(np.random.default_rng(rows), rows, columns)
    return Affine(weights.astype(np.float32), bias.astype(np.float32))


def program_of(kernel, v, frac):
    """Raises ProgramError when the kernel is illegal."""
    tensors = {"x": v, "y": Tensor("y", len(kernel.bias), "int16", frac)}
    return Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ())


@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
@pytest.mark.parametrize("rows, columns", SHAPES)
@pytest.mark.parametrize("make", WEIGHTS.values(), ids=WEIGHTS)
def test_any_weights_give_legal_constants(make, rows, columns, dtype):
    constants = affine(make, rows, columns)
    for operand_frac in (5, 7, 10, 14):
        v = Tensor("x", columns, dtype, operand_frac)
        for wanted in (0, 7, 15):
            kernel, frac = quantize_kernel("k", constants, v, wanted)
            program = program_of(kernel, v, frac)
            assert frac <= wanted
            shifts = program.row_shifts(program.ops[0])
            assert shifts.min() >= 1
            assert accumulator_bound(kernel, dtype, shifts).max() <= ACCUMULATOR_LIMIT


@pytest.mark.parametrize("factor", [1e4, 1e12])
def test_weights_beyond_8_bits_are_refused(factor):
    with pytest.raises(EdgernnError, match="the weights of gru_0/kernel are too large for 8 bits"):
        quantize_kernel("gru_0/kernel", affine(scaled(factor), 4, 3), Tensor("x", 3, "int8", 5), 9)


@pytest.mark.parametrize("make", [normal, scaled(1e-3), mixed_rows, mostly_zero])
def test_a_row_has_the_scale_of_the_smallest_error(make):
    constants = replace(affine(make, 64, 33), bias=np.zeros(64, np.float32))
    kernel, result = quantize_kernel("k", constants, Tensor("x", 33, "int8", 7), 4)
    finest = ops.MAX_SHIFT - 2 + result - 7
    for row, found, frac in zip(constants.weights.astype(np.float64), kernel.weights, kernel.frac, strict=True):
        error = np.square(found * 2.0**-frac - row).sum()
        legal = range(-8, min(frac + 4, finest + 1))
        others = [np.clip(np.rint(row * 2.0**f), -127, 127) * 2.0**-f for f in legal]
        assert error <= min(np.square(other - row).sum() for other in others)


def test_constants_are_rounded_to_the_nearest():
    """Unless they are clipped: off by half a step of the row; a bias by half a step of the accumulator."""
    constants, v = affine(normal, 64, 33), Tensor("x", 33, "int8", 6)
    kernel, _ = quantize_kernel("k", constants, v, 8)
    step = 2.0 ** -kernel.frac.astype(np.float64)
    unclipped = np.abs(kernel.weights) < 127
    assert unclipped.mean() > 0.9
    off = np.abs(kernel.weights * step[:, None] - constants.weights)
    assert (off <= step[:, None] / 2)[unclipped].all()
    assert (np.abs(kernel.bias * step * 2.0**-v.frac - constants.bias) <= step * 2.0**-v.frac / 2).all()
    assert np.abs(kernel.weights).max() == 127


def test_small_rows_keep_their_resolution_beside_large_ones():
    weights = np.array([[100.0, -50.0], [0.01, 0.005]], np.float32)
    kernel, frac = quantize_kernel("k", Affine(weights, np.zeros(2, np.float32)), Tensor("x", 2, "int8", 7), 15)
    assert frac <= 7
    assert np.abs(kernel.weights).min(axis=1).tolist() == [50, 41]
