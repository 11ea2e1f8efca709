# SPDX-License-Identifier: Apache-2.0
"""`import edgernn` takes NumPy and the standard library, and says what is missing for the rest."""

import subprocess
import sys

import pytest

import edgernn
from edgernn import cli, errors
from edgernn.backends import select
from edgernn.config import load
from edgernn.errors import MissingExtraError


def modules_after(code):
    """Top-level packages that a fresh process has imported after `code`."""
    names = "{name.partition('.')[0] for name in sys.modules}"
    script = f"import sys\nbefore = {names}\n{code}\nprint(*sorted({names} - before))"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stderr == ""
    return set(finished.stdout.split())


def foreign(names):
    return names - set(sys.stdlib_module_names)


def test_every_error_is_exported():
    kinds = (value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception))
    own = {kind.__name__ for kind in kinds if kind.__module__ == errors.__name__}
    assert own and own <= set(edgernn.__all__)


def test_importing_edgernn_imports_numpy_only():
    assert foreign(modules_after("import edgernn")) == {"edgernn", "numpy"}


def test_streaming_imports_numpy_only(pristine):
    code = f"import edgernn\nedgernn.load({str(pristine)!r}).session().step([0.0, 1.0, 2.0])"
    assert foreign(modules_after(code)) == {"edgernn", "numpy"}


def test_help_imports_no_heavy_package():
    code = """
import contextlib, io
from edgernn.cli.group import edgernn
with contextlib.redirect_stdout(io.StringIO()):
    edgernn(["--help"], standalone_mode=False)
"""
    heavy = {"tensorflow", "keras", "ai_edge_litert", "pandas", "seglearn", "onnx"}
    assert not heavy & modules_after(code)


@pytest.mark.parametrize("command", ["validate", "inspect", "run", "bench", "export", "boards", "firmware"])
def test_commands_on_artifacts_need_no_training_package(command):
    names = modules_after(
        f"import edgernn.cli.commands.{command}, edgernn.validate, edgernn.bench.host, edgernn.bench.device"
    )
    assert not {"tensorflow", "keras", "pandas", "seglearn"} & names


@pytest.mark.parametrize("package", ["click", "pydantic", "rich"])
def test_the_command_line_without_its_packages(package):
    script = f"""
import sys
sys.modules[{package!r}] = None
sys.argv = ["edgernn", "build", "--set", "train.epochs=0"]
from edgernn.cli import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    wanted = (
        f"edgernn: the command line needs {package}, which is not installed: "
        "run pip install '.[cli]' in the folder of edgernn's sources\n"
    )
    assert (finished.returncode, finished.stderr) == (1, wanted)


def test_another_missing_module_is_a_bug(monkeypatch):
    monkeypatch.setitem(sys.modules, "edgernn.cli.group", None)
    with pytest.raises(ModuleNotFoundError):
        cli.main()


@pytest.mark.parametrize(
    ("package", "source", "extra"),
    [
        ("seglearn", "watch", "data"),
        ("pandas", "csv", "data"),
        ("ai_edge_litert", "npz", "litert"),
        ("tensorflow", "npz", "train"),
        ("keras", "npz", "train"),
    ],
)
def test_a_build_without_a_package(windows, tmp_path, refused, monkeypatch, package, source, extra):
    from edgernn.train.libraries import tensorflow_and_keras

    tensorflow_and_keras.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    data = {"npz": windows(), "csv": tmp_path / "rows.csv", "watch": ""}[source]
    (tmp_path / "rows.csv").write_text("ax,ay,az,label\n1,2,3,a\n")
    before = sorted(tmp_path.iterdir())
    options = [f"data.source={source}"] + ([f"data.path={data}"] if data else [])
    options += ["data.label=label"] if source == "csv" else []
    sets = [argument for option in options for argument in ("--set", option)]
    message = refused(1, "build", "--out", tmp_path / "out", *sets)
    assert package.replace("_", "-") in message
    assert f"not installed: run pip install '.[{extra}]' in the folder of edgernn's sources" in message
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (
            ("build",),
            "edgernn build needs tensorflow, keras, seglearn, onnxruntime, onnx and ai-edge-litert, which are not "
            "installed: run pip install '.[train,data,onnx,litert]' in the folder of edgernn's sources",
        ),
        (
            ("build", "--folds", "--set", "data.source=npz", "--set", "data.path=none.npz"),
            "edgernn build needs tensorflow, keras, onnxruntime, onnx and ai-edge-litert, which are not "
            "installed: run pip install '.[train,onnx,litert]' in the folder of edgernn's sources",
        ),
        (
            ("convert", "model.safetensors", "--calibrate", "none.npz"),
            "edgernn convert needs safetensors, onnxruntime, onnx and ai-edge-litert, which are not "
            "installed: run pip install '.[convert,onnx,litert]' in the folder of edgernn's sources",
        ),
    ],
)
def test_all_that_is_missing_is_named_at_once(tmp_path, refused, monkeypatch, command, wanted):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\2" + b"\0" * 7 + b"{}")
    for package in (
        "tensorflow",
        "keras",
        "seglearn",
        "pandas",
        "onnx",
        "onnxruntime",
        "ai_edge_litert",
        "safetensors",
    ):
        monkeypatch.setitem(sys.modules, package, None)
    assert refused(1, *command).strip() == f"edgernn: {wanted}"


def test_a_runtime_without_its_package_has_no_version(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    (runtime,) = select(("litert-builtin",))
    with pytest.raises(MissingExtraError, match=r"\.\[litert\]"):
        runtime.version()


def test_configurations_load_without_the_data_packages(monkeypatch):
    for package in ("pandas", "seglearn"):
        monkeypatch.setitem(sys.modules, package, None)
    assert load(None).data.source == "watch"
