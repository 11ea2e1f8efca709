# SPDX-License-Identifier: Apache-2.0
"""Makers of models; a small artifact made without training, copies of it to break; the command line, and programs."""

import hashlib
import json
import shutil
import signal
import subprocess
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
from edgernn.data import streams
from edgernn.data.dataset import Dataset
from edgernn.golden import Golden, compute
from edgernn.golden import load as load_golden
from edgernn.model import FloatModel, IntegerModel, Interface, Layer
from edgernn.predictions import collect
from edgernn.quantize import quantize
from edgernn.train.fit import Fitted

pytest_plugins = ["tests.kernels", "tests.programs"]

STEPS = 12
"""Of the golden windows of the small artifact."""

PACKAGES = {
    "ar": "binutils",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "arm-none-eabi-nm": "binutils-arm-none-eabi",
    "clang++": "clang",
    "readelf": "binutils",
    "ssh-keygen": "openssh-client",
}
"""Debian's packages of programs that are in one of another name."""

# A script that starts this suite in the background has it ignore interrupts, and so would the programs it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

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
    """Every runtime of this process, in the order of the tables."""
    litert = ["litert-xnnpack", "litert-builtin", "litert-reference"]
    return ["numpy", "c", "native", "onnxruntime", "onnx-reference", *litert]


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
def strict() -> list[str]:
    """The warnings that all C has to be free of."""
    return "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wcast-qual -Wdouble-promotion -Werror".split()


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., str]:
    """Runs a program that has to succeed; its stdout. A missing one fails the test with its Debian package, unless it
    is given as `package` that of PACKAGES. Other keywords are those of `subprocess.run`.
    """

    def run(*command: object, package: str = "", **options: Any) -> str:
        words = [str(word) for word in command]
        needed = package or PACKAGES.get(words[0], words[0])
        assert shutil.which(words[0]), f"{words[0]} is missing: install Debian's package {needed} (make tools)"
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = subprocess.run(words, **{**pipes, "text": True, "timeout": 120} | options)
        assert done.returncode == 0, f"{command}\n{done.stdout or ''}{done.stderr or ''}"
        return str(done.stdout)

    return run


@pytest.fixture(scope="session")
def make_interface() -> MakeInterface:
    """An interface of so many features and outputs; fields can be given by name."""

    def make(features: int, outputs: int, /, **changed: Any) -> Interface:
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


@pytest.fixture(scope="session")
def quantized(make_model: MakeModel) -> Callable[..., IntegerModel]:
    """The integer model of random weights (`make_model`), calibrated on random windows."""

    def make(
        *layers: tuple[str, int, dict[str, Any]], operands: str = "int8", features: int = 5, **options: Any
    ) -> IntegerModel:
        x = np.random.default_rng(0).normal(size=(4, STEPS, features)).astype(np.float32)
        network = make_model(*layers, features=features, **options)
        return quantize(network, x, np.full(4, STEPS, np.int32), operands).model

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
    """Writes an artifact of such a model (`make_model`) of 3 channels, whose golden windows have STEPS, 7, 1 and STEPS
    steps.
    """

    def make(*layers: tuple[str, int, dict[str, Any]], **options: Any) -> Path:
        features = 6 if options.get("bidirectional") else 3
        model = make_model(*layers, features=features, window=STEPS, **options)
        lengths = np.array([STEPS, 7, 1, STEPS], np.int32)
        samples = np.random.default_rng(0).normal(size=(4, STEPS, 3)).astype(np.float32)
        x = model.interface.steps(samples, lengths)
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


@pytest.fixture
def judged(artifact: Path) -> Callable[..., Path]:
    """Gives `artifact` the predictions of a build whose held-out part is `data`; keywords are more of the manifest's
    "evaluation"."""

    def write(data: Dataset, never_reset: bool = False, **evaluation: Any) -> Path:
        model = load(artifact)
        outputs = {"float": model.session().run(data.x) + 0.01, "integer": model.session().run(data.x)}
        if never_reset:
            outputs["never_reset"] = streams.outputs(data, streams.streams(data), model.session().run)
        collect(data, outputs).bounded().save(artifact)
        manifest = {key: value for key, value in model.manifest.items() if key not in ("files", "format_version")}
        artifacts.write_manifest(artifact, {**manifest, "evaluation": evaluation})
        return artifact

    return write


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
    monkeypatch.setattr("edgernn.build.fit", lambda model, *arguments, **options: Fitted(model, ()))


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Runs `edgernn ARGUMENTS` in this process; anything but an exit fails the test with its traceback.

    On lines of 1,000 columns, so that sentences are whole; `env={"COLUMNS": None}` makes them as wide as they are
    without a terminal.
    """

    def run(*arguments: object, **options: Any) -> Result:
        result = CliRunner(env={"COLUMNS": "1000"}).invoke(
            edgernn, [str(argument) for argument in arguments], **options
        )
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
