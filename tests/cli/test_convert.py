# SPDX-License-Identifier: Apache-2.0
"""`edgernn convert`: what it prints, what it refuses, and that a failure leaves nothing behind."""

import json
import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgernn


@pytest.fixture
def model(tmp_path):
    """A GRU of 6 units over 3 features with 4 outputs for the last step, as .onnx."""
    rng = np.random.default_rng(0)
    shapes = {"w": (1, 18, 3), "r": (1, 18, 6), "b": (1, 36), "kernel": (6, 4), "bias": (4,)}
    weights = [numpy_helper.from_array(rng.normal(0, 0.5, s).astype(np.float32), n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["steps", "w", "r", "b"], ["", "h"], hidden_size=6, linear_before_reset=1),
        helper.make_node("Squeeze", ["h", "first"], ["last"]),
        helper.make_node("Gemm", ["last", "kernel", "bias"], ["y"]),
    ]
    axis = numpy_helper.from_array(np.array([0], np.int64), "first")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["n", 11, 3]), ("y", ["n", 4])))
    graph = helper.make_graph(nodes, "gru", [x], [y], [*weights, axis])
    path = tmp_path / "gru.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)]).SerializeToString())
    return path


@pytest.fixture
def arguments(model, tmp_path):
    """Arguments of a conversion into OUT; keywords change the arrays of the data."""

    def make(*overrides, **changed):
        arrays = {"x": np.random.default_rng(0).normal(size=(40, 11, 3)), **changed}
        np.savez(tmp_path / "windows.npz", **arrays)
        decided = "y" in changed or any(text.startswith("task=") for text in overrides)
        overrides = (*overrides, *([] if decided else ["task=regression"]))
        sets = [argument for text in overrides for argument in ("--set", text)]
        return ["convert", model, "--calibrate", tmp_path / "windows.npz", "--out", tmp_path / "out", *sets]

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_json(arguments, cli, tmp_path):
    found = json.loads(cli(*arguments("outputs=['a', 'b', 'c', 'd']", y=np.arange(40) % 4), "--json", "-").stdout)
    assert found["artifact"] == str(tmp_path / "out") and found["normalization"] == "data"
    assert [stage["name"] for stage in found["stages"]] == ["float", "int8"]
    assert found["baselines"] == {"majority": 0.25} and 0 <= found["fidelity"]["same_class"] <= 1
    judged = json.loads(cli("evaluate", tmp_path / "out", "--json", "-").stdout)
    assert judged["models"]["integer"]["accuracy"] == found["stages"][1]["metrics"]["accuracy"]


def test_windows_without_labels_leave_nothing_to_evaluate(arguments, cli, refused, tmp_path):
    assert json.loads(cli(*arguments(), "--json", "-").stdout)["baselines"] == {}
    assert "was made of windows without labels" in refused(1, "evaluate", tmp_path / "out")


def test_what_is_printed(arguments, cli, tmp_path, runtime_names):
    outcome = cli(*arguments())
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert (
        lines[0]
        == "inputs are scaled by the mean and deviation of the windows, which the first layer takes back exactly"
    )
    assert lines[1].startswith("calibrated on 40 of 40 windows, compared on all: ")
    assert [line.split()[0] for line in lines[4:7]] == ["model", "float", "int8"]
    assert lines[8] == "Integer outputs against float ones"
    assert [line.split()[0] for line in lines[10:14]] == ["y0", "y1", "y2", "y3"]
    assert outcome.stdout.count("agrees") == len(runtime_names)
    assert lines[-1] == f"Artifact: {tmp_path / 'out'}"
    assert outcome.stderr.splitlines() == ["quantize ...", "export ...", "validate ..."]
    assert names(tmp_path) == ["gru.onnx", "out", "windows.npz"]


def test_windows_with_classes(arguments, cli, tmp_path):
    split = np.array(["train", "test"] * 20)
    classes = np.array(["rest", "walk", "run", "jump"])
    outcome = cli(*arguments(y=np.arange(40) % 4, split=split, classes=classes))
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert "calibrated on 20 of 20 training windows, compared on 20 that are held out; 11 steps of 3 channels" in lines
    assert lines[4].split()[:3] == ["model", "accuracy", "macro_f1"]
    assert any(line.endswith(" of the results are of the same class") for line in lines)
    model = edgernn.load(tmp_path / "out")
    manifest = model.manifest
    assert (model.classes, manifest["name"]) == (tuple(classes.tolist()), "gru")
    assert manifest["metrics"]["int8"].keys() >= {"accuracy", "macro_f1", "weight_bytes"}
    assert manifest["data"]["windows"] == {"calibration": 20, "train": 20, "test": 20}
    assert (manifest["source"]["format"], manifest["source"]["normalization"]) == ("onnx", "data")
    assert 0 <= manifest["fidelity"]["same_class"] <= 1


def test_one_window(arguments, cli, tmp_path):
    assert "never changes" in cli(*arguments(x=np.ones((1, 11, 3)))).stdout
    outputs = edgernn.load(tmp_path / "out").manifest["fidelity"]["outputs"]
    assert [output["signal_to_noise"] for output in outputs] == [None] * 4


def test_settings(arguments, cli, tmp_path):
    sets = ["name=walks", "task=classification", "quantize.operands=int16", "quantize.windows=7", "rate=25"]
    assert cli(*arguments(*sets)).exit_code == 0
    model = edgernn.load(tmp_path / "out")
    manifest, program = model.manifest, model.integer.program
    assert (manifest["name"], manifest["config"]["rate"], manifest["data"]["windows"]["calibration"]) == (
        "walks",
        25,
        7,
    )
    assert (manifest["quantization"]["operands"], program.tensors["x"].dtype) == ("int16", "int16")
    assert (model.classes[0], model.integer.interface.rate) == ("class 0", 25)


def test_every_command_takes_the_artifact(arguments, cli, tmp_path):
    assert cli(*arguments()).exit_code == 0
    out = tmp_path / "out"
    for command in (["inspect"], ["validate"], ["validate", "--data", tmp_path / "windows.npz"]):
        assert cli(command[0], out, *command[1:]).exit_code == 0
    (line,) = cli("run", out, "--input", "-", input="1,2,3\n" * 11).stdout.splitlines()
    assert json.loads(line)["targets"].keys() == {"y0", "y1", "y2", "y3"}
    assert cli("export", out, "--format", "c", "--out", tmp_path / "c").exit_code == 0


def test_the_folder_without_out(arguments, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = arguments()
    del command[4:6]
    assert cli(*command).exit_code == 0
    assert names(tmp_path / "build") == ["gru"]


def test_an_existing_folder(arguments, cli, refused, tmp_path):
    assert cli(*arguments()).exit_code == 0
    assert "exists already: add --force" in refused(1, *arguments("rate=5"))
    assert cli(*arguments("rate=5"), "--force").exit_code == 0
    assert edgernn.load(tmp_path / "out").integer.interface.rate == 5


@pytest.mark.parametrize(
    ("status", "overrides", "changed", "words"),
    [
        (2, ["unit=3"], {}, "unknown key unit"),
        (2, ["rate"], {}, "write it like --set quantize.operands=int16"),
        (2, ["mean=[1.0, 2.0, 3.0]"], {}, "std has 0 numbers, the model takes 3 features"),
        (
            2,
            ["task=auto"],
            {},
            "4 outputs may be logits of classes or what it estimates, and nothing says which: add --set",
        ),
        (1, [], {"x": np.zeros((40, 7, 3))}, "takes windows of 11 steps, x has 7: give windows like those that it was"),
        (1, [], {"x": np.zeros((40, 11, 2))}, "windows.npz has 2 channels, the model takes 3"),
        (1, [], {"x": np.full((40, 11, 3), np.nan)}, "x holds nan"),
        (1, [], {"y": np.arange(40) % 5}, "y holds the class 4, but classes names only 0..3"),
        (1, [], {"z": np.zeros(3)}, "holds `z`, which is not known"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_fit(arguments, refused, tmp_path, status, overrides, changed, words):
    assert words in refused(status, *arguments(*overrides, **changed))
    assert names(tmp_path) == ["gru.onnx", "windows.npz"]


def test_windows_of_another_size(arguments, cli, tmp_path):
    outcome = cli(*arguments(x=np.linspace(-3e4, 3e4, 40 * 33).reshape(40, 11, 3)))
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    *_, line = outcome.stderr.splitlines()
    assert line.startswith(
        f"edgernn: {tmp_path / 'gru.onnx'} can't be quantized on these windows: the weights of gru_0/"
    )
    assert line.endswith(", or give windows as the model takes them")
    assert names(tmp_path) == ["gru.onnx", "windows.npz"]


def test_windows_that_are_meant_to_be_shorter(arguments, cli, tmp_path):
    assert cli(*arguments("window=7", x=np.random.default_rng(0).normal(size=(40, 7, 3)))).exit_code == 0
    assert edgernn.load(tmp_path / "out").integer.interface.window == 7


def test_models_that_are_refused(arguments, refused, model, tmp_path):
    command = arguments()
    model.write_bytes(model.read_bytes()[:-100])
    assert "gru.onnx" in refused(1, *command)
    model.unlink()
    assert "gru.onnx: there is no such file; give a .keras" in refused(1, *command)
    assert names(tmp_path) == ["windows.npz"]


def test_data_is_needed(cli, model):
    outcome = cli("convert", model)
    assert outcome.exit_code == 2 and "missing option '--calibrate'" in outcome.stderr


def test_no_framework_is_needed(arguments, tmp_path):
    command = [str(argument) for argument in arguments()]
    script = f"""
import sys
for package in ("tensorflow", "keras", "torch"):
    sys.modules[package] = None
sys.argv = ["edgernn", *{command!r}]
from edgernn.cli import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "out/manifest.json").is_file()
