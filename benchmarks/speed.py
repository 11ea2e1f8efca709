# SPDX-License-Identifier: Apache-2.0
"""Time of the default build and of a step, by runtime, and of the reference in large batches."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import timed
from edgernn import artifact, backends, golden
from edgernn.bench.host import measure as measure_latency
from edgernn.engine import native
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter

_BATCH = 256
_BATCH_STEPS = 500
_LATENCY_STEPS = 20_000
_ROUNDS, _ROUND_STEPS = 25, 20_000
_OPERANDS = "operands"
_BUILD = "from edgernn.cli import main; main()"


def measure() -> dict[str, Any]:
    """What `edgernn build` prints and its seconds, latencies of one step in us by runtime, what a session's step
    costs from Python, and the reference's steps a second at batch 256."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "build" / "watch"
        start = time.perf_counter()
        built = subprocess.run(
            [sys.executable, "-c", _BUILD, "build"], cwd=scratch, check=True, stdout=subprocess.PIPE, text=True
        )
        seconds = time.perf_counter() - start
        model = artifact.load(folder)
        vectors = golden.load(folder, model.integer.program)
        session = _session(model)
        latencies = measure_latency(model, vectors, backends.select(()), _LATENCY_STEPS)
    return {
        "model": "watch, GRU-32 and dense 7",
        "build_seconds": round(seconds, 1),
        "build_output": built.stdout.rstrip().splitlines(),
        "latency_us": [asdict(latency) for latency in latencies],
        "session_us": session,
        "reference_steps_per_second": {"batch": _BATCH, "steps_per_second": round(_throughput(model.integer))},
    }


def _session(model: artifact.Model) -> dict[str, float]:
    """Medians over rounds in us: the native engine's step in C, and a session's from Python by kind of sample."""
    loaded, interface = native.load(model.integer), model.integer.interface
    sample = (interface.mean + interface.std).astype(np.float64)
    operands = model.integer.quantize_input(sample)
    given: dict[str, Any] = {
        "list of floats": sample.tolist(),
        "float32 array": sample.astype(np.float32),
        "float64 array": sample,
        _OPERANDS: operands,
    }
    window = np.tile(operands, (1, _ROUND_STEPS, 1))
    times: dict[str, list[float]] = {name: [] for name in ("C", *given)}
    for _ in range(_ROUNDS):
        times["C"].append(timed(partial(loaded.run, window))[0])
        for name, x in given.items():
            session = model.session("native")
            step = session.step_operands if name == _OPERANDS else session.step
            times[name].append(timed(partial(_often, step, x))[0])
    return {name: round(float(np.median(values)) / _ROUND_STEPS * 1e6, 3) for name, values in times.items()}


def _often(step: Callable[[Any], Any], x: Any) -> None:
    for _ in range(_ROUND_STEPS):
        step(x)


def _throughput(model: IntegerModel) -> float:
    program, interpreter = model.program, Interpreter(model.program)
    x = np.zeros((_BATCH, program.tensors[program.x].size), program.tensors[program.x].dtype)
    states = model.zero_states((_BATCH,))
    start = time.perf_counter()
    for _ in range(_BATCH_STEPS):
        values = interpreter.step({program.x: x, **states})
        states = program.next_states(values)
    return _BATCH * _BATCH_STEPS / (time.perf_counter() - start)
