# SPDX-License-Identifier: Apache-2.0
"""Models with random weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgernn import cells
from edgernn.model import FloatModel, Interface, Layer

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
