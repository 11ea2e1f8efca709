# SPDX-License-Identifier: Apache-2.0
"""Recordings in text files (`edgernn.data.text`) -> windows with their classes or targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import classes
from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import Dataset, Series
from edgernn.data.mistakes import check_named_targets
from edgernn.data.text import recordings
from edgernn.data.text.form import is_number
from edgernn.data.text.reading import Names, Reading
from edgernn.data.text.recordings import Recording, Recordings
from edgernn.data.text.textfile import listed, shown
from edgernn.data.windows import Windows, check_window, cut, in_steps, join, stretches
from edgernn.errors import ConfigError, DataError

_MOST_NUMBERS = 20
"""Classes that may be numbers with fractions."""


@dataclass(frozen=True)
class Cutting:
    """How recordings become windows.

    window, stride, shortest: steps (100 or "100") or seconds ("2.5s"); seconds need a rate or a time column. Without
    window a whole recording (or, with labels per window, a whole stretch of one label) is a window; without stride
    windows do not overlap. A stretch shorter than the window is left out, unless `shortest` lets it be one shorter
    window; steps behind the last whole window are left out.
    per_step: a label or target of every step. horizon: steps that the targets lie ahead, of a window's last step or
    with per_step of each step. ignore: classes that don't count.
    """

    window: int | str | None = None
    stride: int | str | None = None
    shortest: int | str | None = None
    per_step: bool = False
    horizon: int = 0
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Lengths:
    """In steps."""

    window: int
    stride: int
    shortest: int


def load(path: str | Path, reading: Reading, cutting: Cutting = Cutting(), *, complete: bool = True) -> Dataset:
    """Windows of the recordings that a path means (`edgernn.data.text.recordings.read`).

    With labels, a window never spans a change of label, unless per_step gives each step one. Recordings are numbered by
    their first time, so that a split by time follows it (one clock for all files); on ties, and without time, in the
    order of the files and rows. Classes are sorted: as numbers when all are integers, as text otherwise. complete:
    fewer than two are refused.
    Raises DataError for what is wrong in the files, ConfigError for options that contradict each other,
    MissingExtraError without pandas.
    """
    _check_options(reading, cutting)
    found = recordings.read(path, reading)
    names = found.names
    whole = spans = [span for part in found.parts for span in _unbroken(part)]
    known = None
    if names.labelled:
        spans, known = _classes(path, spans, cutting)
        spans = [span for part in spans for span in ([part] if cutting.per_step else _of_one_label(part))]
    lengths = _lengths(path, found, spans, cutting)
    notes = _check_targets(path, found)
    kept, left_out = _long_enough(path, spans, names, cutting, lengths)
    cuts = [_cut(span, cutting, lengths) for span in kept]
    data = _dataset(path, kept, whole, names, cuts, known, complete)
    return replace(data, rate=found.rate, notes=(*found.notes, *notes, *left_out))


def _series(spans: Sequence[Recording], numbers: Mapping[tuple[str, ...], int]) -> tuple[Series, ...]:
    """What streams are taken from: spans of recordings that have a window, in float32 like the windows."""
    return tuple(
        Series(numbers[span.key], int(span.number[0]), span.x.astype(np.float32))
        for span in spans
        if span.key in numbers
    )


def _check_options(reading: Reading, cutting: Cutting) -> None:
    if not reading.columns:
        raise ConfigError("columns is empty; name the columns of the channels")
    if cutting.horizon < 0 or (cutting.horizon and not reading.target):
        raise ConfigError(f"horizon is {cutting.horizon}; it needs target, and is 0 or more steps")


def _lengths(path: str | Path, found: Recordings, spans: Sequence[Recording], cutting: Cutting) -> _Lengths:
    rate = found.rate or None
    for part in found.parts:
        if cutting.horizon and len(part.x) <= cutting.horizon:
            raise DataError(
                f"{part.where}: has {len(part.x)} rows, too few for a horizon of {cutting.horizon}; "
                "shorten it, or leave it out"
            )
    longest = max(len(part.x) for part in found.parts) - cutting.horizon
    whole = max((len(span.x) for span in spans), default=1) - cutting.horizon
    window = whole if cutting.window is None else in_steps("window", cutting.window, rate)
    name = f"{shown(Path(path))}" + f", {cutting.horizon} steps of horizon left out" * bool(cutting.horizon)
    check_window(name, window, longest)
    least = 1 if cutting.window is None else window
    return _Lengths(
        window,
        window if cutting.stride is None else in_steps("stride", cutting.stride, rate),
        min(window, least if cutting.shortest is None else in_steps("shortest", cutting.shortest, rate)),
    )


def _unbroken(part: Recording) -> list[Recording]:
    """The spans of a recording without a missing step."""
    if not len(part.number):
        return []
    edges = [0, *(np.flatnonzero(np.diff(part.number) != 1) + 1).tolist(), len(part.number)]
    return [part.take(slice(begin, end)) for begin, end in pairwise(edges)]


def _of_one_label(part: Recording) -> list[Recording]:
    assert part.labels is not None
    return [part.take(slice(begin, end)) for begin, end in stretches(part.labels) if part.labels[begin] != ""]


def _classes(path: str | Path, spans: list[Recording], cutting: Cutting) -> tuple[list[Recording], tuple[str, ...]]:
    """The spans with the names of their classes for labels, empty for those that don't count; and the classes."""
    labels = [span.labels for span in spans if span.labels is not None]
    written = classes.named(
        shown(Path(path)), {label for some in labels for label in np.unique(some).tolist() if label}, cutting.ignore
    )
    _check_no_numbers(path, written)
    unknown = [name for name in cutting.ignore if name not in written.values()]
    if unknown:
        known = listed(list(classes.ordered(written.values())))
        raise ConfigError(f"ignore names the class `{shown(unknown[0])}`, which no step has; there are {known}")
    counted = {label: name for label, name in written.items() if name not in cutting.ignore}
    if len(set(counted.values())) < len(set(written.values())) and len(set(counted.values())) < 2:
        raise ConfigError("ignore leaves fewer than two classes; ignore fewer")
    named = [replace(span, labels=_renamed(span.labels, counted)) for span in spans if span.labels is not None]
    return named, classes.ordered(counted.values())


def _check_no_numbers(path: str | Path, written: Mapping[str, str]) -> None:
    """A measurement that is named by label would be a class for each of its values."""
    if len(written) > _MOST_NUMBERS and all(map(is_number, written)) and any("." in name for name in written.values()):
        raise DataError(
            f"{shown(Path(path))}: label has {len(written):,} different values, all numbers; if it is a number to "
            "estimate, name it by target instead of label"
        )


def _check_targets(path: str | Path, found: Recordings) -> tuple[str, ...]:
    names = found.names.reading.target
    targets = np.concatenate([part.targets for part in found.parts])
    return check_named_targets(shown(Path(path)), names, targets) if names and len(targets) else ()


def _renamed(labels: npt.NDArray[np.str_], names: Mapping[str, str]) -> npt.NDArray[np.str_]:
    found, inverse = np.unique(labels, return_inverse=True)
    return np.array([names.get(label, "") for label in found.tolist()], np.str_)[inverse]


def _long_enough(
    path: str | Path, spans: list[Recording], names: Names, cutting: Cutting, lengths: _Lengths
) -> tuple[list[Recording], tuple[str, ...]]:
    """The spans that give a window, and a note on the others."""
    steps = [len(span.x) - cutting.horizon for span in spans]
    kept = [span for span, count in zip(spans, steps, strict=True) if count >= lengths.shortest]
    what = "stretches of one label" if names.labelled and not cutting.per_step else "unbroken stretches"
    short = [count for count in steps if count < lengths.shortest]
    advice = "give a shorter window, or shortest = 1"
    of_spans = [set(_labels_of(span)) for span in spans]
    labels = set[str]().union(*of_spans)
    if len(labels) > _MOST_NUMBERS and all(map(is_number, labels)):
        advice = "if the label is a number to estimate, name it by target instead; else " + advice
    advice += ", or a label a step by per_step = true" if names.labelled and not cutting.per_step else ""
    lost = labels - {label for span in kept for label in _labels_of(span)}
    if not kept or lost:
        of = f"of the class `{shown(min(lost))}` " if lost and kept else ""
        lost_steps = [len(span.x) for span, own in zip(spans, of_spans, strict=True) if not kept or own & lost]
        raise DataError(
            f"{shown(Path(path))}: no stretch {of}has the {lengths.shortest} steps of a window; the longest has "
            f"{max(lost_steps, default=0)}: {advice}"
        )
    return kept, (*_left_out(spans, lengths, what, short, sum(steps), advice), *_padded(kept, cutting, lengths))


def _left_out(
    spans: list[Recording], lengths: _Lengths, what: str, short: list[int], steps: int, advice: str
) -> tuple[str, ...]:
    if not short:
        return ()
    return (
        f"{len(short)} of {len(spans)} {what} ({sum(short)} of {steps} steps) are shorter than "
        f"{lengths.shortest} steps and left out; to use them, {advice}",
    )


def _padded(kept: list[Recording], cutting: Cutting, lengths: _Lengths) -> tuple[str, ...]:
    """The note on windows that are shorter than the one that is asked for."""
    count = sum(len(span.x) - cutting.horizon < lengths.window for span in kept)
    if cutting.window is None or not count:
        return ()
    return (f"{count} windows are shorter than {lengths.window} steps",)


def _labels_of(span: Recording) -> list[str]:
    return [] if span.labels is None else [label for label in np.unique(span.labels).tolist() if label]


def _cut(span: Recording, cutting: Cutting, lengths: _Lengths) -> tuple[Windows, npt.NDArray[Any]]:
    """The windows of a span, with labels (empty ones are ignored) or targets."""
    steps = len(span.x) - cutting.horizon
    windows = cut(span.x[:steps], span.labels, lengths.window, lengths.stride)
    start = windows.start + span.number[0]
    if span.labels is not None:
        assert windows.labels is not None
        return replace(windows, start=start), windows.labels if cutting.per_step else windows.labels[:, 0]
    ahead = span.targets[cutting.horizon :]
    last = windows.start + windows.lengths - 1
    y = cut(ahead, None, lengths.window, lengths.stride).x if cutting.per_step else ahead[last]
    return replace(windows, start=start), y


def _dataset(
    path: str | Path,
    spans: Sequence[Recording],
    whole: Sequence[Recording],
    names: Names,
    cuts: Sequence[tuple[Windows, npt.NDArray[Any]]],
    known: tuple[str, ...] | None,
    complete: bool,
) -> Dataset:
    """whole: the unbroken spans that the others were taken from."""
    windows = join([part for part, _ in cuts])
    y = np.concatenate([part for _, part in cuts])
    of = np.repeat(np.arange(len(spans)), [len(part.start) for part, _ in cuts])
    steps = windows.x.shape[1]
    per_step = known is not None and y.ndim > 1
    ignored = np.asarray(y == "") if per_step else np.zeros((len(y), steps), np.bool_)
    ignored &= np.arange(steps) < windows.lengths[:, None]
    # A window without a step that counts would train nothing.
    kept = np.flatnonzero(ignored.sum(axis=1) < windows.lengths)
    keys = [span.key for span in spans]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return from_arrays(
        Path(path).name,
        windows.x[kept],
        y[kept],
        lengths=windows.lengths[kept],
        group=np.array([str(span.group) for span in spans])[of[kept]] if names.grouped else None,
        split=np.array([str(span.split) for span in spans])[of[kept]] if "split" in names.fields else None,
        recording=np.array([numbers[key] for key in keys])[of[kept]],
        start=windows.start[kept],
        classes=known,
        targets=names.reading.target or None,
        features=names.reading.columns,
        ignored=ignored[kept] if ignored.any() else None,
        series=_series(whole, numbers),
        complete=complete,
    )
