# SPDX-License-Identifier: Apache-2.0
"""A small program that holds every kind of primitive."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgernn.spec.program import Kernel, Program


@pytest.fixture
def structure() -> dict[str, Any]:
    """The program without its kernels, as it is read from JSON."""
    made: dict[str, Any] = json.loads((Path(__file__).parents[1] / "small_program.json").read_text(encoding="utf-8"))
    return made


@pytest.fixture
def kernels() -> dict[str, Kernel]:
    """The program's kernels."""
    wide = np.array([[127, -3, 5], [64, 0, -127], [1, 2, 3], [-90, 80, 70]], np.int8)
    return {
        "kernel": Kernel(wide, np.array([100, -200, 0, 5], np.int32), np.array([8, 7, 9, 10], np.int32)),
        "recurrent": Kernel(np.array([[99, -7], [3, 50]], np.int8), np.zeros(2, np.int32), np.array([7, 8], np.int32)),
    }


@pytest.fixture
def tensor(structure: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """The JSON of a tensor, by name."""
    return lambda name: next(entry for entry in structure["tensors"] if entry["name"] == name)


@pytest.fixture
def op(structure: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """The JSON of an op, by the name of its first output."""
    return lambda name: next(entry for entry in structure["ops"] if entry["outputs"][0] == name)


@pytest.fixture
def program(structure: dict[str, Any], kernels: dict[str, Kernel]) -> Program:
    """The program."""
    return Program.from_structure(structure, kernels)
