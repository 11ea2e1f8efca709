# SPDX-License-Identifier: Apache-2.0
"""A small program that holds every kind of primitive."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgernn.spec.program import SPEC_VERSION, Kernel, Program

TENSORS = {
    "x": (3, "int8", 5),
    "h": (2, "int16", 15),
    "c": (2, "int16", 11),
    "wide": (4, "int16", 11),
    "left": (2, "int16", 11),
    "right": (2, "int16", 11),
    "gate": (2, "int16", 15),
    "h8": (2, "int8", 7),
    "recurrent": (2, "int16", 13),
    "new": (2, "int16", 15),
    "kept": (2, "int16", 11),
    "sum": (2, "int16", 11),
    "difference": (2, "int16", 12),
    "wider": (2, "int16", 9),
    "y": (2, "int16", 9),
}
OPS = {
    "wide": ("linear", ["x"], ["wide"], "kernel"),
    "split": ("split", ["wide"], ["left", "right"], None),
    "gate": ("sigmoid", ["left"], ["gate"], None),
    "h8": ("operand", ["h"], ["h8"], None),
    "recurrent": ("linear", ["h8"], ["recurrent"], "recurrent"),
    "new": ("tanh", ["recurrent"], ["new"], None),
    "kept": ("mul", ["gate", "c"], ["kept"], None),
    "sum": ("add", ["kept", "right"], ["sum"], None),
    "difference": ("sub", ["sum", "new"], ["difference"], None),
    "wider": ("requantize", ["difference"], ["wider"], None),
    "y": ("relu", ["wider"], ["y"], None),
}


@pytest.fixture
def structure() -> dict[str, Any]:
    """The program without its kernels, as it is read from JSON."""
    made = {
        "spec_version": SPEC_VERSION,
        "x": "x",
        "y": "y",
        "states": [{"read": "h", "write": "new"}, {"read": "c", "write": "sum"}],
        "tensors": [{"name": n, "size": s, "dtype": d, "frac": f} for n, (s, d, f) in TENSORS.items()],
        "ops": [dict(zip(("kind", "inputs", "outputs", "kernel"), op, strict=True)) for op in OPS.values()],
    }
    return json.loads(json.dumps(made))


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
    """The JSON of an op, by the name of its first output, or "split"."""
    return lambda name: structure["ops"][list(OPS).index(name)]


@pytest.fixture
def program(structure: dict[str, Any], kernels: dict[str, Kernel]) -> Program:
    """The program."""
    return Program.from_structure(structure, kernels)
