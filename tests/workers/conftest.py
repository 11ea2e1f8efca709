# SPDX-License-Identifier: Apache-2.0
"""Real runtimes in real environments: `edgernn runtimes install all` has made them. Fake workers in a line of code."""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from edgernn.backends.tflite.graph import Graph
from edgernn.backends.tflite.write import integer_file
from edgernn.workers.client import Worker
from edgernn.workers.environments import KernelPath, kernel_paths


@pytest.fixture(
    params=[
        pytest.param(path, id=name, marks=pytest.mark.nightly if name.startswith(("pi3", "pi5")) else ())
        for name, path in kernel_paths().items()
    ]
)
def path(request: pytest.FixtureRequest) -> KernelPath:
    """Each kernel path."""
    found: KernelPath = request.param
    return found


@pytest.fixture
def worker() -> Iterator[Worker]:
    """LiteRT of this Python, in a worker."""
    with kernel_paths()["litert-builtin"].open() as opened:
        yield opened


@pytest.fixture
def model(quantized: Callable[..., Any]) -> bytes:
    """The file of a GRU of 5 inputs: x, and one state of 6."""
    return integer_file(quantized(("gru", 6, {}), ("dense", 2, {})))


@pytest.fixture
def crashing() -> bytes:
    """What crashes tflite-runtime 2.14.0 on aarch64: a small int8 product, a scale a row, without a bias."""
    graph = Graph()
    x = graph.tensor("x", [1, 3], "int8", 7)
    weights = graph.constant("w", np.ones((2, 3), np.int8), np.array([5, 6]))
    y = graph.tensor("y", [1, 2], "int8", 6)
    graph.op("FULLY_CONNECTED", [x, weights, -1], [y])
    return graph.finish({"x": x}, {"y": y}, {})


@pytest.fixture
def fake() -> Iterator[Callable[[str], Worker]]:
    """A worker that is this Python code; `say` writes a line of the protocol."""
    started = []

    def start(code: str) -> Worker:
        prelude = "import os, sys, time\ndef say(line): os.write(1, line.encode() + b'\\n')\n"
        started.append(Worker("fake", [sys.executable, "-S", "-c", prelude + code], os.environ))
        return started[-1]

    yield start
    for one in started:
        one.close()
