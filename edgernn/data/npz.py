# SPDX-License-Identifier: Apache-2.0
"""Reading a user's .npz file, without trusting it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import mistakes
from edgernn.data.arrays import from_arrays, text
from edgernn.data.dataset import MAX_BYTES, Dataset, without
from edgernn.errors import DataError
from edgernn.npz import read_npz

KEYS = (
    *("x", "y", "lengths", "group", "split", "recording", "start", "classes", "targets", "features", "rate"),
    "sentinels",
)


def load(path: str | Path, *, rate: float = 0.0, ignore: Sequence[str] = ()) -> Dataset:
    """The windows of an .npz file with x and y, and optionally the other arrays of KEYS.

    x: real [n, T, F]; y: classes (integers or strings) [n] per window or [n, T] per step, or real targets (floats) [n]
    or [n, K] per window or [n, T, K] per step; lengths: integers [n]; group, recording: strings or integers [n];
    start: integers [n], the windows' first steps in their recordings; split: "train", "validation", "test" [n];
    classes, targets, features: names (strings) of the classes, the K real targets and the F channels; rate: one number,
    steps a second; sentinels: [0], which says that what looks like marks of missing values, such as -200, are values.
    Without `recording` each window counts as a recording of its own: give it (or `group`) when windows
    overlap.

    The argument `rate` stands in for the array, 0 where it is not known. ignore: classes that do not count
    (`edgernn.data.dataset.without`).

    Raises DataError, also where both rates are given and differ. Pickled objects are refused, and arrays above
    MAX_BYTES before they are read.
    """
    path = Path(path)
    arrays = read(path)
    if "y" not in arrays:
        raise DataError(f"{path}: has no array `y`; save it with numpy.savez(..., x=..., y=...)")
    names = named(path, arrays)
    _check_padding(path, arrays)
    found = from_arrays(
        path.name,
        arrays["x"],
        arrays["y"],
        lengths=arrays.get("lengths"),
        group=arrays.get("group"),
        split=arrays.get("split"),
        recording=arrays.get("recording"),
        start=arrays.get("start"),
        classes=names.get("classes"),
        targets=names.get("targets"),
        features=names.get("features"),
        rate=rate_of(path, arrays, rate),
    )
    _check_marks(path, arrays, found)
    return without(found, ignore)


def load_samples(path: str | Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """x float32 [n, T, F] and lengths int32 [n] of the same kind of file, whose y may be missing and is not looked at.

    Raises DataError like `load`.
    """
    path = Path(path)
    arrays = read(path)
    x = arrays["x"]
    anything = np.zeros(len(x) if x.ndim else 0, np.float32)
    features = named(path, arrays).get("features")
    _check_padding(path, arrays)
    windows = from_arrays(path.name, x, anything, lengths=arrays.get("lengths"), features=features, complete=False)
    _check_marks(path, arrays, windows)
    return windows.x, windows.lengths


def _check_padding(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    if "lengths" not in arrays:
        mistakes.check_padding(path.name, arrays["x"])


def _check_marks(path: Path, arrays: Mapping[str, npt.NDArray[Any]], windows: Dataset) -> None:
    if "sentinels" not in arrays:
        mistakes.check_channels(path.name, windows.x, windows.mask)
    elif arrays["sentinels"].size:
        raise DataError(
            f"{path}: sentinels lists values that stand for missing ones; fill them in x or leave their windows out, "
            "and save sentinels = []"
        )


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of such a file as they are: x, and others of KEYS. Raises DataError like `load`."""
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the path of an .npz file")
    try:
        arrays = read_npz(path, limit=MAX_BYTES)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be used, {error}; save it with numpy.savez") from error
    unknown = sorted(set(arrays) - set(KEYS))
    if unknown:
        raise DataError(f"{path}: holds `{unknown[0]}`, which is not known; name the arrays {', '.join(KEYS)}")
    if "x" not in arrays:
        raise DataError(f"{path}: has no array `x`; save it with numpy.savez(..., x=..., y=...)")
    return arrays


def named(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, tuple[str, ...]]:
    """What the arrays `classes`, `targets` and `features` hold, of those that there are."""
    return {key: _names(path, key, arrays[key]) for key in ("classes", "targets", "features") if key in arrays}


def rate_of(path: Path, arrays: Mapping[str, npt.NDArray[Any]], given: float = 0.0) -> float:
    """Steps a second as the array `rate` has them or, where there is none, as given; 0 where neither is."""
    if "rate" not in arrays:
        return given
    array = arrays["rate"]
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise DataError(f"{path}: rate is {array.dtype} {list(array.shape)}; give one number, steps a second")
    found = float(array.item())
    if given and found != given:
        raise DataError(f"{path}: its array rate is {found:g}, but the setting {given:g}; leave one of them out")
    return found


def _names(path: Path, key: str, array: npt.NDArray[Any]) -> tuple[str, ...]:
    if array.ndim != 1:
        raise DataError(f"{path}: {key} has the shape {list(array.shape)}; give a list of names, one for each")
    return tuple(text(path.name, key, array).tolist())
