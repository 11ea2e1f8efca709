# SPDX-License-Identifier: Apache-2.0
"""Makers of small data sets."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from edgernn.data.arrays import from_arrays
from edgernn.data.columns.column import Column
from edgernn.data.dataset import Dataset


@pytest.fixture
def people() -> Callable[..., Dataset]:
    """Makes windows of 10 people, 3 classes, 2 recordings for each person and class, 3 windows for each recording."""

    def make(**changed: Any) -> Dataset:
        recording = np.repeat(np.arange(60), 3)
        arrays: dict[str, Any] = {
            "x": np.random.default_rng(1).normal(size=(180, 4, 2)),
            "y": recording % 3,
            "recording": recording,
            "group": np.array([f"p{r // 6}" for r in recording]),
            "start": np.tile([0, 2, 4], 60),
        }
        arrays.update(changed)
        return from_arrays("people", arrays.pop("x"), arrays.pop("y"), **arrays)

    return make


@pytest.fixture
def column() -> Callable[..., Column]:
    """Makes a column from the lines of a file below its header."""

    def make(cells: Iterable[Any], name: str = "t", where: str = "a.csv") -> Column:
        texts = [str(cell) for cell in cells]
        return Column(where, name, texts, np.arange(len(texts)) + 2)

    return make
