# SPDX-License-Identifier: Apache-2.0
"""The other side of `benchmarks.peers.worker`."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.clock import Times
from benchmarks.elsewhere import SITES, last_line, python


class Runtime:
    """A runtime's process. It computes while it is asked for something, and waits otherwise."""

    def __init__(self, name: str, folders: Sequence[Path]) -> None:
        """Starts it on these cases; `listen` waits until it is ready. Raises WorkerError when it is not installed."""
        self.name = name
        self._errors = tempfile.TemporaryFile()
        arguments = ["-P", "-m", "benchmarks.peers.worker", name, *map(str, folders)]
        command, environment = python(SITES.get(name))
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*command, *arguments], stdin=pipe, stdout=pipe, stderr=self._errors, env=environment, text=True
        )

    def listen(self) -> dict[str, Any]:
        """What it says about itself: version; contenders and missing, by folder. Raises SystemExit when it fails."""
        description: dict[str, Any] = json.loads(self._answer())
        return description

    def results(self, folder: Path, number: int) -> npt.NDArray[Any]:
        """What a contender gives for its case's samples: [T, units]."""
        found: npt.NDArray[Any] = np.load(folder / f"{self.name}-{number}.npy")
        return found

    def time(self, folder: Path, number: int, repeats: int) -> Times:
        """The time for a contender's samples, so often."""
        assert self._process.stdin is not None
        print(folder, number, repeats, file=self._process.stdin, flush=True)
        passed, computed = map(float, self._answer().split())
        return passed, computed

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise SystemExit(f"{self.name} failed: {last_line(self._errors.read())}")
        return line
