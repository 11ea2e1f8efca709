# SPDX-License-Identifier: Apache-2.0
"""Recordings at another rate, and two sensors on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.columns.column import Seconds

_LOWER = 1.05
"""Ratio of rates from which values are averaged."""


@dataclass(frozen=True)
class Resampled:
    """time: float64 [M], evenly spaced s; values: float64 [M, F]; rows: int64 [M], the last row of the source that is
    not behind each time: what labels are taken from."""

    time: Seconds
    values: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]


def resample(time: Seconds, values: npt.NDArray[np.float64], rate: float) -> Resampled:
    """A span (growing time [N] s, values [N, F]) at `rate` Hz.

    Up to the source's rate, values are interpolated linearly. Below it each is the mean over the period that ends
    there, as a device forms it: of an integer ratio, the mean of so many samples. At half the new rate that mean takes
    0.64 of a tone, at the new rate nothing; a sharper filter would delay the device's input by several steps.
    A span shorter than a period gives no row.
    """
    period = 1 / rate
    source = (time[-1] - time[0]) / (len(time) - 1) if len(time) > 1 else 0.0
    lower = source and source < period / _LOWER
    # A sample stands for the time since the one before, so the first period begins one source step early.
    begin = time[0] - source + period if lower else time[0]
    count = int(np.floor((time[-1] - begin) * rate + 1e-6)) + 1
    grid = begin + np.arange(max(count, 0)) * period
    return Resampled(grid, _at(grid, time, values, period), _rows(time, grid, period))


def onto(
    grid: Seconds, spans: Sequence[tuple[int, int]], time: Seconds, values: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """A second sensor on the clock of a first: values [M, F] at the times `grid` [M] s, and which of them it covers.

    time, values: the second sensor's, [N] s and [N, F]; spans: its rows between gaps (`Rhythm.spans`). A faster sensor
    is averaged as in `resample`. Rows outside its spans, and in spans of one row, are not covered and 0.
    """
    result = np.zeros((len(grid), values.shape[1]))
    covered = np.zeros(len(grid), np.bool_)
    period = float((grid[-1] - grid[0]) / (len(grid) - 1)) if len(grid) > 1 else 0.0
    for begin, end in spans:
        own = time[begin:end]
        inside = (grid >= own[0]) & (grid <= own[-1])
        if end - begin > 1 and inside.any():
            result[inside] = _at(grid[inside], own, values[begin:end], period)
            covered |= inside
    return result, covered


def _at(grid: Seconds, time: Seconds, values: npt.NDArray[np.float64], period: float) -> npt.NDArray[np.float64]:
    source = (time[-1] - time[0]) / (len(time) - 1) if len(time) > 1 else 0.0
    if not source or source >= period / _LOWER:
        return _columns(grid, time, values)
    before = np.concatenate([[time[0] - source], time])
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values * np.diff(before)[:, None], axis=0)])
    begin = np.maximum(grid - period, before[0])
    means: npt.NDArray[np.float64] = _columns(grid, before, sums) - _columns(begin, before, sums)
    means /= (grid - begin)[:, None]
    return means


def _columns(grid: Seconds, time: Seconds, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result = np.empty((len(grid), values.shape[1]))
    for channel in range(values.shape[1]):
        result[:, channel] = np.interp(grid, time, values[:, channel])
    return result


def _rows(time: Seconds, grid: Seconds, period: float) -> npt.NDArray[Any]:
    # A rounding of the grid must not take the row before the one that it meets.
    slack = max(1e-3 * period, 4 * float(np.spacing(np.abs(time).max())))
    return np.clip(np.searchsorted(time, grid + slack, side="right") - 1, 0, len(time) - 1)
