# SPDX-License-Identifier: Apache-2.0
"""Compiling C for this machine and for a Cortex-M4."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgernn.backends.c.write import sources
from edgernn.model import IntegerModel


@pytest.fixture(scope="session")
def shared(run_tool: Callable[..., str], strict: list[str]) -> Callable[..., ctypes.CDLL]:
    """Compiles sources, after flags, into a library."""

    def build(target: Path, *words: str | Path) -> ctypes.CDLL:
        run_tool("gcc", "-std=c99", "-O2", "-shared", "-fPIC", *strict, "-o", target, *words)
        return ctypes.CDLL(str(target))

    return build


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
def library(written: Callable[..., Path], shared: Callable[..., ctypes.CDLL]) -> Callable[..., ctypes.CDLL]:
    """Models, by name, compiled into one library."""

    def build(flags: Sequence[str] = (), **models: IntegerModel) -> ctypes.CDLL:
        folder = written(**models)
        return shared(folder / "models.so", *flags, *folder.glob("*.c"))

    return build
