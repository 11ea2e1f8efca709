# SPDX-License-Identifier: Apache-2.0
"""What is read computes what PyTorch did: 1e-5, the order of float32 sums over so few numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn.importers import state_dict

NAMES = sorted(path.stem for path in Path(__file__).with_name("pytorch").glob("*.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_computes_what_pytorch_did(folder: Path, computed: Callable[..., Any], name: str) -> None:
    imported = state_dict.read(folder / f"{name}.safetensors")
    with np.load(folder / f"{name}.npz") as expected:
        y = computed(imported, expected["x"])
        assert y.shape == expected["y"].shape
        assert np.abs(y - expected["y"]).max() <= 1e-5
    assert imported.bidirectional == ("both" in name)
    assert imported.layers[0].kind == name.split("_")[0]


def test_all_kinds_are_there(folder: Path) -> None:
    assert len(NAMES) == 13
    assert json.loads((folder / "versions.json").read_text())["torch"] == "2.13.0+cpu"


def test_layers_of_one_module_are_counted(folder: Path) -> None:
    imported = state_dict.read(folder / "gru_stacked.safetensors")
    assert [layer.kind for layer in imported.layers] == ["gru", "gru", "gru", "dense", "dense"]
    assert imported.softmax and not imported.per_step


@pytest.mark.parametrize("name", ["lstm_buffers", "lstm_numbers"])
def test_normalization(folder: Path, name: str) -> None:
    imported = state_dict.read(folder / f"{name}.safetensors")
    assert imported.mean is not None and imported.std is not None
    np.testing.assert_allclose(imported.mean, [0.5, -1, 2], rtol=1e-6)
    np.testing.assert_allclose(imported.std, [2, 0.5, 1.5], rtol=1e-6)


def test_a_description_elsewhere(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text((folder / "gru.toml").read_text().replace("[[layers]]", 'take = "all"\n[[layers]]', 1))
    assert not state_dict.read(folder / "gru.safetensors").per_step
    assert state_dict.read(folder / "gru.safetensors", elsewhere).per_step
