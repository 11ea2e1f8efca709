# SPDX-License-Identifier: Apache-2.0
"""What a user's arrays look like that were saved in another form than meant: refused, because a guess may be wrong."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

_MOST_FLOAT_CLASSES = 20
_LONGER = 4
"""So many times as long as the steps are the channels of an x whose axes may be exchanged."""
_SMOOTHER = 0.5
"""At most this share of the squared change along the steps is that along the channels of such an x."""
_MOST_WINDOWS = 256
_ROUNDING = 1e-3


def check_class_numbers(name: str, y: npt.NDArray[Any]) -> None:
    """Raises DataError for floats [n] that are 0..C-1 or 1..C, each of them present, C from 2 to 20 and below n."""
    found = np.unique(y)
    few = 2 <= len(found) <= _MOST_FLOAT_CLASSES and len(found) < len(y)
    if few and found[0] in (0, 1) and (found == found[0] + np.arange(len(found))).all():
        raise DataError(
            f"{name}: y holds the floats {int(found[0])} to {int(found[-1])}, all whole, which look like class numbers;"
            f" save y as integers for classes, or as [{len(y)}, 1] for real targets"
        )


def is_one_hot(rows: npt.NDArray[Any]) -> bool:
    """Whether each row of the numbers [m, K] is a single 1 and zeros."""
    return rows.dtype.kind in "fiub" and bool(
        (np.count_nonzero(rows, axis=1) == 1).all() and (rows.max(axis=1) == 1).all()
    )


def check_columns(name: str, y: npt.NDArray[Any]) -> None:
    """Raises DataError for numbers [n, K] or [n, T, K], K > 1, whose K columns stand for classes.

    Those are rows with a single 1, rows of other zeros and ones, and rows that sum to 1. In [n, T, K], rows of zeros
    and of NaN may be padding and do not count.
    """
    if y.dtype.kind not in "fiub" or y.ndim not in (2, 3) or y.shape[-1] < 2:
        return
    rows = y.reshape(-1, y.shape[-1])
    if y.ndim == 3:
        rows = rows[~((rows == 0) | (rows != rows)).all(axis=1)]
    if not rows.any() or rows.min() < 0 or not rows.max() <= 1:
        return
    instead = f"save y.argmax({y.ndim - 1}) as integers"
    if is_one_hot(rows):
        looks = "has rows of a single 1: they look like one-hot classes"
    elif ((rows == 0) | (rows == 1)).all():
        looks = "has rows of zeros and ones, not a single 1 in each: they look like several classes at once"
        instead = "save one class for each row as integers"
    elif (np.abs(rows.sum(axis=1, dtype=np.float64) - 1) < _ROUNDING).all():
        looks = "has rows that sum to 1: they look like probabilities of classes"
    else:
        return
    raise DataError(
        f"{name}: y {looks}; {instead}, or give `targets` names, and y as floats, if they are {y.shape[-1]} numbers to "
        "estimate"
    )


def check_axes(name: str, x: npt.NDArray[np.float32]) -> None:
    """Raises DataError for windows [n, F, T] in place of [n, T, F].

    Those have few steps of many channels, and change much less from channel to channel than from step to step.
    """
    n, steps, channels = x.shape
    if channels < max(_LONGER * steps, 2):
        return
    some = x[:: max(1, n // _MOST_WINDOWS)].astype(np.float64)
    with np.errstate(invalid="ignore"):
        # Of a single step, twice the variance: how far numbers are apart that have nothing to do with each other.
        apart = np.square(np.diff(some, axis=1)).mean() if steps > 1 else 2 * some.var()
        looks = np.square(np.diff(some, axis=2)).mean() < _SMOOTHER * apart
    if looks:
        raise DataError(
            f"{name}: x is {list(x.shape)}, so {steps} steps of {channels} channels, but looks like channels first; "
            f"save x.transpose(0, 2, 1), or give `features` with {channels} names"
        )
