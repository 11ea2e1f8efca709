# SPDX-License-Identifier: Apache-2.0
"""Writes the golden vectors: python tests/golden/make.py [folder], with edgernn installed.

One file for each kind of cell, each of its options and each dtype of operands: a program with made-up integer constants
and fixed scales, windows of operands, and every output and state that the interpreter gives for them. Nothing in them
depends on calibration, on TensorFlow or on a random generator of NumPy.

Numbers that differ from those on disk are refused, with exit code 1 and nothing written, unless SPEC_VERSION is another
one: whoever holds an artifact of this version relies on them.

<name>.npz: program, JSON (`Program.structure`); kernels/<name>/weights, bias, frac; as in an artifact's golden.npz:
x [windows, steps, 6]; y and states/<name>, as in states/gru/h, [windows, steps, units].
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import cells
from edgernn.quantize.trace import Tracer
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.ops import OPERAND_LIMIT
from edgernn.spec.program import SPEC_VERSION, Kernel, Program, State, Tensor

Arrays = dict[str, npt.NDArray[Any]]

STEPS, FEATURES, UNITS = 24, 6, 5
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "rnn": ("rnn", {}),
    "gru_reset_after": ("gru", {"reset_after": True}),
    "gru_reset_before": ("gru", {"reset_after": False}),
    "lstm": ("lstm", {}),
    **{f"dense_{name}": ("dense", {"activation": name}) for name in ("linear", "relu", "sigmoid", "tanh")},
}
X_FRAC = {"int8": 5, "int16": 12}
RESULT_FRAC = {"kernel": 11}
OTHER_RESULT_FRAC = 12
OPEN = 8
"""Bias of the first unit's rows as a real number: its gates stay open, so that the c of an LSTM reaches its end."""


def numbers(label: str, shape: tuple[int, ...], limit: int) -> npt.NDArray[np.int64]:
    """Integers within +-limit that follow from the label alone."""
    count = int(np.prod(shape))
    digests = [hashlib.sha256(f"{label} {i}".encode()).digest() for i in range(count)]
    drawn = [int.from_bytes(digest[:8], "big") % (2 * limit + 1) - limit for digest in digests]
    return np.array(drawn, np.int64).reshape(shape)


class HandMade(Tracer):
    """Writes a cell's program with made-up constants where a calibrated one has quantized ones."""

    def linear(self, kernel: str, v: Tensor) -> Tensor:
        rows = len(self._matrices[kernel].bias)
        weights = numbers(f"{kernel} weights", (rows, v.size), 127)
        frac = 7 + np.arange(rows) % 4
        unit = 1 << (frac + v.frac)
        bias = numbers(f"{kernel} bias", (rows,), 255) * unit >> 8
        if kernel == "kernel":
            bias[::UNITS] = OPEN * unit[::UNITS]
        name = f"{self.scope}/{kernel}"
        self.kernels[name] = Kernel(weights.astype(np.int8), bias.astype(np.int32), frac.astype(np.int32))
        return self._emit("linear", (v,), rows, RESULT_FRAC.get(kernel, OTHER_RESULT_FRAC), kernel=name)


def program(kind: str, options: Mapping[str, Any], operands: str) -> Program:
    """One step of a cell."""
    cell = cells.get(kind)
    shapes = cell.shapes(FEATURES, UNITS, **options)
    zeros = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tracer = HandMade(cell.matrices(zeros, **options), None, operands)  # type: ignore[arg-type]
    tracer.scope = kind
    x = tracer.declare("x", FEATURES, operands, X_FRAC[operands])
    states = {name: tracer.declare(f"{kind}/{name}", UNITS, "int16", frac) for name, frac in cell.STATES.items()}
    y, new_states = cell.step(tracer, x, states, **options)
    written = tuple(State(state.name, new_states[name].name) for name, state in states.items())
    return Program(tracer.tensors, tuple(tracer.ops), tracer.kernels, x.name, y.name, written)


def windows(weights: npt.NDArray[Any], limit: int) -> npt.NDArray[np.int64]:
    """Operands [6, STEPS, FEATURES]: random, small, at both ends, zero, and what drives each row as far as it goes."""
    random = numbers("random", (STEPS, FEATURES), limit)
    ends = np.where(np.arange(STEPS) % 8 < 4, limit, -limit)[:, None] * np.ones(FEATURES, np.int64)
    furthest = limit * np.sign(weights[np.arange(STEPS) % len(weights)].astype(np.int64))
    return np.stack([random, random // 32, ends, 0 * ends, furthest, -furthest])


def run(made: Program, x: npt.NDArray[Any]) -> Arrays:
    """y and states/<name> of every step, from states that are zero."""
    interpreter, steps = Interpreter(made), []
    states = {state.read: np.zeros((len(x), UNITS), np.int16) for state in made.states}
    for t in range(STEPS):
        values = interpreter.step({made.x: x[:, t], **states})
        states = made.next_states(values)
        steps.append({"y": values[made.y], **{f"states/{name}": value for name, value in states.items()}})
    return {name: np.stack([step[name] for step in steps], axis=1) for name in steps[0]}


def case(kind: str, options: Mapping[str, Any], operands: str) -> Arrays:
    """Everything that one file holds."""
    made = program(kind, options, operands)
    first = made.kernels[f"{kind}/kernel"]
    x = windows(first.weights, OPERAND_LIMIT[operands]).astype(operands)
    constants = {
        f"kernels/{name}/{part}": getattr(kernel, part)
        for name, kernel in made.kernels.items()
        for part in ("weights", "bias", "frac")
    }
    return {"program": np.array(json.dumps(made.structure())), **constants, "x": x, **run(made, x)}


def contradicts(path: Path, arrays: Arrays) -> bool:
    """Whether the file there has other numbers of this SPEC_VERSION."""
    if not path.exists():
        return False
    with np.load(path, allow_pickle=False) as file:
        stored = dict(file)
    if json.loads(str(stored["program"]))["spec_version"] != SPEC_VERSION:
        return False
    names = {name for name in stored.keys() | arrays.keys() if name in ("x", "y") or name.startswith("states/")}
    return not all(name in stored and name in arrays and np.array_equal(stored[name], arrays[name]) for name in names)


def main(folder: Path) -> int:
    """Writes all files into the folder, or none. Returns the exit code."""
    made = {
        folder / f"{name}_{operands}.npz": case(kind, options, operands)
        for name, (kind, options) in CASES.items()
        for operands in OPERAND_LIMIT
    }
    changed = [path.name for path, arrays in made.items() if contradicts(path, arrays)]
    if changed:
        print(
            f"{', '.join(changed)} would change, but SPEC_VERSION is still {SPEC_VERSION}: "
            "undo what changed the numbers, or raise SPEC_VERSION in edgernn/spec/program.py",
            file=sys.stderr,
        )
        return 1
    for path, arrays in made.items():
        np.savez_compressed(path, allow_pickle=False, **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
