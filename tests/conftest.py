# SPDX-License-Identifier: Apache-2.0
"""Makers of models; a small artifact made without training, copies of it to break, and the command line in-process."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from edgernn import Model, backends, cells, load
from edgernn import artifact as artifacts
from edgernn.cli.group import edgernn
from edgernn.golden import Golden, compute
from edgernn.golden import load as load_golden
from edgernn.model import FloatModel, Interface, Layer
from edgernn.quantize import quantize
from edgernn.spec import ops
from edgernn.spec.program import Kernel, Op, Program, ProgramError, State, Tensor

STEPS = 12
"""Of the golden windows of the small artifact."""

MakeInterface = Callable[..., Interface]
MakeModel = Callable[..., FloatModel]
MakeArtifact = Callable[..., Path]

RECURRENT: dict[str, tuple[str, dict[str, Any]]] = {
    "rnn": ("rnn", {}),
    "gru": ("gru", {"reset_after": True}),
    "gru of the paper": ("gru", {"reset_after": False}),
    "lstm": ("lstm", {}),
}


@pytest.fixture(scope="session")
def runtime_names() -> list[str]:
    """Every runtime of this machine, in the order of the tables."""
    return ["numpy", "c", "native", "litert-xnnpack", "litert-builtin", "litert-reference"]


@pytest.fixture(params=RECURRENT.values(), ids=RECURRENT)
def recurrent(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Each recurrent cell with each of its options: kind and options."""
    found: tuple[str, dict[str, Any]] = request.param
    return found


@pytest.fixture(scope="session")
def every_recurrent() -> list[tuple[str, dict[str, Any]]]:
    """All of `recurrent` at once."""
    return list(RECURRENT.values())


@pytest.fixture(scope="session")
def make_interface() -> MakeInterface:
    """An interface of so many features and outputs; fields can be given by name."""

    def make(features: int, outputs: int, **changed: Any) -> Interface:
        fields: dict[str, Any] = {
            "task": "classification",
            "per_step": False,
            "features": tuple(f"f{i}" for i in range(features)),
            "outputs": tuple(f"c{i}" for i in range(outputs)),
            "mean": np.linspace(-0.5, 0.5, features, dtype=np.float32),
            "std": np.linspace(0.7, 1.3, features, dtype=np.float32),
            "target_mean": np.zeros(outputs, np.float32),
            "target_std": np.ones(outputs, np.float32),
            "window": 20,
            "rate": 50.0,
        }
        return Interface(**fields | changed)

    return make


@pytest.fixture(scope="session")
def make_model(make_interface: MakeInterface) -> MakeModel:
    """A float model with random weights from (kind, units, options) of its layers; weights of `spread` / sqrt(rows)."""

    def make(
        *layers: tuple[str, int, dict[str, Any]],
        features: int = 5,
        seed: int = 0,
        spread: float = 1.0,
        **interface: Any,
    ) -> FloatModel:
        rng = np.random.default_rng(seed)
        inputs, made = features, []
        for kind, units, options in layers:
            options = {**cells.get(kind).OPTIONS, **options}
            shapes = cells.get(kind).shapes(inputs, units, **options)
            weights = {name: _weight(rng, shape, spread) for name, shape in shapes.items()}
            made.append(Layer(kind, units, options, weights))
            inputs = units
        return FloatModel(make_interface(features, inputs, **interface), tuple(made))

    return make


def _weight(rng: np.random.Generator, shape: Sequence[int], spread: float) -> npt.NDArray[np.float32]:
    return rng.normal(0, spread / np.sqrt(shape[0]), shape).astype(np.float32)


@pytest.fixture(scope="session")
def worked_examples() -> dict[str, Any]:
    """The worked examples of the project's source documents."""
    examples: dict[str, Any] = json.loads(Path(__file__).with_name("worked_examples.json").read_text(encoding="utf-8"))
    return examples


@pytest.fixture(scope="session")
def make_artifact(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> MakeArtifact:
    """Writes an artifact of such a model (`make_model`), whose golden windows have STEPS, 7, 1 and STEPS steps."""

    def make(*layers: tuple[str, int, dict[str, Any]], **options: Any) -> Path:
        model = make_model(*layers, features=3, window=STEPS, **options)
        x = np.random.default_rng(0).normal(size=(4, STEPS, 3)).astype(np.float32)
        lengths = np.array([STEPS, 7, 1, STEPS], np.int32)
        integer = quantize(model, x, lengths).model
        folder = tmp_path_factory.mktemp("made") / "small"
        folder.mkdir()
        for backend in backends.backends():
            backend.export(integer, model, folder.name, folder)
        compute(integer, integer.quantize_input(x), lengths).save(folder)
        metrics = {"float": {"accuracy": 0.75, "parameters": 182}, "pruned": None, "int8": {"accuracy": 0.5}}
        artifacts.write_manifest(folder, {"name": folder.name, "metrics": metrics})
        return folder

    return make


@pytest.fixture(scope="session")
def pristine(make_artifact: MakeArtifact) -> Path:
    """A GRU of 5 units on f0, f1, f2 into the classes c0, c1. Don't change its files."""
    return make_artifact(("gru", 5, {}), ("dense", 2, {}))


@pytest.fixture(scope="session")
def random_program() -> Callable[[int], Program]:
    """A legal program made of random ops on random vectors, of shapes that no cell has, for each seed."""

    def make(seed: int) -> Program:
        rng = np.random.default_rng(seed)
        while True:
            try:
                return _random_program(rng)
            except ProgramError:
                continue

    return make


def _random_program(rng: np.random.Generator) -> Program:
    """Draws until it is legal; raises ProgramError when it is not."""
    sizes = (1, 3, 4, 6, 17)
    x = Tensor("x", int(rng.integers(1, 9)), str(rng.choice(list(ops.OPERAND_LIMIT))), 5)
    reads = [Tensor(f"s/{i}", int(rng.choice(sizes)), "int16", 15) for i in range(rng.integers(0, 4))]
    tensors = {tensor.name: tensor for tensor in (x, *reads)}
    made: list[Op] = []
    kernels: dict[str, Kernel] = {}
    operands = [x]

    def emit(kind: str, inputs: Sequence[Tensor], size: int, frac: int, dtype: str = "int16", parts: int = 1) -> Tensor:
        outputs = [Tensor(f"l{len(made) % 3}/t{len(made)}_{i}", size, dtype, frac) for i in range(parts)]
        tensors.update({tensor.name: tensor for tensor in outputs})
        kernel = f"k/{len(made)}" if kind == "linear" else None
        made.append(Op(kind, tuple(t.name for t in inputs), tuple(t.name for t in outputs), kernel))
        return outputs[-1]

    def draw(size: int | None = None) -> Tensor:
        found = [t for t in tensors.values() if t.dtype == "int16" and t is not x and size in (None, t.size)]
        if not found:
            raise ProgramError("nothing fits")
        return found[rng.integers(len(found))]

    def linear() -> None:
        v = operands[rng.integers(len(operands))]
        rows = int(rng.choice((1, 3, 5, 12, 18, 34)))
        kernels[f"k/{len(made)}"] = Kernel(
            rng.integers(-127, 128, (rows, v.size)).astype(np.int8),
            (rng.integers(-9999, 9999, rows) * rng.integers(0, 2)).astype(np.int32),
            rng.integers(6, 10, rows).astype(np.int32),
        )
        out = emit("linear", [v], rows, v.frac + int(rng.integers(-3, 5)))
        if rng.integers(2):
            parts = int(rng.choice([n for n in (1, 2, 3) if rows % n == 0]))
            emit("split", [out], rows // parts, out.frac, parts=parts)

    linear()
    for _ in range(rng.integers(3, 20)):
        kind = str(
            rng.choice(["linear", "operand", "requantize", "split", "add", "sub", "mul", "sigmoid", "tanh", "relu"])
        )
        if kind == "linear":
            linear()
            continue
        a = draw()
        if kind == "operand":
            frac = a.frac - int(rng.integers(-2, 10))
            operands.append(emit(kind, [a], a.size, frac, str(rng.choice(list(ops.OPERAND_LIMIT)))))
        elif kind == "requantize":
            emit(kind, [a], a.size, a.frac - int(rng.integers(-5, 6)))
        elif kind == "split":
            parts = int(rng.choice([n for n in (1, 2, 3) if a.size % n == 0]))
            emit(kind, [a], a.size // parts, a.frac, parts=parts)
        elif kind in ("add", "sub"):
            emit(kind, [a, draw(a.size)], a.size, a.frac + int(rng.integers(-3, 3)))
        elif kind == "mul":
            emit(kind, [a, draw(a.size)], a.size, a.frac + int(rng.integers(-3, 3)))
        elif kind == "relu":
            emit(kind, [a], a.size, a.frac)
        else:
            fed = {"sigmoid": ops.SIGMOID_FRAC, "tanh": ops.TANH_FRAC}[kind]
            emit(kind, [emit("requantize", [a], a.size, fed)], a.size, ops.UNIT_FRAC)
    written = []
    for state in reads:
        source = draw(state.size)
        written.append(
            State(state.name, source.name if source.frac == 15 else emit("requantize", [source], state.size, 15).name)
        )
    y = list(tensors)[rng.integers(len(tensors))]
    return Program(tensors, tuple(made), kernels, "x", y, tuple(written))


@pytest.fixture
def model(pristine: Path) -> Model:
    """`pristine`, loaded."""
    return load(pristine)


@pytest.fixture
def expected(model: Model) -> Golden:
    """The golden vectors of `model`."""
    return load_golden(model.folder, model.integer.program)


@pytest.fixture
def artifact(pristine: Path, tmp_path: Path) -> Path:
    """A copy of `pristine` to break."""
    return Path(shutil.copytree(pristine, tmp_path / "artifact"))


@pytest.fixture(scope="session")
def rehash() -> Callable[[Path], None]:
    """Makes the hashes of a manifest right again, so that what stands in the files has to be checked."""

    def write(folder: Path) -> None:
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["files"] = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in manifest["files"]}
        path.write_text(json.dumps(manifest))

    return write


@pytest.fixture(scope="session")
def edit_json() -> Callable[..., None]:
    """Sets the value at a path of keys in a JSON file."""

    def edit(file: Path, *keys: str | int, value: Any) -> None:
        content = place = json.loads(file.read_text())
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        file.write_text(json.dumps(content))

    return edit


@pytest.fixture(scope="session")
def edit_npz() -> Callable[..., None]:
    """Changes or adds arrays of an .npz file; None takes one away."""

    def edit(file: Path, arrays: dict[str, npt.NDArray[Any] | None]) -> None:
        with np.load(file) as content:
            merged = {**content, **arrays}
        np.savez(file, **{name: array for name, array in merged.items() if array is not None})

    return edit


@pytest.fixture
def windows(tmp_path: Path) -> Callable[..., Path]:
    """Writes 60 windows of 10 people and 3 classes to an .npz file; keywords change its arrays, None leaves one out."""

    def write(**changed: Any) -> Path:
        y = np.arange(60) % 3
        x = np.random.default_rng(0).normal(size=(60, STEPS, 3)) + y[:, None, None]
        arrays = {"x": x, "y": y, "group": np.array([f"person {i // 6}" for i in range(60)]), **changed}
        np.savez(tmp_path / "windows.npz", **{name: array for name, array in arrays.items() if array is not None})
        return tmp_path / "windows.npz"

    return write


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `build` do all but train: weights are random, so that neither TensorFlow nor its compiler takes time."""

    def initialize(interface: Any, specs: Any, seed: int) -> FloatModel:
        rng, inputs, layers = np.random.default_rng(seed), len(interface.features), []
        for spec in specs:
            shapes = cells.get(spec.kind).shapes(inputs, spec.units, **spec.options)
            weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
            layers.append(Layer(spec.kind, spec.units, spec.options, weights))
            inputs = spec.units
        return FloatModel(interface, tuple(layers))

    monkeypatch.setattr("edgernn.build.initialize", initialize)
    monkeypatch.setattr("edgernn.build.fit", lambda model, *arguments, **options: model)


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Runs `edgernn ARGUMENTS` in this process; anything but an exit fails the test with its traceback."""

    def run(*arguments: object, **options: Any) -> Result:
        result = CliRunner().invoke(edgernn, [str(argument) for argument in arguments], **options)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def refused(cli: Callable[..., Result]) -> Callable[..., str]:
    """Runs a command that has to fail with this status, one line on stderr, and nothing on stdout; returns the line."""

    def run(status: int, *arguments: object, **options: Any) -> str:
        result = cli(*arguments, **options)
        assert (result.exit_code, result.stdout) == (status, ""), result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("edgernn: ")
        return line

    return run
