# SPDX-License-Identifier: Apache-2.0
"""`edgernn build` around the training: what it prints, what it refuses, and that a failure leaves nothing behind."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import edgernn
from edgernn import backends, golden
from edgernn.model import IntegerModel

pytestmark = pytest.mark.usefixtures("untrained")


@pytest.fixture
def arguments(windows, tmp_path):
    """Arguments of a build of these windows into OUT; strings are overrides."""

    def make(*overrides, **changed):
        sets = ("data.source=npz", f"data.path={windows(**changed)}", "model.units=4", *overrides)
        return ["build", "--out", tmp_path / "out", *(argument for text in sets for argument in ("--set", text))]

    return make


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_printed(arguments, cli, tmp_path, runtime_names):
    outcome = cli(*arguments("prune.units=0.5", "prune.sparsity=0.5"))
    assert outcome.exit_code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith("split by group; held out: ")
    assert lines[1].endswith(" test; 12 steps of 3 channels")
    assert [line.split()[0] for line in lines[5:9]] == ["float", "unit_pruned", "pruned", "int8"]
    assert lines[4].split() == ["model", "accuracy", "macro_f1", "parameters", "not", "zero", "bytes"]
    assert outcome.stdout.count("agrees") == len(runtime_names)
    assert lines[-1] == f"Artifact: {tmp_path / 'out'}"
    phases = ["train", "prune units", "prune weights", "export", "validate"]
    assert outcome.stderr.splitlines() == [f"{phase} ..." for phase in phases]
    assert names(tmp_path) == ["out", "windows.npz"]
    assert edgernn.load(tmp_path / "out").manifest["name"] == "windows"


def test_json(arguments, cli, tmp_path, runtime_names):
    outcome = cli(*arguments("prune.sparsity=0.5"), "--json", "-")
    assert outcome.exit_code == 0
    found = json.loads(outcome.stdout)
    assert found["artifact"] == str(tmp_path / "out") and found["division"].startswith("split by group")
    assert [stage["name"] for stage in found["stages"]] == ["float", "pruned", "int8"]
    assert [entry["name"] for entry in found["validation"]["runtimes"]] == runtime_names
    assert found["baselines"].keys() == {"majority"} and found["folds"] == []
    assert [layer["name"] for layer in found["quantization"]] == ["gru_0", "dense_1"]
    manifest = edgernn.load(tmp_path / "out").manifest
    assert found["footprint"] == manifest["footprint"]
    assert manifest["evaluation"]["baselines"] == found["baselines"]
    assert manifest["evaluation"]["validation"].keys() == {"float", "int8"}
    judged = json.loads(cli("evaluate", tmp_path / "out", "--json", "-").stdout)
    wanted = found["stages"][-1]["metrics"]
    assert judged["models"]["integer"] == {name: wanted[name] for name in ("accuracy", "macro_f1")}
    assert judged["baselines"] == found["baselines"]


def test_a_forecast_that_is_worse_than_the_last_value(arguments, cli):
    x = np.random.default_rng(0).normal(size=(60, 12, 3))
    outcome = cli(*arguments(x=x, y=x[:, -1, :1] + 0.01, features=["a", "b", "c"], targets=["a"]))
    assert outcome.exit_code == 0
    lines = outcome.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("last value: mae 0.01"))
    assert lines[at + 1].startswith("warning: the model is no better than the last value")


def test_a_file_of_configuration(windows, cli, tmp_path, monkeypatch):
    (tmp_path / "my.toml").write_text(f"[data]\nsource = 'npz'\npath = '{windows()}'\n")
    monkeypatch.chdir(tmp_path)
    assert cli("build", "my.toml", "--set", "model.cell=rnn", "--set", "model.units=3").exit_code == 0
    manifest = edgernn.load("build/windows").manifest
    assert [layer["kind"] for layer in manifest["model"]["layers"]] == ["rnn", "dense"]
    assert names(tmp_path / "build") == ["windows"]


def test_folds(arguments, cli):
    outcome = cli(*arguments("prune.sparsity=0.5"), "--folds")
    assert outcome.exit_code == 0
    lines = outcome.stdout.splitlines()
    assert lines[:2] == ["accuracy on held-out groups", lines[1]] and lines[1].split() == [
        "fold",
        "float",
        "pruned",
        "int8",
    ]
    values = np.array([[float(cell) for cell in line.split()[-3:]] for line in lines[2:8]])
    np.testing.assert_allclose(values[:5].mean(axis=0), values[5], atol=1e-4)
    assert "fold 5/5: prune weights ...\n" in outcome.stderr


def test_an_existing_folder(arguments, cli, refused, tmp_path):
    assert cli(*arguments()).exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert "exists already: add --force" in refused(1, *arguments("train.seed=1"))
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == before
    assert cli(*arguments("train.seed=1"), "--force").exit_code == 0
    assert edgernn.load(tmp_path / "out").manifest["config"]["train"]["seed"] == 1


@pytest.mark.parametrize("out", ["", ".", "windows.npz", "/", "/proc/x", "/dev/null", "/dev/null/x", "x" * 300])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_that_cannot_be_written(windows, refused, tmp_path, monkeypatch, out, force):
    windows()
    monkeypatch.chdir(tmp_path)
    data = ["--set", "data.source=npz", "--set", "data.path=windows.npz"]
    message = refused(1, "build", *data, "--out", out, *force)
    assert message.endswith("choose another folder with --out")
    assert names(tmp_path) == ["windows.npz"]


def nan_at(window, step, channel):
    x = np.zeros((60, 12, 3))
    x[window, step, channel] = np.nan
    return x


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x": nan_at(7, 3, 2)}, "nan in float32 at window 7, step 3, channel 2"),
        ({"x": np.full((60, 12, 3), 1e300)}, "inf in float32 at window 0, step 0, channel 0"),
        ({"x": np.zeros((60, 12))}, "x has the shape [60, 12]"),
        ({"x": np.zeros((59, 12, 3))}, "y has the shape [60] but x has 59 windows"),
        ({"x": None}, "has no array `x`"),
        ({"y": None}, "has no array `y`"),
        ({"y": np.zeros(60, int)}, "all windows are of one class"),
        ({"y": np.arange(60) + 1}, "y holds 60 different integers from 1 to 60; save y as floats"),
        ({"y": np.array([None] * 60)}, "pickled"),
        ({"group": np.zeros(60, int)}, "1 groups can't give 1 to test, 1 to validation and at least one to training"),
        (
            {"split": np.array(["train", "validation", "test"])[np.arange(60) % 3], "group": None},
            "the class `1` does not occur in the training part",
        ),
        ({"z": np.zeros(3)}, "holds `z`, which is not known"),
    ],
    ids=lambda value: str(list(value) if isinstance(value, dict) else value)[:30],
)
def test_data_that_is_wrong(arguments, refused, tmp_path, changed, words):
    assert words in refused(1, *arguments(**changed))
    assert names(tmp_path) == ["windows.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x,y\n1,2\n"])
def test_data_that_is_no_npz(refused, tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    for path in ("a.npz", "missing.npz", ""):
        data = ["--set", "data.source=npz", "--set", f"data.path={tmp_path / path}"]
        assert str(tmp_path / path) in refused(1, "build", *data, "--out", tmp_path / "out")
    assert names(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(
    ("status", "override", "words"),
    [
        (2, "augment.mirror=['nose']", "augment.mirror names the channel 'nose'"),
        (2, "augment.vectors=[['a', 'b', 'c']]", "augment.vectors names the channel 'a'"),
        (2, "model.unit=3", "unknown key model.unit: did you mean model.units?"),
        (1, "data.split=given", "names no split"),
    ],
)
def test_configurations_that_are_wrong(arguments, refused, tmp_path, status, override, words):
    assert words in refused(status, *arguments(override))
    assert names(tmp_path) == ["windows.npz"]


def test_a_configuration_that_is_missing(refused, cli, tmp_path):
    assert "missing.toml can't be read (No such file or directory)" in refused(2, "build", tmp_path / "missing.toml")
    assert cli("build", tmp_path).exit_code == 2


@contextmanager
def file_size_limit(size):
    """No file may grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1000, 3000, 5000])
def test_a_disk_without_space(arguments, cli, tmp_path, size):
    command = arguments()
    with file_size_limit(size):
        outcome = cli(*command)
    assert outcome.exit_code == 1
    last = outcome.stderr.splitlines()[-1]
    assert last.startswith("edgernn: ") and "can't be written (File too large): free some space" in last
    assert names(tmp_path) == ["windows.npz"]


def test_a_disk_that_is_full_in_the_end(arguments, cli, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.rename", full)
    outcome = cli(*arguments())
    assert outcome.exit_code == 1
    assert "(No space left on device): free some space" in outcome.stderr
    assert names(tmp_path) == ["windows.npz"]


@pytest.mark.parametrize("during", ["export", "validate"])
def test_an_interrupt(arguments, cli, tmp_path, monkeypatch, during):
    def interrupt(*_):
        raise KeyboardInterrupt

    if during == "export":
        monkeypatch.setattr(golden.Golden, "save", interrupt)
    else:
        monkeypatch.setattr("edgernn.pack.validate", interrupt)
    outcome = cli(*arguments())
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.endswith("Aborted!\n")
    assert names(tmp_path) == ["windows.npz"]


def test_an_interrupt_of_training(windows, tmp_path):
    sets = ["data.source=npz", f"data.path={windows()}", "train.epochs=10000", "train.patience=10000"]
    overrides = [argument for text in sets for argument in ("--set", text)]
    command = [sys.executable, "-m", "edgernn", "build", "--out", str(tmp_path / "out"), *overrides]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.stderr.readline() != "train ...\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (1, "")
    assert stderr.endswith("Aborted!\n") and "Traceback" not in stderr
    assert names(tmp_path) == ["windows.npz"]


def test_a_runtime_that_differs(arguments, cli, tmp_path, monkeypatch):
    (runtime,) = backends.select(("litert-builtin",))
    load = type(runtime).load

    def wrong_input(self, folder, model):
        stepper = load(self, folder, model)
        step = stepper.step
        stepper.step = lambda inputs: step({**inputs, model.program.x: inputs[model.program.x] ^ 1})
        return stepper

    monkeypatch.setattr(type(runtime), "load", wrong_input)
    outcome = cli(*arguments())
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    last = outcome.stderr.splitlines()[-1]
    assert last.startswith("edgernn: litert-xnnpack: differs, so nothing was written: ")
    assert "first in window 0, step 0, " in last and "Difference(" not in last
    assert names(tmp_path) == ["windows.npz"]


def test_a_file_that_does_not_fit(arguments, cli, tmp_path, monkeypatch):
    monkeypatch.setattr("edgernn.backends.tflite.write.integer_file", lambda model: b"")
    outcome = cli(*arguments())
    assert outcome.exit_code == 1
    assert "litert-xnnpack: unavailable, so nothing was written: " in outcome.stderr
    assert names(tmp_path) == ["windows.npz"]


def test_another_build_was_faster(arguments, cli, tmp_path, monkeypatch):
    quantize_input = IntegerModel.quantize_input

    def slow(self, x):
        (tmp_path / "out").mkdir(exist_ok=True)
        return quantize_input(self, x)

    monkeypatch.setattr(IntegerModel, "quantize_input", slow)
    outcome = cli(*arguments())
    assert outcome.exit_code == 1
    assert "out exists already: add --force" in outcome.stderr
    assert names(tmp_path) == ["out", "windows.npz"] and names(tmp_path / "out") == []
