# SPDX-License-Identifier: Apache-2.0
"""Unit pruning: the units that matter least go, in every matrix that knows of them."""

import numpy as np
import pytest

from edgernn.train.units import remove_units

X = np.random.default_rng(0).normal(size=(9, 7, 5)).astype(np.float32)
LENGTHS = np.full(9, 7, np.int32)
FLOAT32 = 1e-6
"""Sums without the zero terms are added up in another order."""


def assert_unread_units_go_without_a_trace(model):
    unread = [1, 4]
    for weights, name in ((model.layers[1].weights, "kernel"), (model.layers[0].weights, "recurrent_kernel")):
        if name in weights:
            weights[name][unread] = 0
    pruned = remove_units(model, X, LENGTHS, 1 / 3)
    assert pruned.layers[0].units == 4
    np.testing.assert_allclose(pruned.forward(X), model.forward(X), rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("after", ["dense", "gru"])
def test_units_that_nothing_reads_go_without_a_trace(make_model, recurrent, after):
    kind, options = recurrent
    assert_unread_units_go_without_a_trace(make_model((kind, 6, options), (after, 4, {})))


def test_units_of_a_dense_layer_that_nothing_reads(make_model):
    assert_unread_units_go_without_a_trace(make_model(("dense", 6, {"activation": "tanh"}), ("dense", 4, {})))


@pytest.mark.parametrize("share, units", [(0.0, 6), (0.1, 5), (0.5, 3), (0.9, 1), (1.0, 1)])
def test_the_model_is_as_small_as_one_made_with_fewer_units(make_model, every_recurrent, share, units):
    hidden = [*every_recurrent, ("dense", {"activation": "tanh"})]

    def stack(size):
        return make_model(*((kind, size, options) for kind, options in hidden), ("dense", 3, {}))

    pruned = remove_units(stack(6), X, LENGTHS, share)
    assert [layer.units for layer in pruned.layers] == [units] * len(hidden) + [3]
    assert [layer.parameters for layer in pruned.layers] == [layer.parameters for layer in stack(units).layers]
    assert pruned.forward(X).shape == (9, 7, 3)


def test_nothing_is_removed_at_a_share_of_zero(make_model):
    model = make_model(("lstm", 6, {}), ("dense", 3, {}))
    np.testing.assert_array_equal(remove_units(model, X, LENGTHS, 0.0).forward(X), model.forward(X))


def test_a_unit_that_never_changes_goes_first(make_model):
    """Its output is a bias to its readers; fine-tuning gives them that back."""
    model = make_model(("rnn", 3, {}), ("dense", 2, {}))
    weights = model.layers[0].weights
    weights["kernel"][:, 1], weights["recurrent_kernel"][:, 1], weights["bias"][1] = 0, 0, 0.7
    model.layers[1].weights["kernel"][1] = 100
    pruned = remove_units(model, X, LENGTHS, 1 / 3)
    np.testing.assert_array_equal(pruned.layers[0].weights["kernel"], weights["kernel"][:, [0, 2]])
    np.testing.assert_array_equal(pruned.layers[1].weights["kernel"], model.layers[1].weights["kernel"][[0, 2]])


def test_a_unit_that_only_its_own_layer_reads_stays(make_model):
    model = make_model(("rnn", 3, {}), ("dense", 2, {}))
    model.layers[1].weights["kernel"][1], model.layers[0].weights["recurrent_kernel"][1] = 0, 3
    kept = remove_units(model, X, LENGTHS, 2 / 3).layers[0].weights["kernel"]
    np.testing.assert_array_equal(kept, model.layers[0].weights["kernel"][:, [1]])


def test_units_keep_their_order_and_their_gates(make_model):
    model = make_model(("lstm", 3, {}), ("dense", 2, {}))
    model.layers[1].weights["kernel"][0] = 0
    model.layers[0].weights["recurrent_kernel"][0] = 0
    pruned = remove_units(model, X, LENGTHS, 1 / 3).layers[0].weights
    columns = [1, 2, 4, 5, 7, 8, 10, 11]
    np.testing.assert_array_equal(pruned["kernel"], model.layers[0].weights["kernel"][:, columns])
    np.testing.assert_array_equal(pruned["bias"], model.layers[0].weights["bias"][columns])
    recurrent = model.layers[0].weights["recurrent_kernel"]
    np.testing.assert_array_equal(pruned["recurrent_kernel"], recurrent[[1, 2]][:, columns])


def test_padding_does_not_count(make_model):
    model = make_model(("gru", 6, {}), ("dense", 3, {}))
    lengths = np.array([7, 3, 5, 1, 2, 7, 4, 6, 3], np.int32)
    filled = np.where(np.arange(7)[:, None] < lengths[:, None, None], X, np.float32(50))
    padded, other = (remove_units(model, x, lengths, 0.5).layers[0].weights for x in (X, filled))
    np.testing.assert_array_equal(padded["kernel"], other["kernel"])
