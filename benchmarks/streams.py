# SPDX-License-Identifier: Apache-2.0
"""What a model loses whose state is never reset, and what training for that gains: on made-up activities."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn import build, pack
from edgernn.config import Config
from edgernn.continuous import Comparison
from edgernn.data import split
from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import Dataset, Series
from edgernn.data.windows import cut, join, stretches
from edgernn.metrics import baselines
from edgernn.train.fit import fit

SEEDS = range(5)
PEOPLE, RATE, SECONDS = 12, 20, 360
WINDOW, STRIDE = 50, 10
BOUT = (5.0, 20.0)
"""Seconds that a person stays with one activity, at least and at most."""
ACTIVITIES = ("sit", "walk", "climb", "run")
_PACE = (0.9, 1.5, 1.8, 2.2)
_STRENGTH = (0.5, 0.7, 0.6, 0.8)
_TILT = (0.1, 0.0, 0.1, 0.0)
CELLS = "gru", "lstm"


def measure() -> dict[str, Any]:
    """Accuracy by model, way of training and seed; every seed makes people, recordings and weights of its own."""
    rows: list[dict[str, Any]] = []
    for seed in SEEDS:
        data = activities(seed)
        parts = build.parts_of(data, split.make(data, "group", seed))
        for cell in CELLS:
            for reset in ("window", "never"):
                print(f"seed {seed}: {cell}, reset {reset}", file=sys.stderr)
                chosen = {"train": {"seed": seed, "reset": reset}, "model": {"cell": cell}, "data": {"source": "csv"}}
                trained = build.train(Config.model_validate(chosen), parts, pack.silent, fit)
                assert trained.continuous is not None
                figures = {name: _figures(both) for name, both in trained.continuous.measured.items()}
                rows.append({"seed": seed, "cell": cell, "reset": reset, **figures})
        rows.append({"seed": seed, "majority": baselines(parts.train, parts.test)["majority"]})
    return {"data": "made-up activities", "people": PEOPLE, "seconds": SECONDS, "rows": rows}


def _figures(both: Comparison) -> dict[str, float]:
    return {way: round(getattr(both, way)["accuracy"], 4) for way in ("window", "never")}


def activities(seed: int) -> Dataset:
    """A long recording of each person, cut like a CSV's: windows within bouts, the recordings beside them."""
    rng = np.random.default_rng(seed)
    recordings = [_recording(rng) for _ in range(PEOPLE)]
    parts, counts, labels = [], [], []
    for x, y in recordings:
        bouts = stretches(y)
        own = [cut(x[a:b], None, WINDOW, STRIDE) for a, b in bouts]
        parts += [replace(bout, start=bout.start + a) for bout, (a, _) in zip(own, bouts, strict=True)]
        labels += [np.full(len(bout.start), y[a]) for bout, (a, _) in zip(own, bouts, strict=True)]
        counts.append(sum(len(bout.start) for bout in own))
    windows = join(parts)
    return from_arrays(
        "activities",
        windows.x,
        np.concatenate(labels),
        recording=np.repeat(np.arange(PEOPLE), counts),
        group=np.repeat([f"person {number}" for number in range(PEOPLE)], counts),
        start=windows.start,
        lengths=windows.lengths,
        classes=ACTIVITIES,
        features=("ax", "ay", "az"),
        rate=RATE,
        series=[Series(number, 0, x) for number, (x, _) in enumerate(recordings)],
    )


def _recording(rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Accelerations [N, 3] and the activity of every step [N].

    Pace, strength and posture are those of the activity with the person's own factors; they follow a change of activity
    with a lag, and wander. The sensor has a gain, an offset and noise.
    """
    steps = RATE * SECONDS
    y = np.zeros(steps, np.int64)
    at, activity = 0, int(rng.integers(len(ACTIVITIES)))
    while at < steps:
        bout = round(rng.uniform(*BOUT) * RATE)
        y[at : at + bout] = activity
        at, activity = at + bout, (activity + int(rng.integers(1, len(ACTIVITIES)))) % len(ACTIVITIES)
    own = np.exp(rng.normal(0, 0.1, 2))
    wanted = np.stack([np.array(_PACE)[y] * own[0], np.array(_STRENGTH)[y] * own[1], np.array(_TILT)[y]], axis=1)
    state, states = wanted[0].copy(), np.zeros((steps, 3))
    for t in range(steps):
        state += (wanted[t] - state) / (0.4 * RATE) + rng.normal(0, (0.03, 0.03, 0.02), 3)
        states[t] = state
    pace, strength, tilt = states.T
    phase = np.cumsum(2 * np.pi * np.maximum(pace, 0) / RATE)
    swing = strength * (np.sin(phase) + 0.3 * np.sin(2 * phase + 1))
    x = np.stack([0.4 * swing + np.sin(tilt), 0.2 * strength * np.cos(phase / 2), swing + np.cos(tilt)], axis=1)
    x = x * np.exp(rng.normal(0, 0.1, 3)) + rng.normal(0, 0.1, 3)
    return (x + rng.normal(0, 0.8, x.shape)).astype(np.float32), y
