# SPDX-License-Identifier: Apache-2.0
"""Quality figures against numbers worked out by hand."""

import numpy as np
import pytest

from edgernn.data.dataset import from_arrays
from edgernn.metrics import Closeness, evaluate, fidelity

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


def test_regression():
    y = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]])
    data = from_arrays("d", np.zeros((3, 2, 1)), y, targets=["speed", "angle"])
    outputs = np.stack([np.full((3, 2), 99.0), y + np.array([[1, 0], [-1, 0], [1, -4]])], axis=1)
    found = evaluate(outputs, data)
    r2 = (1 - 3 / 8) / 2 + (1 - 16 / 200) / 2
    assert found == {"mae": pytest.approx(7 / 6), "rmse": pytest.approx(np.sqrt(19 / 6)), "r2": pytest.approx(r2)}


def test_regression_of_every_step_of_a_window():
    y = np.array([[[1.0, 10.0], [3.0, 30.0]], [[5.0, 20.0], [np.nan, np.nan]]])
    data = from_arrays("d", np.zeros((2, 2, 1)), y, lengths=np.array([2, 1]))
    outputs = y + np.array([[[1, 0], [-1, 0]], [[1, -4], [0, 0]]])
    outputs[1, 1] = 99
    found = evaluate(outputs, data)
    r2 = (1 - 3 / 8) / 2 + (1 - 16 / 200) / 2
    assert found == {"mae": pytest.approx(7 / 6), "rmse": pytest.approx(np.sqrt(19 / 6)), "r2": pytest.approx(r2)}


def test_regression_of_a_constant_target():
    data = from_arrays("d", np.zeros((2, 1, 1)), np.array([4.0, 4.0]))
    assert evaluate(np.full((2, 1, 1), 4.0), data) == {"mae": 0.0, "rmse": 0.0, "r2": 1.0}
    assert evaluate(np.full((2, 1, 1), 5.0), data)["r2"] == -1.0


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
