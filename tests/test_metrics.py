# SPDX-License-Identifier: Apache-2.0
"""Quality figures against numbers worked out by hand."""

import numpy as np
import pytest

from edgernn.data.arrays import from_arrays
from edgernn.metrics import (
    ClassScore,
    Closeness,
    TargetScore,
    baselines,
    calibration_error,
    confusion,
    evaluate,
    fidelity,
    judged,
    per_class,
    scores,
)

LENGTHS = np.array([3, 1, 2, 3])


def one_hot(classes, count):
    return np.eye(count, dtype=np.float32)[classes]


def test_a_class_per_window_is_judged_at_its_last_step():
    data = from_arrays("d", np.zeros((4, 3, 1)), np.array([0, 1, 0, 1]), lengths=LENGTHS)
    outputs = one_hot(np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]]), 2)
    found = evaluate(outputs, data)
    assert found == {"accuracy": 0.5, "macro_f1": pytest.approx((2 * 1 / (2 + 2) + 2 * 1 / (2 + 2)) / 2)}


def test_a_class_per_step_is_judged_at_every_step_of_a_window():
    y = np.array([[0, 1, 2], [1, 0, 0], [2, 2, 0], [0, 0, 0]])
    data = from_arrays("d", np.zeros((4, 3, 1)), y, lengths=LENGTHS)
    right = evaluate(one_hot(np.where(data.mask, y, 1), 3), data)
    assert right == {"accuracy": 1.0, "macro_f1": 1.0}
    always_zero = evaluate(one_hot(0 * y, 3), data)
    assert always_zero == {"accuracy": 4 / 9, "macro_f1": pytest.approx((2 * 4 / (9 + 4) + 0 + 0) / 3)}


def test_a_class_that_neither_occurs_nor_is_found_does_not_count():
    data = from_arrays("d", np.zeros((3, 1, 1)), np.array([0, 1, 2])).take([0, 1])
    assert evaluate(one_hot(np.array([[0], [1]]), 3), data)["macro_f1"] == 1.0


def test_steps_that_are_ignored_are_not_judged():
    y = np.array([[0, 1, 2], [1, 0, 0], [2, 2, 0], [0, 0, 0]])
    ignored = np.zeros((4, 3), bool)
    ignored[3, :2] = ignored[0, 1] = True
    data = from_arrays("d", np.zeros((4, 3, 1)), y, lengths=LENGTHS, ignored=ignored)
    always_zero = evaluate(one_hot(0 * y, 3), data)
    assert always_zero["accuracy"] == 2 / 6
    assert baselines(data, data) == {"majority": 3 / 6}


def test_one_target():
    y = np.array([1.0, 3.0, 5.0])
    data = from_arrays("d", np.zeros((3, 2, 1)), y[:, None])
    outputs = np.stack([np.full((3, 1), 99.0), (y + [1, -1, 1])[:, None]], axis=1)
    assert evaluate(outputs, data) == {"mae": 1.0, "rmse": 1.0, "r2": pytest.approx(1 - 3 / 8)}


SEVERAL = (1 - 3 / 8) / 2 + (1 - 16 / 200) / 2

ROWS = (
    TargetScore("speed", 1.0, 1.0, pytest.approx(1 - 3 / 8), pytest.approx(np.sqrt(8 / 3)), None),
    TargetScore(
        "angle",
        pytest.approx(4 / 3),
        pytest.approx(np.sqrt(16 / 3)),
        pytest.approx(1 - 16 / 200),
        pytest.approx(np.sqrt(200 / 3)),
        None,
    ),
)


def test_targets_of_different_units_are_not_averaged():
    y = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]])
    data = from_arrays("d", np.zeros((3, 2, 1)), y, targets=["speed", "angle"])
    outputs = np.stack([np.full((3, 2), 99.0), y + np.array([[1, 0], [-1, 0], [1, -4]])], axis=1)
    assert evaluate(outputs, data) == {"r2": pytest.approx(SEVERAL)}
    assert scores(data.targets, *judged(outputs, data)) == ROWS


def test_targets_of_every_step_of_a_window():
    y = np.array([[[1.0, 10.0], [3.0, 30.0]], [[5.0, 20.0], [np.nan, np.nan]]])
    x = np.full((2, 2, 1), 20.0)
    data = from_arrays("d", x, y, lengths=np.array([2, 1]), targets=["speed", "angle"], features=["angle"])
    outputs = y + np.array([[[1, 0], [-1, 0]], [[1, -4], [0, 0]]])
    outputs[1, 1] = 99
    assert evaluate(outputs, data) == {"r2": pytest.approx(SEVERAL)}
    assert scores(data.targets, *judged(outputs, data)) == ROWS


def test_a_target_that_never_changes_has_no_r2():
    data = from_arrays("d", np.zeros((3, 1, 1)), np.array([4.1, 4.1, 5.0])).take([0, 1])
    assert evaluate(np.full((2, 1, 1), 5.1), data) == {"mae": pytest.approx(1), "rmse": pytest.approx(1)}
    pair = from_arrays("d", np.zeros((3, 1, 1)), np.array([[4.1, 1], [4.1, 2], [5.0, 2]])).take([0, 1])
    assert evaluate(np.full((2, 1, 2), 1.5), pair) == {"r2": 0.0}
    rows = scores(pair.targets, *judged(np.full((2, 1, 2), 1.5), pair))
    assert [row.r2 for row in rows] == [None, 0.0]


def test_the_majority_is_that_of_the_training_windows():
    data = from_arrays("d", np.zeros((6, 1, 1)), np.array([1, 1, 0, 0, 0, 1]))
    assert baselines(data.take([0, 1, 2]), data.take([2, 3, 4, 5])) == {"majority": 0.25}


def test_a_forecast_is_compared_to_the_last_value():
    x = np.array([[[0.0, 1.0], [0, 2]], [[0, 2], [0, 4]], [[0, 8], [0, 6]]])
    y = np.array([3.0, 4.0, 8.0])
    data = from_arrays("d", x, y[:, None], targets=["level"], features=["flow", "level"])
    found = baselines(data.take([0, 1]), data.take([1, 2]))
    assert found == {
        "mean_mae": 2.5,
        "mean_rmse": pytest.approx(np.sqrt((0.25 + 20.25) / 2)),
        "mean_r2": pytest.approx(1 - 10.25 / 4),
        "last_value_mae": 1.0,
        "last_value_rmse": pytest.approx(np.sqrt(2)),
        "last_value_r2": 0.5,
    }
    apart = from_arrays("d", x, y[:, None], targets=["level"], features=["flow", "other"])
    assert baselines(apart, apart).keys() == {"mean_mae", "mean_rmse", "mean_r2"}


def test_confusion_and_its_rows():
    table = confusion(np.array([0, 0, 1, 0]), np.array([0, 1, 1, 1]), 4)
    np.testing.assert_array_equal(table, [[1, 0, 0, 0], [2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert table.dtype == np.int64
    assert per_class(table, ["a", "b", "c", "d"]) == (
        ClassScore("a", 1, pytest.approx(1 / 3), 1.0, 0.5),
        ClassScore("b", 3, 1.0, pytest.approx(1 / 3), 0.5),
        ClassScore("c", 0, None, None, None),
        ClassScore("d", 0, None, None, None),
    )


def test_expected_calibration_error():
    """Two results of confidence 0.8, one right; two of 0.6, both right: (|0.5 - 0.8| + |1 - 0.6|) / 2."""
    confidence = np.array([0.8, 0.8, 0.6, 0.6])
    logits = np.log(np.stack([confidence, 1 - confidence], axis=1))
    assert calibration_error(logits, np.array([0, 1, 0, 0])) == pytest.approx(0.35)
    assert calibration_error(logits, np.array([0, 1, 0, 0]), bins=1) == pytest.approx(0.05)
    assert calibration_error(np.array([[1e5, 0.0]]), np.array([0])) == 0.0


def test_regression_far_from_zero():
    """A sum of many float32 targets loses their digits: the figures are computed in float64."""
    y = (10_000 + np.random.default_rng(0).normal(size=(200_000, 2))).astype(np.float32)
    data = from_arrays("d", np.zeros((200_000, 1, 1)), y)
    outputs = np.broadcast_to(y.mean(axis=0, dtype=np.float64), (200_000, 1, 2))
    assert evaluate(outputs, data)["r2"] == pytest.approx(0.0, abs=1e-9)


def test_fidelity_of_classes(make_interface):
    exact = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
    found = exact + np.array([[0, 0.5], [0, 0], [2.0, 0], [0, 0]])
    close = fidelity(exact, found, make_interface(3, 2))
    signal = np.square(exact - exact.mean(axis=0)).sum()
    assert close.same_class == 0.75
    assert close.outputs == (Closeness("logits", pytest.approx(10 * np.log10(signal / 4.25)), 2.0),)


def test_fidelity_of_targets(make_interface):
    exact = np.array([[0.0, 100.0], [2.0, 100.0]])
    close = fidelity(exact, exact + [[0.1, 0.5]], make_interface(3, 2, task="regression"))
    assert close.same_class is None
    decibels = pytest.approx(10 * np.log10(2 / 0.02))
    assert close.outputs == (Closeness("c0", decibels, pytest.approx(0.1)), Closeness("c1", None, 0.5))
    same = fidelity(exact, exact, make_interface(3, 2, task="regression"))
    assert [output.signal_to_noise for output in same.outputs] == [200, None]
