# SPDX-License-Identifier: Apache-2.0
"""The benchmarks measure what they say; how long it takes is not tested."""

import re

import numpy as np
import pytest

from benchmarks import peers, plots, results, scaling, startup, tables
from benchmarks.models import random_model, write_artifact
from edgernn.quantize import quantize

CASES = {"gru, 3, 4", "lstm, 3, 4"}


@pytest.fixture(scope="module")
def figures():
    """Of contenders that need neither PyTorch nor TensorFlow's converter, on very small layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "RUNTIMES", ("own", "onnx", "tflm", "plain"))
        patch.setattr(peers, "SHAPES", ((3, 4),))
        patch.setattr(peers, "_ROUNDS", 1)
        patch.setattr(peers, "_TURN", 0)
        patch.setattr(peers, "_MOST_THREADS", 100)
        patch.setattr(peers, "_convert", lambda folders: None)
        return peers.measure()


def test_contenders_run_and_are_compared_with_edgernn(figures):
    assert figures["cases"].keys() == CASES and figures["runtimes"].keys() == {
        "edgernn",
        "onnxruntime",
        "TFLM",
        "NumPy",
    }
    for case in figures["cases"].values():
        ratios = {(entry["name"], entry["mode"]): entry["ratio"] for entry in case["contenders"]}
        assert ratios[peers.BASE, "step"] == ratios[peers.BASE, "window"] == 1
        assert {"TFLM: model.tflite", "onnxruntime: model.onnx", "NumPy: float step"} <= {name for name, _ in ratios}


def test_what_a_runtime_can_not_do_is_told(figures):
    found = {name: {entry["name"] for entry in case["missing"]} for name, case in figures["cases"].items()}
    quantized = "onnxruntime: dynamically quantized node"
    assert quantized in found["gru, 3, 4"] and quantized not in found["lstm, 3, 4"]


@pytest.mark.parametrize("block", ["peers_step", "peers_window"])
def test_tables_show_other_cases_too(figures, block):
    shown = tables.BLOCKS[block][1](figures)
    assert "GRU (3, 4)" in shown and "quantize_dynamic" in shown


@pytest.mark.parametrize(("arithmetic", "error"), [("edgernn int8", 2**-15), ("float32", 1e-3), ("dynamic int8", 0.2)])
def test_a_wrong_contender_fails_the_run(arithmetic, error):
    entry = peers._Entry(None, None, 0, "peer: wrong", "step", arithmetic)
    exact = np.arange(-6, 6, dtype=np.int16).reshape(3, 4)
    scaled = (exact * 2.0**-15).astype(np.float32)
    expected = peers._Expected(exact, np.float32(2.0**-15), scaled)
    assert peers._checked(entry, scaled, expected) == peers._checked(entry, exact, expected) == 0
    with pytest.raises(SystemExit, match="peer: wrong gives wrong results"):
        peers._checked(entry, scaled + np.float32(error), expected)


def test_scaling_counts_multiplications(monkeypatch):
    monkeypatch.setattr(scaling, "SHAPES", {"units": [(2, 3)]})
    monkeypatch.setattr(scaling, "_ROUNDS", 1)
    gru, lstm = scaling.measure()["series"]
    assert gru["points"][0]["macs"] == 3 * 3 * (2 + 3) and lstm["points"][0]["macs"] == 4 * 3 * (2 + 3)


@pytest.mark.parametrize("runtime", ["numpy", "edgernn", "litert", "onnxruntime", "tflm", "tflite_runtime"])
def test_a_runtime_starts_in_a_new_process(runtime, tmp_path):
    startup._write(tmp_path / "model")
    assert startup._start(runtime, tmp_path / "model").keys() == {"import_ms", "first_ms", "bytes"}


def test_an_artifact_of_random_weights_loads(tmp_path):
    import edgernn

    original = random_model(2, [("gru", 3, {})])
    x = np.ones((1, 5, 2), np.float32)
    model = quantize(original, x, np.full(1, 5, np.int32)).model
    write_artifact(tmp_path / "model", original, model, x)
    assert edgernn.load(tmp_path / "model").session().step([0, 0]).shape == (3,)


@pytest.mark.parametrize("name", plots.PLOTS)
def test_the_plots_are_of_the_committed_results_and_shown(name):
    measure, _ = plots.PLOTS[name]
    drawn = (plots.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert f"<dc:description>{plots.origin(results.read(measure))}</dc:description>" in drawn
    pages = "".join(page.read_text(encoding="utf-8") for page in tables.PAGES)
    assert re.search(rf"\((?:docs/)?plots/{name}\.svg\)", pages)
