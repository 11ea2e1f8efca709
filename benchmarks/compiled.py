# SPDX-License-Identifier: Apache-2.0
"""C compiled for exactly this machine, and called."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FLAGS = ("-std=c99", "-O2", "-march=native")


def library(path: Path, sources: Sequence[Path], include: Path | None = None) -> ctypes.CDLL:
    """Compiles to `path` and loads it. Raises CalledProcessError when the compiler refuses."""
    includes = [f"-I{include}"] if include else []
    command = [shutil.which("cc") or "gcc", *FLAGS, "-shared", "-fPIC", *includes, "-o", str(path)]
    subprocess.run([*command, *map(str, sources)], check=True)
    return ctypes.CDLL(str(path))
