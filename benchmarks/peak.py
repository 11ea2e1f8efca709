# SPDX-License-Identifier: Apache-2.0
"""How many products of 8-bit integers a core of this machine can add up a second: `peak.c`."""

import ctypes
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.compiled import library, text

_SOURCE = Path(__file__).with_name("peak.c")
_ROUNDS = 50_000
_BYTES, _ALIGNMENT = 2048, 64


class Peak:
    """The instruction of this machine, and its rate. Raises CalledProcessError when the C does not compile."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            made = library(Path(scratch) / "peak.so", [_SOURCE])
        self.instruction = text(made, "instruction")
        self._run = made.run
        self._run.restype, self._run.argtypes = ctypes.c_int64, [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
        self._memory = np.zeros(2 * _BYTES + _ALIGNMENT, np.uint8)

    def turn(self) -> float:
        """Products a nanosecond."""
        start_of_memory = self._memory.ctypes.data
        into = start_of_memory + -start_of_memory % _ALIGNMENT
        start = time.perf_counter()
        macs = self._run(_ROUNDS, into, into + _BYTES)
        return float(macs) / (time.perf_counter() - start) / 1e9
