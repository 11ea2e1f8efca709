# SPDX-License-Identifier: Apache-2.0
"""Whether what pruning in blocks costs is more than chance: the accuracy of the same two models from other seeds."""

from typing import Any

from benchmarks import accuracy, pruned

NAMES = ("dense", "75 % of 4x4")
SEEDS = (10, 20, 30, 40)
"""Beside the one of `pruned`, so far apart that they share no teachers; its settings were chosen by others, 0 to 4."""


def measure() -> dict[str, Any]:
    """What `accuracy.measure` gives, of the models of `pruned` by NAMES, seed after seed."""
    return accuracy.of(
        {f"{name}, seed {seed}": [*pruned.MODELS[name], f"train.seed={seed}"] for seed in SEEDS for name in NAMES}
    )
