# SPDX-License-Identifier: Apache-2.0
"""Compiling C for this machine and for a Cortex-M4."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgernn.backends.c.write import RUNTIME, sources
from edgernn.model import IntegerModel
from edgernn.quantize import quantize

STRICT = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wcast-qual -Wdouble-promotion -Werror".split()


@pytest.fixture(scope="session")
def strict() -> list[str]:
    """The warnings that the C has to be free of."""
    return STRICT


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., str]:
    """Runs a program that has to succeed; its output. A missing one fails the test with its Debian package."""

    def run(*command: object, package: str = "gcc") -> str:
        words = [str(word) for word in command]
        assert shutil.which(words[0]), f"{words[0]} is missing: install Debian's package {package} (make tools)"
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory, run_tool: Callable[..., str]) -> ctypes.CDLL:
    """The runtime's primitives as functions over arrays (shim.c)."""
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    files = [Path(__file__).with_name("shim.c"), *RUNTIME.glob("*.c")]
    run_tool("gcc", "-std=c99", "-O2", "-shared", "-fPIC", *STRICT, f"-I{RUNTIME}", "-o", library, *files)
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="session")
def quantized(make_model: Any) -> Callable[..., IntegerModel]:
    """The integer model of random weights (`make_model`)."""

    def make(*layers: tuple[str, int, dict[str, Any]], operands: str = "int8", **options: Any) -> IntegerModel:
        import numpy as np

        network = make_model(*layers, **options)
        x = np.random.default_rng(0).normal(size=(4, 12, len(network.interface.features))).astype(np.float32)
        return quantize(network, x, np.full(4, 12, np.int32), operands).model

    return make


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes the sources of models, by name, into one folder."""

    def write(**models: IntegerModel) -> Path:
        for name, model in models.items():
            for file, text in sources(model, name).items():
                (tmp_path / file).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def library(written: Callable[..., Path], run_tool: Callable[..., str]) -> Callable[..., ctypes.CDLL]:
    """Models, by name, compiled into one library."""

    def build(flags: Sequence[str] = (), **models: IntegerModel) -> ctypes.CDLL:
        folder = written(**models)
        target = folder / "models.so"
        run_tool("gcc", "-std=c99", "-O2", "-shared", "-fPIC", *STRICT, *flags, "-o", target, *folder.glob("*.c"))
        return ctypes.CDLL(str(target))

    return build
