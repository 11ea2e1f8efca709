# SPDX-License-Identifier: Apache-2.0
"""A comparison of both ONNX runtimes with the interpreter of the specification, and files taken apart."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from edgernn.backends.onnx import RUNTIMES
from edgernn.backends.onnx.write import FILE, integer_file
from edgernn.model import IntegerModel
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Program

Inputs = Mapping[str, npt.NDArray[Any]]
Agree = Callable[..., None]


@pytest.fixture
def agree(tmp_path: Path, as_model: Callable[[Program], IntegerModel]) -> Agree:
    """Asserts that every tensor of a program is the same in both runtimes, for each of some inputs."""

    def check(program: Program, *samples: Inputs) -> None:
        model, interpreter = as_model(program), Interpreter(program)
        (tmp_path / FILE).write_bytes(integer_file(model))
        steppers = {runtime.name: runtime.load(tmp_path, model) for runtime in RUNTIMES}
        computed = [name for op in program.ops for name in op.outputs]
        for sample in samples:
            expected = interpreter.step(sample)
            for path, stepper in steppers.items():
                found = {**stepper.trace(sample), **{f"{n}!": v for n, v in stepper.step(sample).items()}}
                wrong = [name for name in computed if not np.array_equal(found[name], expected[name])]
                wrong += [name for name in program.outputs if not np.array_equal(found[f"{name}!"], expected[name])]
                assert not wrong, f"{path} differs in {wrong}"

    return check


@pytest.fixture
def parse() -> Callable[[bytes], Any]:
    """A .onnx file as its `ModelProto`, once the checker and strict shape inference have passed it."""

    def read(content: bytes) -> Any:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model, full_check=True)
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)

    return read


@pytest.fixture(params=RUNTIMES, ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Any:
    """Each runtime."""
    return request.param
