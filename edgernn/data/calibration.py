# SPDX-License-Identifier: Apache-2.0
"""Windows to quantize a model on that was trained elsewhere; what they are labelled with, if at all, judges it."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import npz
from edgernn.data.dataset import Dataset, Task, from_arrays
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

    def dataset(self, task: Task, count: int, names: tuple[str, ...], features: tuple[str, ...]) -> Dataset:
        """The windows for a model of `count` outputs; y is zeros where the file has none.

        names, features: of the outputs and the channels, in place of the file's where they are not empty.
        Raises DataError when the file does not fit the task, the outputs or itself, ConfigError when `names` does not.
        """
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
            features=features or self._names.get("features"),
            complete=False,
        )

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
