# SPDX-License-Identifier: Apache-2.0
"""Fresh weights, dropout masks, and the way to Keras and back."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from edgernn.errors import EdgernnError, MissingExtraError
from edgernn.train.libraries import tensorflow_and_keras
from edgernn.train.network import LayerSpec, build, extract, initialize

FLOAT32 = 1e-6
"""Rounding of a QR decomposition of a few dozen float32 numbers below 1."""


@pytest.fixture(scope="module")
def fresh(make_interface, every_recurrent):
    """A network of every cell and a dense layer."""
    recurrent = [LayerSpec(kind, 8, options) for kind, options in every_recurrent]
    specs = [*recurrent, LayerSpec("dense", 3, {"activation": "relu"})]
    return lambda seed: initialize(make_interface(5, 3), specs, seed)


def assert_same_weights(a, b):
    for one, other in zip(a.layers, b.layers, strict=True):
        for name, weight in one.weights.items():
            np.testing.assert_array_equal(weight, other.weights[name], err_msg=name)


def test_recurrent_kernels_are_orthogonal(fresh):
    for layer in fresh(0).layers[:-1]:
        kernel = layer.weights["recurrent_kernel"].astype(np.float64)
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(8), rtol=0, atol=FLOAT32)


def test_kernels_are_glorot_uniform(fresh):
    for layer in fresh(0).layers:
        kernel = layer.weights["kernel"]
        limit = np.sqrt(6 / sum(kernel.shape))
        assert 0.5 * limit < np.abs(kernel).max() <= limit


def test_biases_are_zero_but_for_the_forget_gate(fresh):
    for layer in fresh(0).layers:
        bias = layer.weights["bias"]
        expected = np.zeros_like(bias)
        if layer.kind == "lstm":
            expected[8:16] = 1
        np.testing.assert_array_equal(bias, expected)


def test_the_seed_decides_the_weights(fresh):
    assert_same_weights(fresh(1), fresh(1))
    assert not np.array_equal(fresh(1).layers[0].weights["kernel"], fresh(2).layers[0].weights["kernel"])


def test_weights_survive_keras(fresh):
    model = fresh(0)
    assert_same_weights(extract(build(model, 0.3, 0.3), model), model)


def test_the_order_of_a_layers_weights_does_not_matter(fresh):
    model = fresh(0)
    shuffled = replace(
        model, layers=tuple(replace(layer, weights=dict(reversed(layer.weights.items()))) for layer in model.layers)
    )
    assert_same_weights(extract(build(shuffled), shuffled), model)


def test_dropout_holds_one_mask_for_all_steps_of_a_window(make_model):
    """h is the same at every step and reaches the output through the mask alone, so the mask shows at the output."""
    model = make_model(("rnn", 8, {}), ("dense", 8, {}), features=8)
    hidden, dense = model.layers
    hidden.weights["kernel"][:], hidden.weights["recurrent_kernel"][:], hidden.weights["bias"][:] = 0, 0, 1
    dense.weights["kernel"][:], dense.weights["bias"][:] = np.eye(8), 0
    found = np.asarray(build(model, dropout=0.25)(np.zeros((64, 6, 8), np.float32), training=True))
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape))
    kept = found[:, 0] > 0
    np.testing.assert_allclose(found[:, 0][kept], np.tanh(1) / 0.75, rtol=FLOAT32)
    assert 0.15 < 1 - kept.mean() < 0.35
    assert len(np.unique(kept, axis=0)) > 20


def test_recurrent_dropout_holds_one_mask_for_all_steps(make_model, recurrent):
    """All units are alike and read only themselves. Each gate has its own mask, so there are two ways for each gate."""
    model = make_model((recurrent[0], 8, recurrent[1]), features=8)
    weights = model.layers[0].weights
    gates = weights["kernel"].shape[1] // 8
    weights["kernel"][:], weights["recurrent_kernel"][:] = 0, np.tile(np.eye(8), gates)
    weights["bias"][:] = 0.4
    found = np.asarray(build(model, recurrent_dropout=0.5)(np.zeros((32, 6, 8), np.float32), training=True))
    ways = np.unique(found.transpose(0, 2, 1).reshape(-1, 6).round(5), axis=0)
    assert 2 <= len(ways) <= 2**gates
    assert len(np.unique(found[:, -1].round(5), axis=0)) > 10


def test_without_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install '\.\[train\]'"):
        tensorflow_and_keras.__wrapped__()


def test_with_another_backend_of_keras(monkeypatch):
    _, keras = tensorflow_and_keras()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(EdgernnError, match="KERAS_BACKEND=tensorflow"):
        tensorflow_and_keras.__wrapped__()
