# SPDX-License-Identifier: Apache-2.0
"""What a user's arrays look like that were saved in another form than meant: refused, because a guess may be wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.columns import repair
from edgernn.data.text.textfile import shown
from edgernn.errors import DataError

_MOST_FLOAT_CLASSES = 20
_LONGER = 4
"""So many times as long as the steps are the channels of an x whose axes may be exchanged."""
_SMOOTHER = 0.5
"""At most this share of the squared change along the steps is that along the channels of such an x."""
_MOST_WINDOWS = 256
_ROUNDING = 1e-3
_MOST_STEPS = 4_000_000
"""Of windows, that are looked through for marks of missing values."""
_PADDED = 0.1
"""Share of the windows from which on steps of zeros at their ends are padding."""
_FEWEST = 8
"""Windows below which a channel that tells the class may do so by chance."""


def check_channels(name: str, x: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> None:
    """Raises DataError for a usual mark of a missing value in a channel of the windows x [n, T, F].

    mask: bool [n, T], steps that count. Of very many windows only some are looked at, evenly.
    """
    some = slice(None, None, max(1, mask.size // _MOST_STEPS))
    for channel in range(x.shape[2]):
        values = x[some, :, channel][mask[some]].astype(np.float64)
        if marks := repair.marks_in(values, usual=True):
            window, step = np.argwhere(np.isin(x[:, :, channel], marks) & mask)[0].tolist()
            raise DataError(
                f"{name}: window {window}, step {step}: channel {channel} {repair.marked(values, marks)}: a mark for "
                "missing values? fill them or leave the windows out, or save `sentinels` = [] too if it is a value"
            )


def check_padding(name: str, x: npt.NDArray[Any]) -> None:
    """Raises DataError for windows [n, T, F] without lengths of which many end, or begin, in steps of zeros or NaN."""
    if x.ndim != 3 or x.dtype.kind not in "fiu" or not x.size:
        return
    for looks, what in ((np.isnan(x), "NaN"), (x == 0, "zeros")):
        empty: npt.NDArray[np.bool_] = np.all(looks, axis=2)
        inside = ~empty.all(axis=1)
        for turned, where in ((empty[:, ::-1], "end"), (empty, "begin")):
            padded = np.where(turned.all(axis=1), 0, np.argmin(turned, axis=1)) * inside
            count = int(np.count_nonzero(padded >= 2))
            # Zeros that are also elsewhere are values, and padding is as long as its window is short.
            other = int(empty[inside].sum() - padded.sum())
            varied = what == "NaN" or len(np.unique(padded[padded >= 2])) > 1
            if count < max(2, _PADDED * len(x)) or other > 0.01 * padded.sum() or not varied:
                continue
            way = "save their `lengths`" if where == "end" else "pad behind the steps instead, and save `lengths`"
            raise DataError(
                f"{name}: {count} of {len(x)} windows {where} in steps of {what}, as padding does; {way}"
                + (", of the full length if these are values" if what == "zeros" else "")
            )


def check_answer(
    name: str,
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.int64],
    mask: npt.NDArray[np.bool_],
    features: Sequence[str] | None = None,
) -> None:
    """Raises DataError for a channel of x [n, T, F] that has one value in each class, another in each: the label.

    y: [n] or [n, T]; mask: bool [n, T], steps that count; features: names of the F channels.
    """
    if x.shape[1] < 2 or len(x) < _FEWEST:
        return
    label = np.broadcast_to(y if y.ndim == 2 else y[:, None], mask.shape)[mask]
    different, first = np.unique(label, return_index=True)
    for channel in range(x.shape[2]):
        values = x[:, :, channel][mask]
        told = values[first]
        if len(np.unique(told)) < len(different) or len(different) < 2:
            continue
        if (values == told[np.searchsorted(different, label)]).all():
            named = features is not None and len(features) == x.shape[2]
            called = f"the channel `{shown(features[channel])}`" if features and named else f"channel {channel}"
            raise DataError(
                f"{name}: {called} has one value for each class, {told[0]:g}, {told[1]:g}, ...: it is the "
                "label in other words, so the model would be told the answer; leave it out"
            )


def check_targets(name: str, y: npt.NDArray[Any]) -> None:
    """Raises DataError for a y of numbers, whose targets have no names, that looks like classes.

    A single column, [n], [n, 1] or [n, T, 1], of floats that are class numbers; K > 1 columns, [n, K] or [n, T, K],
    that are one-hot or say how likely each class is. In [n, T, K], rows of zeros and of NaN may be padding.
    """
    if y.dtype.kind == "f" and (y.ndim == 1 or (y.ndim in (2, 3) and y.shape[-1] == 1)):
        _check_class_numbers(name, y)
    if y.dtype.kind in "fiub" and y.ndim in (2, 3) and y.shape[-1] > 1:
        _check_columns(name, y)


def _check_class_numbers(name: str, y: npt.NDArray[Any]) -> None:
    """Those are 0..C-1 or 1..C, each of them present, C from 2 to 20 and below the count of the numbers."""
    found = np.unique(y[~np.isnan(y)])
    few = 2 <= len(found) <= _MOST_FLOAT_CLASSES and len(found) < y.size
    if few and found[0] in (0, 1) and (found == found[0] + np.arange(len(found))).all():
        raise DataError(
            f"{name}: y holds the floats {int(found[0])} to {int(found[-1])}, all whole, which look like class numbers;"
            " save y as integers, or give a `targets` name if it is a number to estimate"
        )


def check_named_targets(name: str, names: Sequence[str], targets: npt.NDArray[np.float64]) -> tuple[str, ...]:
    """A note on the one target [N, 1] of a table that has few whole numbers: 0..C-1 or 1..C.

    Raises DataError for targets [N, K] that are one-hot classes.
    """
    if len(names) > 1 and is_one_hot(targets) and targets.any(axis=0).all():
        raise DataError(
            f"{name}: the targets {', '.join(map(shown, names[:6]))} have a single 1 in each row: they look like "
            "one-hot classes; write one column with the name of the class, and name it by label instead of target"
        )
    found = np.unique(targets)
    few = len(names) == 1 and 2 <= len(found) <= _MOST_FLOAT_CLASSES and len(found) < len(targets) / 10
    if not few or found[0] not in (0, 1) or (found != found[0] + np.arange(len(found))).any():
        return ()
    return (
        f"the target `{shown(names[0])}` has only the whole numbers {found[0]:g} to {found[-1]:g}; if they are "
        "classes, name it by label instead of target",
    )


def is_one_hot(rows: npt.NDArray[Any]) -> bool:
    """Whether each row of the numbers [m, K] is a single 1 and zeros."""
    return rows.dtype.kind in "fiub" and bool(
        (np.count_nonzero(rows, axis=1) == 1).all() and (rows.max(axis=1) == 1).all()
    )


def _two(rows: npt.NDArray[Any]) -> tuple[float, float] | None:
    """The lower and the higher of two values where each row has the higher one once and each column has it; or None."""
    low, high = float(rows.min()), float(rows.max())
    top = rows == high
    if low == high or not (top | (rows == low)).all() or not (top.sum(axis=1) == 1).all() or not top.any(axis=0).all():
        return None
    return low, high


def _check_columns(name: str, y: npt.NDArray[Any]) -> None:
    rows = y.reshape(-1, y.shape[-1])
    if y.ndim == 3:
        rows = rows[~((rows == 0) | (rows != rows)).all(axis=1)]
    floats = "" if y.dtype.kind == "f" else " and y as floats"
    if rows.size and not (rows != rows).any() and (levels := _two(rows)) and levels != (0, 1):
        raise DataError(
            f"{name}: y has one {levels[1]:g} in each row and {levels[0]:g} elsewhere: they look like one-hot classes; "
            f"save y.argmax({y.ndim - 1}) as integers, or give `targets` names{floats} if they are {y.shape[-1]} "
            "numbers to estimate"
        )
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
        f"{name}: y {looks}; {instead}, or give `targets` names{floats} if they are {y.shape[-1]} numbers to estimate"
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
