# SPDX-License-Identifier: Apache-2.0
"""Time and memory until the first result, in processes that are new, beside other runtimes."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fresh
from benchmarks.elsewhere import SITES, last_line, python
from benchmarks.models import random_model, write_artifact
from edgernn.quantize import quantize

_OUTPUTS, _STEPS, _WINDOWS = 7, 50, 615
"""Those of the default build: as many windows as an artifact holds golden vectors of, whose hash a load checks."""
_ROUNDS = 9
TITLES = {
    "numpy": "NumPy alone",
    "edgernn": "edgernn",
    "litert": "LiteRT",
    "tflite_runtime": "tflite-runtime",
    "tflm": "TFLM",
    "onnxruntime": "onnxruntime",
    "pytorch": "PyTorch, float",
}


def measure() -> dict[str, Any]:
    """By runtime, medians over rounds in which all take turns: milliseconds of the import and of the first result after
    it, and MB of memory at most. A round before them fills the caches of the disk. Raises WorkerError when a runtime is
    not installed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        _write(folder)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in fresh.RUNTIMES}
        for number in range(_ROUNDS + 1):
            for name, rounds in found.items():
                figures = _start(name, folder)
                if number:
                    rounds.append(figures)
    return {
        "what": f"GRU-{fresh.UNITS} and dense {_OUTPUTS} on {fresh.FEATURES} features; import and first result",
        "rounds": _ROUNDS,
        "runtimes": {
            TITLES[name]: {
                "import_ms": round(_median(rounds, "import_ms"), 1),
                "first_ms": round(_median(rounds, "first_ms"), 1),
                "peak_mb": round(_median(rounds, "bytes") / 1e6, 1),
            }
            for name, rounds in found.items()
        },
    }


def _write(folder: Path) -> None:
    original = random_model(fresh.FEATURES, [("gru", fresh.UNITS, {}), ("dense", _OUTPUTS, {})])
    x = np.random.default_rng(0).normal(size=(_WINDOWS, _STEPS, fresh.FEATURES)).astype(np.float32)
    write_artifact(folder, original, quantize(original, x, np.full(len(x), _STEPS, np.int32)).model, x)


def _start(name: str, folder: Path) -> dict[str, float]:
    command, environment = python(SITES.get(name))
    done = subprocess.run([*command, "-P", fresh.__file__, name, str(folder)], env=environment, capture_output=True)
    if done.returncode:
        sys.exit(f"{name} failed: {last_line(done.stderr)}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return float(np.median([figures[key] for figures in rounds]))
