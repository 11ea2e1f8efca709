# SPDX-License-Identifier: Apache-2.0
"""The benchmarks measure what they say; how long it takes is not tested."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import accuracy, nightly, peers, plots, results, scaling, startup, tables
from benchmarks.elsewhere import ROOT
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


@pytest.mark.parametrize(
    "runtime",
    [
        *("numpy", "edgernn", "litert"),
        *(pytest.param(name, marks=pytest.mark.nightly) for name in ("onnxruntime", "tflm", "tflite_runtime")),
    ],
)
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


def test_goals_are_shown_beside_results():
    """Those of instructions that are reached exactly, and of the rest those that are missed."""
    costs = {"lstm": {"32, 64": 20_000, "6, 32": 12_000}, "gru": {"32, 64": 31_000, "6, 32": 9_000}}
    own = [("edgernn: native", 1.0), ("edgernn: generated C alone", 0.5)]
    others = [("LiteRT: model.tflite", 9.0), ("LiteRT: fast", 4.0), ("onnxruntime: float node", 5.0)]
    contenders = [{"name": name, "mode": "step", "ratio": ratio} for name, ratio in (*own, *others)]
    models = [{"name": name, "folds": [{"int8": found}]} for name, found in (("dense", 0.9), ("75 % of 4x4", 0.89))]
    shown = tables.BLOCKS["goals"][1](
        {"boards": dict.fromkeys(("cortex_m4", "cortex_m0", "cortex_m55"), costs)},
        {"cases": {"gru, 32, 64": {"contenders": contenders}}},
        {"model": "GRU (64, 256)", "stream": {"share": 0.4}, "window": {"share": 0.6, "vectors": 16}},
        {"model": "GRU (32, 64)", "costs": {"0": {"cortex_m4": 180}, "0.75": {"cortex_m4": 100}}},
        {"models": models},
        {"models": [{**model, "name": f"{model['name']}, seed 1"} for model in models]},
    )
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines()[2:]]
    times, shares, zeros = ["yes", "no", "no", "yes", "no", "yes"], ["no", "yes"], ["yes", "no"]
    assert [enough for *_, enough in cells] == ["yes"] * 6 + times + shares + zeros
    assert ["GRU (32, 64), LiteRT: fast, by the step in C", "at least 15 x", "8.0 x", "no"] in cells


def test_pages_are_brought_up_to_date_with_one_benchmark(monkeypatch):
    monkeypatch.setattr(results, "exists", lambda name: True)
    monkeypatch.setattr(results, "read", lambda name: name)
    blocks = {"a": (("one",), str), "b": (("two", "one"), lambda *names: "+".join(names)), "c": (("two",), str)}
    monkeypatch.setattr(tables, "BLOCKS", blocks)
    page = "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in blocks)
    updated = "<!-- a -->\n\none\n\n<!-- /a -->\n<!-- b -->\n\ntwo+one\n\n<!-- /b -->\n<!-- c -->\nold\n<!-- /c -->\n"
    assert tables.update(page, "one") == updated
    assert "old" not in tables.update(page)


def test_models_are_not_trained_twice(monkeypatch):
    trained = []
    monkeypatch.setattr(accuracy, "fit", lambda start, *rest: trained.append(start) or f"{start} trained")
    train = accuracy._once()
    found = [train(start, [1.0], [2.0], "recipe", 0, lambda done: None, None) for start in ("a", "b", "a")]
    assert found == ["a trained", "b trained", "a trained"] and trained == ["a", "b"]


def test_an_unknown_benchmark_is_one_sentence():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("there is no benchmark 'nothing'; there are accuracy, ")


def test_changes_are_refused(monkeypatch):
    monkeypatch.setattr(
        results, "_git", lambda command, *rest: {"describe": "1234", "diff": "edgernn/model.py"}[command]
    )
    with pytest.raises(SystemExit, match=r"edgernn/model\.py has changes: commit them"):
        results.commit()
    monkeypatch.setattr(results, "_git", lambda command, *rest: {"describe": "1234", "diff": ""}[command])
    assert results.commit() == "1234"
    monkeypatch.setattr(results, "_git", lambda command, *rest: "")
    assert results.commit() == "unknown"


def test_a_report_of_the_nightly_tests_is_summed_by_module():
    cases = "".join(f'<testcase classname="{name}" time="{time}"/>' for name, time in (("b", 1.04), ("a", 2), ("b", 1)))
    found = nightly.summed(ElementTree.fromstring(f"<s>{cases}</s>").iter("testcase"))
    assert found == {"a": {"tests": 1, "seconds": 2.0}, "b": {"tests": 2, "seconds": 2.0}}
