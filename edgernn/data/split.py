# SPDX-License-Identifier: Apache-2.0
"""Dividing windows into a training, a validation and a test part that share no recording.

Every function that divides raises DataError when a part is empty, when a recording (for a split by group: a group)
stands in two parts, when a class does not occur in the training part, or when no real target changes in the test part.
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
_DRAWS = 100
_MOST_HASHES = 10**6
"""Of names, so that draws of many of them do not take minutes."""
_MOST_NAMES = 8
_MOSTLY = 0.5
"""Where more than this share of the test windows is of groups that train, a validation part is drawn like that."""


@dataclass(frozen=True)
class Split:
    """int64 indices of the windows of each part; `by_time` may leave windows out, the others use each window once.

    how: in words for the user, "by group", "by recording", "by time", "as given", or "by window" where each window is a
    recording of its own; a validation part that `given` had to draw adds how, as in "as given, validation by group".
    """

    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    how: str


def make(ds: Dataset, how: How = "auto", seed: int = 0) -> Split:
    """The split of this kind with its default sizes; auto: given if the data has one, else by group if it has groups,
    else by recording."""
    if how == "given" or (how == "auto" and ds.split is not None):
        return given(ds, seed)
    if how == "group" or (how == "auto" and ds.group is not None):
        return by_group(ds, seed=seed)
    if how in ("recording", "auto"):
        return by_recording(ds, seed=seed)
    if how == "time":
        return by_time(ds)
    raise ConfigError(f"split is `{how}`; give auto, given, group, recording or time")


def by_group(ds: Dataset, test: int | None = None, validation: int | None = None, seed: int = 0) -> Split:
    """Whole groups: `test` and `validation` of them (None: a fifth, at least one), so no person is on two sides.

    The groups are drawn by seed, the same on every machine. Of up to 100 draws (fewer of very many groups), the
    first one is taken whose parts all have every class, or else one whose training part does and whose others lack the
    fewest.
    """
    return _drawn(ds, _groups(ds), "group", test, validation, seed)


def by_recording(ds: Dataset, test: int | None = None, validation: int | None = None, seed: int = 0) -> Split:
    """Like `by_group` with recordings for groups; for data without groups."""
    return _drawn(ds, ds.recording, "recording", test, validation, seed)


def by_time(ds: Dataset, test: float = 0.2, validation: float = 0.2) -> Split:
    """The earliest recordings train, later ones validate, the last ones test; the fractions are of the windows.

    Recordings are ordered by their numbers and stay whole: a CSV with a `time` column numbers them by their first time,
    one without in the order of its files and rows; in an .npz, number them in time. With fewer than three recordings
    that is impossible: then, and only then, recordings are cut into successive segments, and windows that reach back
    into the segment before are left out, so that no sample is on two sides. That needs `start`.
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
    return _checked(ds, Split(np.sort(train), np.sort(validate), np.sort(last), "by time"), ds.recording, "recording")


def given(ds: Dataset, seed: int = 0) -> Split:
    """The parts that the data itself names.

    Where it names train and test but no validation, a fifth of the training part validates instead of training, drawn
    by seed as in `by_group` and like the test part: whole groups where most test windows are of groups that do not
    train; else, and for data without groups, recordings, of each class about a fifth. At least one of them.
    """
    if ds.split is None:
        raise DataError(f"{ds.name}: names no split; add an array `split` of train, validation and test")
    train, validation, test = (np.flatnonzero(ds.split == part) for part in PARTS)
    if len(train) and len(test) and not len(validation):
        return _validation_drawn(ds, train, test, seed)
    return _checked(ds, Split(train, validation, test, "as given"), ds.recording, "recording")


def folds(ds: Dataset, k: int) -> list[Split]:
    """k splits by group (by recording when there are none): each group is tested once, in fold i.

    The sorted groups are dealt to k chunks; fold i tests chunk i, validates on chunk i + 1 (after the last the first),
    and trains on the rest. k from 3 to the number of groups.
    """
    units, what = _units(ds)
    names = np.unique(units)
    if not 3 <= k <= len(names):
        hint = f"set data.folds from 3 to {len(names)}" if len(names) >= 3 else "build without --folds"
        raise DataError(f"{ds.name}: has {len(names)} {what}s, which can't be dealt to {k} folds: {hint}")
    chunks = [names[i::k] for i in range(k)]
    return [_of_units(ds, units, what, chunks[i], chunks[(i + 1) % k]) for i in range(k)]


def describe(ds: Dataset, split: Split) -> str:
    """For the user, such as "split by group; held out: person 02, person 06", a line of how many windows, and `notes`.

    Held out are the groups of the test part where none of them is in another part, else the count of its recordings,
    else of its windows. A split by window adds what overlapping windows need.
    """
    hint = ""
    if split.how.endswith("by window"):
        missing = "`group` or `recording`" if ds.group is None else "`recording`"
        hint = f"; each window counts as a recording of its own, so if windows overlap, give {missing}"
    sizes = f"{len(split.train)} windows train, {len(split.validation)} validate, {len(split.test)} test"
    shape = f"{ds.x.shape[1]} steps of {ds.x.shape[2]} channel{'' if ds.x.shape[2] == 1 else 's'}"
    return "\n".join(
        [f"split {split.how}; held out: {_held_out(ds, split)}{hint}", f"{sizes}; {shape}", *notes(ds, split)]
    )


def notes(ds: Dataset, split: Split) -> tuple[str, ...]:
    """Sentences on what the figures of this split do not say: classes that are not tested, groups that also train."""
    found = []
    for part, therefore in (
        ("test", "the test accuracy says nothing about"),
        ("validation", "when to stop training is chosen without"),
    ):
        names = [f"`{ds.classes[c]}`" for c in _lacking(ds, getattr(split, part))]
        if names:
            what = "step" if ds.per_step else "window"
            several = "it" if len(names) == 1 else "them"
            found.append(f"the {part} part has no {what} of {_listed(names)}: {therefore} {several}")
    if ds.group is not None:
        groups = np.unique(ds.group[split.test])
        shared = int(np.isin(groups, ds.group[split.train]).sum())
        if shared:
            found.append(
                f"{shared} of {len(groups)} groups of the test part also train: its figures are not those of new groups"
            )
    return tuple(found)


def _held_out(ds: Dataset, split: Split) -> str:
    others = np.concatenate([split.train, split.validation])
    if ds.group is not None:
        groups = np.unique(ds.group[split.test])
        if not np.isin(groups, ds.group[others]).any():
            return _listed(groups.tolist())
    recordings = np.unique(ds.recording[split.test])
    if not _is_by_window(ds) and not np.isin(recordings, ds.recording[others]).any():
        return f"{len(recordings)} of {len(np.unique(ds.recording))} recordings"
    return f"{len(split.test)} of {ds.n} windows"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _is_by_window(ds: Dataset) -> bool:
    return len(np.unique(ds.recording)) == ds.n


def _units(ds: Dataset) -> tuple[npt.NDArray[Any], str]:
    """The group of each window and "group", or without groups the recording of each and "recording"."""
    return (ds.recording, "recording") if ds.group is None else (ds.group, "group")


def _in_words(ds: Dataset, what: str) -> str:
    return "by window" if what == "recording" and _is_by_window(ds) else f"by {what}"


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
    drawn = _best_draw(names, _classes_of_units(ds, units, np.arange(ds.n)), (tested, validated), seed)
    return _of_units(ds, units, what, *drawn)


def _validation_drawn(ds: Dataset, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64], seed: int) -> Split:
    units, what = _units(ds)
    if what == "group" and np.isin(units[test], units[train]).mean() > _MOSTLY:
        units, what = ds.recording, "recording"
    names = np.unique(units[train]).tolist()
    if len(names) < 2:
        raise DataError(
            f"{ds.name}: names no validation windows, and its training windows are of one {what}, of which none can be "
            "spared; name validation windows in `split`"
        )
    count = max(1, round(len(names) / 5))
    how = f"as given, validation {_in_words(ds, what)}"

    has = _classes_of_units(ds, units, train)
    (drawn,) = _best_draw(names, has, (count,), seed, evenly=what == "recording")
    validated = np.isin(units[train], drawn)
    return _checked(ds, Split(train[~validated], train[validated], test, how), ds.recording, "recording")


def _classes_of_units(ds: Dataset, units: npt.NDArray[Any], windows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """bool [units, C]: which classes these windows of each unit have, the units in sorted order."""
    names, number = np.unique(units[windows], return_inverse=True)
    has = np.zeros((len(names), len(ds.classes)), np.bool_)
    y = ds.y[windows]
    if ds.task == "classification" and ds.per_step:
        at, step = np.nonzero(ds.counted[windows])
        has[number[at], y[at, step]] = True
    elif ds.task == "classification":
        has[number, y] = True
    return has


def _best_draw(
    names: list[Any], has: npt.NDArray[np.bool_], sizes: Sequence[int], seed: int, *, evenly: bool = False
) -> list[list[Any]]:
    """So many of the names for each part, drawn at random; the others train.

    has: bool [names, C], the classes of each. The draw is the first after which no part lacks a class without need, or
    of those tried the one whose training part lacks the fewest, then whose other parts do. evenly: names of the same
    classes are dealt to the parts in proportion.
    """
    index = {name: i for i, name in enumerate(names)}
    unavoidable = int(np.maximum(len(sizes) + 1 - has.sum(axis=0), 0).sum())
    best: tuple[tuple[int, int], list[npt.NDArray[np.int64]]] | None = None
    for draw in range(min(_DRAWS, max(1, _MOST_HASHES // len(names)))):
        order = np.array([index[name] for name in _shuffled(names, f"{seed}/{draw}")])
        *parts, train = np.split(_in_proportion(order, has) if evenly else order, np.cumsum(sizes))
        lacks = _lacks(has, train), sum(_lacks(has, part) for part in parts)
        if best is None or lacks < best[0]:
            best = lacks, parts
        if lacks <= (0, unavoidable):
            break
    assert best is not None
    return [[names[i] for i in part] for part in best[1]]


def _lacks(has: npt.NDArray[np.bool_], part: npt.NDArray[np.int64]) -> int:
    return int((~has[part].any(axis=0)).sum())


def _in_proportion(order: npt.NDArray[np.int64], has: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The units in an order whose beginning, however long, has about the same share of those of each set of classes."""
    kind = np.unique(has[order], axis=0, return_inverse=True)[1].ravel() if has.shape[1] else np.zeros(len(order), int)
    place = np.empty(len(order))
    for k in range(kind.max() + 1):
        members = np.flatnonzero(kind == k)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[np.argsort(place, kind="stable")]


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
    train = np.flatnonzero(~tested & ~validated)
    split = Split(train, np.flatnonzero(validated), np.flatnonzero(tested), _in_words(ds, what))
    return _checked(ds, split, units, what)


def _segments(ds: Dataset, order: npt.NDArray[np.int64], edges: list[int]) -> Split:
    parts = np.split(order, edges)
    kept = [parts[0]]
    for edge, part in zip(edges, parts[1:], strict=True):
        kept.append(part[_behind(ds, order[:edge], part)])
    train, validation, test = (np.sort(part) for part in kept)
    split = Split(train, validation, test, "by time")
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


def _lacking(ds: Dataset, part: npt.NDArray[np.int64]) -> list[int]:
    """The classes that these windows have not."""
    missing: list[int] = np.setdiff1d(np.arange(len(ds.classes)), ds.labels_of(part)).tolist() if ds.classes else []
    return missing


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
        if ds.ignored is not None and not ds.counted[getattr(split, part)].any():
            raise DataError(f"{ds.name}: in the {part} part no step counts; ignore less, or split in another way")
    missing = _lacking(ds, split.train)
    if missing:
        raise DataError(
            f"{ds.name}: the class `{ds.classes[missing[0]]}` does not occur in the training part; "
            "add recordings of it, or split in another way"
        )
    if ds.task == "regression" and _is_constant(ds, split.test):
        raise DataError(
            f"{ds.name}: in the test part no target ever changes, so it can't tell a good model from a bad one; give "
            "more data, or split in another way"
        )


def _is_constant(ds: Dataset, part: npt.NDArray[np.int64]) -> bool:
    targets = ds.y[part][ds.counted[part]] if ds.per_step else ds.y[part]
    return bool((targets == targets[0]).all())


def _check_apart(ds: Dataset, split: Split, units: npt.NDArray[Any], what: str) -> None:
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        shared = np.intersect1d(units[getattr(split, one)], units[getattr(split, other)])
        if shared.size:
            raise DataError(
                f"{ds.name}: the {what} `{shared[0]}` is in both the {one} and the {other} part; put it into one"
            )
