# SPDX-License-Identifier: Apache-2.0
"""A set of windows in memory, checked when it is made."""

import hashlib
import json
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
_MOST_FLOAT_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """Windows of sensor samples with their targets; `from_arrays` makes one from arrays as a user has them.

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
    series: the whole recordings that the windows were cut from, float32 [N, F] each, by the number of the recording, or
    None; a subset keeps all of them.

    Raises DataError when a shape, a dtype or a value contradicts this. A subset (`take`) may lack a class; that every
    class has a window is what `from_arrays` checks.
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
    series: tuple[npt.NDArray[np.float32], ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_x(self)
        if not self.start.size:
            object.__setattr__(self, "start", np.zeros(self.n, np.int64))
        _check_per_window(self)
        _check_lengths(self.name, self.lengths, self.n, self.x.shape[1])
        _check_samples(self)
        _check_targets(self)

    @property
    def n(self) -> int:
        """The number of windows."""
        return len(self.x)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """bool [n, T]: True where a step is a sample, False where it is padding."""
        return _mask(self.lengths, self.x.shape[1])

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
        )

    def spread(self, count: int) -> "Dataset":
        """At most `count` of the windows, evenly spread."""
        return self.take(np.unique(np.linspace(0, self.n - 1, min(count, self.n)).astype(np.int64)))

    def labels_of(self, indices: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """int64 [m]: the class numbers that occur in these windows, sorted; padding does not count."""
        y = self.y[indices]
        return np.unique(y[self.mask[indices]] if self.per_step else y).astype(np.int64)

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
        for name in ("x", "lengths", "y", "recording", "start"):
            array = getattr(self, name)
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            sha.update(f"{name} {little.dtype.str} {little.shape}".encode())
            sha.update(little.tobytes())
        return sha.hexdigest()


def from_arrays(
    name: str,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    *,
    lengths: npt.NDArray[Any] | None = None,
    group: npt.NDArray[Any] | None = None,
    split: npt.NDArray[Any] | None = None,
    recording: npt.NDArray[Any] | None = None,
    start: npt.NDArray[Any] | None = None,
    classes: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    rate: float = 0.0,
    series: Sequence[npt.NDArray[Any]] | None = None,
    complete: bool = True,
) -> Dataset:
    """A Dataset from arrays as a user has them; `name` opens each error message.

    x: real [n, T, F]; what stands behind `lengths` is ignored. y says the task by its dtype: integers or strings [n]
    are a class per window, [n, T] a class per step; floats [n] or [n, K] are real targets per window, [n, T, K] of
    every step. String labels give the sorted names as classes, integer labels "0".."max", unless `classes` names them
    in order; `targets` names the K real targets ("target_0", ... without it). Without `recording` (integers or strings
    [n]; strings are numbered in sorted order) each window counts as a recording of its own. complete: every class has
    to have a window, which training needs.

    Raises DataError; also when a class has no window, or there are fewer windows than classes. Floats that may mean
    something else are refused: [n] of 0, 1, ... (class numbers), and [n, T] without `targets` (a target per step, or T
    per window).
    """
    samples = _real(name, "x", x)
    if samples.ndim != 3 or 0 in samples.shape:
        raise DataError(f"{name}: x has the shape {list(x.shape)}; give [windows, steps, channels], none of them 0")
    n, steps, channels = samples.shape
    sizes = _lengths(name, lengths, n, steps)
    mask = _mask(sizes, steps)
    samples[~mask] = 0
    named = None if targets is None else tuple(targets)
    known = None if classes is None else tuple(classes)
    target, names, per_step = _target(name, y, mask, known, named, complete)
    if named is None:
        named = () if names else tuple(f"target_{k}" for k in range(target.shape[-1]))
    return Dataset(
        name=name,
        x=samples,
        lengths=sizes,
        y=target,
        task="classification" if names else "regression",
        per_step=per_step,
        classes=names,
        targets=named,
        features=tuple(features) if features is not None else tuple(f"channel {c}" for c in range(channels)),
        recording=np.arange(n) if recording is None else _numbers(name, "recording", recording),
        group=None if group is None else text(name, "group", group),
        split=None if split is None else text(name, "split", split),
        start=np.zeros(n, np.int64) if start is None else _integers(name, "start", start),
        rate=rate,
        series=None if series is None else tuple(_real(name, "series", part) for part in series),
    )


def text(name: str, what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """The array's strings or integers as strings, in its shape; raises DataError for another kind."""
    if array.dtype.kind == "S":
        try:
            return np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{name}: {what} holds bytes that are not UTF-8; save it as strings") from None
    if array.dtype.kind not in "Uiu":
        raise DataError(f"{name}: {what} has the dtype {array.dtype}; give strings or integers")
    return array.astype(np.str_)


def _mask(lengths: npt.NDArray[np.int32], steps: int) -> npt.NDArray[np.bool_]:
    return np.arange(steps)[None, :] < lengths[:, None]


def _real(name: str, what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name}: {what} has the dtype {array.dtype}; give real numbers, such as float32")
    # A float64 beyond float32's range becomes infinite here, and the check of finite values says where it stands.
    with np.errstate(over="ignore"):
        return np.array(array, dtype=np.float32)


def _integers(name: str, what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if array.dtype.kind not in "biu":
        raise DataError(f"{name}: {what} has the dtype {array.dtype}; give integers")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{name}: {what} holds {array.max()}; give integers below 2**63")
    return array.astype(np.int64)


def _numbers(name: str, what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if array.dtype.kind in "US":
        return np.unique(text(name, what, array), return_inverse=True)[1].astype(np.int64)
    return _integers(name, what, array)


def _lengths(name: str, lengths: npt.NDArray[Any] | None, n: int, steps: int) -> npt.NDArray[np.int32]:
    if lengths is None:
        return np.full(n, steps, np.int32)
    wide = _integers(name, "lengths", lengths)
    _check_lengths(name, wide, n, steps)
    return wide.astype(np.int32)


def _target(
    name: str,
    y: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_],
    classes: tuple[str, ...] | None,
    targets: tuple[str, ...] | None,
    complete: bool,
) -> tuple[npt.NDArray[Any], tuple[str, ...], bool]:
    """y as Dataset keeps it, the names of the classes (empty: real targets), and whether y is per step."""
    n, steps = mask.shape
    if y.ndim == 0 or len(y) != n:
        raise DataError(f"{name}: y has the shape {list(y.shape)} but x has {n} windows; give y one entry per window")
    if y.dtype.kind == "f":
        if classes is not None:
            raise DataError(
                f"{name}: y holds floats, but classes are named; save y as integers, or leave the names out"
            )
        return _real_targets(name, y, mask, targets), (), y.ndim == 3
    if y.dtype.kind not in "USbiu":
        raise DataError(f"{name}: y has the dtype {y.dtype}; give integers or strings (classes) or floats (targets)")
    if y.shape not in ((n,), (n, steps)):
        raise DataError(
            f"{name}: y has the shape {list(y.shape)}; give classes as [{n}] per window or [{n}, {steps}] per step, "
            "and real targets as floats"
        )
    per_step = y.ndim == 2
    counted = mask if per_step else np.ones(n, np.bool_)
    number = _from_names if y.dtype.kind in "US" else _from_integers
    found, names = number(name, y[counted], n, classes, complete)
    numbers = np.zeros(y.shape, np.int64)
    numbers[counted] = found
    return numbers, names, per_step


def _real_targets(
    name: str, y: npt.NDArray[Any], mask: npt.NDArray[np.bool_], targets: tuple[str, ...] | None
) -> npt.NDArray[np.float32]:
    n, steps = mask.shape
    if y.size == 0 or y.ndim > 3 or (y.ndim == 3 and y.shape[1] != steps):
        raise DataError(
            f"{name}: y has the shape {list(y.shape)}; give real targets as [{n}] or [{n}, K] per window or "
            f"[{n}, {steps}, K] per step"
        )
    if y.ndim == 2 and y.shape[1] == steps > 1 and targets is None:
        raise DataError(
            f"{name}: y holds floats [{n}, {steps}] and x has {steps} steps, so they may be per step or per window; "
            f"save y as [{n}, {steps}, 1] for a target per step, give `targets` with {steps} names for targets per "
            "window, or save integers for classes"
        )
    if y.ndim == 1 and _may_be_classes(y):
        raise DataError(
            f"{name}: y holds the floats 0 to {int(y.max())}, all whole, which look like class numbers; "
            f"save y as integers for classes, or as [{n}, 1] for real targets"
        )
    real = _real(name, "y", y)
    if y.ndim == 3:
        real[~mask] = 0
    return real.reshape(n, -1) if y.ndim == 1 else real


def _may_be_classes(y: npt.NDArray[Any]) -> bool:
    """Whether floats [n] are 0..C-1, each of them present, and C from 2 to 20 and below n; one class is no task."""
    found = np.unique(y)
    return (
        2 <= len(found) <= _MOST_FLOAT_CLASSES and len(found) < len(y) and bool((found == np.arange(len(found))).all())
    )


def _from_names(
    name: str, labels: npt.NDArray[Any], n: int, classes: tuple[str, ...] | None, complete: bool
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    found, inverse = np.unique(text(name, "y", labels), return_inverse=True)
    names = classes if classes is not None else tuple(found.tolist())
    unknown = sorted(set(found.tolist()) - set(names))
    if unknown:
        raise DataError(f"{name}: y holds the class `{unknown[0]}`, which classes does not name; add it there")
    number = {label: i for i, label in enumerate(names)}
    numbers = np.array([number[label] for label in found.tolist()], np.int64)[inverse]
    if complete:
        _check_coverage(name, np.unique(numbers), n, len(names), names)
    return numbers, names


def _from_integers(
    name: str, labels: npt.NDArray[Any], n: int, classes: tuple[str, ...] | None, complete: bool
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    numbers = _integers(name, "y", labels)
    found = np.unique(numbers)
    if found[0] < 0:
        raise DataError(f"{name}: y holds the class {found[0]}; number the classes from 0")
    if classes is not None and found[-1] >= len(classes):
        raise DataError(f"{name}: y holds the class {found[-1]}, but classes names only 0..{len(classes) - 1}")
    count = int(found[-1]) + 1 if classes is None else len(classes)
    if complete or classes is None:
        _check_coverage(name, found, n, count, classes)
    return numbers, classes if classes is not None else tuple(str(c) for c in range(count))


def _check_coverage(
    name: str, found: npt.NDArray[np.int64], n: int, count: int, classes: tuple[str, ...] | None
) -> None:
    """Before names are made up for integer labels: a stray label of 10**12 must not become 10**12 names."""
    if n < count:
        raise DataError(f"{name}: there are fewer windows ({n}) than classes ({count}); give more windows")
    missing = np.flatnonzero(~np.isin(np.arange(count), found))
    if missing.size:
        label = classes[missing[0]] if classes else missing[0]
        raise DataError(f"{name}: the class `{label}` has no window; number the classes without gaps, or add windows")
    if count < 2:
        raise DataError(f"{name}: all windows are of one class; a classifier needs at least two")


def _check_x(ds: Dataset) -> None:
    if ds.x.ndim != 3 or ds.x.dtype != np.float32 or 0 in ds.x.shape:
        raise DataError(
            f"{ds.name}: x is {ds.x.dtype} {list(ds.x.shape)}; give float32 [windows, steps, channels], none of them 0"
        )
    if len(ds.features) != ds.x.shape[2]:
        raise DataError(f"{ds.name}: x has {ds.x.shape[2]} channels, but {len(ds.features)} features are named")


def _check_per_window(ds: Dataset) -> None:
    for what in ("lengths", "recording", "group", "split", "start"):
        array = getattr(ds, what)
        if array is not None and array.shape != (ds.n,):
            raise DataError(f"{ds.name}: {what} has the shape {list(array.shape)}; give one entry per window, [{ds.n}]")
    if ds.split is not None and not np.isin(ds.split, PARTS).all():
        at = int(np.flatnonzero(~np.isin(ds.split, PARTS))[0])
        raise DataError(f"{ds.name}: split of window {at} is `{ds.split[at]}`; give train, validation or test")
    if ds.start.min() < 0:
        raise DataError(f"{ds.name}: start of window {int(ds.start.argmin())} is negative; count steps from 0")


def _check_lengths(name: str, lengths: npt.NDArray[Any], n: int, steps: int) -> None:
    if lengths.shape != (n,):
        raise DataError(f"{name}: lengths has the shape {list(lengths.shape)}; give one entry per window, [{n}]")
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if wrong.size:
        raise DataError(
            f"{name}: the length of window {wrong[0]} is {lengths[wrong[0]]}; give 1 to {steps} (x's steps)"
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
    if len(set(ds.classes)) != len(ds.classes):
        raise DataError(f"{ds.name}: two classes have the same name; name each class once")
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
    if len(set(ds.targets)) != len(ds.targets):
        raise DataError(f"{ds.name}: two targets have the same name; name each target once")
    counted = ds.mask[..., None] if ds.per_step else True
    bad = np.argwhere(~np.isfinite(ds.y) & counted)
    if bad.size:
        window, *step, column = bad[0]
        where = f"window {window}, step {step[0]}" if step else f"window {window}"
        raise DataError(
            f"{ds.name}: y holds {ds.y[tuple(bad[0])]} in float32 at {where}, target {column} ({ds.targets[column]}); "
            "repair or remove it"
        )
