# SPDX-License-Identifier: Apache-2.0
"""Windows and targets as training takes them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset
from edgernn.model import Interface


@dataclass(frozen=True)
class Examples:
    """x: raw float32 [n, T, F]; lengths: int32 [n]; y: int64 [n], int64 [n, T] or standardized float32 [n, K];
    weight: float32 [n], of each window in the loss."""

    x: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]
    y: npt.NDArray[Any]
    weight: npt.NDArray[np.float32]
    per_step: bool

    def take(self, indices: npt.NDArray[Any]) -> "Examples":
        """These windows, in this order."""
        return replace(
            self, x=self.x[indices], lengths=self.lengths[indices], y=self.y[indices], weight=self.weight[indices]
        )

    def step_weights(self) -> npt.NDArray[np.float32]:
        """float32 [n, T]: the weight of every step's output: all steps within a window, or its last one only."""
        steps = np.arange(self.x.shape[1])
        counted = steps < self.lengths[:, None] if self.per_step else steps == self.lengths[:, None] - 1
        return counted.astype(np.float32) * self.weight[:, None]

    def step_targets(self) -> npt.NDArray[Any]:
        """[n, T] classes or [n, T, K] targets: `y` for every step."""
        if self.per_step:
            return self.y
        return np.broadcast_to(self.y[:, None], (len(self.y), self.x.shape[1], *self.y.shape[1:]))


def examples(data: Dataset, interface: Interface, *, class_weights: bool = False) -> Examples:
    """The windows of `data`; class_weights: each class counts alike, however rare (a window per step: its mean)."""
    weight = np.ones(data.n, np.float32)
    y = data.y
    if data.task == "regression":
        y = ((y - interface.target_mean) / interface.target_std).astype(np.float32)
    elif class_weights:
        counts = np.bincount(y[data.mask] if data.per_step else y, minlength=len(data.classes))
        share = (counts.sum() / (np.maximum(counts, 1) * len(data.classes)))[y]
        weight = ((share * data.mask).sum(axis=1) / data.lengths if data.per_step else share).astype(np.float32)
    return Examples(data.x, data.lengths, y, weight, data.per_step)
