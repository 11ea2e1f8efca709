# SPDX-License-Identifier: Apache-2.0
"""A float model and its integer model become an artifact: whole, validated, and described; or nothing is written."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import edgernn
from edgernn import backends, golden, pack, predictions
from edgernn.data.arrays import from_arrays
from edgernn.errors import ArtifactError, EdgernnError
from edgernn.quantize import quantize


@pytest.fixture
def contents(make_model):
    """A GRU of 4 units over 3 features into 2 classes, with 20 held-out windows of 5 or 8 steps."""
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(20, 8, 3)), np.where(np.arange(20) % 4, 8, 5)
    held_out = from_arrays("windows", x, np.arange(20) % 2, lengths=lengths)
    model = make_model(("gru", 4, {}), ("dense", 2, {}), features=3)
    quantized = quantize(model, held_out.x, held_out.lengths)
    stages = pack.float_stage("float", model, {"accuracy": 0.5}), pack.integer_stage(quantized.model, {"accuracy": 0.4})
    outputs = {"float": model.predict(held_out.x), "integer": pack.integer_outputs(quantized.model, held_out)}
    return pack.Contents(
        name="small",
        original=model,
        quantized=quantized,
        stages=stages,
        held_out=held_out,
        predictions=predictions.collect(held_out, outputs),
        packages=("pytest", "no such package"),
        evaluation={"baselines": []},
        manifest={"extra": [1]},
    )


def test_what_is_written(contents, tmp_path, runtime_names):
    phases = []

    def phase(name, total):
        phases.append((name, total))
        return pack.silent(name, total)

    report = pack.write(tmp_path / "out", contents, force=False, phase=phase)
    assert [result.name for result in report.runtimes] == runtime_names and report.agrees
    model = edgernn.load(tmp_path / "out")
    expected = golden.load(model.folder, model.integer.program)
    assert phases == [("export", 1), ("validate", expected.steps * len(runtime_names))]
    np.testing.assert_array_equal(expected.lengths, contents.held_out.lengths)
    manifest = model.manifest
    assert (manifest["name"], manifest["extra"]) == ("small", [1])
    assert manifest["quantization"]["operands"] == "int8"
    assert manifest["model"]["layers"][0] == {
        "name": "gru_0",
        "kind": "gru",
        "units": 4,
        "options": {"reset_after": True},
        "parameters": 3 * 12 + 4 * 12 + 24,
    }
    created = manifest["created_with"]
    assert created.keys() >= {"python", "numpy", "ai-edge-litert", "onnx", "onnxruntime"}
    assert (created["pytest"], created["no such package"]) == (pytest.__version__, "not installed")


def test_predictions_are_stored(contents, tmp_path):
    pack.write(tmp_path / "out", contents, force=False)
    model = edgernn.load(tmp_path / "out")
    assert model.manifest["evaluation"] == {"results": {"stored": 20, "of": 20}, "baselines": []}
    found = predictions.load(model.folder, model.integer.interface)
    np.testing.assert_array_equal(found.y, contents.held_out.y)
    windows = model.session().run(contents.held_out.x)
    np.testing.assert_array_equal(found.outputs["integer"], windows[np.arange(20), contents.held_out.lengths - 1])


def test_windows_without_labels_leave_no_predictions(contents, tmp_path):
    pack.write(tmp_path / "out", replace(contents, predictions=None), force=False)
    assert edgernn.load(tmp_path / "out").manifest["evaluation"] is None
    assert not (tmp_path / "out" / predictions.FILE).exists()


def test_the_same_contents_give_the_same_bytes(contents, tmp_path):
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        pack.write(folder, contents, force=False)
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()


def test_stages_are_described_by_name(contents):
    found = pack.described(contents.stages)
    parameters = 3 * 12 + 4 * 12 + 24 + 2 * 4 + 2
    assert found["float"] == {
        "accuracy": 0.5,
        "parameters": parameters,
        "nonzero_parameters": parameters,
        "weight_bytes": 4 * parameters,
    }
    assert found["pruned"] is None
    assert found["int8"]["parameters"] == parameters and found["int8"]["weight_bytes"] < 2 * parameters
    pruned = replace(contents.stages[0], name="unit_pruned")
    assert pack.described((*contents.stages, pruned))["pruned"] == found["float"]


def test_outputs_of_integers_are_in_the_users_unit(contents):
    model, part = contents.quantized.model, contents.held_out
    outputs = pack.integer_outputs(model, part)
    window = model.quantize_input(part.x[:1])
    (wanted,) = golden.compute(model, window, part.lengths[:1]).y * model.output_scale
    np.testing.assert_array_equal(outputs[0], wanted)


def test_golden_windows_are_spread_and_bounded(contents, tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "_GOLDEN_VALUES", 8 * (2 + 4) * 3)
    pack.write(tmp_path / "out", contents, force=False)
    expected = golden.load(tmp_path / "out", contents.quantized.model.program)
    spread = contents.held_out.take([0, 9, 19])
    np.testing.assert_array_equal(expected.x, contents.quantized.model.quantize_input(spread.x))


def test_a_runtime_that_differs_leaves_nothing(contents, tmp_path, monkeypatch):
    (runtime,) = backends.select(("litert-builtin",))
    load = type(runtime).load

    def wrong(self, folder, model):
        stepper = load(self, folder, model)
        step = stepper.step
        stepper.step = lambda inputs: {**step(inputs), model.program.y: step(inputs)[model.program.y] ^ 1}
        return stepper

    monkeypatch.setattr(type(runtime), "load", wrong)
    with pytest.raises(EdgernnError, match="differs, so nothing was written: [0-9]+ of [0-9]+ values, first in window"):
        pack.write(tmp_path / "out", contents, force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept(contents, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ArtifactError, match="is no artifact, so it is not replaced"):
        pack.write(tmp_path, contents, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_runtime_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(EdgernnError, match=r"\.\[litert\]"):
        pack.check_packages("edgernn build")
