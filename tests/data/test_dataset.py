# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from edgernn.data.arrays import from_arrays
from edgernn.data.dataset import without
from edgernn.errors import DataError

X = np.arange(4 * 3 * 2, dtype=np.float64).reshape(4, 3, 2) + 1
Y = np.array([0, 1, 1, 0])
STEPS = np.array([[0, 1, 2], [1, 1, 2], [0, 0, 0], [1, 0, 2]])


def test_without_a_class_of_windows():
    ds = from_arrays("a", X, np.array(["none", "run", "walk", "run"]), group=np.array(list("pqrs")))
    found = without(ds, ["none"])
    assert found.classes == ("run", "walk") and found.ignored is None
    np.testing.assert_array_equal(found.y, [0, 1, 0])
    np.testing.assert_array_equal(found.x, ds.x[1:])
    np.testing.assert_array_equal(found.group, list("qrs"))
    assert without(ds, []) is ds


def test_without_a_class_of_steps():
    ds = from_arrays("a", X, STEPS, lengths=np.array([2, 3, 3, 3]), classes=["run", "none", "walk"])
    found = without(ds, ["none"])
    assert found.classes == ("run", "walk") and found.ignored is not None
    np.testing.assert_array_equal(found.ignored, (STEPS == 1) & ds.mask)
    np.testing.assert_array_equal(found.y, [[0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(found.x, ds.x)
    marked = from_arrays("a", X, STEPS, ignored=np.arange(3)[None, :] + 0 * STEPS == 0)
    both = without(marked, ["1"])
    np.testing.assert_array_equal(both.counted, (STEPS != 1) & (np.arange(3) > 0))


@pytest.mark.parametrize(
    ("y", "names", "says"),
    [
        (np.array(["a", "b", "c", "a"]), ["d"], "ignore names `d`, which is no class; there are a, b, c"),
        (np.array(["a", "b", "c", "a"]), ["a", "b"], "fewer than two are left"),
        (np.array([0.5, 1, 2, 3]), ["a"], "y holds real targets; leave ignore out"),
    ],
)
def test_classes_that_can_not_be_left_out(y, names, says):
    with pytest.raises(DataError, match=says):
        without(from_arrays("a", X, y), names)


def test_take():
    ds = from_arrays("a", X, Y, group=np.array([1, 2, 3, 4]), lengths=np.array([3, 2, 3, 1]))
    part = ds.take([3, 1])
    np.testing.assert_array_equal(part.x, ds.x[[3, 1]])
    assert part.group is not None and part.group.tolist() == ["4", "2"]
    np.testing.assert_array_equal(part.lengths, [1, 2])
    np.testing.assert_array_equal(part.recording, [3, 1])
    assert ds.take([0]).classes == ("0", "1")


def test_digest_follows_the_content_and_not_the_name():
    ds = from_arrays("a", X, Y, group=np.array(["p", "q", "q", "p"]))
    assert ds.digest() == replace(ds, name="b").digest()
    assert ds.digest() == "10c41d3566052f2822e561cbbdcaedc804b143f8e3b65524bcfbaeb1e09039e3"
    changed = X.copy()
    changed[3, 2, 1] += 1
    for other in (
        from_arrays("a", changed, Y, group=ds.group),
        from_arrays("a", X, Y[::-1].copy(), group=np.array(["q", "p", "q", "p"])),
        from_arrays("a", X, 1 - Y, group=ds.group),
        from_arrays("a", X, Y, group=ds.group, classes=["p", "q"]),
        from_arrays("a", X, Y),
    ):
        assert other.digest() != ds.digest()


def test_digest_covers_the_names_of_the_targets():
    y = np.array([0.5, 1, 2, 3])
    assert from_arrays("a", X, y).digest() != from_arrays("a", X, y, targets=["speed"]).digest()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x": X}, "x is float64"),
        ({"y": Y.astype(np.int32)}, "y is int32"),
        ({"y": np.array([0, 1, 2, 0])}, "y of window 2 holds the class 2; give 0 to 1"),
        ({"lengths": np.array([2, 3, 3, 3], np.int32)}, "x is not 0 behind lengths"),
        ({"lengths": np.array([2, 3, 4, 3], np.int32)}, "the length of window 2 is 4"),
        ({"task": "regression"}, r"y is int64 \[4\]; give real targets as float32 \[4, K\]"),
        ({"task": "regression", "per_step": True}, r"give real targets as float32 \[4, 3, K\]"),
        ({"targets": ("a",)}, "targets are named, but y holds classes"),
    ],
)
def test_a_dataset_can_not_contradict_itself(changed, says):
    with pytest.raises(DataError, match=says):
        replace(from_arrays("a", X, Y), **changed)


@pytest.mark.parametrize("y", [np.array([[0, 1, 1]] * 4), np.arange(12.0).reshape(4, 3, 1)])
def test_targets_behind_lengths_are_zero(y):
    ds = from_arrays("a", X, y, lengths=np.array([3, 3, 3, 2]))
    changed = ds.y.copy()
    changed[3, 2] = 1
    with pytest.raises(DataError, match="y is not 0 behind lengths"):
        replace(ds, y=changed)
