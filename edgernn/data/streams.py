# SPDX-License-Identifier: Apache-2.0
"""What a device sees: samples that go on without a gap, stitched from windows or taken from whole recordings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import Dataset
from edgernn.errors import DataError

_BATCH = 1 << 22
"""Values of padded streams that are run at once, at most, where there is more than one of them."""

Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]
"""From raw samples [n, T, F], each row from a state of zero, to the outputs of every step, [n, T, K]."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Samples of one recording that follow each other without a gap.

    recording: its number; x: float32 [N, F]; windows: int64 [m], the windows of the data set that lie in it, by their
    starts; begins, ends: int64 [m], the first and the last step of x that each of them has.
    """

    recording: int
    x: npt.NDArray[np.float32]
    windows: npt.NDArray[np.int64]
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def streams(data: Dataset) -> tuple[Stream, ...]:
    """The streams that hold the windows of `data`, each window in one of them; () where nothing is continuous.

    Where the data has its recordings (`Dataset.series`), a stream reaches from the first window of a stretch to the
    last one, with what lies between them. Otherwise windows that overlap or touch by `start` are joined, and a gap ends
    a stream. Nothing is continuous where no stream has two windows, or no window starts behind step 0 (`start` was not
    given).

    Raises DataError where `start` contradicts the samples.
    """
    if not data.start.any():
        return ()
    found = tuple(
        stream
        for number in np.unique(data.recording).tolist()
        for stream in _of_recording(data, number, np.flatnonzero(data.recording == number))
    )
    return found if any(len(stream.windows) > 1 for stream in found) else ()


def outputs(data: Dataset, found: Sequence[Stream], run: Run) -> npt.NDArray[Any]:
    """What `run` gives for the steps of every window, [n, T, K], inside streams that are never reset.

    found: what `streams` gave for `data`; 0 behind `lengths`.
    """
    given: npt.NDArray[Any] | None = None
    for batch in _batches(found):
        x = np.zeros((len(batch), max(len(stream.x) for stream in batch), data.x.shape[2]), np.float32)
        for row, stream in zip(x, batch, strict=True):
            row[: len(stream.x)] = stream.x
        y = run(x)
        if given is None:
            given = np.zeros((*data.x.shape[:2], y.shape[2]), y.dtype)
        for row, stream in zip(y, batch, strict=True):
            for window, begin, end in zip(stream.windows, stream.begins, stream.ends, strict=True):
                given[window, : end + 1 - begin] = row[begin : end + 1]
    assert given is not None, "no stream"
    return given


def targets(data: Dataset, stream: Stream, *, judged: bool = False) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """The target of every step of the stream, [N] classes or [N, K] real ones, and which steps have one, bool [N].

    A class of windows is that of the steps of the window; where windows overlap, of the one that begins last. A real
    target of a window is that of its last step, and with `judged` its class is that of no other step either. Steps
    between windows, and those that do not count, have none.
    """
    at_end = not data.per_step and (judged or data.task == "regression")
    shape = data.y.shape[2:] if data.per_step else data.y.shape[1:]
    y, known = np.zeros((len(stream.x), *shape), data.y.dtype), np.zeros(len(stream.x), bool)
    counted = data.counted
    for window, begin, end in zip(stream.windows, stream.begins, stream.ends, strict=True):
        steps = slice(end if at_end else begin, end + 1)
        y[steps] = data.y[window, : end + 1 - begin] if data.per_step else data.y[window]
        known[steps] = counted[window, : end + 1 - begin] if data.per_step else True
    return y, known


def class_changes(data: Dataset, found: Sequence[Stream]) -> int:
    """How often a step of a stream is of another class than the last one before it that has a class."""
    labels = (y[known] for y, known in (targets(data, stream) for stream in found))
    return sum(int((y[1:] != y[:-1]).sum()) for y in labels)


def _of_recording(data: Dataset, number: int, windows: npt.NDArray[np.int64]) -> Iterator[Stream]:
    windows = windows[np.argsort(data.start[windows], kind="stable")]
    start = data.start[windows]
    end = start + data.lengths[windows]
    for series in data.series or ():
        inside = (start >= series.begin) & (end <= series.begin + len(series.x))
        if series.recording == number and inside.any():
            first, last = int(start[inside][0]), int(end[inside].max())
            x = series.x[first - series.begin : last - series.begin]
            known = np.ones(len(x), bool)
            yield _stream(data, number, windows[inside], start[inside] - first, end[inside] - first, x, known)
            windows, start, end = windows[~inside], start[~inside], end[~inside]
    if data.series is not None and windows.size:
        raise DataError(f"{data.name}: window {windows[0]} lies in no stretch of recording {number}")
    if not windows.size:
        return
    apart = np.flatnonzero(start[1:] > np.maximum.accumulate(end)[:-1]) + 1
    for part, begins, behind in zip(*(np.split(array, apart) for array in (windows, start, end)), strict=True):
        steps = int(behind.max() - begins[0])
        x, known = np.zeros((steps, data.x.shape[2]), np.float32), np.zeros(steps, bool)
        yield _stream(data, number, part, begins - begins[0], behind - begins[0], x, known)


def _stream(
    data: Dataset,
    number: int,
    windows: npt.NDArray[np.int64],
    begins: npt.NDArray[np.int64],
    behind: npt.NDArray[np.int64],
    x: npt.NDArray[np.float32],
    known: npt.NDArray[np.bool_],
) -> Stream:
    """x: filled in from the windows where it is not known yet; compared with them where it is."""
    for window, a, b in zip(windows.tolist(), begins.tolist(), behind.tolist(), strict=True):
        own = data.x[window, : b - a]
        if not (x[a:b] == own)[known[a:b]].all():
            raise DataError(
                f"{data.name}: window {window} shares steps with other windows of its recording by `start`, but its "
                "samples there differ from theirs; give the step of the recording at which each window begins, or "
                "leave `start` out where every window was scaled or filtered by itself"
            )
        if not known[a:b].all():
            x[a:b] = own
            known[a:b] = True
    return Stream(number, x, windows, begins, behind - 1)


def _batches(found: Sequence[Stream]) -> Iterator[list[Stream]]:
    """Streams of about the same length, so that little is padded."""
    batch: list[Stream] = []
    for stream in sorted(found, key=lambda stream: len(stream.x)):
        if batch and (len(batch) + 1) * stream.x.size > _BATCH:
            yield batch
            batch = []
        batch.append(stream)
    if batch:
        yield batch
