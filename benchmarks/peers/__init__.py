# SPDX-License-Identifier: Apache-2.0
"""edgernn beside other runtimes on this machine: the same networks, the same weights, one thread.

Each runtime has a process of its own (`worker`), and what it does with a model is a contender (`contenders`). All
results are checked. Then the contenders take turns, round after round, each for a few milliseconds while the others
wait: a noisy moment of the machine hits all of them, and what counts is how a contender's time relates to edgernn's
in the same round.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.clock import Times, undisturbed
from benchmarks.elsewhere import ROOT, last_line
from benchmarks.models import random_model, write_artifact
from benchmarks.peers.case import DYNAMIC, EXACT, FLOAT, Case
from benchmarks.peers.client import Runtime
from edgernn import artifact, golden
from edgernn.quantize import quantize

RUNTIMES = ("own", "litert", "onnx", "tflm", "pytorch", "plain")
TITLES = {
    "own": "edgernn",
    "litert": "LiteRT",
    "onnx": "onnxruntime",
    "tflm": "TFLM",
    "pytorch": "PyTorch",
    "plain": "NumPy",
}
BASE = "edgernn: native"
"""What all others are compared with: `session.step` and `session.run` of the native engine."""
CELLS = ("gru", "lstm")
SHAPES = ((6, 32), (32, 64), (64, 128), (64, 256))
STEPS = 100
_CALIBRATION = 8
_FLOATS = "expected_float.npy"
_ROUNDS = 25
_TURN = 0.004
"""Seconds of a turn, about; a turn is at least one window."""
_TOLERANCES = {FLOAT: 1e-5, DYNAMIC: 0.1}
"""How far results may be from the float model's, which lie within +-1. Float32 adds up in another order, and has
other approximations of exp and tanh; dynamic quantization has an error that nobody bounds."""
_MOST_THREADS = 1.1


@dataclass(frozen=True)
class _Expected:
    """The reference's results [T, units], what one of them stands for, and those of the float model."""

    exact: npt.NDArray[np.int16]
    scale: np.float32
    close: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Entry:
    """A contender on a case, and the windows in a turn of it."""

    runtime: Runtime
    folder: Path
    number: int
    name: str
    mode: str
    arithmetic: str
    repeats: int = 1

    def turn(self) -> Times:
        """The time of a step."""
        passed, computed = undisturbed(lambda: self.runtime.time(self.folder, self.number, self.repeats))
        return passed / self.repeats / STEPS, computed / self.repeats / STEPS


def measure() -> dict[str, Any]:
    """By case "gru, 32, 64" (inputs, units), the contenders and what is missing of them.

    Of a contender: microseconds a step, the median over rounds; `ratio` to BASE of the same mode, the median of the
    rounds' ratios, and the quartiles of these; the largest difference of a result from the float model's. Raises
    SystemExit when a result is wrong, when a runtime is not installed, or computes in more than one thread.
    """
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        folders = {_title(cell, *shape): _write(Path(scratch), cell, *shape) for cell in CELLS for shape in SHAPES}
        _convert(list(folders.values()))
        runtimes, told = [], {}
        for name in RUNTIMES:
            runtime = Runtime(name, list(folders.values()))
            running.callback(runtime.close)
            runtimes.append(runtime)
            told[name] = runtime.listen()
        cases = {}
        for title, folder in folders.items():
            print(f"  peers: {title}", file=sys.stderr)
            entries = _entries(runtimes, told, folder)
            cases[title] = {"contenders": _measure(entries, folder), "missing": _missing(told, folder)}
    return {
        "what": f"one layer, batch 1, one thread; windows of {STEPS} steps; us a step",
        "runtimes": {TITLES[name]: told[name]["version"] for name in RUNTIMES},
        "rounds": _ROUNDS,
        "cases": cases,
    }


def _write(scratch: Path, cell: str, inputs: int, units: int) -> Path:
    """A case with random weights, and its artifact."""
    folder = scratch / f"{cell}_{inputs}_{units}"
    original = random_model(inputs, [(cell, units, {})])
    x = np.random.default_rng(1).normal(size=(_CALIBRATION, STEPS, inputs)).astype(np.float32)
    model = quantize(original, x, np.full(_CALIBRATION, STEPS, np.int32)).model
    write_artifact(folder, original, model, x[:1])
    operands = model.quantize_input(x[0])
    Case(folder, cell, inputs, units, x[0], operands, original.layers[0].weights).write()
    np.save(folder / _FLOATS, original.predict(x[:1])[0])
    return folder


def _expected(folder: Path) -> _Expected:
    model = artifact.load(folder).integer
    return _Expected(golden.load(folder, model.program).y[0], model.output_scale, np.load(folder / _FLOATS))


def _convert(folders: Sequence[Path]) -> None:
    """Has TensorFlow write its files beside the cases, in as many processes as there are processors."""
    shares = [folders[start :: os.cpu_count()] for start in range(min(os.cpu_count() or 1, len(folders)))]
    program = [sys.executable, "-m", "benchmarks.peers.keras_files"]
    running = [
        subprocess.Popen([*program, *map(str, share)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for share in shares
    ]
    for process in running:
        told, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"TensorFlow's converter failed: {last_line(told)}")


def _entries(runtimes: Sequence[Runtime], told: dict[str, Any], folder: Path) -> list[_Entry]:
    """The contenders of a case, each with as many windows in a turn as take _TURN."""
    entries = []
    for runtime in runtimes:
        for number, contender in enumerate(told[runtime.name]["contenders"][str(folder)]):
            name, rest = _name(runtime.name, contender["name"]), (contender["mode"], contender["arithmetic"])
            seconds, _ = _Entry(runtime, folder, number, name, *rest).turn()
            entries.append(_Entry(runtime, folder, number, name, *rest, max(1, round(_TURN / seconds / STEPS))))
    return entries


def _missing(told: dict[str, Any], folder: Path) -> list[dict[str, str]]:
    return [
        {**missing, "name": _name(runtime, missing["name"])}
        for runtime, description in told.items()
        for missing in description["missing"][str(folder)]
    ]


def _measure(entries: Sequence[_Entry], folder: Path) -> list[dict[str, Any]]:
    expected = _expected(folder)
    errors = {entry: _checked(entry, entry.runtime.results(folder, entry.number), expected) for entry in entries}
    times: dict[_Entry, list[Times]] = {entry: [] for entry in entries}
    for _ in range(_ROUNDS):
        for entry in entries:
            times[entry].append(entry.turn())
    for entry, turns in times.items():
        clock, processor = np.sum(turns, axis=0)
        if processor > _MOST_THREADS * clock:
            raise SystemExit(f"{entry.name} computes in {processor / clock:.1f} threads, not in one")
    clocks = {entry: np.array(turns)[:, 0] for entry, turns in times.items()}
    base = {entry.mode: clock for entry, clock in clocks.items() if entry.name == BASE}
    return [
        {
            "name": entry.name,
            "mode": entry.mode,
            "arithmetic": entry.arithmetic,
            "us": round(float(np.median(clock)) * 1e6, 3),
            **_ratios(clock / base[entry.mode]),
            "largest_difference": float(f"{errors[entry]:.2g}"),
        }
        for entry, clock in clocks.items()
    ]


def _ratios(ratios: npt.NDArray[np.float64]) -> dict[str, Any]:
    low, median, high = (round(float(value), 3) for value in np.percentile(ratios, [25, 50, 75]))
    return {"ratio": median, "quartiles": [low, high]}


def _checked(entry: _Entry, found: npt.NDArray[Any], expected: _Expected) -> float:
    """The largest difference of [T, units] from the float model's results. Raises SystemExit for wrong ones."""
    is_integer = found.dtype == expected.exact.dtype
    difference = float(np.abs((found * expected.scale if is_integer else found) - expected.close).max())
    if entry.arithmetic == EXACT:
        right = np.array_equal(found, expected.exact if is_integer else expected.exact * expected.scale)
    else:
        right = difference <= _TOLERANCES[entry.arithmetic]
    if found.shape != expected.close.shape or not right:
        raise SystemExit(f"{entry.name} gives wrong results, up to {difference} from the float model's")
    return difference


def _title(cell: str, inputs: int, units: int) -> str:
    return f"{cell}, {inputs}, {units}"


def _name(runtime: str, contender: str) -> str:
    return f"{TITLES[runtime]}: {contender}"
