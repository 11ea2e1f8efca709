# SPDX-License-Identifier: Apache-2.0
"""Programs: those of the golden vectors, odd ones made by hand, and random ones. A plugin of conftest.py."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.model import IntegerModel, Interface
from edgernn.spec import ops
from edgernn.spec.program import Kernel, Op, Program, ProgramError, State, Tensor

GOLDEN = {path.stem: path for path in sorted((Path(__file__).parent / "golden").glob("*.npz"))}
RANDOM = 150
"""How many random programs are in NAMES."""

Arrays = dict[str, npt.NDArray[Any]]


def golden_arrays(path: Path) -> Arrays:
    """The arrays of a file in tests/golden."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def golden_program(arrays: Arrays) -> Program:
    """The program of such a file."""
    names = dict.fromkeys(name.rpartition("/")[0] for name in arrays if name.startswith("kernels/"))
    kernels = {
        name.removeprefix("kernels/"): Kernel(*(arrays[f"{name}/{part}"] for part in ("weights", "bias", "frac")))
        for name in names
    }
    return Program.from_structure(json.loads(str(arrays["program"])), kernels)


def made(tensors: str, steps: Iterable[str], y: str, states: str = "", kernels: Mapping[str, Kernel] = {}) -> Program:
    """A program from words: tensors "name:size:dtype:frac ...", ops "kind input ... -> output ... [with kernel]",
    states "read<write ..."; x is called x.
    """
    entries = [entry.split(":") for entry in tensors.split()]
    declared = {n: Tensor(n, int(size), dtype, int(frac)) for n, size, dtype, frac in entries}
    parsed = []
    for step in steps:
        left, _, right = step.partition(" -> ")
        kind, *inputs = left.split()
        outputs, _, kernel = right.partition(" with ")
        parsed.append(Op(kind, tuple(inputs), tuple(outputs.split()), kernel or None))
    written = tuple(State(*state.split("<")) for state in states.split())
    return Program(declared, tuple(parsed), kernels, "x", y, written)


def kernel(rows: int, columns: int, seed: int = 0, frac: int = 9, biased: bool = True) -> Kernel:
    """Random weights and biases."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
    bias = rng.integers(-30000, 30000, rows).astype(np.int32) * np.int32(biased)
    return Kernel(weights, bias, (frac + np.arange(rows) % 3).astype(np.int32))


ODD = {
    "y is x": made("x:3:int8:5", [], "x"),
    "y is x of int16": made("x:3:int16:5", [], "x"),
    "y is a state": made("x:2:int16:9 s:2:int16:9", [], "s", "s<x"),
    "a delay line": made("x:2:int16:9 a:2:int16:9 b:2:int16:9 c:2:int16:9", [], "c", "a<x b<a c<b"),
    "a delay line backwards": made("x:2:int16:9 a:2:int16:9 b:2:int16:9 c:2:int16:9", [], "a", "a<b b<c c<x"),
    "states that change places": made(
        "x:3:int16:9 a:3:int16:9 b:3:int16:9 s:3:int16:9", ["add x a -> s"], "s", "a<b b<s"
    ),
    "a delay line and states that change places": made(
        "x:3:int16:15 a/0:3:int16:15 a/1:3:int16:15 b/0:3:int16:15 b/1:3:int16:15 n:3:int16:15",
        ["relu x -> n"],
        "a/1",
        "a/0<n a/1<a/0 b/0<b/1 b/1<b/0",
    ),
    "y and two states are one tensor": made(
        "x:3:int16:14 a/0:3:int16:14 a/1:3:int16:14 n:3:int16:14", ["add x a/0 -> n"], "n", "a/0<n a/1<n"
    ),
    "an output that is used further": made(
        "x:6:int16:12 s:6:int16:12 r:6:int16:12 q:6:int16:12", ["relu x -> r", "sub r s -> q"], "r", "s<q"
    ),
    "two states that swap": made(
        "x:6:int16:12 s:6:int16:12 t:6:int16:12 r:6:int16:12", ["add s t -> r"], "r", "s<t t<s"
    ),
    "tensors that nothing computes": made("x:6:int16:12 s:6:int16:12 t:6:int16:12", ["relu x -> t"], "x"),
    "a state that is x": made("x:6:int16:12 s:6:int16:12 r:6:int16:12", ["relu s -> r"], "r", "s<x"),
    "a state that stays": made("x:1:int16:9 s:1:int16:9", [], "x", "s<s"),
    "y of int8": made("x:3:int16:9 y:3:int8:4", ["operand x -> y"], "y"),
    "a state of int8": made("x:3:int16:9 s:3:int8:7 w:3:int8:7", ["operand x -> w"], "s", "s<w"),
    "a split of x": made("x:6:int16:9 a:3:int16:9 b:3:int16:9 y:3:int16:9", ["split x -> a b", "sub a b -> y"], "y"),
    "a split of a state": made(
        "x:4:int16:9 s:4:int16:9 a:2:int16:9 b:2:int16:9 y:2:int16:10", ["split s -> a b", "add b a -> y"], "y", "s<x"
    ),
    "a state that is a part": made(
        "x:4:int16:9 s:4:int16:9 a:2:int16:9 b:2:int16:9 t:2:int16:9",
        ["split s -> a b"],
        "b",
        "s<x t<a",
    ),
    "a split of an elementwise tensor": made(
        "x:6:int16:9 r:6:int16:9 a:2:int16:9 b:2:int16:9 c:2:int16:9 y:2:int16:6",
        ["relu x -> r", "split r -> a b c", "add a c -> y"],
        "y",
    ),
    "a split of a split": made(
        "x:4:int16:9 a:2:int16:9 b:2:int16:9 c:1:int16:9 d:1:int16:9 e:1:int16:9 y:1:int16:9",
        ["split x -> a b", "split b -> c d", "split c -> e", "sub d e -> y"],
        "y",
    ),
    "ops that nothing needs": made(
        "x:2:int16:11 a:2:int16:15 b:2:int16:9 y:2:int16:11", ["sigmoid x -> a", "mul a a -> b", "relu x -> y"], "y"
    ),
    "one kernel at two scales": made(
        "x:3:int8:5 a:3:int16:11 v:3:int8:6 b:3:int16:9 y:3:int16:10",
        ["linear x -> a with k", "operand a -> v", "linear v -> b with k", "add a b -> y"],
        "y",
        "",
        {"k": kernel(3, 3), "unused": kernel(2, 7)},
    ),
    "two uses of a kernel": made(
        "x:4:int8:6 a:6:int16:10 b:6:int16:9 a/0:3:int16:10 a/1:3:int16:10 y:3:int16:10 s/0:6:int16:9",
        ["linear x -> a with k", "split a -> a/0 a/1", "add a/0 a/1 -> y", "linear x -> b with k"],
        "y",
        "s/0<b",
        {"k": kernel(6, 4)},
    ),
    "names that are words of C": made(
        "x:3:int16:15 int:3:int16:15 state:3:int16:15 y:3:int16:15 for:3:int16:15 i:3:int16:15 while/h:3:int16:15 "
        "EDGERNN_INLINE/x:3:int16:15",
        ["relu x -> int", "relu int -> state", "relu state -> for", "relu for -> i", "relu i -> y"],
        "y",
        "while/h<for EDGERNN_INLINE/x<i",
    ),
    "names that become one": made(
        "x:3:int16:15 a/b:3:int16:15 a_b:3:int16:15 a_b_2:3:int16:15 s/h:3:int16:15 s_h:3:int16:15",
        ["relu x -> a/b", "relu a/b -> a_b", "relu a_b -> a_b_2", "relu a_b_2 -> s_h"],
        "s_h",
        "s/h<a_b",
    ),
    "both operands the same": made("x:3:int16:9 y:3:int16:3", ["mul x x -> y"], "y"),
    "the largest shifts": made(
        "x:5:int16:9 a:5:int16:24 b:5:int16:-6 c:5:int16:16 d:5:int16:-12 e:5:int16:3 f:5:int16:2 y:5:int16:7",
        [
            "requantize x -> a",
            "requantize x -> b",
            "mul x x -> c",
            "mul x x -> d",
            "requantize x -> e",
            "add e e -> f",
            "sub x f -> y",
        ],
        "y",
    ),
    "the scales furthest apart": made(
        "x:5:int16:13 a:5:int16:0 b:5:int16:0 c:5:int16:13 y:5:int16:0",
        ["requantize x -> a", "add x a -> b", "sub a x -> c", "add c b -> y"],
        "y",
    ),
    **{
        f"a linear from {columns} to {rows}": made(
            f"x:{columns}:int8:5 y:{rows}:int16:9",
            ["linear x -> y with k"],
            "y",
            "",
            {"k": kernel(rows, columns, seed=rows * columns)},
        )
        for rows, columns in [(1, 1), (1, 7), (2, 3), (3, 4), (4, 1), (5, 5), (7, 2), (8, 9), (33, 17)]
    },
    "int16 operands": made("x:5:int16:12 y:6:int16:9", ["linear x -> y with k"], "y", "", {"k": kernel(6, 5, frac=12)}),
}


@cache
def random_program(seed: int) -> Program:
    """A legal program that grows by random ops, of which those that the specification refuses are thrown away."""
    rng = np.random.default_rng(seed)
    x = Tensor("x", int(rng.integers(1, 9)), str(rng.choice(list(ops.OPERAND_LIMIT))), int(rng.integers(0, 14)))
    tensors = {"x": x}
    for i in range(int(rng.integers(0, 4))):
        size = x.size if rng.random() < 0.7 else int(rng.choice([1, 3, 4, 6, 17]))
        tensors[f"s/{i}"] = Tensor(f"s/{i}", size, "int16", int(rng.choice([9, 11, 13, 15])))
    reads = [name for name in tensors if name != "x"]
    program = Program(tensors, (), {}, "x", "x", tuple(State(name, name) for name in reads))
    for i in range(int(rng.integers(10, 60))):
        try:
            program = grown(program, i, rng)
        except ProgramError:
            continue
    names = list(program.tensors)
    shapes = {name: (t.size, t.dtype, t.frac) for name, t in program.tensors.items()}
    states = tuple(State(n, str(rng.choice([m for m in names if shapes[m] == shapes[n]]))) for n in reads)
    y = names[-1] if rng.random() < 0.7 else str(rng.choice(names))
    return Program(program.tensors, program.ops, program.kernels, "x", y, states)


def grown(program: Program, number: int, rng: np.random.Generator) -> Program:
    """The program with one more op of a random kind."""
    kind = str(rng.choice(["linear", "operand", "requantize", "split", "add", "sub", "mul", "sigmoid", "tanh", "relu"]))
    count = 2 if kind in ("add", "sub", "mul") else 1
    inputs = tuple(str(name) for name in rng.choice(readable(program, kind), count))
    first = program.tensors[inputs[0]]
    frac = int(rng.choice([9, ops.SIGMOID_FRAC, ops.TANH_FRAC, ops.UNIT_FRAC, rng.integers(-2, 20)]))
    frac = {"sigmoid": ops.UNIT_FRAC, "tanh": ops.UNIT_FRAC, "relu": first.frac, "split": first.frac}.get(kind, frac)
    parts = int(rng.choice([n for n in (1, 2, 3) if first.size % n == 0])) if kind == "split" else 1
    rows = int(rng.choice([1, 3, 4, 5, 6, 12, 18, 34]))
    size = {"linear": rows, "split": first.size // parts}.get(kind, first.size)
    dtype = str(rng.choice(list(ops.OPERAND_LIMIT))) if kind == "operand" else "int16"
    outputs = tuple(f"l{number % 3}/t{number}_{part}" for part in range(parts))
    tensors = {**program.tensors, **{name: Tensor(name, size, dtype, frac) for name in outputs}}
    used = {f"k/{number}": kernel(size, first.size, number, biased=rng.random() < 0.5)} if kind == "linear" else {}
    made = Op(kind, inputs, outputs, next(iter(used), None))
    return Program(tensors, (*program.ops, made), {**program.kernels, **used}, "x", program.y, program.states)


def readable(program: Program, kind: str) -> list[str]:
    """Names of the tensors that an op of this kind may read by their scale, or of all where there is none."""
    fracs = {"sigmoid": ops.SIGMOID_FRAC, "tanh": ops.TANH_FRAC}
    found = [name for name, tensor in program.tensors.items() if fracs.get(kind, tensor.frac) == tensor.frac]
    if kind == "linear":
        found = [program.x, *(op.outputs[0] for op in program.ops if op.kind == "operand")]
    return found or list(program.tensors)


NAMES = [*GOLDEN, *ODD, *(f"random {seed}" for seed in range(RANDOM))]


def named(name: str) -> Program:
    """The program of that name in NAMES."""
    if name in GOLDEN:
        return golden_program(golden_arrays(GOLDEN[name]))
    return ODD[name] if name in ODD else random_program(int(name.removeprefix("random ")))


@pytest.fixture(params=GOLDEN.values(), ids=GOLDEN)
def golden_file(request: pytest.FixtureRequest) -> tuple[Program, Arrays]:
    """Each program of the golden vectors with its file's arrays."""
    arrays = golden_arrays(request.param)
    return golden_program(arrays), arrays


@pytest.fixture(params=ODD.values(), ids=ODD)
def odd_program(request: pytest.FixtureRequest) -> Program:
    """Each of the programs made by hand, of a form that no cell has."""
    found: Program = request.param
    return found


@pytest.fixture(scope="session")
def odd_programs() -> dict[str, Program]:
    """All of `odd_program` at once, by their names."""
    return ODD


@pytest.fixture(scope="session", name="random_program")
def random_program_() -> Callable[[int], Program]:
    """A legal program made of random ops on random vectors, of shapes that no cell has, for each seed."""
    return random_program


@pytest.fixture(params=NAMES)
def any_program(request: pytest.FixtureRequest) -> Program:
    """Each of the golden, the odd and some random programs."""
    return named(request.param)


@pytest.fixture(scope="session")
def all_programs() -> dict[str, Program]:
    """All of `any_program` at once, by their names."""
    return {name: named(name) for name in NAMES}


@pytest.fixture(scope="session")
def as_model(make_interface: Callable[..., Interface]) -> Callable[[Program], IntegerModel]:
    """An integer model around a program."""

    def wrap(program: Program) -> IntegerModel:
        return IntegerModel(make_interface(program.tensors[program.x].size, program.tensors[program.y].size), program)

    return wrap


@pytest.fixture(scope="session")
def operands() -> Callable[..., npt.NDArray[Any]]:
    """Random operands of a program, of the whole range and both ends, [*shape, F]."""

    def draw(program: Program, *shape: int, seed: int = 0) -> npt.NDArray[Any]:
        x, rng = program.tensors[program.x], np.random.default_rng(seed)
        limit = ops.OPERAND_LIMIT[x.dtype]
        drawn = rng.integers(-limit, limit + 1, (*shape, x.size))
        ends = rng.random(drawn.shape) < 0.2
        return np.where(ends, np.where(drawn < 0, -limit, limit), drawn).astype(x.dtype)

    return draw
