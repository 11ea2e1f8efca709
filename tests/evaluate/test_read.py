# SPDX-License-Identifier: Apache-2.0
"""Labelled windows for an artifact: by name where both sides have names, by order otherwise."""

from pathlib import Path

import numpy as np
import pytest

from edgernn import load
from edgernn.errors import ConfigError, DataError
from edgernn.evaluate import evaluate
from edgernn.evaluate.read import read

N, STEPS = 12, 5
X = np.random.default_rng(0).normal(size=(N, STEPS, 3)).astype(np.float32)
Y = np.arange(N) % 2


@pytest.fixture
def save(tmp_path):
    """Writes an .npz file of X and Y; keywords change its arrays, None leaves one out."""

    def write(**changed):
        arrays = {"x": X, "y": Y, **changed}
        np.savez(tmp_path / "d.npz", **{name: array for name, array in arrays.items() if array is not None})
        return tmp_path / "d.npz"

    return write


def test_numbers_are_those_of_the_artifact(save, model):
    found = read(save(group=np.arange(N) % 3, recording=np.arange(N) // 2, start=np.arange(N) % 2 * 5), model)
    np.testing.assert_array_equal(found.y, Y)
    np.testing.assert_array_equal(found.x, X)
    assert (found.classes, found.features) == (("c0", "c1"), ("f0", "f1", "f2"))
    assert found.group.tolist() == [str(i % 3) for i in range(N)] and found.start.any()


def test_classes_are_found_by_name(save, model):
    np.testing.assert_array_equal(read(save(y=np.array(["c0", "c1"])[Y]), model).y, Y)
    np.testing.assert_array_equal(read(save(classes=["c1", "never", "c0"], y=np.array([2, 0])[Y]), model).y, Y)


def test_classes_that_are_named_by_integers(save, make_artifact):
    model = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), outputs=("1", "2")))
    np.testing.assert_array_equal(read(save(y=Y + 1), model).y, Y)
    with pytest.raises(DataError, match="the class `0`, which the artifact does not have; its classes are 1, 2"):
        read(save(), model)


def test_windows_of_one_class_will_do(save, model):
    assert evaluate(model, read(save(y=0 * Y), model)).classes[1].windows == 0


def test_channels_are_found_by_name(save, model):
    np.testing.assert_array_equal(read(save(features=["f2", "f0", "f1"]), model).x, X[:, :, [1, 2, 0]])
    with pytest.raises(DataError, match="features are a, b, c, those of the artifact f0, f1, f2: give the same"):
        read(save(features=["a", "b", "c"]), model)


def test_names_that_nobody_gave(save, make_artifact):
    model = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", outputs=("target_0", "target_1")))
    y = np.random.default_rng(0).normal(size=(N, 2))
    assert read(save(y=y, targets=["a", "b"]), model).targets == ("target_0", "target_1")
    named = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", outputs=("b", "a")))
    np.testing.assert_array_equal(read(save(y=y, targets=["a", "b"]), named).y, y[:, ::-1].astype(np.float32))


def test_padding_has_no_class(save, make_artifact):
    model = load(make_artifact(("gru", 5, {}), ("dense", 2, {}), per_step=True))
    lengths = np.where(Y, 3, STEPS)
    y = np.where(np.arange(STEPS) < lengths[:, None], np.arange(STEPS) % 2, -1)
    found = read(save(y=y, lengths=lengths), model)
    assert found.counted.sum() == lengths.sum() and found.y.min() == 0


def test_classes_that_do_not_count(save, artifact, edit_json):
    edit_json(artifact / "manifest.json", "config", value={"data": {"source": "npz", "ignore": ["none", 3]}})
    found = read(save(y=np.array(["c0", "c1", "none"])[np.arange(N) % 3]), load(artifact))
    assert found.n == 8 and found.classes == ("c0", "c1")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"y": None}, "has no array `y`, so there is nothing to judge by"),
        ({"y": Y.astype(np.float32)}, "y is of regression, the artifact of classification"),
        ({"y": np.array(["c0", "c\x1b9"])[Y]}, "which the artifact does not have; its classes are c0, c1"),
        ({"y": Y + 1}, "y holds the class 2, but classes names only 0..1"),
        ({"y": Y - 1}, "y holds the class -1"),
        ({"y": Y[1:]}, "give y one entry per window"),
        ({"y": Y[:, None]}, r"y has the shape \[12, 1\]"),
        ({"classes": ["c0"]}, "y holds the class 1, but classes names only 0..0"),
        ({"x": X[:, :, :2]}, "x has 2 channels, the artifact takes 3: f0, f1, f2"),
        ({"x": X[0]}, "x has the shape"),
        ({"x": np.where(X > 2, np.inf, X)}, "inf in float32"),
        ({"y": np.array([None] * N)}, "pickled"),
        ({"lengths": np.full(N, 9)}, "the length of window 0 is 9"),
    ],
)
def test_windows_that_do_not_fit(save, model, changed, words):
    with pytest.raises(DataError, match=words):
        read(save(**changed), model)


@pytest.fixture
def csv_artifact(artifact, edit_json):
    """`artifact`, as if it had been built of CSV."""
    section = {"source": "csv", "path": "gone", "columns": ["f0", "f1", "f2"], "label": "label", "window": 4}
    edit_json(artifact / "manifest.json", "config", value={"data": section})
    return artifact


def recording(path, labels):
    lines = [f"{label},{i},{-i},{i % 3}" for i, label in enumerate(labels)]
    Path(path).write_text("\n".join(["label,f0,f1,f2", *lines]) + "\n")


def test_csv_is_read_as_for_the_build(csv_artifact, tmp_path):
    recording(tmp_path / "new.csv", ["c1"] * 12)
    found = read(tmp_path / "new.csv", load(csv_artifact))
    assert found.x.shape == (3, 4, 3) and found.y.tolist() == [1, 1, 1] and found.classes == ("c0", "c1")
    recording(tmp_path / "new.csv", ["c1"] * 8 + ["jump"] * 8)
    with pytest.raises(DataError, match="the class `jump`, which the artifact does not have"):
        read(tmp_path / "new.csv", load(csv_artifact))


def test_the_class_was_in_the_path(csv_artifact, edit_json, tmp_path):
    edit_json(csv_artifact / "manifest.json", "config", "data", "label", value="kind")
    edit_json(csv_artifact / "manifest.json", "config", "data", "path", value="old/{kind}/{group}.csv")
    for label in ("c0", "c1"):
        (tmp_path / label).mkdir()
        recording(tmp_path / label / "me.csv", [label] * 4)
    with pytest.raises(ConfigError, match=r"has no \{kind\}, which .* path, old/\{kind\}/"):
        read(tmp_path, load(csv_artifact))
    pattern = tmp_path / "{kind}" / "*.csv"
    found = read(pattern, load(csv_artifact))
    assert found.y.tolist() == [0, 1] and found.name == str(pattern)


@pytest.mark.parametrize(
    "config", [None, [], {}, {"data": 3}, {"data": {"source": "npz"}}, {"data": {"source": "csv", "window": [[]]}}]
)
def test_nothing_says_how_to_read_csv(artifact, edit_json, tmp_path, config):
    edit_json(artifact / "manifest.json", "config", value=config)
    recording(tmp_path / "new.csv", ["c0"] * 8)
    with pytest.raises(ConfigError, match="give an .npz file"):
        read(tmp_path / "new.csv", load(artifact))
