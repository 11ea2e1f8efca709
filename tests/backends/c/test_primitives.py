# SPDX-License-Identifier: Apache-2.0
"""Every primitive of the C runtime against the specification, in every family, over all the program checker allows."""

from functools import cache

import numpy as np
import pytest

from edgernn.backends.c.layout import BLOCK, INT8_SUM_LIMIT, lay_out
from edgernn.backends.c.write import LAYOUT_VERSION, RUNTIME, TABLE, table_source
from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, SPEC_VERSION, Kernel
from tests.backends.c.conformance import FAMILIES, compile_family, elementwise, linear, run, without_guard

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
EDGES = np.unique([sign * (2**power + near) for sign in (-1, 1) for power in range(15) for near in (-1, 0, 1)])
EDGES = np.append(EDGES, [-32768, 32767]).astype(np.int16)
EDGE_PAIRS = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
PAIRS = np.concatenate([EDGE_PAIRS, np.random.default_rng(0).integers(-32768, 32768, (2, 2**15 + 1))], axis=1)
PAIRS = PAIRS.astype(np.int16)
SCALES = tuple(
    (a, b, frac)
    for a, b in ((0, 0), (3, 0), (0, 5), (13, 0), (0, 13))
    for frac in range(max(a, b) - ops.MAX_ALIGN, min(a, b) + ops.MAX_ALIGN + 1)
)
SHIFTS = range(-15, 16)
MUL_SHIFTS = range(ops.MIN_MUL_SHIFT, ops.MAX_SHIFT + 1)


def family_id(name):
    lacks = FAMILIES[name].lacks
    return f"{name} only compiled, this processor has no {lacks}" if lacks else name


@pytest.fixture(scope="session")
def program(run_tool, strict, tmp_path_factory):
    """The program of a family, compiled once."""
    return cache(lambda name: compile_family(name, run_tool, strict, tmp_path_factory.mktemp(name)))


@pytest.mark.parametrize("name", FAMILIES, ids=family_id)
def test_every_family_compiles(program, name):
    assert program(name).stat().st_size > 0


@pytest.fixture(scope="session", params=[name for name in FAMILIES if not FAMILIES[name].lacks])
def calls(request, program, run_tool):
    """Runs calls with the program of each family that runs here: what each gives."""
    return lambda *some: run(request.param, program(request.param), run_tool, some)


@cache
def expected(kind, sets):
    """What a primitive with constants gives for PAIRS, or for EVERY_INT16 where it takes one operand."""
    arrays = PAIRS if kind in ("add", "sub", "mul") else (EVERY_INT16,)
    return np.stack([getattr(ops, kind)(*arrays, *constants) for constants in sets])


def test_activations_on_all_inputs(calls):
    kinds = "sigmoid", "tanh", "relu"
    for kind, found in zip(kinds, calls(*(elementwise(kind, EVERY_INT16) for kind in kinds)), strict=True):
        np.testing.assert_array_equal(found, expected(kind, ((),)), err_msg=kind)


def test_requantize_on_all_inputs_at_every_shift(calls):
    constants = tuple((shift,) for shift in SHIFTS)
    (found,) = calls(elementwise("requantize", EVERY_INT16, constants=constants))
    np.testing.assert_array_equal(found, expected("requantize", constants))


@pytest.mark.parametrize("dtype, limit", ops.OPERAND_LIMIT.items())
def test_operand_on_all_inputs_at_every_shift(calls, dtype, limit):
    (found,) = calls(elementwise("operand", EVERY_INT16, constants=[(shift, limit) for shift in SHIFTS]))
    np.testing.assert_array_equal(found, expected("operand", tuple((shift, dtype) for shift in SHIFTS)))


def test_mul_at_every_shift(calls):
    constants = tuple((shift,) for shift in MUL_SHIFTS)
    (found,) = calls(elementwise("mul", *PAIRS, constants=constants))
    np.testing.assert_array_equal(found, expected("mul", constants))


def test_mul_with_a_gate_at_every_shift(calls):
    gates = PAIRS[0] & 0x7FFF, PAIRS[1]
    (found,) = calls(elementwise("mul_gate", *gates, constants=[(shift,) for shift in MUL_SHIFTS]))
    np.testing.assert_array_equal(found, [ops.mul(*gates, shift) for shift in MUL_SHIFTS])


@pytest.mark.parametrize("kind", ["add", "sub"])
def test_sums_at_every_scale(calls, kind):
    (found,) = calls(elementwise(kind, *PAIRS, constants=SCALES))
    np.testing.assert_array_equal(found, expected(kind, SCALES))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33])
def test_vectors_of_any_length(calls, n):
    """They end where memory ends, so that nothing is loaded or stored behind them."""
    pairs, operands = PAIRS[:, -n:], np.arange(-127, 128, 7)[:n]
    sums, narrowed = calls(elementwise("add", *pairs, constants=[(0, 0, 0)]), elementwise("narrow", operands))
    np.testing.assert_array_equal(sums[0], ops.add(*pairs, 0, 0, 0))
    np.testing.assert_array_equal(narrowed[0], operands)


class Linears:
    """Matrices with operands, and what they give: all are run at once, then compared."""

    def __init__(self, calls):
        self._run, self._calls, self._expected, self.kinds = calls, [], [], set()

    def add(self, v, weights, bias, shift, row=0, rows=None):
        layout = lay_out(Kernel(weights, bias, np.zeros(len(weights), np.int32)), shift, 1, v.dtype.name)
        rows = len(weights) - row if rows is None else rows
        self.kinds.add((layout.wide, layout.index is not None, layout.bias is not None))
        self._calls.append(linear(layout, v, row, rows))
        self._expected.append(ops.linear(v, weights, bias, shift)[row : row + rows])

    def compare(self):
        for found, wanted in zip(self._run(*self._calls), self._expected, strict=True):
            np.testing.assert_array_equal(without_guard(found), wanted)


@pytest.fixture
def linears(calls):
    return Linears(calls)


def matrix(rng, rows, columns, share):
    """Weights of which about so large a share of the blocks has some that are not zero."""
    kept = rng.random((-(-rows // BLOCK), -(-columns // BLOCK))) < share
    mask = np.kron(kept, np.ones((BLOCK, BLOCK), np.int8))[:rows, :columns]
    return (rng.integers(-127, 128, (rows, columns)) * mask).astype(np.int8)


@pytest.mark.parametrize("share", [0.3, 1.0, pytest.param(0.0, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
def test_linear_of_many_shapes(linears, dtype, share):
    limit = ops.OPERAND_LIMIT[dtype]
    for columns in (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 20, 31, 32, 64, 72, 129):
        rng = np.random.default_rng(columns)
        for rows in (1, 2, 3, 4, 5, 7, 8, 13, 16, 20, 30, 32, 35):
            weights, shift = matrix(rng, rows, columns, share), rng.integers(1, 16, rows).astype(np.int32)
            for bias in (np.zeros(rows, np.int32), rng.integers(-(2**20), 2**20, rows).astype(np.int32)):
                for v in (rng.integers(-limit, limit + 1, columns), np.full(columns, rng.choice([-limit, limit]))):
                    linears.add(v.astype(dtype), weights, bias, shift)
    assert {(dtype == "int16", share < 1.0, has_bias) for has_bias in (False, True)} <= linears.kinds
    linears.compare()


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
def test_some_rows_of_a_linear(linears, dtype, share):
    rng = np.random.default_rng(0)
    weights, v = matrix(rng, 45, 21, share), rng.integers(-127, 128, 21).astype(dtype)
    bias, shift = rng.integers(-999, 999, 45).astype(np.int32), rng.integers(1, 9, 45).astype(np.int32)
    for row in range(0, 45, BLOCK):
        for rows in (*range(BLOCK, 45 - row, BLOCK), 45 - row):
            linears.add(v, weights, bias, shift, row, rows)
    linears.compare()


@pytest.mark.parametrize("dtype", ops.OPERAND_LIMIT)
def test_linear_at_the_limits(linears, dtype):
    """Of the accumulator and, for int8, of the sum of products."""
    limit = ops.OPERAND_LIMIT[dtype]
    columns = min((INT8_SUM_LIMIT - 1) // (127 * 127), ACCUMULATOR_LIMIT // (127 * limit))
    for shift in range(1, ops.MAX_SHIFT + 1):
        for sign, operand in ((-1, -limit), (-1, limit), (1, -limit), (1, limit)):
            weights, v = np.full((5, columns), sign * 127, np.int8), np.full(columns, operand, dtype)
            products = sign * 127 * operand * columns
            rest = ACCUMULATOR_LIMIT - abs(products) - 2 ** (shift - 1)
            bias, shifts = np.full(5, np.sign(products) * rest, np.int32), np.full(5, shift, np.int32)
            linears.add(v, weights, bias, shifts)
            linears.add(v, weights, 0 * bias, shifts)
    assert {wide for wide, _, _ in linears.kinds} == {dtype == "int16"}
    linears.compare()


def test_ties_of_a_linear_are_rounded_up(calls):
    weights, ones = np.array([[1], [-1], [3], [-3], [2]], np.int8), np.ones(5, np.int32)
    layout = lay_out(Kernel(weights, 0 * ones, 0 * ones), ones, 1, "int8")
    (found,) = calls(linear(layout, np.array([1], np.int8), 0, 5))
    assert without_guard(found).tolist() == [1, 0, 2, -1, 1]


def test_the_table_is_the_specifications():
    assert (RUNTIME / TABLE).read_text(encoding="utf-8") == table_source()


def test_the_constants_are_the_specifications():
    text = (RUNTIME / "edgernn.h").read_text(encoding="utf-8")
    assert f"#define EDGERNN_SPEC_VERSION {SPEC_VERSION}\n" in text
    assert f"#define EDGERNN_LAYOUT_VERSION {LAYOUT_VERSION}\n" in text
    assert f"#define EDGERNN_BLOCK {BLOCK}\n" in text
    for dtype, limit in ops.OPERAND_LIMIT.items():
        assert f"#define EDGERNN_{dtype.upper()}_LIMIT {limit}\n" in text


def test_the_engines_constants_are_the_specifications():
    text = (RUNTIME.parents[2] / "native" / "check.c").read_text(encoding="utf-8")
    powers = {"MAX_SIZE": ops.MAX_SIZE, "MAX_VALUES": ops.MAX_VALUES}
    for name, value in powers.items():
        assert f"#define {name} (1u << {value.bit_length() - 1})\n" in text and value == 1 << value.bit_length() - 1
    plain = ("MAX_FRAC", "MAX_SHIFT", "MIN_MUL_SHIFT", "MAX_ALIGN", "SIGMOID_FRAC", "TANH_FRAC", "UNIT_FRAC")
    for name in plain:
        assert f"#define {name} {getattr(ops, name)}\n" in text
    assert "#define ACCUMULATOR_LIMIT ((1 << 30) - 1)\n" in text and ACCUMULATOR_LIMIT == (1 << 30) - 1
