# SPDX-License-Identifier: Apache-2.0
"""Every primitive of the specification in both runtimes, over all that the program checker allows."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.spec import ops
from edgernn.spec.program import ACCUMULATOR_LIMIT, Kernel, Op, Program, State, Tensor

EVERY_INT16 = np.arange(-32768, 32768).astype(np.int16)
EDGES = np.array(
    [-32768, -32767, -32766, -16385, -16384, -16383, -257, -256, -255, -129, -128, -127, -3, -2, -1, 0]
    + [1, 2, 3, 127, 128, 129, 255, 256, 257, 16383, 16384, 16385, 32766, 32767],
    np.int16,
)
EDGE_PAIRS = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
EVERY_INT16_WITH_EDGES = np.stack(np.meshgrid(EVERY_INT16, EDGES)).reshape(2, -1)
PAIRS = 2**20
WIDTH = 32
"""Of the vectors that pairs are laid out in."""
LIMITS = ops.OPERAND_LIMIT


def laid_out(*pairs: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """All pairs as inputs x and b, [n, WIDTH], of at most 2**17 values each."""
    joined = np.concatenate(pairs, axis=1)
    joined = np.pad(joined, ((0, 0), (0, -joined.shape[1] % WIDTH)), mode="wrap").astype(np.int16)
    parts = np.array_split(joined.reshape(2, -1, WIDTH), joined.shape[1] // 2**17 + 1, axis=1)
    return [{"x": a, "b": b} for a, b in parts]


def random_pairs(rng: np.random.Generator, count: int) -> npt.NDArray[Any]:
    return rng.integers(-32768, 32768, (2, count))


def unary(kind: str, frac: int, results: dict[str, tuple[str, int]]) -> Program:
    """One op `kind` of x, of size 1, for each result, given by name as (dtype, frac)."""
    tensors = {"x": Tensor("x", 1, "int16", frac)}
    tensors |= {name: Tensor(name, 1, dtype, result) for name, (dtype, result) in results.items()}
    steps = tuple(Op(kind, ("x",), (name,)) for name in results)
    return Program(tensors, steps, {}, "x", next(iter(results)), ())


def binary(kind: str, fracs: tuple[int, int], results: list[int]) -> Program:
    """One op `kind` of x and the constant state b for each frac of a result."""
    tensors = {name: Tensor(name, WIDTH, "int16", frac) for name, frac in zip("xb", fracs, strict=True)}
    outputs = [Tensor(f"y{i}", WIDTH, "int16", frac) for i, frac in enumerate(results)]
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
    agree(unary(kind, frac, {"y": ("int16", result)}), {"x": EVERY_INT16[:, None]})


@pytest.mark.parametrize("frac", [-17, 0, 15, 17])
def test_requantize_on_all_inputs_at_every_shift(agree, frac):
    results = {f"y{shift + 15}": ("int16", frac - shift) for shift in range(-15, 16)}
    agree(unary("requantize", frac, results), {"x": EVERY_INT16[:, None]})


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("frac", [-17, 0, 15, 17])
def test_operand_on_all_inputs_at_every_shift(agree, dtype, frac):
    results = {f"y{shift + 15}": (dtype, frac - shift) for shift in range(-15, 16)}
    agree(unary("operand", frac, results), {"x": EVERY_INT16[:, None]})


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_split(agree, parts):
    names = tuple(f"part{i}" for i in range(parts))
    x = np.random.default_rng(parts).integers(-32768, 32768, (9, 5 * parts)).astype(np.int16)
    tensors = {name: Tensor(name, 5, "int16", 12) for name in names} | {"x": Tensor("x", 5 * parts, "int16", 12)}
    agree(Program(tensors, (Op("split", ("x",), names),), {}, "x", names[-1], ()), {"x": x})


def near_ties(rng: np.random.Generator, fracs: tuple[int, int], shift: int, sign: int) -> npt.NDArray[Any]:
    """Pairs whose sum or difference at the finer scale lies within 1 of a tie of that right shift."""
    a, b = random_pairs(rng, 2048)
    total = (a << max(fracs) - fracs[0]) + sign * (b << max(fracs) - fracs[1])
    missing = ((1 << shift - 1) + rng.integers(-1, 2, a.size) - total) % (1 << shift)
    pairs = np.stack([a + missing, b] if fracs[0] == max(fracs) else [a, b + sign * missing])
    return pairs.astype(np.int16)


@pytest.mark.parametrize("difference", range(-ops.MAX_ALIGN, ops.MAX_ALIGN + 1))
@pytest.mark.parametrize("kind", ["add", "sub"])
def test_sums_at_every_scale(agree, kind, difference):
    rng = np.random.default_rng(difference + 100)
    fracs = max(difference, 0), max(-difference, 0)
    shifts = range(abs(difference) - ops.MAX_ALIGN, ops.MAX_ALIGN + 1)
    ties = [near_ties(rng, fracs, shift, 1 if kind == "add" else -1) for shift in shifts if shift > 0]
    program = binary(kind, fracs, [max(fracs) - shift for shift in shifts])
    agree(program, *laid_out(EDGE_PAIRS, *ties, random_pairs(rng, PAIRS // 16)))


@pytest.mark.parametrize("kind", ["add", "sub"])
@pytest.mark.parametrize("frac", range(-ops.MAX_ALIGN, ops.MAX_ALIGN + 1))
def test_a_million_sums_at_every_shift(agree, kind, frac):
    agree(binary(kind, (0, 0), [frac]), *laid_out(random_pairs(np.random.default_rng(frac + 100), PAIRS)))


def product_ties(rng: np.random.Generator, shift: int) -> npt.NDArray[Any]:
    """Pairs whose product is an odd multiple of 2**(shift-1): a tie of that right shift."""
    low = rng.integers(max(0, shift - 16), min(shift, 16), 2048)
    zeros = np.stack([low, shift - 1 - low])
    ties: npt.NDArray[Any] = ((rng.integers(-32768, 32768, zeros.shape) >> zeros) | 1) << zeros
    return ties


@pytest.mark.parametrize("shift", range(ops.MIN_MUL_SHIFT, ops.MAX_SHIFT + 1))
def test_mul_at_every_shift(agree, shift):
    rng = np.random.default_rng(shift)
    pairs = EVERY_INT16_WITH_EDGES, product_ties(rng, shift), random_pairs(rng, PAIRS)
    agree(binary("mul", (15, 15), [30 - shift]), *laid_out(*pairs))


def extreme(dtype: str, columns: int, sign: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Weights, biases and all shifts; an operand at +limit reaches the accumulator limit of that sign in every row."""
    shifts = np.arange(1, ops.MAX_SHIFT + 1)
    room = ACCUMULATOR_LIMIT - (1 << (shifts - 1))
    weight = np.minimum(127, room // (columns * LIMITS[dtype]))
    return sign * np.repeat(weight[:, None], columns, axis=1), sign * (room - weight * columns * LIMITS[dtype]), shifts


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 64, 96, 128, 250, 515])
def test_linear_at_the_accumulator_limit_of_every_width(agree, dtype, columns):
    limit = LIMITS[dtype]
    signs = np.stack([np.ones(columns), np.resize([1, -1], columns), np.zeros(columns)])
    samples = {"x": (limit * np.concatenate([signs, -signs])).astype(dtype)}
    for sign in (1, -1):
        weights, bias, shifts = extreme(dtype, columns, sign)
        reached = weights @ np.full(columns, limit) + bias
        assert (np.abs(reached) + (1 << (shifts - 1)) == ACCUMULATOR_LIMIT).all()
        agree(linear(dtype, weights, bias, shifts), samples)
        agree(linear(dtype, weights, -bias, shifts), samples)
        agree(linear(dtype, weights, 0 * bias, shifts), samples)


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
        samples = np.concatenate([v[None], rng.integers(-limit, limit + 1, (3, columns))])
        agree(linear(dtype, weights, bias, shifts), {"x": samples.astype(dtype)})


@pytest.mark.parametrize("dtype", LIMITS)
def test_linear_on_a_million_random_sums(agree, dtype):
    rng = np.random.default_rng(1)
    shifts = np.resize(range(1, ops.MAX_SHIFT + 1), 2048)
    weights, bias = rng.integers(-127, 128, (2048, 20)), rng.integers(-(2**28), 2**28, 2048)
    samples = rng.integers(-LIMITS[dtype], LIMITS[dtype] + 1, (PAIRS // 2048, 20))
    agree(linear(dtype, weights, bias, shifts), {"x": samples.astype(dtype)})


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
    x = rng.integers(-16383, 16384, (9, 8)).astype(np.int16)
    agree(Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ()), {"x": x})
