# SPDX-License-Identifier: Apache-2.0
"""Gradual magnitude pruning (Zhu & Gupta 2017, arXiv:1710.01878): the smallest weights become zero while training."""

from typing import Any

import numpy as np

from edgernn.train.libraries import tensorflow_and_keras

RAMP = 0.7
"""Share of the steps after which the target is reached; the rest trains at full sparsity."""


def scheduled_sparsity(target: float, progress: float) -> float:
    """Sparsity at `progress` 0..1 of the training: target * (1 - (1 - progress / ramp)**3)."""
    return target * (1 - (1 - min(progress / RAMP, 1.0)) ** 3)


class Masks:
    """0/1 masks over every matrix of a network; biases are left alone. A twin has the same matrices and masks."""

    def __init__(self, network: Any, twin: Any) -> None:
        tensorflow, _ = tensorflow_and_keras()
        self._matrices, self._twins = _matrices(network), _matrices(twin)
        self._masks = [tensorflow.Variable(tensorflow.ones(m.shape)) for m in self._matrices]

    def update(self, sparsity: float) -> None:
        """Masks that share of the entries of each matrix, those of least magnitude."""
        for matrix, mask in zip(self._matrices, self._masks, strict=True):
            mask.assign(largest(np.asarray(matrix), sparsity))

    def apply(self) -> None:
        """Sets masked weights to zero, in both networks."""
        for matrix, twin, mask in zip(self._matrices, self._twins, self._masks, strict=True):
            matrix.assign(matrix * mask)
            twin.assign(twin * mask)


def _matrices(network: Any) -> list[Any]:
    return [variable for variable in network.trainable_variables if "kernel" in variable.name]


def largest(matrix: Any, sparsity: float) -> Any:
    """float32 0/1 of the matrix's shape: 0 at the round(sparsity * size) entries of least magnitude."""
    mask = np.ones(matrix.size, np.float32)
    mask[np.argsort(np.abs(matrix), axis=None, kind="stable")[: round(sparsity * matrix.size)]] = 0
    return mask.reshape(matrix.shape)
