# SPDX-License-Identifier: Apache-2.0
"""The figures of an artifact, from what it stores and on other windows."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgernn import load
from edgernn.data.arrays import from_arrays
from edgernn.errors import ArtifactError, DataError
from edgernn.evaluate import evaluate
from edgernn.metrics import baselines

PAGE = Path(__file__).parents[2] / "docs" / "evaluate.md"
CLASSES, FEATURES = ("c0", "c1"), ("f0", "f1", "f2")


def make(n=40, steps=12, **changed):
    """Windows of four recordings that go on, two groups, for `pristine`."""
    rng = np.random.default_rng(1)
    options = {"recording": np.arange(n) // 10, "start": np.arange(n) % 10 * steps, "classes": CLASSES}
    options |= {"group": np.array(["one", "two"])[np.arange(n) // 20 % 2], "features": FEATURES, "complete": False}
    return from_arrays("d", rng.normal(size=(n, steps, 3)), np.arange(n) % 2, **options | changed)


def test_the_stored_part_is_judged_like_the_windows(judged, model):
    data = make()
    stored = evaluate(load(judged(data, baselines={"majority": 0.5})))
    again = evaluate(model, data)
    assert stored.models["integer"] == again.models["integer"] and "float" in stored.models
    assert (stored.classes, stored.confusion, stored.groups) == (again.classes, again.confusion, again.groups)
    assert stored.baselines == {"majority": 0.5} and again.baselines == baselines(data, data)
    assert (stored.data, again.data) == ("held out", "d")
    right = (model.session().run(data.x)[:, -1].argmax(axis=1) == data.y).mean()
    assert again.models["integer"]["accuracy"] == right
    assert sum(map(sum, again.confusion)) == again.results == again.windows == 40
    assert [(group.name, group.results) for group in again.groups] == [("one", 20), ("two", 20)]
    assert again.interval is None and "4 recordings are too few for an interval of the accuracy" in again.notes
    assert json.loads(json.dumps(stored.to_json()))["models"]["integer"] == dict(stored.models["integer"])


def test_the_stored_part_needs_numpy_alone(judged):
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'pydantic', 'onnx', 'pandas']));"
        "import edgernn; from edgernn.evaluate import evaluate; print(evaluate(edgernn.load(sys.argv[1])).results)"
    )
    done = subprocess.run([sys.executable, "-c", program, judged(make())], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("40\n", "")


def test_the_example_of_the_page(judged, tmp_path):
    folder = judged(make())
    (tmp_path / "build").mkdir()
    folder.rename(tmp_path / "build" / "watch")
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "" and [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["c0", "c1"]


def test_streams_that_are_never_reset(judged, model):
    data = make()
    found = evaluate(model, data, continuous=True)
    samples = data.x.reshape(4, 120, 3)
    outputs = np.stack([model.session().run(stream) for stream in samples])[:, 11::12].reshape(40, 2)
    assert found.models["never_reset"]["accuracy"] == (outputs.argmax(axis=1) == data.y).mean()
    assert found.reset == "never" and found.models["integer"] == evaluate(model, data).models["integer"]
    np.testing.assert_array_equal(np.array(found.confusion).sum(axis=1), [20, 20])
    assert sum(row[c] for c, row in enumerate(found.confusion)) == (outputs.argmax(axis=1) == data.y).sum()
    stored = load(judged(data, never_reset=True))
    assert evaluate(stored, continuous=True).models["never_reset"] == found.models["never_reset"]
    assert "never_reset" not in evaluate(stored).models


def test_what_is_not_continuous(judged, model):
    with pytest.raises(DataError, match="nothing in it is continuous.*give `recording` and `start`"):
        evaluate(model, make(start=None), continuous=True)
    with pytest.raises(DataError, match="its held-out windows are not continuous"):
        evaluate(load(judged(make())), continuous=True)


def test_both_ends(make_artifact):
    model = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), bidirectional=True))
    data = make(lengths=np.where(np.arange(40) % 3, 12, 7), features=None)
    rows = [model.session().run(x[None, :length])[0, -1] for x, length in zip(data.x, data.lengths, strict=True)]
    assert evaluate(model, data).models["integer"]["accuracy"] == (np.argmax(rows, axis=1) == data.y).mean()
    with pytest.raises(DataError, match="reads windows from both ends"):
        evaluate(model, data, continuous=True)


def test_a_class_that_does_not_occur(model):
    found = evaluate(model, replace(make(), y=np.zeros(40, np.int64)))
    assert found.classes[1].windows == 0 and found.classes[1].recall is None
    assert any(note.startswith("no result should be of c1") for note in found.notes)


def test_windows_of_another_length(model):
    notes = evaluate(model, make(steps=20)).notes
    assert "these windows have up to 20 steps, those that the artifact was made for 12" in notes


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"classes": ("c1", "c0")}, "into c1, c0; the artifact is of classification into c0, c1"),
        ({"rate": 20.0}, "has 20 steps a second, the artifact was made for 50: resample it"),
    ],
)
def test_windows_that_do_not_fit(model, changed, words):
    with pytest.raises(DataError, match=words):
        evaluate(model, make(**changed))


def test_labels_of_steps_for_a_result_a_window(model):
    data = make()
    steps = replace(data, y=np.zeros((40, 12), np.int64), per_step=True)
    with pytest.raises(DataError, match="y is of every step, but the artifact gives one result a window"):
        evaluate(model, steps)
    with pytest.raises(DataError, match="x has 2 channels; the artifact takes 3: f0, f1, f2"):
        evaluate(model, replace(data, x=data.x[:, :, :2], features=("f0", "f1")))


def test_labels_of_every_step(make_artifact):
    model = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), per_step=True))
    data = make(lengths=np.where(np.arange(40) % 3, 12, 7))
    steps = replace(data, y=np.where(data.mask, np.arange(12) % 2, 0), per_step=True)
    found = evaluate(model, steps)
    assert found.per_step and found.results == data.lengths.sum() and found.windows == 40
    last = evaluate(model, data)
    assert last.results == 40 and "the labels are of windows, so of each window the last step is judged" in last.notes


def test_real_targets(make_artifact):
    folder = make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", outputs=("f1", "f2"))
    model = load(folder)
    rng = np.random.default_rng(0)
    data = from_arrays(
        "d", rng.normal(size=(30, 12, 3)), rng.normal(size=(30, 2)), features=FEATURES, targets=["f1", "f2"]
    )
    found = evaluate(model, data)
    outputs = model.session().run(data.x)[:, -1]
    for column, row in enumerate(found.targets):
        assert row.mae == pytest.approx(np.abs(outputs[:, column] - data.y[:, column]).mean())
        last = np.sqrt(np.square(data.x[:, -1, column + 1] - data.y[:, column]).mean())
        assert row.last_value_rmse == pytest.approx(last)
    assert (found.classes, found.confusion, found.interval, found.calibration_error) == ((), (), None, None)
    assert found.baselines.keys() == {"mean_r2", "last_value_r2"}


def test_old_artifacts_and_windows_without_labels(artifact, model, edit_json):
    with pytest.raises(DataError, match="was built before predictions were stored: build it again, or give --data"):
        evaluate(model)
    edit_json(artifact / "manifest.json", "evaluation", value=None)
    with pytest.raises(DataError, match="was made of windows without labels: give labelled ones with --data"):
        evaluate(load(artifact))


@pytest.mark.parametrize(
    "evaluation", [[], {"baselines": 3}, {"baselines": {"majority": "x", "mean_r2": float("nan")}}]
)
def test_a_manifest_of_another_kind(judged, edit_json, evaluation):
    folder = judged(make())
    edit_json(folder / "manifest.json", "evaluation", value=evaluation)
    assert evaluate(load(folder)).baselines == {}


def test_predictions_of_another_model(judged, edit_npz, rehash):
    folder = judged(make())
    edit_npz(folder / "held_out.npz", {"y": np.full(40, 7)})
    rehash(folder)
    with pytest.raises(ArtifactError, match="it holds a class that the model does not have"):
        evaluate(load(folder))


def test_a_state_that_is_reset_otherwise_than_in_training(make_artifact):
    never = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), reset="never"))
    window = load(make_artifact(("gru", 5, {}), ("dense", 2, {})))

    def told(model, continuous):
        return [note for note in evaluate(model, make(), continuous=continuous).notes if "was trained for" in note]

    assert told(never, True) == told(window, False) == []
    assert told(never, False) == ["the model was trained for a state that is never reset: --continuous judges that"]
    (note,) = told(window, True)
    assert note.endswith("`edgernn run` and the examples reset it at each")
