# SPDX-License-Identifier: Apache-2.0
"""What the stock converter's models do on the kernel paths where artifacts agree: the control of the agreement.

A GRU and an LSTM, trained by Keras on windows of smartwatch recordings, as TensorFlow's converter makes them and as
edgernn makes them of the same weights. Both go through the same runtimes on the windows of people who are not trained.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.elsewhere import ROOT
from edgernn.backends.tflite.write import integer_file
from edgernn.cells import get
from edgernn.data import watch
from edgernn.data.dataset import Dataset
from edgernn.diff import graph, paths, samples
from edgernn.errors import WorkerError
from edgernn.model import FloatModel, Interface, Layer
from edgernn.quantize import quantize
from edgernn.workers.environments import KernelPath, kernel_paths

_CELLS = ("gru", "lstm")
_UNITS = 32
_STEPS, _STRIDE = 20, 10
_HELD_OUT = ("person 09", "person 10")
_CALIBRATION = 256
_EMULATED = "pi4-"
"""Emulated paths that take part: those of one Raspberry Pi, since two more take their time and give the same."""

Pairs = list[dict[str, Any]]


def measure() -> dict[str, Any]:
    """What becomes of each cell.

    By cell and converter: size of the file, accuracy by runtime, the runtimes that failed, for any two others the
    output values that differ, the largest difference and the windows that get another class, and the worst of these;
    and what becomes of a layer that is not unrolled. Raises WorkerError where a runtime is not installed.
    """
    data = watch.load(window=_STEPS, stride=_STRIDE)
    assert data.group is not None
    is_tested = np.isin(data.group, _HELD_OUT)
    train, test = data.take(np.flatnonzero(~is_tested)), data.take(np.flatnonzero(is_tested))
    chosen = [
        path for path in kernel_paths().values() if not path.environment.emulated or path.name.startswith(_EMULATED)
    ]
    return {
        "what": f"{_UNITS} units and a dense layer, {_STEPS} steps, {test.n} windows of people not seen in training",
        "held_out": list(_HELD_OUT),
        "runtimes": [
            {"name": path.name, "version": path.version(), "architecture": path.variant.architecture} for path in chosen
        ],
        "cells": {cell: _measure(cell, train, test, chosen) for cell in _CELLS},
    }


def _measure(cell: str, train: Dataset, test: Dataset, chosen: Sequence[KernelPath]) -> dict[str, Any]:
    mean, std = train.x.mean(axis=(0, 1)), train.x.std(axis=(0, 1))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.savez(folder / "windows.npz", x=(train.x - mean) / std, y=train.y)
        plain = _stock(cell, folder, "--plain")
        outcome = _stock(cell, folder)
        if outcome:
            raise SystemExit(f"the stock converter {outcome} on an unrolled {cell}")
        stock = (folder / "model.tflite").read_bytes()
        with np.load(folder / "weights.npz") as arrays:
            weights = [arrays[f"{i}"] for i in range(len(arrays))]
    own = _ours(cell, weights, train, mean, std)
    x = ((test.x - mean) / std).astype(np.float32)
    return {
        "not_unrolled": plain or "was converted",
        "stock": _compare(cell, stock, x, test.y, chosen),
        "edgernn": _compare(cell, own, x, test.y, chosen),
    }


def _stock(cell: str, folder: Path, *options: str) -> str:
    """Runs the stock converter in a process of its own; what became of it, "" for a file."""
    arguments = (cell, str(_UNITS), str(folder / "windows.npz"), str(folder), *options)
    command = [sys.executable, "-m", "benchmarks.stock", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    if done.returncode < 0:
        return f"was killed by signal {-done.returncode} ({signal.Signals(-done.returncode).name})"
    return f"ended with status {done.returncode}" if done.returncode else ""


def _ours(
    cell: str, weights: list[npt.NDArray[np.float32]], train: Dataset, mean: npt.NDArray[Any], std: npt.NDArray[Any]
) -> bytes:
    """The same weights as edgernn's .tflite of one step."""
    classes, features = len(train.classes), len(train.features)
    interface = Interface(
        task="classification",
        per_step=False,
        features=train.features,
        outputs=train.classes,
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        target_mean=np.zeros(classes, np.float32),
        target_std=np.ones(classes, np.float32),
        window=_STEPS,
        rate=train.rate,
    )
    layers, inputs, remaining = [], features, iter(weights)
    for kind, units in ((cell, _UNITS), ("dense", classes)):
        options = dict(get(kind).OPTIONS)
        named = {name: next(remaining) for name in get(kind).shapes(inputs, units, **options)}
        layers.append(Layer(kind, units, options, named))
        inputs = units
    calibration = train.spread(_CALIBRATION)
    return integer_file(quantize(FloatModel(interface, tuple(layers)), calibration.x, calibration.lengths).model)


def _compare(
    cell: str, content: bytes, x: npt.NDArray[np.float32], y: npt.NDArray[Any], chosen: Sequence[KernelPath]
) -> dict[str, Any]:
    """The model on every path, over all windows x [n, T, F]."""
    model = graph.read(content)
    prepared = samples.prepare(model, {"x": x}, {})
    logits = model.output_keys.get("logits", model.output_keys.get("y", -1))
    outputs, classes, failed = {}, {}, {}
    for path in chosen:
        print(f"  {cell}, {len(content):,} bytes, {path.name}", file=sys.stderr)
        try:
            found = _run(path, content, model, prepared)
        except WorkerError as error:
            failed[path.name] = str(error)
            continue
        outputs[path.name] = np.concatenate([found[index].reshape(len(y), -1) for index in found], axis=1)
        last = found[logits].reshape(len(y), -1, found[logits].shape[-1])[:, -1]
        classes[path.name] = last.argmax(axis=1)
    pairs = _pairs(outputs, classes)
    return {
        "bytes": len(content),
        "values": next(iter(outputs.values())).size,
        "accuracy": {name: round(float((found == y).mean()), 4) for name, found in classes.items()},
        "failed": failed,
        "worst": {key: max(pair[key] for pair in pairs) for key in ("share", "largest", "other_class")},
        "pairs": pairs,
    }


def _run(
    path: KernelPath, content: bytes, model: graph.Graph, prepared: samples.Samples
) -> dict[int, npt.NDArray[np.int32]]:
    """Every output of every invocation, [invocations, size] by the index of its tensor."""
    loaded = paths.Loaded(path, model, content, model.outputs, prepared)
    try:
        found = [loaded.run(sample)[1] for sample in prepared]
    finally:
        loaded.close()
    return {index: np.stack([outputs[index].ravel() for outputs in found]).astype(np.int32) for index in model.outputs}


def _pairs(outputs: dict[str, npt.NDArray[np.int32]], classes: dict[str, npt.NDArray[np.int64]]) -> Pairs:
    pairs = []
    for first, second in combinations(outputs, 2):
        gap = np.abs(outputs[first] - outputs[second])
        pairs.append(
            {
                "runtimes": [first, second],
                "differing": int(np.count_nonzero(gap)),
                "share": round(float(np.count_nonzero(gap) / gap.size), 4),
                "largest": int(gap.max()),
                "other_class": int((classes[first] != classes[second]).sum()),
            }
        )
    return pairs
