# SPDX-License-Identifier: Apache-2.0
"""Models of other frameworks, as those wrote them, become artifacts that compute what they did there."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn import backends, golden, importers
from edgernn.config import load_convert
from edgernn.convert import convert
from edgernn.errors import ConfigError, ModelError
from edgernn.importers.prepare import predict, prepare, results

FOLDER = Path(__file__).with_name("importers")
REFUSED = {
    "onnx/pytorch/gru_both_last.dynamo.onnx",
    "onnx/pytorch/gru_both_last.torchscript.onnx",
    "onnx/pytorch/lstm_both_every_step.dynamo.onnx",
    "onnx/pytorch/lstm_both_every_step.torchscript.onnx",
    "onnx/pytorch/rnn.dynamo.onnx",
    "onnx/pytorch/rnn_both.dynamo.onnx",
    "onnx/pytorch/rnn_stacked.dynamo.onnx",
    "onnx/tf2onnx/gru_both_every_step.onnx",
    "onnx/tf2onnx/gru_no_bias.onnx",
    "onnx/tf2onnx/gru_pooled.onnx",
    "onnx/tf2onnx/gru_reset_before.onnx",
    "onnx/tf2onnx/rnn.onnx",
    "onnx/tf2onnx/rnn_both.onnx",
}
"""Why is in tests/importers."""
KINDS = {".keras", ".h5", ".onnx", ".safetensors"}
FILES = {str(path.relative_to(FOLDER)): path for path in sorted(FOLDER.rglob("*")) if path.suffix in KINDS}


@pytest.fixture
def windows(tmp_path):
    """Writes the windows that were recorded with a model, and 60 like them, as `convert` takes them; what was recorded
    for the first ones goes with it, [m, K], one row a result.
    """

    def write(file):
        with np.load(file.with_name(file.name.partition(".")[0] + ".npz")) as recorded:
            x, y = recorded["x"], recorded["y"]
            n, steps = x.shape[:2]
            lengths = recorded["lengths"] if "lengths" in recorded else np.full(n, steps)
        others = np.random.default_rng(0).normal(x.mean(axis=(0, 1)), x.std(axis=(0, 1)), (60, *x.shape[1:]))
        path = tmp_path / "windows.npz"
        np.savez(path, x=np.concatenate([x, others]), lengths=np.concatenate([lengths, np.full(60, steps)]))
        return path, y[np.arange(steps) < lengths[:, None]] if y.ndim == 3 else y.reshape(n, -1)

    return write


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def test_there_are_models_of_every_framework():
    assert {path.suffix for path in FILES.values()} == KINDS and FILES.keys() > REFUSED


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_leaves_nothing(windows, tmp_path, name):
    data, _ = windows(FILES[name])
    with pytest.raises(ModelError) as caught:
        convert(FILES[name], data, load_convert(), tmp_path / "out")
    assert str(FILES[name]) in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [data]


def task_of(imported):
    return load_convert([] if imported.softmax else ["task=regression"])


@pytest.mark.parametrize("name", sorted(FILES.keys() - REFUSED))
def test_every_model_is_the_same_function(windows, name):
    """Float within 1e-5 of what the framework recorded, all scales folded."""
    file = FILES[name]
    data, recorded = windows(file)
    imported = importers.read(file)
    prepared = prepare(imported, data, task_of(imported))
    exact = results(prepared.model.interface, prepared.judged, predict(prepared.model, prepared.judged))
    found = log_softmax(exact) if imported.softmax else exact
    if imported.softmax and recorded.min() >= 0:
        recorded = np.log(recorded)
    tolerance = 0.02 if "low_precision" in file.name else 1e-5
    np.testing.assert_allclose(found[: len(recorded)], recorded, rtol=tolerance, atol=tolerance)


def has_a_twin(name):
    """Whether another file holds the same layers: of Keras 3.15 in .keras, of PyTorch's newer exporter."""
    newer = name.replace(".torchscript.", ".dynamo.")
    return (name.startswith("keras/") and not name.startswith("keras/3") or name.endswith(".h5")) or (
        newer != name and newer in FILES.keys() - REFUSED
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.nightly if has_a_twin(name) else ())
        for name in sorted(FILES.keys() - REFUSED)
    ],
)
def test_every_model(windows, tmp_path, name):
    """Integers with the same bytes everywhere."""
    file = FILES[name]
    data, _ = windows(file)
    imported = importers.read(file)
    config = task_of(imported)
    prepared = prepare(imported, data, config)
    exact = results(prepared.model.interface, prepared.judged, predict(prepared.model, prepared.judged))
    converted = convert(file, data, config, tmp_path / "out")
    assert [result.name for result in converted.validation.runtimes] == [r.name for r in backends.select(())]
    assert all(result.values > 0 and result.mismatches == 0 for result in converted.validation.runtimes)
    assert converted.fidelity.same_class is None or converted.fidelity.same_class > 0.9
    assert max(output.largest_difference for output in converted.fidelity.outputs) < 0.1 * np.abs(exact).max()
    model = edgernn.load(tmp_path / "out")
    source = model.manifest["source"]
    assert (source["file"], source["sha256"]) == (file.name, hashlib.sha256(file.read_bytes()).hexdigest())
    expected = golden.load(model.folder, model.integer.program)
    assert expected.x.shape[:2] == prepared.judged.x.shape[:2]


def test_a_description_that_is_given(windows, tmp_path):
    """The TOML need not stand beside the weights; the manifest has its hash."""
    file, beside = (FOLDER / f"state_dict/pytorch/gru.{end}" for end in ("safetensors", "toml"))
    data, _ = windows(file)
    weights, description = tmp_path / "weights.safetensors", tmp_path / "layers.toml"
    weights.write_bytes(file.read_bytes())
    with pytest.raises(ConfigError, match="weights.toml is missing: describe the layers"):
        convert(weights, data, load_convert(), tmp_path / "out")
    description.write_bytes(beside.read_bytes())
    convert(weights, data, load_convert(["task=regression"]), tmp_path / "out", description=description)
    manifest = edgernn.load(tmp_path / "out").manifest
    assert (manifest["name"], manifest["source"]["format"]) == ("weights", "safetensors")
    assert manifest["source"]["description"] == {
        "file": "layers.toml",
        "sha256": hashlib.sha256(beside.read_bytes()).hexdigest(),
    }
    assert "safetensors" in manifest["created_with"]


def test_the_same_twice(windows, tmp_path):
    file = FILES["keras/3.15.1/gru_stack.keras"]
    data, _ = windows(file)
    for name in ("one", "two"):
        convert(file, data, load_convert(), tmp_path / name)
    for path in (path for path in (tmp_path / "one").rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path.name
