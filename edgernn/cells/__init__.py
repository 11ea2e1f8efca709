# SPDX-License-Identifier: Apache-2.0
"""The kinds of layers. A cell is one module here, found by its file name; nothing else has to know of it."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol, cast

from edgernn.cells.algebra import Affine, Algebra, Float, V
from edgernn.errors import ConfigError


class Cell(Protocol):
    """What a cell's module holds."""

    KERAS: str
    """Name of the Keras layer that trains it; its `get_weights()` are in the order of `shapes`."""
    OPTIONS: Mapping[str, Any]
    """Options with their defaults, named as in Keras."""
    STATES: Mapping[str, int]
    """Fractional bits of each state vector, by name; empty for a layer without memory."""

    def shapes(self, inputs: int, units: int, **options: Any) -> dict[str, tuple[int, ...]]:
        """Shapes of the weights in Keras' layout, by Keras' names."""

    def matrices(self, weights: Mapping[str, Float], **options: Any) -> dict[str, Affine]:
        """The weights as the matrices that `step` names."""

    def step(self, a: Algebra[V], x: V, states: Mapping[str, V], **options: Any) -> tuple[V, dict[str, V]]:
        """One time step: from an operand `x` and the states to the output and the new states."""


def names() -> tuple[str, ...]:
    """All kinds of layers: ("dense", "gru", ...)."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "algebra"))


def recurrent() -> tuple[str, ...]:
    """The kinds of layers that have a state."""
    return tuple(name for name in names() if get(name).STATES)


def get(name: str) -> Cell:
    """The cell of that name. Raises ConfigError when there is none."""
    if name not in names():
        raise ConfigError(f"there is no cell {name!r}; there are {', '.join(names())}")
    return cast(Cell, importlib.import_module(f"{__name__}.{name}"))
