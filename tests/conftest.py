# SPDX-License-Identifier: Apache-2.0
"""Makers of models, and worked examples."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn import cells
from edgernn.model import FloatModel, Interface, Layer

MakeInterface = Callable[..., Interface]
MakeModel = Callable[..., FloatModel]

RECURRENT: dict[str, tuple[str, dict[str, Any]]] = {
    "rnn": ("rnn", {}),
    "gru": ("gru", {"reset_after": True}),
    "gru of the paper": ("gru", {"reset_after": False}),
    "lstm": ("lstm", {}),
}


@pytest.fixture(params=RECURRENT.values(), ids=RECURRENT)
def recurrent(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Each recurrent cell with each of its options: kind and options."""
    found: tuple[str, dict[str, Any]] = request.param
    return found


@pytest.fixture(scope="session")
def every_recurrent() -> list[tuple[str, dict[str, Any]]]:
    """All of `recurrent` at once."""
    return list(RECURRENT.values())


@pytest.fixture(scope="session")
def make_interface() -> MakeInterface:
    """An interface of so many features and outputs; fields can be given by name."""

    def make(features: int, outputs: int, **changed: Any) -> Interface:
        fields: dict[str, Any] = {
            "task": "classification",
            "per_step": False,
            "features": tuple(f"f{i}" for i in range(features)),
            "outputs": tuple(f"c{i}" for i in range(outputs)),
            "mean": np.linspace(-0.5, 0.5, features, dtype=np.float32),
            "std": np.linspace(0.7, 1.3, features, dtype=np.float32),
            "target_mean": np.zeros(outputs, np.float32),
            "target_std": np.ones(outputs, np.float32),
            "window": 20,
            "rate": 50.0,
        }
        return Interface(**fields | changed)

    return make


@pytest.fixture(scope="session")
def make_model(make_interface: MakeInterface) -> MakeModel:
    """A float model with random weights from (kind, units, options) of its layers; weights of `spread` / sqrt(rows)."""

    def make(
        *layers: tuple[str, int, dict[str, Any]],
        features: int = 5,
        seed: int = 0,
        spread: float = 1.0,
        **interface: Any,
    ) -> FloatModel:
        rng = np.random.default_rng(seed)
        inputs, made = features, []
        for kind, units, options in layers:
            options = {**cells.get(kind).OPTIONS, **options}
            shapes = cells.get(kind).shapes(inputs, units, **options)
            weights = {name: _weight(rng, shape, spread) for name, shape in shapes.items()}
            made.append(Layer(kind, units, options, weights))
            inputs = units
        return FloatModel(make_interface(features, inputs, **interface), tuple(made))

    return make


def _weight(rng: np.random.Generator, shape: Sequence[int], spread: float) -> npt.NDArray[np.float32]:
    return rng.normal(0, spread / np.sqrt(shape[0]), shape).astype(np.float32)


@pytest.fixture(scope="session")
def worked_examples() -> dict[str, Any]:
    """The worked examples of the project's source documents."""
    examples: dict[str, Any] = json.loads(Path(__file__).with_name("worked_examples.json").read_text(encoding="utf-8"))
    return examples
