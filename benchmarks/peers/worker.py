# SPDX-License-Identifier: Apache-2.0
"""The contenders of one runtime in a process of their own: python -m benchmarks.peers.worker RUNTIME FOLDER...

RUNTIME is a module of `benchmarks.peers.contenders`, each FOLDER a case. The first line on stdout is JSON: the
runtime's version, by folder what its contenders are, and what it can't do; their results are FOLDER/RUNTIME-NUMBER.npy
then. After that, a line "FOLDER NUMBER REPEATS" on stdin runs a contender's samples so often and is answered with
"SECONDS SECONDS": those that passed, and those that all threads of this process computed.
"""

import gc
import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from benchmarks.clock import Times, timed
from benchmarks.peers.case import Contender, Missing, read


def main() -> None:
    """What a runtime prints goes to stderr."""
    runtime, *folders = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module = importlib.import_module(f"benchmarks.peers.contenders.{runtime}")
    loaded, missing = {}, {}
    for folder in folders:
        found: list[Contender | Missing] = list(module.contenders(read(Path(folder))))
        loaded[folder] = [contender for contender in found if isinstance(contender, Contender)]
        missing[folder] = [asdict(contender) for contender in found if isinstance(contender, Missing)]
        for number, contender in enumerate(loaded[folder]):
            np.save(Path(folder) / f"{runtime}-{number}.npy", results(contender))
    described = {folder: [_described(contender) for contender in own] for folder, own in loaded.items()}
    _say(answers, json.dumps({"version": module.version(), "contenders": described, "missing": missing}))
    for line in sys.stdin:
        folder, place, repeats = line.split()
        passed, computed = turn(loaded[folder][int(place)], int(repeats))
        _say(answers, f"{passed} {computed}")


def results(contender: Contender) -> npt.NDArray[Any]:
    """What it gives for the case's samples, from a state of zero when it has not been called: [T, units]."""
    found = [np.array(contender.call(x)) for x in contender.inputs]
    return np.stack([steps.reshape(-1, steps.shape[-1]) for steps in found]).reshape(-1, found[0].shape[-1])


def turn(contender: Contender, repeats: int) -> Times:
    """The time for its samples, so often, after once more without a clock."""
    _run(contender, 1)
    gc.disable()
    times = timed(lambda: _run(contender, repeats))
    gc.enable()
    return times


def _run(contender: Contender, repeats: int) -> None:
    call, inputs = contender.call, contender.inputs
    for _ in range(repeats):
        for x in inputs:
            call(x)


def _described(contender: Contender) -> dict[str, str]:
    return {"name": contender.name, "mode": contender.mode, "arithmetic": contender.arithmetic}


def _say(answers: TextIO, line: str) -> None:
    print(line, file=answers, flush=True)


if __name__ == "__main__":
    main()
