# SPDX-License-Identifier: Apache-2.0
"""Arrays as a user has them -> a set of windows: dtypes, shapes and names are found out, or refused by their cause."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import mistakes
from edgernn.data.classes import NONE, check_alike
from edgernn.data.dataset import Dataset, Series, check_lengths, mask_of
from edgernn.errors import DataError

_MOST_CLASSES = 20
"""Different integers above which those with gaps may be numbers to estimate."""


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
    series: Sequence[Series] | None = None,
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
    classes. What may mean something else is refused (`edgernn.data.mistakes`): without `targets`, floats 0, 1, ...
    (class numbers), columns of one-hot classes or of probabilities, and floats [n, T] (a target per step, or T per
    window); without `features` or anything else that tells the steps, an x [n, F, T] with the channels first.
    """
    samples = _samples(name, x)
    n, steps, channels = samples.shape
    sizes = _lengths(name, lengths, n, steps)
    mask = mask_of(sizes, steps)
    samples[~mask] = 0
    left_out = None if ignored is None else _ignored(name, ignored, mask)
    counted = mask if left_out is None else mask & ~left_out
    if not counted.any():
        raise DataError(f"{name}: every step is ignored; leave some that count")
    target, names, per_step = _target(name, y, counted, _names(classes), _names(targets), complete)
    if features is None and lengths is None and not per_step:
        mistakes.check_axes(name, samples)
    if names and complete:
        mistakes.check_answer(name, samples, target, counted, features)
    made_up = () if names else tuple(f"target_{k}" for k in range(target.shape[-1]))
    found = Dataset(
        name=name,
        x=samples,
        lengths=sizes,
        y=target,
        task="classification" if names else "regression",
        per_step=per_step,
        classes=names,
        targets=made_up if targets is None else tuple(targets),
        features=tuple(f"channel {c}" for c in range(channels)) if features is None else tuple(features),
        recording=np.arange(n) if recording is None else _numbers(name, "recording", recording),
        group=None if group is None else _groups(name, group),
        split=None if split is None else text(name, "split", split),
        start=np.zeros(n, np.int64) if start is None else _integers(name, "start", start),
        rate=rate,
        ignored=left_out,
        series=None if series is None else tuple(replace(part, x=_real(name, "series", part.x)) for part in series),
    )
    if complete and found.task == "regression":
        _check_change(found)
    return found


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


def _groups(name: str, group: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    found = text(name, "group", group)
    check_alike(name, "groups", found.tolist())
    return found


def _samples(name: str, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    samples = _real(name, "x", x)
    if samples.ndim != 3 or 0 in samples.shape:
        one = ": x[:, :, None] for one channel" if samples.ndim == 2 else ""
        raise DataError(
            f"{name}: x has the shape {list(x.shape)}; give [windows, steps, channels]{one}, none of them 0"
        )
    return samples


def _names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _ignored(name: str, ignored: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    if ignored.dtype != np.bool_ or ignored.shape != mask.shape:
        raise DataError(
            f"{name}: ignored is {ignored.dtype} {list(ignored.shape)}; give bool {list(mask.shape)}, True for each "
            "step that does not count"
        )
    return ignored & mask


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
    check_lengths(name, wide, n, steps)
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
        _check_looks(name, y, steps, classes)
    if real:
        if classes is not None:
            raise DataError(
                f"{name}: y holds floats, but classes are named; save y as integers, or leave the names out"
            )
        return _real_targets(name, y, counted, targets), (), y.ndim == 3
    if y.dtype.kind not in "USbiu":
        raise DataError(f"{name}: y has the dtype {y.dtype}; give integers or strings (classes) or floats (targets)")
    if y.shape not in ((n,), (n, steps)):
        hint = {(n, 1): "save y[:, 0]; ", (n, steps, 1): "save y[:, :, 0]; "}.get(y.shape, "")
        raise DataError(
            f"{name}: y has the shape {list(y.shape)}; {hint}give classes as [{n}] per window or [{n}, {steps}] per "
            "step, and real targets as floats"
        )
    per_step = y.ndim == 2
    taken = counted if per_step else np.ones(n, np.bool_)
    number = _from_names if y.dtype.kind in "US" else _from_integers
    found, names = number(name, y[taken], n, classes, complete)
    numbers = np.zeros(y.shape, np.int64)
    numbers[taken] = found
    return numbers, names, per_step


def _check_looks(name: str, y: npt.NDArray[Any], steps: int, classes: tuple[str, ...] | None) -> None:
    """Raises DataError where numbers look like classes. As many columns as steps may be the classes 0 and 1 of each."""
    if y.dtype.kind == "f" or y.shape[1:] != (steps,):
        mistakes.check_targets(name, y)
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
    real = _real(name, "y", y)
    if y.ndim == 3:
        real[~counted] = 0
    return real.reshape(n, -1) if y.ndim == 1 else real


def _from_names(
    name: str, labels: npt.NDArray[Any], n: int, classes: tuple[str, ...] | None, complete: bool
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    found, inverse = np.unique(text(name, "y", labels), return_inverse=True)
    if classes is None:
        check_alike(name, "classes", found.tolist())
        if absent := [label for label in found.tolist() if label.lower() in NONE]:
            raise DataError(
                f"{name}: y holds the class `{absent[0]}`, which looks like a missing label; leave its windows out, or "
                "name it in `classes` and in data.ignore"
            )
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
    if classes is None and len(found) > _MOST_CLASSES and not (found == np.arange(len(found))).all():
        raise DataError(
            f"{name}: y holds {len(found):,} different integers from {found[0]} to {found[-1]}; save y as floats if "
            "they are numbers to estimate, or number the classes from 0 without gaps"
        )
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
