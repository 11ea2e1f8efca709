# SPDX-License-Identifier: Apache-2.0
"""Windows and targets as training takes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import streams
from edgernn.data.dataset import Dataset
from edgernn.data.streams import Stream
from edgernn.model import Interface


@dataclass(frozen=True)
class Examples:
    """Windows for the loss.

    x: raw float32 [n, T, F]; lengths: int32 [n]; y: int64 [n] or, per step, [n, T] classes; standardized float32 [n, K]
    or, per step, [n, T, K] targets; class_weights: float32 [C], of each class in the loss, or None; ignored: bool
    [n, T], steps that do not count, or None.
    """

    x: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]
    y: npt.NDArray[Any]
    per_step: bool
    class_weights: npt.NDArray[np.float32] | None = None
    ignored: npt.NDArray[np.bool_] | None = None

    def take(self, indices: npt.NDArray[Any]) -> "Examples":
        """These windows, in this order."""
        ignored = None if self.ignored is None else self.ignored[indices]
        return replace(self, x=self.x[indices], lengths=self.lengths[indices], y=self.y[indices], ignored=ignored)

    def step_weights(self) -> npt.NDArray[np.float32]:
        """float32 [n, T]: the weight of every step's output: all steps of a window that count, or its last one only."""
        steps = np.arange(self.x.shape[1])
        counted = steps < self.lengths[:, None] if self.per_step else steps == self.lengths[:, None] - 1
        if self.ignored is not None:
            counted &= ~self.ignored
        weights = np.float32(1) if self.class_weights is None else self.class_weights[self.step_targets()]
        return counted.astype(np.float32) * weights

    def step_targets(self) -> npt.NDArray[Any]:
        """[n, T] classes or [n, T, K] targets: `y` for every step."""
        if self.per_step:
            return self.y
        return np.broadcast_to(self.y[:, None], (len(self.y), self.x.shape[1], *self.y.shape[1:]))


def examples(data: Dataset, interface: Interface, *, class_weights: bool = False) -> Examples:
    """The windows of `data`; class_weights: all classes count alike in the loss, however rare."""
    if data.task == "regression":
        y = ((data.y - interface.target_mean) / interface.target_std).astype(np.float32)
        return Examples(data.x, data.lengths, y, data.per_step, ignored=data.ignored)
    weights = None
    if class_weights:
        counts = np.bincount(data.wanted, minlength=len(data.classes))
        weights = (counts.sum() / (np.maximum(counts, 1) * len(data.classes))).astype(np.float32)
    return Examples(data.x, data.lengths, data.y, data.per_step, weights, data.ignored)


def stretches(
    data: Dataset, found: Sequence[Stream], interface: Interface, length: int, stride: int, *, judged: bool = False
) -> Examples:
    """Windows of `length` steps cut from streams every `stride` steps, with a target for every step that has one.

    So that a model learns to go on where it was: what its state holds of the past is what it will hold on a device,
    changes of class included. The last window of a stream ends where that ends. judged: only steps that end a window of
    `data` have a target, as where a model is judged.
    """
    cuts: list[tuple[npt.NDArray[Any], ...]] = []
    for stream in found:
        y, known = streams.targets(data, stream, judged=judged)
        steps, last = len(y), max(len(y) - length, 0)
        starts = np.unique(np.minimum(np.arange(0, steps, stride), last))
        at = starts[:, None] + np.arange(length)
        inside = at < steps
        at = np.minimum(at, steps - 1)
        x = np.where(inside[..., None], stream.x[at], np.float32(0))
        cuts.append((x, np.full(len(starts), min(length, steps), np.int32), y[at], ~(known[at] & inside)))
    x, lengths, y, ignored = (np.concatenate(parts) for parts in zip(*cuts, strict=True))
    if data.task == "regression":
        y = ((y - interface.target_mean) / interface.target_std).astype(np.float32)
    return Examples(x, lengths, y, per_step=True, ignored=ignored)
