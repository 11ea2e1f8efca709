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

from edgernn.data import mistakes
from edgernn.errors import DataError

Task = Literal["classification", "regression"]
PARTS = ("train", "validation", "test")
MAX_BYTES = 4 << 30
"""The largest set of windows taken into memory; a larger one is refused with a sentence instead of a MemoryError."""


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
    ignored: bool [n, T] or None, with `per_step` the samples that neither train nor judge a model, whose y is 0; they
    are stepped through like all others;
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
    ignored: npt.NDArray[np.bool_] | None = None
    series: tuple[npt.NDArray[np.float32], ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_x(self)
        _check_names(self)
        if not self.start.size:
            object.__setattr__(self, "start", np.zeros(self.n, np.int64))
        _check_per_window(self)
        _check_lengths(self.name, self.lengths, self.n, self.x.shape[1])
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
        return _mask(self.lengths, self.x.shape[1])

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """bool [n, T]: True where a step is a sample whose class or targets count."""
        return self.mask if self.ignored is None else self.mask & ~self.ignored

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
    ignored: npt.NDArray[Any] | None = None,
    series: Sequence[npt.NDArray[Any]] | None = None,
    complete: bool = True,
) -> Dataset:
    """A Dataset from arrays as a user has them; `name` opens each error message.

    x: real [n, T, F]; what stands behind `lengths` is ignored. y says the task by its dtype: integers or strings [n]
    are a class per window, [n, T] a class per step; floats [n] or [n, K] are real targets per window, [n, T, K] of
    every step. String labels give the sorted names as classes, integer labels "0".."max", unless `classes` names them
    in order; `targets` names the K real targets ("target_0", ... without it). Without `recording` (integers or strings
    [n]; strings are numbered in sorted order) each window counts as a recording of its own. ignored: bool [n, T], steps
    whose entry in y is not looked at. complete: every class has to have a window, which training needs.

    Raises DataError; also when a class has no window, when a target never changes, or when there are fewer windows than
    classes. What may mean something else is refused (`edgernn.data.mistakes`): floats [n] of 0, 1, ... (class numbers);
    without `targets`, columns of one-hot classes or of probabilities, and floats [n, T] (a target per step, or T per
    window); and without `features` or anything else that tells the steps, an x [n, F, T] with the channels first.
    """
    samples = _real(name, "x", x)
    if samples.ndim != 3 or 0 in samples.shape:
        one = ": x[:, :, None] for one channel" if samples.ndim == 2 else ""
        raise DataError(
            f"{name}: x has the shape {list(x.shape)}; give [windows, steps, channels]{one}, none of them 0"
        )
    n, steps, channels = samples.shape
    sizes = _lengths(name, lengths, n, steps)
    mask = _mask(sizes, steps)
    samples[~mask] = 0
    named = None if targets is None else tuple(targets)
    known = None if classes is None else tuple(classes)
    left_out = None if ignored is None else _ignored(name, ignored, mask)
    counted = mask if left_out is None else mask & ~left_out
    target, names, per_step = _target(name, y, counted, known, named, complete)
    if features is None and lengths is None and not per_step:
        mistakes.check_axes(name, samples)
    if named is None:
        named = () if names else tuple(f"target_{k}" for k in range(target.shape[-1]))
    found = Dataset(
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
        ignored=left_out,
        series=None if series is None else tuple(_real(name, "series", part) for part in series),
    )
    if complete and found.task == "regression":
        _check_change(found)
    return found


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


def _ignored(name: str, ignored: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    if ignored.dtype != np.bool_ or ignored.shape != mask.shape:
        raise DataError(
            f"{name}: ignored is {ignored.dtype} {list(ignored.shape)}; give bool {list(mask.shape)}, True for each "
            "step that does not count"
        )
    return ignored & mask


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
    counted: npt.NDArray[np.bool_],
    classes: tuple[str, ...] | None,
    targets: tuple[str, ...] | None,
    complete: bool,
) -> tuple[npt.NDArray[Any], tuple[str, ...], bool]:
    """y as Dataset keeps it, the names of the classes (empty: real targets), and whether y is per step.

    counted: bool [n, T], the steps whose y counts where it is per step.
    """
    n, steps = counted.shape
    if y.ndim == 0 or len(y) != n:
        raise DataError(f"{name}: y has the shape {list(y.shape)} but x has {n} windows; give y one entry per window")
    real = y.dtype.kind == "f"
    if targets is None or not real:
        _check_columns(name, y, steps, classes)
    if real:
        if classes is not None:
            raise DataError(
                f"{name}: y holds floats, but classes are named; save y as integers, or leave the names out"
            )
        return _real_targets(name, y, counted, targets), (), y.ndim == 3
    if y.dtype.kind not in "USbiu":
        raise DataError(f"{name}: y has the dtype {y.dtype}; give integers or strings (classes) or floats (targets)")
    if y.shape not in ((n,), (n, steps)):
        hint = "save y[:, 0]; " if y.shape == (n, 1) else ""
        raise DataError(
            f"{name}: y has the shape {list(y.shape)}; {hint}give classes as [{n}] per window or [{n}, {steps}] per "
            "step, and real targets as floats"
        )
    per_step = y.ndim == 2
    taken = counted if per_step else np.ones(n, np.bool_)
    if not taken.any():
        raise DataError(f"{name}: every step is ignored; leave some that count")
    number = _from_names if y.dtype.kind in "US" else _from_integers
    found, names = number(name, y[taken], n, classes, complete)
    numbers = np.zeros(y.shape, np.int64)
    numbers[taken] = found
    return numbers, names, per_step


def _check_columns(name: str, y: npt.NDArray[Any], steps: int, classes: tuple[str, ...] | None) -> None:
    """Raises DataError where columns of y stand for classes. As many as steps may be the classes 0 and 1 of each."""
    if y.dtype.kind == "f" or y.shape[1:] != (steps,):
        mistakes.check_columns(name, y)
    elif classes is None and steps > 1 and mistakes.is_one_hot(y):
        raise DataError(
            f"{name}: y has rows of a single 1, and as many columns as x has steps, {steps}: save y.argmax(1) if they "
            "are one-hot classes, or name the `classes` 0 and 1 if there is one for each step"
        )


def _real_targets(
    name: str, y: npt.NDArray[Any], counted: npt.NDArray[np.bool_], targets: tuple[str, ...] | None
) -> npt.NDArray[np.float32]:
    n, steps = counted.shape
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
    if y.ndim == 1:
        mistakes.check_class_numbers(name, y)
    real = _real(name, "y", y)
    if y.ndim == 3:
        real[~counted] = 0
    return real.reshape(n, -1) if y.ndim == 1 else real


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
        raise DataError(
            f"{name}: y holds the class {found[0]}; number the classes from 0, and what does not count as one more "
            "that data.ignore names"
        )
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
    if missing.tolist() == [0] and classes is None and count > 2:
        raise DataError(f"{name}: y holds the classes 1 to {count - 1} and no 0; number them from 0: save y - 1")
    if missing.size:
        label = classes[missing[0]] if classes else missing[0]
        raise DataError(f"{name}: the class `{label}` has no window; number the classes without gaps, or add windows")
    if count < 2:
        raise DataError(f"{name}: all windows are of one class; a classifier needs at least two")


def _check_change(ds: Dataset) -> None:
    """Raises DataError for a real target that is the same everywhere."""
    targets = ds.y[ds.counted] if ds.per_step else ds.y
    constant = np.flatnonzero((targets == targets[0]).all(axis=0))
    if len(targets) > 1 and constant.size:
        target, value = ds.targets[constant[0]], targets[0, constant[0]]
        raise DataError(
            f"{ds.name}: the target `{target}` is {value} everywhere, so nothing can be learned; leave it out, or give "
            "data in which it changes"
        )


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


def _check_lengths(name: str, lengths: npt.NDArray[Any], n: int, steps: int) -> None:
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
