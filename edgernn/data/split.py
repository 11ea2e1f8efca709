# SPDX-License-Identifier: Apache-2.0
"""Dividing windows into a training, a validation and a test part that share no recording.

Every function here raises DataError when a part is empty, when a recording (for a split by group: a group) stands in
two parts, or when a class does not occur in the training part.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgernn.data.dataset import PARTS, Dataset
from edgernn.errors import ConfigError, DataError

How = Literal["auto", "given", "group", "recording", "time"]
_SHUFFLES = 100


@dataclass(frozen=True)
class Split:
    """int64 indices of the windows of each part; `by_time` may leave windows out, the others use each window once."""

    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


def make(ds: Dataset, how: How = "auto", seed: int = 0) -> Split:
    """The split of this kind with its default sizes; auto: given if the data has one, else by group if it has groups,
    else by recording."""
    if how == "given" or (how == "auto" and ds.split is not None):
        return given(ds)
    if how == "group" or (how == "auto" and ds.group is not None):
        return by_group(ds, seed=seed)
    if how in ("recording", "auto"):
        return by_recording(ds, seed=seed)
    if how == "time":
        return by_time(ds)
    raise ConfigError(f"split is `{how}`; give auto, given, group, recording or time")


def by_group(ds: Dataset, test: int | None = None, validation: int | None = None, seed: int = 0) -> Split:
    """Whole groups: `test` and `validation` of them (None: a fifth, at least one), so no person is on two sides.

    The groups are drawn by seed, the same on every machine. When the training part would lack a class, the next of up
    to 100 draws is taken.
    """
    return _drawn(ds, _groups(ds), "group", test, validation, seed)


def by_recording(ds: Dataset, test: int | None = None, validation: int | None = None, seed: int = 0) -> Split:
    """Like `by_group` with recordings for groups; for data without groups."""
    return _drawn(ds, ds.recording, "recording", test, validation, seed)


def by_time(ds: Dataset, test: float = 0.2, validation: float = 0.2) -> Split:
    """The earliest recordings train, later ones validate, the last ones test; the fractions are of the windows.

    Recordings are ordered by their numbers and stay whole. With fewer than three recordings that is impossible: then,
    and only then, recordings are cut into successive segments, and windows that reach back into the segment before are
    left out, so that no sample is on two sides. That needs `start`.
    """
    if not (0 < test and 0 < validation and test + validation < 1):
        raise ConfigError(f"test and validation are {test} and {validation}; give fractions above 0, together below 1")
    order = np.lexsort((ds.start, ds.recording))
    edges = [round(ds.n * (1 - test - validation)), round(ds.n * (1 - test))]
    recordings = np.unique(ds.recording)
    if len(recordings) < len(PARTS):
        return _segments(ds, order, edges)
    ends = np.cumsum(np.unique(ds.recording, return_counts=True)[1])
    # The recording ends nearest to the wanted fractions, but each part keeps one recording.
    first = min(int(np.abs(ends - edges[0]).argmin()), len(ends) - 3)
    second = min(max(int(np.abs(ends - edges[1]).argmin()), first + 1), len(ends) - 2)
    train, validate, last = np.split(order, [ends[first], ends[second]])
    return _checked(ds, Split(np.sort(train), np.sort(validate), np.sort(last)), ds.recording, "recording")


def given(ds: Dataset) -> Split:
    """The parts that the data itself names."""
    if ds.split is None:
        raise DataError(f"{ds.name}: names no split; add an array `split` of train, validation and test")
    parts = [np.flatnonzero(ds.split == part) for part in PARTS]
    return _checked(ds, Split(*parts), ds.recording, "recording")


def folds(ds: Dataset, k: int) -> list[Split]:
    """k splits by group (by recording when there are none): each group is tested once, in fold i.

    The sorted groups are dealt to k chunks; fold i tests chunk i, validates on chunk i + 1 (after the last the first),
    and trains on the rest. k from 3 to the number of groups.
    """
    units = ds.recording if ds.group is None else _groups(ds)
    what = "recording" if ds.group is None else "group"
    names = np.unique(units)
    if not 3 <= k <= len(names):
        raise DataError(f"{ds.name}: {k} folds need 3 to {len(names)} (its {what}s); give another number of folds")
    chunks = [names[i::k] for i in range(k)]
    return [_of_units(ds, units, what, chunks[i], chunks[(i + 1) % k]) for i in range(k)]


def _groups(ds: Dataset) -> npt.NDArray[np.str_]:
    if ds.group is None:
        raise DataError(f"{ds.name}: has no groups; add them, or split by recording")
    return ds.group


def _drawn(
    ds: Dataset, units: npt.NDArray[Any], what: str, test: int | None, validation: int | None, seed: int
) -> Split:
    names = np.unique(units).tolist()
    fifth = max(1, round(len(names) / 5))
    tested = fifth if test is None else test
    validated = fifth if validation is None else validation
    if tested < 1 or validated < 1 or tested + validated >= len(names):
        raise DataError(
            f"{ds.name}: {len(names)} {what}s can't give {tested} to test, {validated} to validation and at least one "
            f"to training; give data with more {what}s, or split by time"
        )
    lacking: DataError | None = None
    for draw in range(_SHUFFLES):
        drawn = _shuffled(names, f"{seed}/{draw}")
        try:
            return _of_units(ds, units, what, drawn[:tested], drawn[tested : tested + validated])
        except _ClassMissing as error:
            lacking = lacking or error
    assert lacking is not None
    raise lacking


def _shuffled(names: Sequence[Any], seed: str) -> list[Any]:
    """By hash: NumPy does not promise the same shuffle in every version."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def _of_units(
    ds: Dataset,
    units: npt.NDArray[Any],
    what: str,
    test: Sequence[Any] | npt.NDArray[Any],
    validation: Sequence[Any] | npt.NDArray[Any],
) -> Split:
    tested = np.isin(units, test)
    validated = np.isin(units, validation)
    split = Split(np.flatnonzero(~tested & ~validated), np.flatnonzero(validated), np.flatnonzero(tested))
    return _checked(ds, split, units, what)


def _segments(ds: Dataset, order: npt.NDArray[np.int64], edges: list[int]) -> Split:
    parts = np.split(order, edges)
    kept = [parts[0]]
    for edge, part in zip(edges, parts[1:], strict=True):
        kept.append(part[_behind(ds, order[:edge], part)])
    split = Split(*(np.sort(part) for part in kept))
    _check_parts(ds, split)
    return split


def _behind(ds: Dataset, before: npt.NDArray[np.int64], part: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which windows of `part` share no step with a window of `before`; those start earlier."""
    behind = np.ones(len(part), np.bool_)
    for recording in np.unique(ds.recording[before]):
        earlier = before[ds.recording[before] == recording]
        end = (ds.start[earlier] + ds.lengths[earlier]).max()
        behind &= (ds.recording[part] != recording) | (ds.start[part] >= end)
    return behind


class _ClassMissing(DataError):
    """Told apart from other faults, because another draw may repair it."""


def _checked(ds: Dataset, split: Split, units: npt.NDArray[Any], what: str) -> Split:
    _check_parts(ds, split)
    _check_apart(ds, split, ds.recording, "recording")
    if what != "recording":
        _check_apart(ds, split, units, what)
    return split


def _check_parts(ds: Dataset, split: Split) -> None:
    for part in PARTS:
        if not len(getattr(split, part)):
            raise DataError(f"{ds.name}: the {part} part has no window; give more data, or split in another way")
    if ds.task == "classification":
        missing = np.setdiff1d(np.arange(len(ds.classes)), ds.labels_of(split.train))
        if missing.size:
            raise _ClassMissing(
                f"{ds.name}: the class `{ds.classes[missing[0]]}` does not occur in the training part; "
                "add recordings of it, or split in another way"
            )


def _check_apart(ds: Dataset, split: Split, units: npt.NDArray[Any], what: str) -> None:
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = np.intersect1d(units[getattr(split, one)], units[getattr(split, other)])
        if shared.size:
            raise DataError(
                f"{ds.name}: the {what} `{shared[0]}` is in both the {one} and the {other} part; put it into one"
            )
