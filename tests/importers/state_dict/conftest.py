# SPDX-License-Identifier: Apache-2.0
"""The files that PyTorch's tensors were saved in (`make.py`), and others made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from edgernn.errors import ConfigError, ModelError
from edgernn.importers import state_dict

FOLDER = Path(__file__).with_name("pytorch")
GRU = '[[layers]]\nname = "rnn"\nkind = "gru"\n'


@pytest.fixture(scope="session")
def folder() -> Path:
    """With what PyTorch saved."""
    return FOLDER


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a GRU of 2 units on 3 features, "rnn", and its description; keywords change its tensors, None leaves one
    out.
    """

    def make(description: str = GRU, **changed: Any) -> Path:
        shapes = {"weight_ih_l0": (6, 3), "weight_hh_l0": (6, 2), "bias_ih_l0": (6,), "bias_hh_l0": (6,)}
        tensors = {f"rnn.{name}": np.full(shape, 0.5, np.float32) for name, shape in shapes.items()}
        tensors |= {name.replace("__", "."): value for name, value in changed.items()}
        path = tmp_path / "model.safetensors"
        save_file({name: value for name, value in tensors.items() if value is not None}, path)
        path.with_suffix(".toml").write_text(description, encoding="utf-8")
        return path

    return make


@pytest.fixture(scope="session")
def reason() -> Callable[..., str]:
    """Why a file or its description is refused: one sentence on one line."""

    def read(path: Path, kind: type[Exception] = ModelError) -> str:
        with pytest.raises((ModelError, ConfigError)) as caught:
            state_dict.read(path)
        assert caught.type is kind
        message = str(caught.value)
        assert message.isprintable() and not message.endswith(".") and len(message) < 500
        return message

    return read
