# SPDX-License-Identifier: Apache-2.0
"""Gradual magnitude pruning (Zhu & Gupta 2017, arXiv:1710.01878): the smallest blocks become zero while training."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import ConfigError
from edgernn.model import FloatModel
from edgernn.train.libraries import tensorflow_and_keras

RAMP = 0.7
"""Share of the steps after which the target is reached; the rest trains at full sparsity."""

Block = tuple[int, int]
"""Rows (units of one gate) and columns (inputs) of the matrix W of a product W v + b that become zero together."""

_SMALLEST = 16
"""Matrices of fewer inputs or units stay dense in blocks: they cost little, and a block is too much of them to lose."""


def scheduled_sparsity(target: float, progress: float) -> float:
    """Sparsity at `progress` 0..1 of the training: target * (1 - (1 - progress / ramp)**3)."""
    return target * (1 - (1 - min(progress / RAMP, 1.0)) ** 3)


class Masks:
    """0/1 masks over the matrices of a network built from `model`; biases are left alone, and small matrices in blocks.

    A twin has the same matrices and masks. Raises ConfigError where all matrices are small.
    """

    def __init__(self, model: FloatModel, network: Any, twin: Any, block: Block = (1, 1)) -> None:
        tensorflow, _ = tensorflow_and_keras()
        units = [count for _, count in _sizes(model)]
        found = zip(_matrices(network), _matrices(twin), units, prunable(model, block), strict=True)
        pruned = [(m, t, u) for m, t, u, is_pruned in found if is_pruned]
        self._matrices, self._twins = [m for m, _, _ in pruned], [t for _, t, _ in pruned]
        self._blocks = [blocks(m.shape, u, block) for m, _, u in pruned]
        self._masks = [tensorflow.Variable(tensorflow.ones(m.shape)) for m in self._matrices]

    def update(self, sparsity: float) -> None:
        """Masks that share of the blocks of each matrix, those of least magnitude."""
        for matrix, numbers, mask in zip(self._matrices, self._blocks, self._masks, strict=True):
            mask.assign(largest(np.asarray(matrix), numbers, sparsity))

    def apply(self) -> None:
        """Sets masked weights to zero, in both networks."""
        for matrix, twin, mask in zip(self._matrices, self._twins, self._masks, strict=True):
            matrix.assign(matrix * mask)
            twin.assign(twin * mask)


def prunable(model: FloatModel, block: Block) -> list[bool]:
    """Whether each matrix is pruned in such blocks, in the order of the layers. Raises ConfigError where none is."""
    found = [block == (1, 1) or min(size) >= _SMALLEST for size in _sizes(model)]
    if not any(found):
        raise ConfigError(f"prune.block needs a matrix of at least {_SMALLEST} inputs and units: there is none")
    return found


def _sizes(model: FloatModel) -> list[tuple[int, int]]:
    """Inputs and units of each matrix, in the order of the layers."""
    return [
        (weight.shape[0], layer.units)
        for layer in model.layers
        for name, weight in layer.weights.items()
        if "kernel" in name
    ]


def _matrices(network: Any) -> list[Any]:
    return [variable for variable in network.trainable_variables if "kernel" in variable.name]


def blocks(shape: tuple[int, int], units: int, block: Block) -> npt.NDArray[np.int64]:
    """The number of the block that each weight of Keras' matrix [inputs, gates * units] lies in.

    Blocks begin anew at every gate, as kernels take them; those at the end of a gate or of the inputs may be smaller.
    """
    rows, columns = block
    inputs, outputs = np.arange(shape[0]), np.arange(shape[1])
    across, down = inputs // columns, outputs // units * -(-units // rows) + outputs % units // rows
    numbers: npt.NDArray[np.int64] = across[:, None] * (down[-1] + 1) + down
    return numbers


def largest(matrix: npt.NDArray[np.float32], numbers: npt.NDArray[np.int64], sparsity: float) -> Any:
    """float32 0/1 of the matrix's shape: 0 in the round(sparsity * blocks) blocks of least mean square.

    numbers: of the block that each entry lies in (`blocks`).
    """
    squares = np.square(matrix, dtype=np.float64)
    means = np.bincount(numbers.ravel(), squares.ravel()) / np.bincount(numbers.ravel())
    kept = np.ones(means.size, np.float32)
    kept[np.argsort(means, kind="stable")[: round(sparsity * means.size)]] = 0
    return kept[numbers]
