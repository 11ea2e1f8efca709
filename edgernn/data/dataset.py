# SPDX-License-Identifier: Apache-2.0
"""A set of windows in memory, checked when it is made."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgernn.errors import DataError

Task = Literal["classification", "regression"]
PARTS = ("train", "validation", "test")
MAX_BYTES = 4 << 30
"""The largest set of windows taken into memory; a larger one is refused with a sentence instead of a MemoryError."""


@dataclass(frozen=True, eq=False)
class Series:
    """An unbroken stretch of a recording: its number, the step of the recording that it begins with, and its samples x,
    float32 [N, F]."""

    recording: int
    begin: int
    x: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Windows of sensor samples with their targets; `edgernn.data.arrays` makes one from arrays as a user has them.

    x: float32 [n, T, F], padded behind `lengths` with zeros; lengths: int32 [n], 1..T;
    y: int64 [n] class per window, float32 [n, K] real targets per window, or with `per_step` int64 [n, T] or
    float32 [n, T, K], of every step and 0 behind `lengths`;
    classes: names in the order of the class numbers, empty for regression; targets: names of the K real targets, empty
    for classification; features: names of the F channels;
    recording: int64 [n], windows cut from one recording share a number and never stand on both sides of a split,
    numbers grow with time; group: str [n] or None (people, machines);
    split: str [n] of "train", "validation", "test" or None;
    start: int64 [n], first step of the window in its recording (zeros when not given);
    rate: steps a second, 0 where unknown;
    ignored: bool [n, T] or None, with `per_step` the samples that neither train nor judge a model, whose y is 0; they
    are stepped through like all others;
    series: unbroken stretches of the recordings that the windows were cut from, or None; a subset keeps all of them;
    notes: for the user, what was found in the data and left out of it; they are no content.

    Raises DataError when a shape, a dtype or a value contradicts this. A subset (`take`) may lack a class; that every
    class has a window is what `edgernn.data.arrays` checks.
    """

    name: str
    x: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int32]
    y: npt.NDArray[Any]
    task: Task
    per_step: bool
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    features: tuple[str, ...]
    recording: npt.NDArray[np.int64]
    group: npt.NDArray[np.str_] | None = None
    split: npt.NDArray[np.str_] | None = None
    start: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rate: float = 0.0
    ignored: npt.NDArray[np.bool_] | None = None
    series: tuple[Series, ...] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_x(self)
        _check_names(self)
        if not self.start.size:
            object.__setattr__(self, "start", np.zeros(self.n, np.int64))
        _check_per_window(self)
        check_lengths(self.name, self.lengths, self.n, self.x.shape[1])
        _check_samples(self)
        _check_ignored(self)
        _check_targets(self)

    @property
    def n(self) -> int:
        """The number of windows."""
        return len(self.x)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool [n, T]: True where a step is a sample, False where it is padding."""
        return mask_of(self.lengths, self.x.shape[1])

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """bool [n, T]: True where a step is a sample whose class or targets count."""
        return self.mask if self.ignored is None else self.mask & ~self.ignored

    @property
    def judged(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Windows and steps, both int64 [m], of the results that are judged: the last step of every window, or with
        `per_step` every step that counts."""
        if self.per_step:
            window, step = np.nonzero(self.counted)
            return window, step
        return np.arange(self.n), self.lengths.astype(np.int64) - 1

    @property
    def wanted(self) -> npt.NDArray[Any]:
        """What the judged results should be, in their order: classes [m] or targets [m, K]."""
        return self.y[self.counted] if self.per_step else self.y

    @property
    def last_values(self) -> npt.NDArray[np.float32] | None:
        """float32 [n, T, K]: of a forecast, the values of the targets' own channels; None where a target is none."""
        if not self.targets or not set(self.targets) <= set(self.features):
            return None
        values: npt.NDArray[np.float32] = self.x[..., [self.features.index(name) for name in self.targets]]
        return values

    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> "Dataset":
        """The windows of these indices, in their order. At least one."""
        at = np.asarray(indices, np.int64)
        return replace(
            self,
            x=self.x[at],
            lengths=self.lengths[at],
            y=self.y[at],
            recording=self.recording[at],
            group=None if self.group is None else self.group[at],
            split=None if self.split is None else self.split[at],
            start=self.start[at],
            ignored=None if self.ignored is None else self.ignored[at],
        )

    def spread(self, count: int) -> "Dataset":
        """At most `count` of the windows, evenly spread."""
        return self.take(np.unique(np.linspace(0, self.n - 1, min(count, self.n)).astype(np.int64)))

    def labels_of(self, indices: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """int64 [m]: the class numbers that occur in these windows, sorted; of steps, only those that count."""
        y = self.y[indices]
        return np.unique(y[self.counted[indices]] if self.per_step else y).astype(np.int64)

    def digest(self) -> str:
        """sha256 (hex) of the content; the name does not count, nor the byte order of this machine."""
        described = {
            "task": self.task,
            "per_step": self.per_step,
            "classes": self.classes,
            "targets": self.targets,
            "features": self.features,
            "group": None if self.group is None else self.group.tolist(),
            "split": None if self.split is None else self.split.tolist(),
        }
        sha = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
        for name in ("x", "lengths", "y", "recording", "start", "ignored"):
            array = getattr(self, name)
            if array is None:
                continue
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            sha.update(f"{name} {little.dtype.str} {little.shape}".encode())
            sha.update(little.tobytes())
        return sha.hexdigest()


def without(ds: Dataset, names: Sequence[str]) -> Dataset:
    """The set without the classes of these names: windows of them are left out, steps of them are `ignored`.

    The other classes keep their order. Raises DataError where a name is no class, and where fewer than two are left.
    """
    if not names:
        return ds
    if ds.task == "regression":
        raise DataError(f"{ds.name}: ignore names classes, but y holds real targets; leave ignore out")
    unknown = sorted(set(names) - set(ds.classes))
    if unknown:
        raise DataError(f"{ds.name}: ignore names `{unknown[0]}`, which is no class; there are {', '.join(ds.classes)}")
    kept = [c for c, label in enumerate(ds.classes) if label not in names]
    if len(kept) < 2:
        raise DataError(f"{ds.name}: without the classes that ignore names, fewer than two are left; ignore fewer")
    number = np.full(len(ds.classes), -1)
    number[kept] = np.arange(len(kept))
    y, classes = number[ds.y], tuple(ds.classes[c] for c in kept)
    if not ds.per_step:
        left = np.flatnonzero(y >= 0)
        return replace(ds.take(left), y=y[left], classes=classes)
    ignored = (y < 0) & ds.counted if ds.ignored is None else ds.ignored | ((y < 0) & ds.counted)
    return replace(ds, y=np.where(ds.counted & ~ignored, y, 0), classes=classes, ignored=ignored)


def mask_of(lengths: npt.NDArray[np.int32], steps: int) -> npt.NDArray[np.bool_]:
    """bool [n, T]: True where a step of a window of this length [n] is a sample, False where it is padding."""
    return np.arange(steps)[None, :] < lengths[:, None]


def _check_x(ds: Dataset) -> None:
    if ds.x.ndim != 3 or ds.x.dtype != np.float32 or 0 in ds.x.shape:
        raise DataError(
            f"{ds.name}: x is {ds.x.dtype} {list(ds.x.shape)}; give float32 [windows, steps, channels], none of them 0"
        )
    if len(ds.features) != ds.x.shape[2]:
        turned = "; save x.transpose(0, 2, 1), channels last" if len(ds.features) == ds.x.shape[1] else ""
        raise DataError(f"{ds.name}: x has {ds.x.shape[2]} channels, but {len(ds.features)} features are named{turned}")


def _check_names(ds: Dataset) -> None:
    """Names are shown on a terminal, written as UTF-8, and tell one thing from another."""
    groups = () if ds.group is None else np.unique(ds.group).tolist()
    kinds = {"class": ds.classes, "target": ds.targets, "feature": ds.features, "group": groups}
    for kind, names in kinds.items():
        for name in names:
            if not name.strip() or not name.isprintable():
                raise DataError(
                    f"{ds.name}: a {kind} is named {ascii(name)}; give a name of characters that can be shown"
                )
    for kind in ("class", "target", "feature"):
        twice = [name for name, count in Counter(kinds[kind]).items() if count > 1]
        if twice:
            plural = "classes" if kind == "class" else f"{kind}s"
            raise DataError(f"{ds.name}: two {plural} have the same name, `{twice[0]}`; give each {kind} its own")


def _check_per_window(ds: Dataset) -> None:
    for what in ("lengths", "recording", "group", "split", "start"):
        array = getattr(ds, what)
        if array is not None and array.shape != (ds.n,):
            raise DataError(f"{ds.name}: {what} has the shape {list(array.shape)}; give one entry per window, [{ds.n}]")
    if ds.split is not None and not np.isin(ds.split, PARTS).all():
        at = int(np.flatnonzero(~np.isin(ds.split, PARTS))[0])
        raise DataError(f"{ds.name}: split of window {at} is `{ds.split[at]}`; give train, validation or test")
    if not (math.isfinite(ds.rate) and ds.rate >= 0):
        raise DataError(f"{ds.name}: rate is {ds.rate}; give steps a second, above 0, or 0 where it is not known")
    if ds.start.min() < 0:
        raise DataError(f"{ds.name}: start of window {int(ds.start.argmin())} is negative; count steps from 0")


def check_lengths(name: str, lengths: npt.NDArray[Any], n: int, steps: int) -> None:
    """Raises DataError, which opens with `name`, for lengths of n windows that are not [n] or not 1 to `steps`."""
    if lengths.shape != (n,):
        raise DataError(f"{name}: lengths has the shape {list(lengths.shape)}; give one entry per window, [{n}]")
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if wrong.size:
        raise DataError(
            f"{name}: the length of window {wrong[0]} is {lengths[wrong[0]]}; give 1 to {steps} (x's steps, in front "
            "of its channels)"
        )


def _check_samples(ds: Dataset) -> None:
    bad = np.argwhere(~np.isfinite(ds.x))
    if bad.size:
        window, step, channel = bad[0]
        raise DataError(
            f"{ds.name}: x holds {ds.x[window, step, channel]} in float32 at window {window}, step {step}, "
            f"channel {channel} ({ds.features[channel]}); repair or remove this window"
        )
    if ds.x[~ds.mask].any():
        raise DataError(f"{ds.name}: x is not 0 behind lengths; pad with zeros, or make the set with from_arrays")


def _check_ignored(ds: Dataset) -> None:
    if ds.ignored is None:
        return
    if not ds.per_step:
        raise DataError(f"{ds.name}: ignored marks steps, but y is per window; leave the windows out instead")
    if ds.ignored.dtype != np.bool_ or ds.ignored.shape != ds.x.shape[:2]:
        raise DataError(f"{ds.name}: ignored is {ds.ignored.dtype} {list(ds.ignored.shape)}; give bool [n, T] as in x")
    if (ds.ignored & ~ds.mask).any() or ds.y[ds.ignored].any():
        raise DataError(f"{ds.name}: y is not 0 where steps are ignored, or padding is; make the set with from_arrays")


def _check_targets(ds: Dataset) -> None:
    if ds.task == "regression":
        _check_real_targets(ds)
    else:
        _check_classes(ds)
    if ds.per_step and ds.y[~ds.mask].any():
        raise DataError(f"{ds.name}: y is not 0 behind lengths; pad with zeros, or make the set with from_arrays")


def _check_classes(ds: Dataset) -> None:
    if ds.targets:
        raise DataError(f"{ds.name}: targets are named, but y holds classes; save y as floats, or leave the names out")
    shape = ds.x.shape[:2] if ds.per_step else (ds.n,)
    if ds.y.dtype != np.int64 or ds.y.shape != shape:
        raise DataError(f"{ds.name}: y is {ds.y.dtype} {list(ds.y.shape)}; give classes as int64 {list(shape)}")
    if ds.y.min() < 0 or ds.y.max() >= len(ds.classes):
        at = np.argwhere((ds.y < 0) | (ds.y >= len(ds.classes)))[0]
        raise DataError(
            f"{ds.name}: y of window {at[0]} holds the class {ds.y[tuple(at)]}; give 0 to {len(ds.classes) - 1}"
        )


def _check_real_targets(ds: Dataset) -> None:
    shape = ds.x.shape[:2] if ds.per_step else (ds.n,)
    if ds.y.shape[:-1] != shape or ds.y.dtype != np.float32 or ds.classes:
        wanted = ", ".join(map(str, (*shape, "K")))
        raise DataError(f"{ds.name}: y is {ds.y.dtype} {list(ds.y.shape)}; give real targets as float32 [{wanted}]")
    if len(ds.targets) != ds.y.shape[-1]:
        raise DataError(
            f"{ds.name}: y has {ds.y.shape[-1]} targets, but {len(ds.targets)} are named; give each of them one name"
        )
    counted = ds.mask[..., None] if ds.per_step else True
    bad = np.argwhere(~np.isfinite(ds.y) & counted)
    if bad.size:
        window, *step, column = bad[0]
        where = f"window {window}, step {step[0]}" if step else f"window {window}"
        raise DataError(
            f"{ds.name}: y holds {ds.y[tuple(bad[0])]} in float32 at {where}, target {column} ({ds.targets[column]}); "
            "repair or remove it"
        )
