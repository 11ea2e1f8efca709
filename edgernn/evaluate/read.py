# SPDX-License-Identifier: Apache-2.0
"""Labelled windows for an artifact that exists: its classes, targets and channels are found by name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.artifact import Model
from edgernn.config import stored_csv
from edgernn.data import npz
from edgernn.data.arrays import from_arrays, text
from edgernn.data.dataset import Dataset, without
from edgernn.errors import ConfigError, DataError
from edgernn.model import Interface


def read(path: Path, model: Model) -> Dataset:
    """The windows in `path`, in the order of the artifact's classes or targets and channels; no split divides them.

    An .npz file with x and y (`edgernn.data.npz.load`): where both sides name classes, targets or channels, names say
    which is which, otherwise the order does. Anything else is read as the CSV that the artifact was built from was.

    Raises DataError for what does not fit the artifact, ConfigError for CSV when the artifact was not made of CSV, and
    what reading such files raises.
    """
    config = model.manifest.get("config")
    section = config.get("data") if isinstance(config, dict) else None
    if path.suffix.lower() == ".npz":
        ignore = section.get("ignore") if isinstance(section, dict) else None
        ignored = [name for name in ignore if isinstance(name, str)] if isinstance(ignore, list | tuple) else []
        return _from_npz(path, model.integer.interface, ignored)
    stored = stored_csv(section, path)
    _check_fields(path, section)
    found = replace(stored.load(complete=False), name=str(path))
    interface = model.integer.interface
    _check_task(path, found.task, interface)
    if found.task == "regression":
        return found
    return _of_classes(found, interface.classes)


def _check_fields(path: Path, section: Any) -> None:
    """Raises ConfigError where the build took class or sensor from the path, and this path has no field for it."""
    pattern = str(section.get("path"))
    needed = [f"{{{name}}}" for name in (section.get("label") or "label", "sensor")]
    lacking = [field for field in needed if field in pattern and field not in str(path)]
    if lacking:
        raise ConfigError(
            f"{path}: has no {' and no '.join(lacking)}, which the artifact's own data have in their path, {pattern}: "
            "give such a pattern"
        )


def _of_classes(data: Dataset, classes: tuple[str, ...]) -> Dataset:
    """The same windows with these classes."""
    numbers = np.array([_number(data.name, name, classes) for name in data.classes], np.int64)
    y = numbers[data.y]
    return replace(data, y=np.where(data.counted, y, 0) if data.per_step else y, classes=classes)


def _number(name: str, label: str, classes: Sequence[str]) -> int:
    if label not in classes:
        raise DataError(
            f"{name}: y holds the class `{label}`, which the artifact does not have; its classes are "
            + ", ".join(classes)
        )
    return classes.index(label)


def _check_task(path: Path, task: str, interface: Interface) -> None:
    if task != interface.task:
        raise DataError(f"{path}: y is of {task}, the artifact of {interface.task}: give the labels that it is for")


def _from_npz(path: Path, interface: Interface, ignored: Sequence[str]) -> Dataset:
    arrays = npz.read(path)
    if "y" not in arrays:
        raise DataError(f"{path}: has no array `y`, so there is nothing to judge by; save it beside x")
    names = npz.named(path, arrays)
    y = arrays["y"]
    _check_task(path, "regression" if y.dtype.kind == "f" else "classification", interface)
    classified = interface.task == "classification"
    known = [name for name in ignored if name not in interface.classes]
    if classified:
        inside = _inside(y, arrays.get("lengths"))
        labels = np.zeros(y.shape, np.int64)
        labels[inside] = _labels(path, y[inside], names.get("classes"), (*interface.classes, *known))
        y = labels
    else:
        y = _targets(path, y, names.get("targets"), interface.outputs)
    found = from_arrays(
        path.name,
        _channels(path, arrays["x"], names.get("features"), interface.channels),
        y,
        lengths=arrays.get("lengths"),
        group=arrays.get("group"),
        recording=arrays.get("recording"),
        start=arrays.get("start"),
        classes=(*interface.classes, *known) if classified else None,
        targets=None if classified else interface.outputs,
        features=interface.channels,
        rate=npz.rate_of(path, arrays, 0.0),
        complete=False,
    )
    return without(found, known) if classified else found


def _inside(y: npt.NDArray[Any], lengths: npt.NDArray[Any] | None) -> npt.NDArray[np.bool_]:
    """Which entries of y are no padding, bool in y's shape; lengths that can't be right are refused later."""
    if y.ndim != 2 or lengths is None or lengths.shape != y.shape[:1] or lengths.dtype.kind not in "iu":
        return np.ones(y.shape, np.bool_)
    inside: npt.NDArray[np.bool_] = np.arange(y.shape[1]) < lengths[:, None]
    return inside


def _labels(
    path: Path, y: npt.NDArray[Any], names: tuple[str, ...] | None, classes: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Numbers of the artifact's classes for labels [m].

    Strings are names; integers are numbers of `names`, or without them of the artifact's classes; unless those are
    named by integers, which then are meant. Raises DataError for a class that the artifact does not have.
    """
    if y.dtype.kind in "biu":
        if names is None and not all(_is_integer(name) for name in classes):
            return y.astype(np.int64)
        if names is not None and y.size and not 0 <= y.min() <= y.max() < len(names):
            raise DataError(f"{path}: y holds the class {y.max()}, but classes names only 0..{len(names) - 1}")
        values, inverse = np.unique(y.astype(np.int64), return_inverse=True)
        labels = [str(value) if names is None else names[value] for value in values.tolist()]
    else:
        values, inverse = np.unique(text(path.name, "y", y), return_inverse=True)
        labels = values.tolist()
    numbers = np.array([_number(path.name, label, classes) for label in labels], np.int64)
    return numbers[inverse]


def _is_integer(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _targets(
    path: Path, y: npt.NDArray[Any], names: tuple[str, ...] | None, targets: tuple[str, ...]
) -> npt.NDArray[Any]:
    columns = y.shape[-1] if y.ndim > 1 else 1
    if columns != len(targets):
        raise DataError(f"{path}: y has {columns} targets, the artifact gives {len(targets)}: {', '.join(targets)}")
    order = _order(path, "targets", names, targets, ("target_", "y"))
    return y if y.ndim == 1 else y[..., order]


def _channels(
    path: Path, x: npt.NDArray[Any], names: tuple[str, ...] | None, channels: tuple[str, ...]
) -> npt.NDArray[Any]:
    if x.ndim != 3:
        return x
    if x.shape[2] != len(channels):
        raise DataError(
            f"{path}: x has {x.shape[2]} channels, the artifact takes {len(channels)}: {', '.join(channels)}"
        )
    return x[..., _order(path, "features", names, channels, ("channel ",))]


def _order(
    path: Path, what: str, found: tuple[str, ...] | None, wanted: tuple[str, ...], made_up: Sequence[str]
) -> list[int]:
    """Where each of the artifact's names is in the file; as they stand where either side has no names of its own."""
    unnamed = any(wanted == tuple(f"{prefix}{i}" for i in range(len(wanted))) for prefix in made_up)
    if found is None or (unnamed and found != wanted and not set(found) & set(wanted)):
        return list(range(len(wanted)))
    if sorted(found) != sorted(wanted):
        raise DataError(
            f"{path}: {what} are {', '.join(found)}, those of the artifact {', '.join(wanted)}: give the same by the "
            "same names"
        )
    return [found.index(name) for name in wanted]
