# SPDX-License-Identifier: Apache-2.0
"""The vanilla networks that the source documents work out by hand: states, outputs, gradients."""

import numpy as np
import pytest

from edgernn.model import FloatModel, Layer
from edgernn.train.libraries import tensorflow_and_keras
from edgernn.train.network import build

PRINTED = 0.02
"""The documents round by hand at every step."""
FLOAT32 = 1e-6
"""Sums of a few float32 products of numbers below 1; each rounding is 6e-8."""


@pytest.fixture
def network(make_interface):
    """The float model of a worked example."""

    def make(example):
        matrix = {name: np.array(example[name], np.float32) for name in ("W_xh", "W_hh", "b_h", "W_hy", "b_y")}
        hidden = {"kernel": matrix["W_xh"].T, "recurrent_kernel": matrix["W_hh"].T, "bias": matrix["b_h"]}
        output = {"kernel": matrix["W_hy"].T, "bias": matrix["b_y"]}
        (units, features), outputs = matrix["W_xh"].shape, len(matrix["b_y"])
        interface = make_interface(
            features, outputs, mean=np.zeros(features, np.float32), std=np.ones(features, np.float32)
        )
        layers = Layer("rnn", units, {}, hidden), Layer("dense", outputs, {"activation": "linear"}, output)
        return FloatModel(interface, layers)

    return make


def forward(model, example):
    outputs = model.layer_outputs(np.array([example["x"]], np.float32))
    return outputs["rnn_0"][0], outputs["dense_1"][0, -1].astype(np.float64)


def test_classification(network, worked_examples):
    example = worked_examples["rnn_classify_softmax"]
    states, output = forward(network(example), example)
    softmax = np.exp(output) / np.exp(output).sum()
    np.testing.assert_allclose(states, example["states"], rtol=0, atol=FLOAT32)
    np.testing.assert_allclose(output, example["output"], rtol=0, atol=FLOAT32)
    np.testing.assert_allclose(softmax, example["softmax"], rtol=0, atol=FLOAT32)
    printed = example["printed"]
    np.testing.assert_allclose(states, [printed["h1"], printed["h2"], printed["h3"]], rtol=0, atol=PRINTED)
    np.testing.assert_allclose(softmax, printed["softmax"], rtol=0, atol=PRINTED)


def test_sentiment(network, worked_examples):
    example = worked_examples["rnn_sentiment_bptt"]
    states, logit = forward(network(example), example)
    sigmoid = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(states, example["states"], rtol=0, atol=FLOAT32)
    np.testing.assert_allclose(logit, example["output_logit"], rtol=0, atol=FLOAT32)
    np.testing.assert_allclose(sigmoid, example["sigmoid"], rtol=0, atol=FLOAT32)
    np.testing.assert_allclose(states[-1], example["printed"]["h6"], rtol=0, atol=PRINTED)
    np.testing.assert_allclose(sigmoid, example["printed"]["sigmoid"], rtol=0, atol=PRINTED)


def test_gradients_of_full_backpropagation_through_time(network, worked_examples):
    example = worked_examples["rnn_sentiment_bptt"]
    tensorflow, keras = tensorflow_and_keras()
    trained = build(network(example))
    with tensorflow.GradientTape() as tape:
        logit = trained(np.array([example["x"]], np.float32), training=True)[:, -1]
        label = np.full((1, 1), example["label"], np.float32)
        loss = keras.ops.sum(keras.ops.binary_crossentropy(label, logit, from_logits=True))
    found = tape.gradient(loss, trained.trainable_variables)
    wanted = example["gradients_full_bptt_binary_cross_entropy"]
    for name, gradient in zip(("W_xh", "W_hh", "b_h", "W_hy", "b_y"), found, strict=True):
        np.testing.assert_allclose(np.asarray(gradient).T, wanted[name], rtol=0, atol=FLOAT32, err_msg=name)
    np.testing.assert_allclose(float(loss), example["printed"]["loss"], rtol=0, atol=PRINTED)
    np.testing.assert_allclose(np.asarray(found[-1]), [example["printed"]["delta_o"]], rtol=0, atol=PRINTED)


def test_state_bytes_of_the_edge_lstm(make_model, worked_examples):
    example = worked_examples["edge_lstm"]
    states = make_model(("lstm", example["units"], {})).states()
    assert sum(size for size, _ in states.values()) * np.float32().nbytes == example["state_bytes_float32"]
