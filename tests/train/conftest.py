# SPDX-License-Identifier: Apache-2.0
"""Small tasks that a small network learns in a second, and a recipe."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgernn.train.augment import Augmentation
from edgernn.train.examples import Examples
from edgernn.train.fit import Recipe


@pytest.fixture(scope="session")
def make_recipe() -> Callable[..., Recipe]:
    """A recipe of a few epochs, without any regularization; fields can be given by name."""

    def make(**changed: Any) -> Recipe:
        fields: dict[str, Any] = {
            "epochs": 3,
            "batch_size": 32,
            "learning_rate": 0.02,
            "clip_norm": 1.0,
            "weight_decay": 0.0,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
            "label_smoothing": 0.0,
            "patience": 100,
            "augmentation": Augmentation(),
        }
        return Recipe(**fields | changed)

    return make


@pytest.fixture(scope="session")
def make_examples() -> Callable[..., Examples]:
    """Windows [n, 6, 2] of a task.

    window: whether the first channel's sum is positive; step: whether it was positive one step before;
    regression: its mean and that of the second channel.
    """

    def make(task: str = "window", n: int = 96, seed: int = 0, lengths: bool = False) -> Examples:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 6, 2)).astype(np.float32)
        sizes = rng.integers(2, 7, n) if lengths else np.full(n, 6)
        inside = (np.arange(6) < sizes[:, None])[..., None]
        x = x * inside
        y: Any = (x[..., 0].sum(axis=1) > 0).astype(np.int64)
        if task == "step":
            y = np.pad(x[:, :-1, 0] > 0, ((0, 0), (1, 0))).astype(np.int64)
        if task == "regression":
            y = (3 * x.sum(axis=1) / sizes[:, None]).astype(np.float32)
        return Examples(x, sizes.astype(np.int32), y, task == "step")

    return make
