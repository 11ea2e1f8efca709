# SPDX-License-Identifier: Apache-2.0
"""Latency of one step on this machine, called from Python, one thread."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.artifact import Model
from edgernn.backends.runtime import Runtime, Stepper
from edgernn.errors import EdgernnError
from edgernn.golden import Golden
from edgernn.model import IntegerModel
from edgernn.spec.ops import Array

_ROUNDS = 10


@dataclass(frozen=True)
class Latency:
    """Microseconds of one step, over `steps` timed steps; `reason` says why a runtime is unavailable."""

    name: str
    version: str
    steps: int
    p50: float
    p95: float
    p99: float
    mean: float
    reason: str = ""


def measure(model: Model, golden: Golden, runtimes: Sequence[Runtime], steps: int) -> tuple[Latency, ...]:
    """Times `steps` steps of each runtime on golden windows, after as many tenths for warming up.

    The runtimes take turns in short rounds, so that a noisy moment of the machine hits all of them.
    """
    loaded: dict[str, Stepper] = {}
    failed: dict[str, str] = {}
    for runtime in runtimes:
        try:
            runtime.version()
            loaded[runtime.name] = runtime.load(model.folder, model.integer)
        except EdgernnError as error:
            failed[runtime.name] = str(error)
    samples = golden.x[np.arange(golden.x.shape[1]) < golden.lengths[:, None]]
    per_round = max(1, steps // _ROUNDS)
    times: dict[str, list[int]] = {name: [] for name in loaded}
    for number in range(_ROUNDS + 1):
        for name, stepper in loaded.items():
            elapsed = _time_steps(model.integer, samples, stepper, per_round)
            if number:
                times[name] += elapsed
    return tuple(
        _latency(runtime, times[runtime.name])
        if runtime.name in times
        else Latency(runtime.name, "", 0, 0, 0, 0, 0, failed[runtime.name])
        for runtime in runtimes
    )


def _time_steps(model: IntegerModel, samples: Array, stepper: Stepper, steps: int) -> list[int]:
    """Nanoseconds of each step through these operands [n, F], over and over, from a state of zero."""
    program = model.program
    inputs = {program.x: samples[0], **model.zero_states()}
    elapsed = []
    for number in range(steps):
        inputs[program.x] = samples[number % len(samples)]
        start = time.perf_counter_ns()
        outputs = stepper.step(inputs)
        elapsed.append(time.perf_counter_ns() - start)
        inputs.update(program.next_states(outputs))
    return elapsed


def _latency(runtime: Runtime, nanoseconds: list[int]) -> Latency:
    micro = np.array(nanoseconds) / 1000
    p50, p95, p99 = (float(value) for value in np.percentile(micro, [50, 95, 99]))
    return Latency(runtime.name, runtime.version(), len(micro), p50, p95, p99, float(micro.mean()))
