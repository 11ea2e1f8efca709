# SPDX-License-Identifier: Apache-2.0
"""A comparison of LiteRT's kernel paths with the interpreter of the specification."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn.backends.tflite import RUNTIMES
from edgernn.backends.tflite.graph import schema
from edgernn.backends.tflite.write import FILE, integer_file
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Program

Inputs = Mapping[str, npt.NDArray[Any]]
Agree = Callable[..., None]


@pytest.fixture
def agree(tmp_path: Path, as_model: Callable[[Program], IntegerModel]) -> Agree:
    """Asserts that every tensor of a program is the same on every kernel path, for each of some inputs."""

    def check(program: Program, *samples: Inputs) -> None:
        model, interpreter = as_model(program), Interpreter(program)
        (tmp_path / FILE).write_bytes(integer_file(model))
        steppers = {runtime.name: runtime.load(tmp_path, model) for runtime in RUNTIMES}
        computed = [name for op in program.ops for name in op.outputs]
        for sample in samples:
            expected = interpreter.step(sample)
            for path, stepper in steppers.items():
                found = stepper.trace(sample)
                wrong = [name for name in computed if not np.array_equal(found[name], expected[name])]
                assert not wrong, f"{path} differs in {wrong}"

    return check


@pytest.fixture
def read_file() -> Callable[[bytes], Any]:
    """A .tflite file as the schema's `ModelT`."""
    return lambda content: schema().ModelT.InitFromPackedBuf(content)


@pytest.fixture(params=RUNTIMES, ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Any:
    """Each kernel path."""
    return request.param
