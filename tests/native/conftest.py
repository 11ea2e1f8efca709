# SPDX-License-Identifier: Apache-2.0
"""Programs: those of the golden vectors, odd ones made by hand, and random ones; and the extension around them."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.model import IntegerModel, Interface
from edgernn.native import _engine
from edgernn.native.serialize import serialize
from edgernn.spec import ops
from edgernn.spec.program import Kernel, Op, Program, ProgramError, State, Tensor

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.npz"))


def golden_program(arrays: Mapping[str, npt.NDArray[Any]]) -> Program:
    """The program of a file in tests/golden."""
    names = dict.fromkeys(name.rpartition("/")[0] for name in arrays if name.startswith("kernels/"))
    kernels = {
        name.removeprefix("kernels/"): Kernel(*(arrays[f"{name}/{part}"] for part in ("weights", "bias", "frac")))
        for name in names
    }
    return Program.from_structure(json.loads(str(arrays["program"])), kernels)


def made(tensors: str, steps: Iterable[str], y: str, states: str = "", kernels: Mapping[str, Kernel] = {}) -> Program:
    """A program from words: tensors "name:size:dtype:frac ...", ops "kind input ... -> output ... [kernel]", states
    "read<write ..."; x is called x.
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


def kernel(rows: int, columns: int, seed: int = 0, frac: int = 9) -> Kernel:
    """Random weights and biases."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (rows, columns)).astype(np.int8)
    bias = rng.integers(-30000, 30000, rows).astype(np.int32)
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


def random_program(seed: int) -> Program:
    """A legal program that grows by random ops, of which those that the specification refuses are thrown away."""
    rng = np.random.default_rng(seed)
    x = Tensor("x", int(rng.integers(1, 9)), str(rng.choice(["int8", "int16"])), int(rng.integers(0, 14)))
    tensors = {"x": x}
    for i in range(int(rng.integers(0, 4))):
        size = x.size if rng.random() < 0.7 else int(rng.integers(1, 9))
        tensors[f"s{i}"] = Tensor(f"s{i}", size, "int16", int(rng.choice([9, 11, 13, 15])))
    reads = [name for name in tensors if name != "x"]
    program = Program(tensors, (), {}, "x", "x", tuple(State(name, name) for name in reads))
    for i in range(60):
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
    names = list(program.tensors)
    kind = str(rng.choice(["linear", "operand", "requantize", "split", "add", "sub", "mul", "sigmoid", "tanh", "relu"]))
    count = 2 if kind in ("add", "sub", "mul") else 1
    inputs = tuple(str(name) for name in rng.choice(names, count))
    first = program.tensors[inputs[0]]
    frac = {"sigmoid": 15, "tanh": 15, "relu": first.frac, "split": first.frac}.get(kind, int(rng.integers(-2, 20)))
    parts = int(rng.integers(1, 4)) if kind == "split" else 1
    size = {"linear": int(rng.integers(1, 12)), "split": max(1, first.size // parts)}.get(kind, first.size)
    dtype = str(rng.choice(["int8", "int16"])) if kind == "operand" else "int16"
    outputs = tuple(f"t{number}_{part}" for part in range(parts))
    tensors = {**program.tensors, **{name: Tensor(name, size, dtype, frac) for name in outputs}}
    name = f"k{number}" if kind == "linear" else None
    kernels = {**program.kernels, f"k{number}": kernel(size, first.size, number)} if name else program.kernels
    return Program(tensors, (*program.ops, Op(kind, inputs, outputs, name)), kernels, "x", program.y, program.states)


PROGRAMS = {
    **{path.stem: golden_program(dict(np.load(path))) for path in GOLDEN},
    **ODD,
    **{f"random {seed}": random_program(seed) for seed in range(150)},
}


@pytest.fixture(scope="session")
def golden_programs() -> dict[str, Program]:
    """The programs of the golden vectors, by their files' names."""
    return {path.stem: PROGRAMS[path.stem] for path in GOLDEN}


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden_file(request: pytest.FixtureRequest) -> tuple[Program, dict[str, npt.NDArray[Any]]]:
    """Each golden program with its arrays."""
    return PROGRAMS[request.param.stem], dict(np.load(request.param))


@pytest.fixture(params=PROGRAMS.values(), ids=PROGRAMS)
def any_program(request: pytest.FixtureRequest) -> Program:
    """Each of all programs."""
    found: Program = request.param
    return found


@pytest.fixture(scope="session")
def buffers() -> dict[str, bytes]:
    """All programs, serialized, by their names."""
    return {name: serialize(program) for name, program in PROGRAMS.items()}


@pytest.fixture(scope="session")
def as_model(make_interface: Callable[..., Interface]) -> Callable[[Program], IntegerModel]:
    """An integer model around a program."""

    def wrap(program: Program) -> IntegerModel:
        return IntegerModel(make_interface(program.tensors[program.x].size, program.tensors[program.y].size), program)

    return wrap


@pytest.fixture(scope="session")
def engine_of() -> Callable[..., _engine.Model]:
    """Loads bytes that have so many features and outputs, with scales of one."""

    def load(buffer: bytes, features: int = 1, outputs: int = 1) -> _engine.Model:
        one, none = (np.full(features, value, np.float32) for value in (1, 0))
        return _engine.Model(buffer, none, one, 1.0, np.ones(outputs, np.float32), np.zeros(outputs, np.float32))

    return load


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
