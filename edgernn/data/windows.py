# SPDX-License-Identifier: Apache-2.0
"""Cutting recordings into windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import MAX_BYTES
from edgernn.errors import ConfigError, DataError


@dataclass(frozen=True)
class Windows:
    """x: [m, length, F], padded with zeros; lengths: int32 [m]; start: int64 [m], in steps from the series' begin;
    labels: [m, length], padded with zeros, or None."""

    x: npt.NDArray[Any]
    lengths: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    labels: npt.NDArray[Any] | None = None


def cut(series: npt.NDArray[Any], labels: npt.NDArray[Any] | None, length: int, stride: int) -> Windows:
    """Windows of `length` steps, one every `stride` steps, from a series [N, F] and its labels per step ([N] or None).

    A series shorter than `length` gives one shorter, padded window. Steps behind the last whole window are left out.
    Raises ConfigError for a length or stride below 1, DataError for an empty series or more windows than memory.
    """
    if length < 1 or stride < 1:
        raise ConfigError(f"window and stride must be at least 1 step, but are {length} and {stride}")
    steps = len(series)
    if steps == 0:
        raise DataError("a recording has no samples; leave it out")
    start = np.arange(0, max(steps - length, 0) + 1, stride, dtype=np.int64)
    _check_size(len(start) * length * series.shape[1])
    index = start[:, None] + np.arange(length)
    inside = index < steps
    index = np.minimum(index, steps - 1)
    return Windows(
        x=np.where(inside[..., None], series[index], series.dtype.type(0)),
        lengths=np.full(len(start), min(length, steps), np.int32),
        start=start,
        labels=None if labels is None else np.where(inside, labels[index], labels.dtype.type(0)),
    )


def join(parts: Sequence[Windows]) -> Windows:
    """The windows of several series behind each other; all of the same length, all with labels or all without."""
    _check_size(sum(part.x.size for part in parts))
    labels = [part.labels for part in parts if part.labels is not None]
    return Windows(
        x=np.concatenate([part.x for part in parts]),
        lengths=np.concatenate([part.lengths for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        labels=np.concatenate(labels) if labels else None,
    )


def stretches(labels: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """The (begin, end) of each run of equal labels in labels [N], in order; end is not included."""
    changes = (np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist()
    return list(zip([0, *changes], [*changes, len(labels)], strict=True))


def in_steps(what: str, span: int | str, rate: float | None) -> int:
    """A span in steps: an int or "100" is steps, "2.5s" is seconds at `rate` (Hz), rounded to the nearest step.

    Raises ConfigError, which names `what`, for anything else, for less than one step, and for seconds without a rate.
    """
    wrong = ConfigError(f"{what} is `{span}`; give steps, such as 100, or seconds, such as 2.5s, of at least one step")
    try:
        seconds = float(span[:-1]) if isinstance(span, str) and span.endswith("s") else None
        steps = int(span) if seconds is None else 0
    except ValueError:
        raise wrong from None
    if seconds is not None:
        if rate is None:
            raise ConfigError(f"{what} is `{span}`, but the rate is not known; give rate in Hz, or {what} in steps")
        if not np.isfinite(seconds * rate):
            raise wrong
        steps = round(seconds * rate)
        if 0 < seconds and steps < 1:
            raise ConfigError(
                f"{what} is `{span}`: {seconds:g} s are {seconds * rate:.2g} steps at {rate:.3g} Hz; give at least one "
                "step, or a rate or time_unit that is right: is the time column in milliseconds?"
            )
    if steps < 1:
        raise wrong
    return steps


def check_window(name: str, length: int, longest: int) -> None:
    """Raises ConfigError for a window that no recording fills."""
    if length > longest:
        raise ConfigError(f"{name}: window is {length} steps, but the longest recording has {longest}; give less")


def _check_size(values: int) -> None:
    if values * np.dtype(np.float32).itemsize > MAX_BYTES:
        raise DataError(
            f"the windows would hold {values} values, more than {MAX_BYTES >> 30} GiB; "
            "give a longer stride, a shorter window, or less data"
        )
