# SPDX-License-Identifier: Apache-2.0
"""Processes of this Python, and of environments with runtimes that clash with it, in one thread."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from edgernn.workers.environment import surroundings
from edgernn.workers.site import Site, tflite_runtime, tflm

ROOT = Path(__file__).parents[1]
"""The folder that benchmarks/ is in."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SITES: Mapping[str, Site] = {"tflm": tflm(), "tflite_runtime": tflite_runtime()}
"""Environments by the names that the benchmarks have for their runtimes."""


def last_line(output: bytes) -> str:
    """Of what a program said before it failed."""
    lines = output.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "without a word")


def python(site: Site | None) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a Python that finds what is installed here, or in `site` alone, and benchmarks/.

    Raises WorkerError when the site is not installed.
    """
    if site is None:
        return [sys.executable], {**os.environ, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": str(ROOT)}
    site.check()
    environment = surroundings(site.packages)
    environment["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    return [*site.command(), "-S", "-s"], environment
