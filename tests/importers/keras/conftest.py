# SPDX-License-Identifier: Apache-2.0
"""The models that Keras saved (`make.py`), a float model of what was read, and files to break."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgernn.importers import keras
from edgernn.importers.chain import Imported
from edgernn.model import FloatModel, Interface

FOLDER = Path(__file__).parent
FILES = sorted(file for file in FOLDER.glob("*/*") if file.suffix in (".keras", ".h5"))


@pytest.fixture(scope="session")
def folder() -> Path:
    """Models of the newest Keras."""
    return FOLDER / "3.15.1"


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def saved(request: pytest.FixtureRequest) -> Path:
    """Each file that Keras wrote."""
    return Path(request.param)


@pytest.fixture(scope="session")
def outputs() -> Callable[..., Any]:
    """What a model that was read computes of windows [n, T, F] of these lengths: [n, K], or [n, T, K] per step."""

    def compute(imported: Imported, x: Any, lengths: Any) -> Any:
        size, units = imported.features, imported.layers[-1].units
        zeros = np.zeros(size, np.float32)
        interface = Interface(
            task="regression",
            per_step=imported.per_step,
            features=tuple(map(str, range(size * (1 + imported.bidirectional)))),
            outputs=tuple(map(str, range(units))),
            mean=np.tile(zeros if imported.mean is None else imported.mean, 1 + imported.bidirectional),
            std=np.tile(zeros + 1 if imported.std is None else imported.std, 1 + imported.bidirectional),
            target_mean=np.zeros(units, np.float32),
            target_std=np.ones(units, np.float32),
            window=x.shape[1],
            rate=0.0,
            bidirectional=imported.bidirectional,
        )
        y = FloatModel(interface, imported.layers).forward(interface.steps(x, lengths))
        if not imported.per_step:
            y = y[np.arange(len(x)), lengths - 1]
        if imported.softmax:
            y = np.exp(y - y.max(axis=-1, keepdims=True))
            y /= y.sum(axis=-1, keepdims=True)
        return y

    return compute


@pytest.fixture
def rewritten(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a file whose configuration a function has changed."""

    def write(file: Path, change: Callable[[Any], Any]) -> Path:
        copy = tmp_path / file.name
        if file.suffix == ".h5":
            copy.write_bytes(file.read_bytes())
            with h5py.File(copy, "r+") as content:
                config = json.loads(content.attrs["model_config"])
                content.attrs["model_config"] = json.dumps(change(config))
            return copy
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, json.dumps(change(json.loads(data))) if name == "config.json" else data)
        return copy

    return write


@pytest.fixture
def reweighted(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a .keras file whose weights' HDF5 file a function has changed."""

    def write(file: Path, change: Callable[[h5py.File], None]) -> Path:
        copy = tmp_path / file.name
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name.endswith(".h5"):
                    stream = io.BytesIO(data)
                    with h5py.File(stream, "r+") as content:
                        change(content)
                    data = stream.getvalue()
                new.writestr(name, data)
        return copy

    return write


@pytest.fixture
def reason() -> Callable[[Path], str]:
    """Why a file is refused: one sentence on one line that begins with its path."""

    def read(path: Path) -> str:
        with pytest.raises(keras.ModelError) as caught:
            keras.read(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and message.isprintable() and not message.endswith(".")
        return message.removeprefix(f"{path}: ")

    return read
