# SPDX-License-Identifier: Apache-2.0
"""Every primitive of the specification against every kernel path, over all that the program checker allows."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, Kernel, Op, Program, ProgramError, State, Tensor

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
EDGES = np.array(
    [-32768, -32767, -32766, -16385, -16384, -16383, -257, -256, -255, -129, -128, -127, -3, -2, -1, 0]
    + [1, 2, 3, 127, 128, 129, 255, 256, 257, 16383, 16384, 16385, 32766, 32767],
    np.int16,
)
EDGE_PAIRS = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
PAIRS = 2**20
CHUNK = 2**13
"""Pairs of one input: what stays in a processor's cache."""
SHIFTS = range(1, ops.MAX_SHIFT + 1)
LIMITS = ops.OPERAND_LIMIT


def chunks(rng: np.random.Generator, random: int, *pairs: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """The pairs and at least as many random ones, in inputs of CHUNK pairs."""
    given = sum(part.shape[1] for part in pairs)
    filling = rng.integers(-32768, 32768, (2, random + -(random + given) % CHUNK))
    a, b = np.concatenate([*pairs, filling], axis=1).astype(np.int16).reshape(2, -1, CHUNK)
    return [{"x": x, "b": y} for x, y in zip(a, b, strict=True)]


def unary(kind: str, size: int, frac: int, results: dict[str, tuple[str, int]]) -> Program:
    """One op `kind` of x for each result, given by name as (dtype, frac)."""
    tensors = {"x": Tensor("x", size, "int16", frac)}
    tensors |= {name: Tensor(name, size, dtype, result) for name, (dtype, result) in results.items()}
    steps = tuple(Op(kind, ("x",), (name,)) for name in results)
    return Program(tensors, steps, {}, "x", next(iter(results)), ())


def binary(kind: str, size: int, fracs: tuple[int, int], results: list[int]) -> Program:
    """One op `kind` of x and the constant state b for each frac of a result."""
    tensors = {name: Tensor(name, size, "int16", frac) for name, frac in zip("xb", fracs, strict=True)}
    outputs = [Tensor(f"y{i}", size, "int16", frac) for i, frac in enumerate(results)]
    steps = tuple(Op(kind, ("x", "b"), (output.name,)) for output in outputs)
    return Program(tensors | {t.name: t for t in outputs}, steps, {}, "x", "y0", (State("b", "b"),))


def linear(dtype: str, weights: npt.NDArray[Any], bias: npt.NDArray[Any], shifts: npt.NDArray[Any]) -> Program:
    """One linear of x whose rows have these shifts."""
    rows, columns = weights.shape
    tensors = {"x": Tensor("x", columns, dtype, 7), "y": Tensor("y", rows, "int16", 11)}
    kernel = Kernel(weights.astype(np.int8), bias.astype(np.int32), (shifts - 7 + 11).astype(np.int32))
    return Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ())


@pytest.mark.parametrize(
    "kind, frac, result", [("sigmoid", 11, 15), ("tanh", 13, 15), ("relu", 9, 9), ("relu", -3, -3)]
)
def test_activations_on_all_inputs(agree, kind, frac, result):
    agree(unary(kind, EVERY_INT16.size, frac, {"y": ("int16", result)}), {"x": EVERY_INT16})


@pytest.mark.parametrize("frac", [-17, 0, 15, 17])
def test_requantize_on_all_inputs_at_every_shift(agree, frac):
    results = {f"y{shift + 15}": ("int16", frac - shift) for shift in range(-15, 16)}
    agree(unary("requantize", EVERY_INT16.size, frac, results), {"x": EVERY_INT16})


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("frac", [-17, 0, 15, 17])
def test_operand_on_all_inputs_at_every_shift(agree, dtype, frac):
    results = {f"y{shift + 15}": (dtype, frac - shift) for shift in range(-15, 16)}
    agree(unary("operand", EVERY_INT16.size, frac, results), {"x": EVERY_INT16})


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_split(agree, parts):
    names = tuple(f"part{i}" for i in range(parts))
    x = np.random.default_rng(parts).integers(-32768, 32768, 5 * parts).astype(np.int16)
    tensors = {name: Tensor(name, 5, "int16", 12) for name in names} | {"x": Tensor("x", x.size, "int16", 12)}
    agree(Program(tensors, (Op("split", ("x",), names),), {}, "x", names[-1], ()), {"x": x})


def near_ties(rng: np.random.Generator, align: tuple[int, int], shift: int, sign: int, count: int) -> Any:
    """Pairs a, b whose (a << align[0]) + sign * (b << align[1]) is within 1 of a tie of a right shift."""
    pairs = rng.integers(-32768, 32768, (2, count))
    finer = int(align[0] > 0)
    coarser = pairs[1 - finer] << align[1 - finer]
    signs = (1, sign)
    target = (1 << shift >> 1) + rng.integers(-1, 2, count)
    low = signs[finer] * (target - signs[1 - finer] * coarser) % (1 << shift)
    pairs[finer] += low - pairs[finer] % (1 << shift)
    return pairs


@pytest.mark.parametrize("difference", range(-ops.MAX_ALIGN, ops.MAX_ALIGN + 1))
@pytest.mark.parametrize("kind", ["add", "sub"])
def test_sums_at_every_scale(agree, kind, difference):
    rng = np.random.default_rng(difference + 100)
    sign = 1 if kind == "add" else -1
    fracs = max(difference, 0), max(-difference, 0)
    finest, align = max(fracs), (fracs[1] - min(fracs), fracs[0] - min(fracs))
    shifts = range(abs(difference) - ops.MAX_ALIGN, ops.MAX_ALIGN + 1)
    ties = [near_ties(rng, align, shift, sign, 1024) for shift in shifts if shift > 0]
    samples = chunks(rng, PAIRS // 16, EDGE_PAIRS, *ties)
    agree(binary(kind, CHUNK, fracs, [finest - shift for shift in shifts]), *samples)


def product_ties(rng: np.random.Generator, shift: int, count: int) -> Any:
    """Pairs whose product is an odd multiple of 2**(shift-1): a tie of that right shift."""
    low = rng.integers(max(0, shift - 16), min(shift, 16), count)
    factors = np.stack([low, shift - 1 - low])
    return ((rng.integers(-32768, 32768, factors.shape) >> factors) | 1) << factors


def test_mul_at_every_shift(agree):
    rng = np.random.default_rng(3)
    shifts = range(ops.MIN_MUL_SHIFT, ops.MAX_SHIFT + 1)
    ties = [product_ties(rng, shift, 2048) for shift in shifts]
    agree(binary("mul", CHUNK, (15, 15), [30 - shift for shift in shifts]), *chunks(rng, PAIRS, EDGE_PAIRS, *ties))


def bounded(dtype: str, columns: int, shifts: npt.NDArray[Any], sign: int) -> tuple[Any, Any]:
    """Equal weights, 127 where there is room, and biases: an operand at +limit reaches the accumulator limit."""
    room = ACCUMULATOR_LIMIT - (1 << (shifts - 1))
    weight = np.minimum(127, room // (columns * LIMITS[dtype]))
    return sign * np.repeat(weight[:, None], columns, axis=1), sign * (room - weight * columns * LIMITS[dtype])


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 31, 32, 33, 64, 96, 128, 250, 515])
def test_linear_at_the_extremes_of_every_width(agree, dtype, columns):
    shifts = np.tile(np.arange(1, ops.MAX_SHIFT + 1), 2)
    rows = [bounded(dtype, columns, shifts[:30], sign) for sign in (1, -1)]
    weights, bias = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    limit, ones = LIMITS[dtype], np.ones(columns, int)
    alternating = np.where(np.arange(columns) % 2, limit, -limit)
    assert (weights @ (limit * ones) + bias)[0] == ACCUMULATOR_LIMIT - 1
    samples = [{"x": v.astype(dtype)} for v in (limit * ones, -limit * ones, alternating, -alternating, 0 * ones)]
    agree(linear(dtype, weights, bias, shifts), *samples)
    agree(linear(dtype, weights, 0 * bias, shifts), *samples)


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("columns", [*range(1, 9), 33, 96])
def test_linear_around_ties(agree, dtype, columns):
    rng = np.random.default_rng(columns)
    limit = LIMITS[dtype]
    for rows in (1, 2, 3, 4, 5, 33, 96):
        v = rng.integers(-limit, limit + 1, columns)
        weights = rng.integers(-127, 128, (rows, columns))
        shifts = rng.integers(1, ops.MAX_SHIFT, rows)
        reach = np.minimum(32800, ACCUMULATOR_LIMIT >> 1 >> shifts)
        results = rng.integers(-reach, reach + 1)
        bias = (results << shifts) + (1 << (shifts - 1)) + rng.integers(-1, 2, rows) - weights @ v
        others = rng.integers(-limit, limit + 1, (3, columns))
        agree(linear(dtype, weights, bias, shifts), *({"x": sample.astype(dtype)} for sample in (v, *others)))


@pytest.mark.parametrize("dtype", LIMITS)
def test_linear_on_a_million_random_sums(agree, dtype):
    rng = np.random.default_rng(1)
    limit = LIMITS[dtype]
    shifts = np.resize(SHIFTS, 4096)
    weights, bias = rng.integers(-127, 128, (4096, 20)), rng.integers(-(2**28), 2**28, 4096)
    samples = rng.integers(-limit, limit + 1, (PAIRS // 4096, 20)).astype(dtype)
    agree(linear(dtype, weights, bias, shifts), *({"x": sample} for sample in samples))


@pytest.mark.parametrize("frac, result", [(-ops.MAX_FRAC, ops.MAX_FRAC), (ops.MAX_FRAC, -ops.MAX_FRAC)])
def test_linear_at_extreme_scales(agree, frac, result):
    rng = np.random.default_rng(2)
    shifts = np.arange(1, ops.MAX_SHIFT + 1)
    tensors = {"x": Tensor("x", 8, "int16", frac), "y": Tensor("y", 30, "int16", result)}
    kernel = Kernel(
        rng.integers(-127, 128, (30, 8)).astype(np.int8),
        rng.integers(-(2**28), 2**28, 30).astype(np.int32),
        (shifts - frac + result).astype(np.int32),
    )
    x = rng.integers(-16383, 16384, 8).astype(np.int16)
    agree(Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ()), {"x": x})


ONE_BEYOND = {
    "add align": lambda: binary("add", 4, (0, ops.MAX_ALIGN + 1), [0]),
    "add right": lambda: binary("add", 4, (0, 0), [-ops.MAX_ALIGN - 1]),
    "add left": lambda: binary("add", 4, (0, 0), [ops.MAX_ALIGN + 1]),
    "add left of the coarser": lambda: binary("sub", 4, (0, ops.MAX_ALIGN), [ops.MAX_ALIGN + 1]),
    "mul small": lambda: binary("mul", 4, (0, 0), [1 - ops.MIN_MUL_SHIFT]),
    "mul large": lambda: binary("mul", 4, (15, 15), [-1]),
    "requantize": lambda: unary("requantize", 4, 0, {"y": ("int16", 16)}),
    "operand": lambda: unary("operand", 4, 0, {"y": ("int8", -16)}),
    "frac": lambda: unary("relu", 4, ops.MAX_FRAC + 1, {"y": ("int16", ops.MAX_FRAC + 1)}),
    "linear 0": lambda: linear("int8", np.ones((1, 1)), np.zeros(1), np.array([0])),
    "linear 31": lambda: linear("int8", np.ones((1, 1)), np.zeros(1), np.array([31])),
    "accumulator": lambda: linear("int8", np.ones((1, 1)), np.array([ACCUMULATOR_LIMIT - 127]), np.array([1])),
}


@pytest.mark.parametrize("program", ONE_BEYOND.values(), ids=ONE_BEYOND)
def test_what_lies_beyond_is_no_program(program):
    with pytest.raises(ProgramError):
        program()
