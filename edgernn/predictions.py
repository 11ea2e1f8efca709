# SPDX-License-Identifier: Apache-2.0
"""What a model gave for labelled windows, beside what it should have given: the artifact's `held_out.npz`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float
from edgernn.data.dataset import Dataset
from edgernn.errors import ArtifactError
from edgernn.model import Interface
from edgernn.npz import read_npz

FILE = "held_out.npz"
MODELS = ("float", "integer", "never_reset", "last_value")
"""Whose outputs there may be: of the float model; of the integer model on windows, or on streams that are never reset;
and for a forecast, the values of the channels at the step."""
_MOST_BYTES = 4 * 2**20
"""Of what `save` writes, before it is compressed."""
_LIMIT = 8 * _MOST_BYTES
_PLACES = {
    "window": np.int32,
    "step": np.int32,
    "length": np.int32,
    "start": np.int64,
    "recording": np.int64,
    "group": np.int32,
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """A row a result that is judged: the last step of a window or, per step, every step that counts.

    y: int64 [m] class numbers, or float32 [m, K] targets; outputs: float32 [m, K] logits, or targets in their own unit,
    by names of MODELS, "integer" at least; window, step: int32 [m], which step of which window; length: int32 [m], of
    that window; start: int64 [m], its first step in its recording; recording: int64 [m]; group: int32 [m], numbers in
    `groups`, whose names are sorted, and which is empty where there are none; total: results before `bounded`.
    """

    y: npt.NDArray[Any]
    outputs: Mapping[str, Float]
    window: npt.NDArray[np.int32]
    step: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    recording: npt.NDArray[np.int64]
    group: npt.NDArray[np.int32]
    groups: tuple[str, ...]
    total: int

    def __len__(self) -> int:
        return len(self.y)

    @property
    def windows(self) -> int:
        """Windows that the results are of."""
        return len(np.unique(self.window))

    def take(self, rows: npt.NDArray[Any]) -> "Predictions":
        """Some of the results, by their numbers or by a mask [m]."""
        return Predictions(
            y=self.y[rows],
            outputs={name: values[rows] for name, values in self.outputs.items()},
            **{name: getattr(self, name)[rows] for name in _PLACES},
            groups=self.groups,
            total=self.total,
        )

    def bounded(self) -> "Predictions":
        """All results, or so many, evenly spread, that their arrays take at most 4 MB."""
        arrays = [self.y, *self.outputs.values(), *(getattr(self, name) for name in _PLACES)]
        row = sum(array.nbytes for array in arrays) // len(self)
        most = max(1, _MOST_BYTES // row)
        return self if len(self) <= most else self.take(np.linspace(0, len(self) - 1, most).astype(np.int64))

    def save(self, folder: Path) -> None:
        """Writes FILE: the fields, each an array, and outputs/<model>."""
        arrays: dict[str, npt.NDArray[Any]] = {"y": self.y, "total": np.array([self.total], np.int64)}
        arrays |= {f"outputs/{name}": self.outputs[name] for name in MODELS if name in self.outputs}
        arrays |= {name: getattr(self, name) for name in _PLACES}
        if self.groups:
            arrays["groups"] = np.array(self.groups)
        np.savez_compressed(folder / FILE, allow_pickle=False, **arrays)


def collect(data: Dataset, outputs: Mapping[str, Float]) -> Predictions:
    """The judged results among outputs [n, T, K] of every step of these windows, by names of MODELS.

    "last_value" is added where every target is a channel.
    """
    window, step = data.judged
    last = data.last_values
    if last is not None:
        outputs = {**outputs, "last_value": last}
    names, numbers = np.unique([""] * data.n if data.group is None else data.group, return_inverse=True)
    return Predictions(
        y=data.wanted,
        outputs={name: np.asarray(values[window, step], np.float32) for name, values in outputs.items()},
        window=window.astype(np.int32),
        step=step.astype(np.int32),
        length=data.lengths[window],
        start=data.start[window],
        recording=data.recording[window],
        group=numbers.astype(np.int32)[window],
        groups=() if data.group is None else tuple(names.tolist()),
        total=len(window),
    )


def load(folder: Path, interface: Interface) -> Predictions:
    """Reads FILE from an artifact. Raises ArtifactError when it can't be read or does not fit the model."""
    path = folder / FILE
    try:
        return _from_arrays(read_npz(path, limit=_LIMIT), interface)
    except KeyError as error:
        raise ArtifactError(f"{path} can't be used (it lacks {error}): build the artifact again") from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} can't be used ({error}): build the artifact again") from error


def _from_arrays(arrays: dict[str, npt.NDArray[Any]], interface: Interface) -> Predictions:
    """Raises KeyError and ValueError for anything but what `save` writes for such a model."""
    y, total = arrays.pop("y"), arrays.pop("total")
    outputs = {name: arrays.pop(f"outputs/{name}") for name in MODELS if f"outputs/{name}" in arrays}
    places = {name: arrays.pop(name) for name in _PLACES}
    groups = arrays.pop("groups", np.zeros(0, np.str_))
    if arrays:
        raise ValueError(f"it holds {next(iter(arrays))[:40]!r}, which does not belong there")
    if "integer" not in outputs:
        raise KeyError("outputs/integer")
    _check_results(y, outputs, interface)
    _check_places(places, len(y))
    if groups.dtype.kind != "U" or groups.ndim != 1 or places["group"].max() >= max(len(groups), 1):
        raise ValueError("its groups do not fit its results")
    if total.shape != (1,) or total.dtype != np.int64 or total[0] < len(y):
        raise ValueError("its total is below the number of its results")
    return Predictions(y=y, outputs=outputs, **places, groups=tuple(groups.tolist()), total=int(total[0]))


def _check_results(y: npt.NDArray[Any], outputs: Mapping[str, npt.NDArray[Any]], interface: Interface) -> None:
    classified, count = interface.task == "classification", len(interface.outputs)
    n = len(y) if y.ndim else 0
    fits = y.dtype == (np.int64 if classified else np.float32) and y.shape == ((n,) if classified else (n, count))
    fits = fits and all(array.dtype == np.float32 and array.shape == (n, count) for array in outputs.values())
    if not fits or not n:
        raise ValueError("its arrays do not fit the model")
    if classified and (y.min() < 0 or y.max() >= count):
        raise ValueError("it holds a class that the model does not have")
    if not all(np.isfinite(array).all() for array in (y, *outputs.values())):
        raise ValueError("it holds numbers that are not finite")


def _check_places(places: Mapping[str, npt.NDArray[Any]], count: int) -> None:
    for name, dtype in _PLACES.items():
        if places[name].dtype != dtype or places[name].shape != (count,):
            raise ValueError(f"its {name} does not fit its results")
    if any(places[name].min() < 0 for name in ("window", "step", "start", "group")):
        raise ValueError("it holds a place below zero")
    if (places["step"] >= places["length"]).any():
        raise ValueError("a step of it lies behind its window")
