# SPDX-License-Identifier: Apache-2.0
"""Targets and weights as the loss takes them."""

import numpy as np
import pytest

from edgernn.data.arrays import from_arrays
from edgernn.train.examples import examples

X = np.zeros((4, 3, 2))
LENGTHS = np.array([3, 1, 2, 3])
STEPS = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]])


@pytest.fixture
def interface(make_interface):
    return make_interface(2, 2)


def test_a_class_per_window_counts_at_its_last_step(interface):
    found = examples(from_arrays("d", X, np.array([0, 1, 0, 0]), lengths=LENGTHS), interface)
    np.testing.assert_array_equal(found.step_weights(), [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(found.step_targets(), [[0] * 3, [1] * 3, [0] * 3, [0] * 3])


def test_a_class_per_step_counts_at_every_step_of_a_window(interface):
    found = examples(from_arrays("d", X, STEPS, lengths=LENGTHS), interface)
    np.testing.assert_array_equal(found.step_weights(), [[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(found.step_targets(), STEPS)


def test_targets_are_standardized(make_interface):
    scales = {"target_mean": np.array([10.0, 0.0], np.float32), "target_std": np.array([2.0, 0.5], np.float32)}
    interface = make_interface(2, 2, task="regression", **scales)
    targets = np.array([[10.0, 1.0], [12.0, 0.0], [8.0, -1.0], [11.0, 0.5]])
    found = examples(from_arrays("d", X, targets), interface)
    expected = np.array([[0, 2], [1, 0], [-1, -2], [0.5, 1]], np.float32)
    np.testing.assert_array_equal(found.y, expected)
    np.testing.assert_array_equal(found.step_targets(), np.repeat(expected[:, None], 3, axis=1))


def test_class_weights_make_every_class_count_alike(interface):
    y = np.array([0, 1, 0, 0])
    found = examples(from_arrays("d", X, y), interface, class_weights=True)
    np.testing.assert_array_equal(found.class_weights, np.array([2 / 3, 2], np.float32))
    weights = found.step_weights().sum(axis=1)
    assert weights[y == 0].sum() == weights[y == 1].sum()


def test_class_weights_of_steps(interface):
    """Seven steps of class 0 count 9/14 each, two of class 1 count 9/4, those behind a window nothing."""
    data = from_arrays("d", X, STEPS, lengths=LENGTHS)
    found = examples(data, interface, class_weights=True)
    expected = np.where(data.mask, np.where(data.y == 1, 9 / 4, 9 / 14), 0)
    np.testing.assert_allclose(found.step_weights(), expected, rtol=1e-6)


def test_take_keeps_everything_together(interface):
    x = np.arange(24).reshape(X.shape)
    found = examples(from_arrays("d", x, np.array([0, 1, 0, 0]), lengths=LENGTHS), interface)
    taken = found.take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.x, found.x[[2, 0]])
    np.testing.assert_array_equal(taken.lengths, [2, 3])
    np.testing.assert_array_equal(taken.step_weights(), [[0, 1, 0], [0, 0, 1]])


def test_ignored_steps_have_no_weight(interface):
    ignored = np.zeros((4, 3), bool)
    ignored[0, 1] = ignored[2, 0] = True
    data = from_arrays("d", X, STEPS, lengths=LENGTHS, ignored=ignored)
    found = examples(data, interface, class_weights=True)
    np.testing.assert_array_equal(found.step_weights() > 0, data.counted)
    np.testing.assert_allclose(found.class_weights, [7 / (2 * 5), 7 / (2 * 2)])
    np.testing.assert_array_equal(found.take(np.array([2, 0])).step_weights() > 0, data.counted[[2, 0]])
