# SPDX-License-Identifier: Apache-2.0
"""Windows to quantize a model on that was trained elsewhere; what they are labelled with, if at all, judges it."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import npz
from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import Dataset, Task
from edgernn.data.mistakes import check_targets
from edgernn.errors import ConfigError, DataError


class Calibration:
    """An .npz file as `edgernn.data.npz.load` takes it, whose y may be missing; class c is the model's output c."""

    def __init__(self, path: Path) -> None:
        """Raises DataError when it is no such file."""
        self._path = path
        self._arrays = npz.read(path)
        self._names = npz.named(path, self._arrays)

    @property
    def labelled(self) -> bool:
        """Whether there is a y."""
        return "y" in self._arrays

    @property
    def task(self) -> Task | None:
        """What y is good for, else what the names are; None where there is neither."""
        if self.labelled:
            return "regression" if self._arrays["y"].dtype.kind == "f" else "classification"
        if "classes" in self._names:
            return "classification"
        return "regression" if "targets" in self._names else None

    def check_channels(self, count: int) -> None:
        """Raises DataError where the windows are not of so many channels."""
        shape = self._arrays["x"].shape
        if len(shape) == 3 and shape[2] != count:
            turned = "save x.transpose(0, 2, 1), channels last" if shape[1] == count else "give windows like those"
            raise DataError(f"{self._path} has {shape[2]} channels, the model takes {count}: {turned}")

    def dataset(
        self, task: Task, count: int, names: tuple[str, ...], features: tuple[str, ...], rate: float = 0.0
    ) -> Dataset:
        """The windows for a model of `count` outputs; y is zeros where the file has none.

        names, features: of the outputs and the channels, in place of the file's where they are not empty; rate: as
        `edgernn.data.npz.load` takes it.
        Raises DataError when the file does not fit the task, the outputs or itself, ConfigError when `names` does not.
        """
        if self.labelled and "targets" not in self._names:
            check_targets(self._path.name, self._arrays["y"])
        if self.labelled and self.task != task:
            raise DataError(
                f"{self._path}: y is of {self.task}, the model of {task}: save classes as integers and real targets as "
                "floats, or leave y out"
            )
        key = "classes" if task == "classification" else "targets"
        outputs = names or self._names.get(key) or self._made_up(task, count)
        if len(outputs) != count:
            where = "the setting outputs" if names else f"the array `{key}` of {self._path}"
            kind = ConfigError if names else DataError
            raise kind(f"{where} has {len(outputs)} names, the model has {count} outputs: name each output")
        arrays = self._arrays
        return from_arrays(
            self._path.name,
            arrays["x"],
            self._y(task, count),
            lengths=arrays.get("lengths"),
            group=arrays.get("group"),
            split=arrays.get("split"),
            recording=arrays.get("recording"),
            start=arrays.get("start"),
            classes=outputs if task == "classification" else None,
            targets=outputs if task == "regression" else None,
            features=features or self._names.get("features") or self._channels(),
            rate=npz.rate_of(self._path, arrays, rate),
            complete=False,
        )

    def _channels(self) -> tuple[str, ...]:
        """Names for the channels, which are known to be those of the model."""
        return tuple(f"channel {c}" for c in range(self._arrays["x"].shape[-1] if self._arrays["x"].ndim else 0))

    def _made_up(self, task: Task, count: int) -> tuple[str, ...]:
        if task == "regression":
            return tuple(f"y{i}" for i in range(count))
        if self.labelled and self._arrays["y"].dtype.kind in "US":
            raise DataError(
                f"{self._path}: y holds names, and nothing says which output each belongs to: add an array `classes`, "
                "the names in the order of the model's outputs"
            )
        return tuple(f"class {i}" for i in range(count))

    def _y(self, task: Task, count: int) -> npt.NDArray[Any]:
        n = len(self._arrays["x"]) if self._arrays["x"].ndim else 0
        if not self.labelled:
            return np.zeros(n, np.int64) if task == "classification" else np.zeros((n, count), np.float32)
        y = self._arrays["y"]
        columns = 1 if y.ndim < 2 else y.shape[-1]
        if task == "regression" and columns != count:
            windows, steps = ([*self._arrays["x"].shape[:axes], count] for axes in (1, 2))
            raise DataError(
                f"{self._path}: y has {columns} targets, the model gives {count}: save those that it gives as {windows}"
                f", or of every step as {steps}"
            )
        return y
