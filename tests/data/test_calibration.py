# SPDX-License-Identifier: Apache-2.0
"""Windows with or without labels for a model whose outputs are known."""

import numpy as np
import pytest

from edgernn.data.calibration import Calibration
from edgernn.errors import DataError

X = np.random.default_rng(0).normal(size=(6, 4, 2))


@pytest.fixture
def given(tmp_path):
    def make(**arrays):
        path = tmp_path / "windows.npz"
        np.savez(path, **{"x": X, **arrays})
        return Calibration(path)

    return make


@pytest.mark.parametrize(
    ("arrays", "task"),
    [
        ({}, None),
        ({"classes": np.array(["a", "b"])}, "classification"),
        ({"targets": np.array(["a", "b"])}, "regression"),
        ({"y": np.arange(6)}, "classification"),
        ({"y": np.array(["a"] * 6), "classes": np.array(["a", "b"])}, "classification"),
        ({"y": np.arange(6) > 2}, "classification"),
        ({"y": np.linspace(0, 1, 6)}, "regression"),
    ],
)
def test_the_task(given, arrays, task):
    calibration = given(**arrays)
    assert (calibration.task, calibration.labelled) == (task, "y" in arrays)


def test_classes_are_the_outputs_of_the_model_whether_they_occur_or_not(given):
    data = given(y=np.array([0, 2, 2, 0, 2, 2])).dataset("classification", 4, (), ())
    assert data.classes == ("class 0", "class 1", "class 2", "class 3")
    np.testing.assert_array_equal(data.y, [0, 2, 2, 0, 2, 2])
    one = given(y=np.zeros(6, int)).dataset("classification", 2, ("off", "on"), ())
    assert (one.classes, one.y.tolist()) == (("off", "on"), [0] * 6)


def test_names_of_classes_stand_in_the_order_of_the_outputs(given):
    arrays = {"y": np.array(["b", "a", "b", "b", "a", "a"]), "classes": np.array(["b", "a", "c"])}
    data = given(**arrays).dataset("classification", 3, (), ("one", "two"))
    assert (data.y.tolist(), data.features) == ([0, 1, 0, 0, 1, 1], ("one", "two"))
    other = given(**arrays).dataset("classification", 3, ("a", "b", "d"), ())
    assert other.y.tolist() == [1, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_without_labels(given, task):
    lengths = np.array([1, 2, 3, 4, 4, 4])
    data = given(lengths=lengths, split=np.array(["train", "test"] * 3)).dataset(task, 3, (), ())
    assert (data.task, data.n, len(data.classes or data.targets)) == (task, 6, 3)
    np.testing.assert_array_equal(data.lengths, lengths)
    assert data.split.tolist() == ["train", "test"] * 3
    np.testing.assert_array_equal(data.x[3:], X[3:].astype(np.float32))


@pytest.mark.parametrize(
    ("arrays", "task", "words"),
    [
        ({"y": np.arange(6) / 7}, "classification", "y is of regression, the model of classification: save classes as"),
        ({"y": np.arange(6)}, "regression", "y is of classification, the model of regression"),
        ({"y": np.zeros((6, 3))}, "regression", "save those that it gives as [6, 2], or of every step as [6, 4, 2]"),
        ({"y": np.float32(1)}, "regression", "y has 1 targets, the model gives 2"),
        ({"y": np.array([0, 1, 2, 3, 4, 10**12])}, "classification", f"y holds the class {10**12}"),
        ({"y": np.array([0, 1, 2, 3, 4, -1])}, "classification", "y holds the class -1"),
        ({"y": np.array(["a", "b", "c"] * 2)}, "classification", "add an array `classes`"),
        ({"classes": np.array([["a"]])}, "classification", "classes has the shape [1, 1]"),
        ({"classes": np.array(["a"])}, "classification", "has 1 names, the model has 2 outputs: name each output"),
        ({"classes": np.array(["a", "a"]), "y": np.arange(6) % 2}, "classification", "two classes have the same name"),
        ({"x": np.zeros(())}, "classification", "x has the shape []"),
        ({"x": np.full((6, 4, 2), np.nan)}, "regression", "x holds nan"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_what_does_not_fit(given, arrays, task, words):
    with pytest.raises(DataError) as caught:
        given(**arrays).dataset(task, 2, (), ())
    assert words in str(caught.value) and "\n" not in str(caught.value)
