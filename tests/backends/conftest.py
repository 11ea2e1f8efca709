# SPDX-License-Identifier: Apache-2.0
"""Random models of every cell, and a comparison of LiteRT's kernel paths with the interpreter of the specification."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgernn import cells
from edgernn.backends.tflite import RUNTIMES
from edgernn.backends.tflite.graph import schema
from edgernn.backends.tflite.write import FILE, integer_file
from edgernn.model import FloatModel, IntegerModel, Interface, Layer
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Program

Inputs = Mapping[str, npt.NDArray[Any]]
Agree = Callable[..., None]
MakeModel = Callable[..., FloatModel]


def interface(features: int, outputs: int) -> Interface:
    return Interface(
        task="classification",
        per_step=False,
        features=tuple(f"f{i}" for i in range(features)),
        outputs=tuple(f"c{i}" for i in range(outputs)),
        mean=np.linspace(-0.5, 0.5, features, dtype=np.float32),
        std=np.linspace(0.7, 1.3, features, dtype=np.float32),
        target_mean=np.zeros(outputs, np.float32),
        target_std=np.ones(outputs, np.float32),
        window=20,
        rate=50.0,
    )


def wrap(program: Program) -> IntegerModel:
    return IntegerModel(interface(program.tensors[program.x].size, program.tensors[program.y].size), program)


@pytest.fixture
def as_model() -> Callable[[Program], IntegerModel]:
    """An integer model around a program."""
    return wrap


@pytest.fixture
def agree(tmp_path: Path) -> Agree:
    """Asserts that every tensor of a program is the same on every kernel path, for each of some inputs."""

    def check(program: Program, *samples: Inputs) -> None:
        model, interpreter = wrap(program), Interpreter(program)
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
def make_model() -> MakeModel:
    """A float model with random weights from (kind, units, options) of its layers."""

    def make(*layers: tuple[str, int, dict[str, Any]], features: int = 5, seed: int = 0) -> FloatModel:
        rng = np.random.default_rng(seed)
        inputs, made = features, []
        for kind, units, options in layers:
            options = {**cells.get(kind).OPTIONS, **options}
            shapes = cells.get(kind).shapes(inputs, units, **options)
            weights = {name: _weight(rng, shape) for name, shape in shapes.items()}
            made.append(Layer(kind, units, options, weights))
            inputs = units
        return FloatModel(interface(features, inputs), tuple(made))

    return make


def _weight(rng: np.random.Generator, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    return rng.normal(0, 1 / np.sqrt(shape[0]), shape).astype(np.float32)


@pytest.fixture
def read_file() -> Callable[[bytes], Any]:
    """A .tflite file as the schema's `ModelT`."""
    return lambda content: schema().ModelT.InitFromPackedBuf(content)
