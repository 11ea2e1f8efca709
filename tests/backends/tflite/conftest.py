# SPDX-License-Identifier: Apache-2.0
"""A comparison of all kernel paths of this machine with the interpreter of the specification."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.backends.tflite.expose import with_all_outputs
from edgernn.backends.tflite.graph import schema
from edgernn.backends.tflite.lower import input_names
from edgernn.backends.tflite.runtime import RUNTIMES
from edgernn.backends.tflite.write import integer_file
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Program
from edgernn.workers.client import Worker
from edgernn.workers.environments import KernelPath, kernel_paths

Inputs = Mapping[str, npt.NDArray[Any]]
Agree = Callable[..., None]


@pytest.fixture(scope="session")
def workers() -> Iterator[list[tuple[KernelPath, Worker]]]:
    """A worker for each kernel path of this machine: three of LiteRT, three of tflite-runtime, and TFLM's."""
    paths = [path for path in kernel_paths().values() if not path.environment.emulated]
    opened = [(path, path.open()) for path in paths]
    yield opened
    for _, worker in opened:
        worker.close()


@pytest.fixture
def agree(workers: list[tuple[KernelPath, Worker]], as_model: Callable[[Program], IntegerModel]) -> Agree:
    """Asserts that every tensor of a program is the same on every kernel path, for each of some inputs."""

    def check(program: Program, *samples: Inputs) -> None:
        exposed, interpreter = with_all_outputs(integer_file(as_model(program))), Interpreter(program)
        computed = [name for op in program.ops for name in op.outputs]
        names = {path.name: [info.name for info in worker.load(exposed, path.kernels)[1]] for path, worker in workers}
        for sample in samples:
            expected = interpreter.step(sample)
            given = [sample[name][None] for name in input_names(program).values()]
            for path, worker in workers:
                found = dict(zip(names[path.name], worker.run(given), strict=True))
                wrong = [name for name in computed if not np.array_equal(found[name][0], expected[name])]
                assert not wrong, f"{path.name} differs in {wrong}"

    return check


@pytest.fixture
def read_file() -> Callable[[bytes], Any]:
    """A .tflite file as the schema's `ModelT`."""
    return lambda content: schema().ModelT.InitFromPackedBuf(content)


@pytest.fixture(params=RUNTIMES, ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Any:
    """Each kernel path in this process."""
    return request.param
