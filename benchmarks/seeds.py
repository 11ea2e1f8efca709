# SPDX-License-Identifier: Apache-2.0
"""Whether what pruning in blocks costs is more than chance: the accuracy of the same two models from other seeds."""

from typing import Any

from benchmarks import accuracy, pruned

NAMES = ("dense", "75 % of 4x4")
SEEDS = (5, 6, 7, 8)
"""Beside the one of `pruned`: not those by which its settings were chosen, 1 to 4."""


def measure() -> dict[str, Any]:
    """What `accuracy.measure` gives, of the models of `pruned` by NAMES, seed after seed."""
    return accuracy.of(
        {f"{name}, seed {seed}": [*pruned.MODELS[name], f"train.seed={seed}"] for seed in SEEDS for name in NAMES}
    )
