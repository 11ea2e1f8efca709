# SPDX-License-Identifier: Apache-2.0
"""C compiled for exactly this machine, and called."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_FLAGS = ("-std=c99", "-march=native", "-shared", "-fPIC")


def library(path: Path, sources: Sequence[Path], include: Path | None = None, level: str = "-O2") -> ctypes.CDLL:
    """Compiles to `path` and loads it. Raises CalledProcessError when the compiler refuses."""
    includes = [f"-I{include}"] if include else []
    command = [shutil.which("cc") or "gcc", *_FLAGS, level, *includes, "-o", str(path)]
    subprocess.run([*command, *map(str, sources)], check=True)
    return ctypes.CDLL(str(path))


def text(made: ctypes.CDLL, name: str) -> str:
    """The string in an array of char."""
    return ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(made, name))).decode()


def number(made: ctypes.CDLL, name: str) -> int:
    """The value of an int64_t."""
    return ctypes.c_int64.in_dll(made, name).value
