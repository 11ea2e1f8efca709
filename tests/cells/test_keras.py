# SPDX-License-Identifier: Apache-2.0
"""The float step of every cell against the Keras layer that trains it."""

import numpy as np
import pytest

from edgernn import cells
from edgernn.train import network
from edgernn.train.libraries import tensorflow_and_keras

TOLERANCE = 1e-5
"""float32 rounds at 6e-8; twenty steps of sums of up to fifteen products and two implementations of exp and tanh."""
X = np.random.default_rng(0).normal(size=(7, 20, 5)).astype(np.float32)


def assert_like_keras(model):
    (layer,) = model.layers
    _, keras = tensorflow_and_keras()
    sequences = {"return_sequences": True} if cells.get(layer.kind).STATES else {}
    trained = getattr(keras.layers, cells.get(layer.kind).KERAS)(layer.units, **sequences, **layer.options)
    normalized = model.interface.normalize(X)
    trained.build(normalized.shape)
    assert [weight.name for weight in trained.weights] == list(layer.weights)
    trained.set_weights(list(layer.weights.values()))
    np.testing.assert_allclose(model.forward(X), np.asarray(trained(normalized)), rtol=0, atol=TOLERANCE)


def test_a_recurrent_layer(make_model, recurrent):
    kind, options = recurrent
    assert_like_keras(make_model((kind, 6, options)))


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
def test_a_dense_layer(make_model, activation):
    assert_like_keras(make_model(("dense", 6, {"activation": activation})))


STACKS = [
    [("lstm", 7, {}), ("lstm", 3, {}), ("dense", 5, {"activation": "relu"}), ("dense", 2, {})],
    [("gru", 5, {}), ("dense", 4, {"activation": "tanh"}), ("dense", 4, {"activation": "sigmoid"}), ("dense", 3, {})],
    [("rnn", 5, {})],
]


def assert_like_the_network(make_model, layers):
    model = make_model(*layers, task="regression", target_mean=np.float32(3), target_std=np.float32(2))
    trained = network.build(model)(model.interface.normalize(X))
    np.testing.assert_allclose(model.predict(X), 3 + 2 * np.asarray(trained), rtol=0, atol=2 * TOLERANCE)


@pytest.mark.parametrize("layers", STACKS)
def test_every_output_of_a_stack_is_the_trained_networks_in_the_targets_unit(make_model, layers):
    assert_like_the_network(make_model, layers)


def test_a_stack_of_all_cells(make_model, every_recurrent):
    assert_like_the_network(make_model, [(kind, 4, options) for kind, options in every_recurrent])
