# SPDX-License-Identifier: Apache-2.0
"""Models with random weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgernn import artifact, backends, cells, golden
from edgernn.cells.algebra import Float
from edgernn.model import FloatModel, IntegerModel, Interface, Layer

LayerSpec = tuple[str, int, Mapping[str, Any]]
"""Kind, units and options of a layer; options that are not given are the cell's."""


def random_model(inputs: int, layers: Sequence[LayerSpec], *, spread: float = 1.0, seed: int = 0) -> FloatModel:
    """Weights are normal, of a standard deviation of spread / sqrt(rows)."""
    rng, size, made = np.random.default_rng(seed), inputs, []
    for kind, units, options in layers:
        options = {**cells.get(kind).OPTIONS, **options}
        shapes = cells.get(kind).shapes(size, units, **options)
        weights = {
            name: rng.normal(0, spread * shape[0] ** -0.5, shape).astype(np.float32) for name, shape in shapes.items()
        }
        made.append(Layer(kind, units, options, weights))
        size = units
    interface = Interface(
        task="classification",
        per_step=True,
        features=tuple(f"x{i}" for i in range(inputs)),
        outputs=tuple(f"y{i}" for i in range(size)),
        mean=np.zeros(inputs, np.float32),
        std=np.ones(inputs, np.float32),
        target_mean=np.zeros(size, np.float32),
        target_std=np.ones(size, np.float32),
        window=1,
        rate=0,
    )
    return FloatModel(interface, tuple(made))


def without_blocks(model: FloatModel, share: float, *, seed: int = 0) -> FloatModel:
    """`model` without that share of the blocks of 4 rows and 4 columns of each matrix; both are multiples of 4."""
    if not share:
        return model
    rng = np.random.default_rng(seed)

    def pruned(weight: Float) -> Float:
        rows, columns = weight.shape[0] // 4, weight.shape[1] // 4
        kept = rng.permutation(rows * columns) >= round(share * rows * columns)
        return weight * np.kron(kept.reshape(rows, columns), np.ones((4, 4), np.float32))

    layers = [
        replace(
            one, weights={name: pruned(w) if w.ndim == 2 and "kernel" in name else w for name, w in one.weights.items()}
        )
        for one in model.layers
    ]
    return replace(model, layers=tuple(layers))


def write_artifact(folder: Path, original: FloatModel, model: IntegerModel, windows: Float) -> None:
    """An artifact named "model" in a new folder, with golden vectors of these windows [n, T, F]."""
    folder.mkdir()
    artifact.write_model(folder, model)
    for backend in backends.backends():
        backend.export(model, original, "model", folder)
    lengths = np.full(len(windows), windows.shape[1], np.int32)
    golden.compute(model, model.quantize_input(windows), lengths).save(folder)
    artifact.write_manifest(folder, {"name": "model"})
