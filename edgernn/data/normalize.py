# SPDX-License-Identifier: Apache-2.0
"""Normalization statistics, from the training part only."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset


def statistics(
    ds: Dataset, train: npt.NDArray[np.integer[Any]]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean and standard deviation (population) of each channel over the training windows, padding left out.

    train: indices of the training windows. Returns (float32 [F], float32 [F]) in the channels' own units; summed in
    float64. A channel that never changes there gets the deviation 1, so (x - mean) / std is 0 and nothing divides by 0.
    """
    samples = ds.x[train][ds.mask[train]].astype(np.float64)
    mean = samples.mean(axis=0)
    std = samples.std(axis=0).astype(np.float32)
    # Compared by range: rounding gives the samples of a constant channel such as 0.1 a deviation just above 0.
    constant = (samples.min(axis=0) == samples.max(axis=0)) | (std < np.finfo(np.float32).tiny)
    return mean.astype(np.float32), np.where(constant, np.float32(1), std)
