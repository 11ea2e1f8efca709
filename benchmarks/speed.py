# SPDX-License-Identifier: Apache-2.0
"""Time of the default build and of a step, by runtime, and of the reference in large batches."""

import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import artifact, backends, golden
from edgernn.bench.host import measure as measure_latency
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter

_BATCH = 256
_BATCH_STEPS = 500
_LATENCY_STEPS = 20_000
_BUILD = "from edgernn.cli import main; main()"


def measure() -> dict[str, Any]:
    """What `edgernn build` prints and its seconds, latencies of one step in us by runtime, and the reference's steps a
    second at batch 256."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "build" / "watch"
        start = time.perf_counter()
        built = subprocess.run(
            [sys.executable, "-c", _BUILD, "build"], cwd=scratch, check=True, stdout=subprocess.PIPE, text=True
        )
        seconds = time.perf_counter() - start
        model = artifact.load(folder)
        vectors = golden.load(folder, model.integer.program)
        latencies = measure_latency(model, vectors, backends.select(()), _LATENCY_STEPS)
    return {
        "model": "watch, GRU-32 and dense 7",
        "build_seconds": round(seconds, 1),
        "build_output": built.stdout.rstrip().splitlines(),
        "latency_us": [asdict(latency) for latency in latencies],
        "reference_steps_per_second": {"batch": _BATCH, "steps_per_second": round(_throughput(model.integer))},
    }


def _throughput(model: IntegerModel) -> float:
    program, interpreter = model.program, Interpreter(model.program)
    x = np.zeros((_BATCH, program.tensors[program.x].size), program.tensors[program.x].dtype)
    states = model.zero_states((_BATCH,))
    start = time.perf_counter()
    for _ in range(_BATCH_STEPS):
        values = interpreter.step({program.x: x, **states})
        states = program.next_states(values)
    return _BATCH * _BATCH_STEPS / (time.perf_counter() - start)
