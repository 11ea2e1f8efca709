# SPDX-License-Identifier: Apache-2.0
"""The data set `watch`: shoulder exercises recorded with a smartwatch, inside the PyPI package seglearn 1.2.5.

140 recordings of 10 people and 7 exercises, accelerometer and gyroscope, 50 Hz (BSD-3).
D. Burns et al., Shoulder physiotherapy exercise recognition, https://arxiv.org/abs/1802.01489
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.data import pickled_arrays
from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import Dataset, Series
from edgernn.data.windows import check_window, cut, in_steps, join
from edgernn.errors import ConfigError, DataError, MissingExtraError

RATE = 50.0
"""Hz, before `decimate`."""
SEGLEARN = "1.2.5"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"


def load(window: int | str = "4s", stride: int | str = "0.5s", decimate: int = 4) -> Dataset:
    """Windows of the recordings, labelled with the exercise; the group is the person ("person 01".."person 10").

    decimate: averages blocks of so many samples into one (1 keeps 50 Hz). window, stride: steps (100 or "100") or
    seconds ("4s") at the decimated rate. x is in the units of the file (it states none; gravity is about 1).
    A window never spans two recordings. Raises MissingExtraError without seglearn, DataError for another version's
    file, ConfigError for a wrong option.
    """
    if decimate < 1:
        raise ConfigError(f"decimate is {decimate}; give 1 or more")
    rate = RATE / decimate
    length = in_steps("window", window, rate)
    stride = in_steps("stride", stride, rate)
    content = _content()
    series = [_decimated(recording, decimate) for recording in content["X"]]
    check_window("watch", length, max(len(recording) for recording in series))
    parts = [cut(recording, None, length, stride) for recording in series]
    counts = [len(part.start) for part in parts]
    windows = join(parts)
    return from_arrays(
        "watch",
        windows.x,
        np.repeat(content["y"], counts),
        lengths=windows.lengths,
        group=np.repeat([f"person {number:02}" for number in content["subject"]], counts),
        recording=np.repeat(np.arange(len(parts)), counts),
        start=windows.start,
        classes=content["y_labels"],
        features=content["X_labels"],
        rate=rate,
        series=[Series(number, 0, recording) for number, recording in enumerate(series)],
    )


def file() -> Path:
    """Where seglearn keeps the recordings; found without importing seglearn, which would load scikit-learn."""
    spec = importlib.util.find_spec("seglearn")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("the data set `watch`", "seglearn", "data")
    return Path(spec.submodule_search_locations[0]) / "data" / "watch_dataset.npy"


def _content() -> dict[str, Any]:
    path = file()
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: can't be read ({error.strerror}); run pip install seglearn=={SEGLEARN}") from None
    if digest != SHA256:
        raise DataError(f"{path}: is not the file of seglearn {SEGLEARN}; run pip install seglearn=={SEGLEARN}")
    content = pickled_arrays.read(path)
    assert isinstance(content, dict)
    return content


def _decimated(series: npt.NDArray[np.float64], factor: int) -> npt.NDArray[np.float64]:
    """[N, F] -> [N // factor, F], the means of blocks; what fills no block is left out."""
    if len(series) < factor:
        raise ConfigError(f"decimate is {factor}, longer than a recording of {len(series)} samples; give less")
    steps = len(series) // factor
    blocks: npt.NDArray[np.float64] = series[: steps * factor].reshape(steps, factor, -1)
    means: npt.NDArray[np.float64] = blocks.mean(axis=1)
    return means
