# SPDX-License-Identifier: Apache-2.0
"""Whole builds, with training: every cell and kind of data gives an artifact on which all runtimes agree."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

import edgernn
from edgernn import __version__, config, golden
from edgernn.backends.c.footprint import footprints
from edgernn.backends.c.names import prefix_of
from edgernn.build import build, cross_validate
from edgernn.errors import ConfigError, EdgernnError
from edgernn.spec.program import SPEC_VERSION
from edgernn.train.fit import Fitted

SHORT = ["train.epochs=1", "prune.epochs=1"]


@pytest.fixture
def run(tmp_path):
    """Builds with these overrides into OUT."""

    def run_build(*overrides):
        return build(config.load(None, [*SHORT, *overrides]), tmp_path / "out")

    return run_build


def check(built, *kinds):
    """The artifact as the README describes it."""
    assert built.validation.agrees
    assert all(result.values > 0 and result.mismatches == 0 for result in built.validation.runtimes)
    model = edgernn.load(built.folder)
    manifest = model.manifest
    assert [layer["kind"] for layer in manifest["model"]["layers"]] == list(kinds)
    paths = [path for path in built.folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    files = {str(p.relative_to(built.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
    assert manifest["files"] == files
    own = {name for name in files if not name.startswith("c/")}
    models = {f"model{kind}.{form}" for kind in ("", "_float") for form in ("onnx", "tflite")}
    assert own == {"golden.npz", "held_out.npz", "model.json", "weights.npz", *models}
    name = prefix_of(manifest["name"])
    assert {"c/edgernn.h", *(f"c/{name}{end}" for end in (".h", ".c", "_float.c", "_selftest.c"))} <= files.keys()
    assert manifest["format_version"] == 1
    assert manifest["created_with"]["edgernn"] == __version__
    assert manifest["created_with"]["numpy"] == np.__version__
    assert manifest["metrics"].keys() >= {"float", "pruned", "int8"}
    assert manifest["footprint"].keys() == {"weight_bytes", "state_bytes", "macs_per_step", "optimization", "cores"}
    for core in footprints(built.model):
        said = manifest["footprint"]["cores"][core.core]
        assert (said["flash_bytes"], said["instructions_per_step"]) == (core.flash, core.instructions)
    assert len(manifest["data"]["sha256"]) == 64
    program = model.integer.program
    expected = golden.load(built.folder, program)
    np.testing.assert_array_equal(
        model.session().run_operands(expected.x[0, : expected.lengths[0]]), expected.y[0, : expected.lengths[0]]
    )
    return model


def test_a_stack_with_fewer_units_on_windows_of_several_lengths(windows, cli, tmp_path, runtime_names):
    lengths = np.where(np.arange(60) % 4, 12, 5)
    sets = ["data.source=npz", f"data.path={windows(lengths=lengths)}", "model.units=[8, 4]", "model.dense=[6]"]
    sets += ["prune.units=0.5", "prune.sparsity=0", "train.dropout=0.1", *SHORT]
    overrides = [argument for text in sets for argument in ("--set", text)]
    outcome = cli("build", "--out", tmp_path / "out", *overrides)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.count("agrees") == len(runtime_names)
    model = edgernn.load(tmp_path / "out")
    assert [layer["units"] for layer in model.manifest["model"]["layers"]] == [4, 2, 3, 3]
    assert model.manifest["metrics"].keys() == {"float", "unit_pruned", "pruned", "int8"}
    assert model.manifest["metrics"]["pruned"] == model.manifest["metrics"]["unit_pruned"]
    assert set(golden.load(tmp_path / "out", model.integer.program).lengths.tolist()) == {5, 12}
    report = json.loads(cli("validate", tmp_path / "out", "--json", "-").stdout)
    assert report["spec_version"] == SPEC_VERSION
    assert [entry["mismatches"] for entry in report["runtimes"]] == [0] * len(runtime_names)
    for command in (["inspect"], ["bench", "--steps", "10"]):
        assert cli(*command, tmp_path / "out").exit_code == 0
    lines = "1,2,3\n" * 12
    (line,) = cli("run", tmp_path / "out", "--input", "-", input=lines).stdout.splitlines()
    assert json.loads(line)["class"] in model.classes == ("0", "1", "2")


def test_an_lstm_of_int16_on_real_targets(run, windows):
    y = np.stack([np.linspace(900, 1100, 60), np.linspace(-1, 1, 60)], axis=1)
    path = windows(y=y, features=np.array(["ax", "ay", "az"]))
    built = run("data.source=npz", f"data.path={path}", "model.cell=lstm", "model.units=6", "quantize.operands=int16")
    model = check(built, "lstm", "dense")
    assert model.classes == ()
    assert model.integer.program.tensors["x"].dtype == "int16"
    assert [stage.name for stage in built.stages] == ["float", "int8"]
    assert built.stages[0].metrics.keys() == {"r2"}
    assert model.manifest["metrics"]["pruned"] is None
    (outputs,) = model.session().run(np.zeros((1, 3)))
    assert 500 < outputs[0] < 1500, "the answer has to be in the target's unit"


def test_an_rnn_on_a_target_for_every_step(run, windows):
    y = np.linspace(-1, 1, 60 * 12).reshape(60, 12, 1)
    built = run("data.source=npz", f"data.path={windows(y=y)}", "model.cell=rnn", "model.units=4")
    model = check(built, "rnn", "dense")
    assert model.integer.interface.per_step and model.integer.interface.outputs == ("target_0",)


def test_csv_with_labels_for_every_step_twice(tmp_path):
    folder = tmp_path / "walks é"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for person in range(6):
        labels = np.repeat(["rest", "walk", "run"], 40)
        samples = rng.normal(size=(120, 2)) + np.repeat([0, 1, 2], 40)[:, None]
        rows = [f"{a},{b},{label},p{person}" for (a, b), label in zip(samples.tolist(), labels, strict=True)]
        (folder / f"{person}.csv").write_text("\n".join(["ax,ay,label,who", *rows]))
    data = ["data.source=csv", f"data.path={folder}", "data.columns=['ax', 'ay']", "data.label=label", "data.group=who"]
    data += ["data.per_step=true", "data.window=30", "data.stride=10", "model.cell=rnn", "model.units=5"]
    overrides = [*data, "prune.sparsity=0", "train.class_weights=true", *SHORT]
    built = build(config.load(None, overrides), tmp_path / "out")
    model = check(built, "rnn", "dense")
    assert model.classes == ("rest", "run", "walk") and model.integer.interface.per_step
    assert model.manifest["name"] == "walks é"
    assert len(model.manifest["data"]["held_out"]) >= 1

    arguments = [argument for text in overrides for argument in ("--set", text)]
    command = [sys.executable, "-m", "edgernn", "build", "--out", str(tmp_path / "again"), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    for path in (tmp_path / "out").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "out")).read_bytes(), path.name


def test_a_gru_with_the_other_reset_gate(run, windows):
    sets = ["model.reset_after=false", "model.units=5", "prune.sparsity=0.5"]
    built = run("data.source=npz", f"data.path={windows()}", *sets)
    model = check(built, "gru", "dense")
    weights = model.integer.program.kernels["gru_0/kernel"].weights
    assert (weights == 0).mean() >= 0.4
    float_stage, pruned, integer = built.stages
    assert pruned.nonzero < float_stage.nonzero and integer.nonzero <= pruned.nonzero


def test_pruned_blocks_are_zero_in_the_integers(run, windows):
    sets = ["model.cell=rnn", "model.units=16", "prune.sparsity=0.75", "prune.block=4x4"]
    kernels = check(run("data.source=npz", f"data.path={windows()}", *sets), "rnn", "dense").integer.program.kernels
    blocks = kernels["rnn_0/recurrent"].weights.reshape(4, 4, 4, 4).any(axis=(1, 3))
    assert 1 <= blocks.sum() <= 4
    assert (kernels["dense_1/kernel"].weights != 0).mean() > 0.5


@pytest.mark.usefixtures("untrained")
def test_a_model_too_small_for_blocks_is_refused_before_training(run, windows):
    sets = ["model.units=15", "prune.sparsity=0.5", "prune.block=4x4"]
    with pytest.raises(ConfigError, match=r"prune\.block needs a matrix of at least 16 inputs and units"):
        run("data.source=npz", f"data.path={windows()}", *sets)


@pytest.mark.usefixtures("untrained")
def test_folds_test_every_group_once(windows):
    settings = config.load(
        None, ["data.source=npz", f"data.path={windows()}", "data.folds=3", "model.units=3", "prune.sparsity=0.5"]
    )
    phases = []

    class Phase:
        def __call__(self, name, total):
            phases.append((name, total))
            return self

        def __enter__(self):
            return lambda done: None

        def __exit__(self, *_):
            return None

    folds = cross_validate(settings, Phase())
    assert [[stage.name for stage in fold] for fold in folds] == [["float", "pruned", "int8"]] * 3
    assert phases[0] == ("fold 1/3: train", settings.train.epochs)
    assert len(phases) == 6


def test_teachers_are_the_model_and_others_of_other_seeds(windows):
    calls = []

    def trainer(start, train, validation, recipe, seed, progress, teachers):
        calls.append((seed, start, teachers))
        return Fitted(start, ())

    data = ["data.source=npz", f"data.path={windows()}", "data.folds=3", "train.seed=7"]
    prune = ["model.units=8", "prune.units=0.5", "prune.sparsity=0.5", "prune.teachers=3"]
    cross_validate(config.load(None, [*data, *prune]), trainer=trainer)
    trained = [start for _, start, _ in calls[:3]]
    assert [seed for seed, *_ in calls[:3]] == [7, 8, 9]
    assert len({start.layers[0].weights["kernel"].tobytes() for start in trained}) == 3
    assert [teachers for *_, teachers in calls[:5]] == [(), (), (), trained, trained]
    calls.clear()
    cross_validate(config.load(None, [*data, *prune, "prune.units=0", "prune.sparsity=0"]), trainer=trainer)
    assert len(calls) == 3, "of the folds; nobody is taught"


@pytest.fixture
def bouts(tmp_path):
    """Six people who go from one activity to the other within a recording, in windows that touch: an .npz file."""

    def save(change=True):
        t = np.arange(240)
        y = t[::12] // 48 % 2
        x = np.stack([np.sin((0.3 + 0.5 * (t // 48 % 2)) * t + person) for person in range(6)])
        person = np.repeat(np.arange(6), 20)
        labels = np.concatenate([y if change else np.full(20, number % 2) for number in range(6)])
        start = np.tile(np.arange(0, 240, 12), 6)
        file = tmp_path / "bouts.npz"
        np.savez(file, x=x.reshape(120, 12, 1), y=labels, group=person, recording=person, start=start)
        return file

    return save


def test_a_state_that_is_never_reset(run, bouts):
    built = run("data.source=npz", f"data.path={bouts()}", "train.reset=never", "model.units=4", "prune.sparsity=0.2")
    model = check(built, "gru", "dense")
    assert model.reset == "never" and model.manifest["model"]["reset"] == "never"
    streams = model.manifest["streams"]
    assert streams["reset"] == "never" and streams["changes"] == 4
    assert streams["measured"]["int8"]["never"].keys() == {"accuracy", "macro_f1"}
    assert "RESET_STEPS 0" in (built.folder / "c" / "bouts.h").read_text()


def test_what_can_not_be_trained_without_resets(run, bouts, windows):
    for path, says in ((bouts(change=False), "change"), (windows(), "continuous")):
        with pytest.raises(EdgernnError, match=says):
            run("data.source=npz", f"data.path={path}", "train.reset=never")
