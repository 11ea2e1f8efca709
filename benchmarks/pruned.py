# SPDX-License-Identifier: Apache-2.0
"""Accuracy of models whose weights are pruned in blocks, on people not seen in training, every fold."""

from typing import Any

from benchmarks import accuracy

_UNITS = "model.units=64"
_CARE = [_UNITS, "prune.teachers=3", "prune.epochs=30"]
MODELS = {
    "dense": [_UNITS, "prune.sparsity=0"],
    "50 % of 4x4": [*_CARE, "prune.sparsity=0.5", "prune.block=4x4"],
    "75 % of 4x4": [*_CARE, "prune.sparsity=0.75", "prune.block=4x4"],
    "90 % of 4x4": [*_CARE, "prune.sparsity=0.9", "prune.block=4x4"],
    "75 % of 4x1": [*_CARE, "prune.sparsity=0.75", "prune.block=4x1"],
    "75 % of 1x4": [*_CARE, "prune.sparsity=0.75", "prune.block=1x4"],
    "75 % of the weights": [*_CARE, "prune.sparsity=0.75"],
}
"""A GRU of 64 units: the share of zero blocks, of rows x columns of a matrix."""


def measure() -> dict[str, Any]:
    """What `accuracy.measure` gives, of these models."""
    return accuracy.of(MODELS)
