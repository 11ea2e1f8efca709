# SPDX-License-Identifier: Apache-2.0
"""A layer with a scale folded in computes what the layer computes of scaled values."""

import numpy as np
import pytest

from edgernn import cells
from edgernn.cells.algebra import FloatAlgebra
from edgernn.importers import fold
from edgernn.model import Layer

FACTOR, OFFSET = np.array([0.5, 20.0, 3e-3]), np.array([-4.0, 1e3, 0.25])


def make(kind, options, units=4):
    rng = np.random.default_rng(0)
    shapes = cells.get(kind).shapes(3, units, **options)
    return Layer(kind, units, options, {n: rng.normal(0, 0.1, s).astype(np.float32) for n, s in shapes.items()})


def first_product(layer, x):
    """What the matrix that reads the input gives, in float64."""
    affine = cells.get(layer.kind).matrices(layer.weights, **layer.options)["kernel"]
    return x @ affine.weights.T.astype(np.float64) + affine.bias


def test_the_scale_of_the_input_of_every_cell(recurrent):
    kind, options = recurrent
    layer, v = make(kind, options), np.random.default_rng(1).normal(size=(50, 3))
    scaled = fold.input_scaled(layer, FACTOR, OFFSET)
    wanted, found = first_product(layer, FACTOR * v + OFFSET), first_product(scaled, v)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())
    np.testing.assert_array_equal(scaled.weights["recurrent_kernel"], layer.weights["recurrent_kernel"])


def test_a_gru_keeps_the_bias_of_its_state():
    layer = make("gru", {"reset_after": True})
    scaled = fold.input_scaled(layer, FACTOR, OFFSET)
    np.testing.assert_array_equal(scaled.weights["bias"][1], layer.weights["bias"][1])
    assert (scaled.weights["bias"][0] != layer.weights["bias"][0]).all()


@pytest.mark.parametrize(("activation", "mean"), [("linear", [5.0, -1e5]), ("relu", [0.0, 0.0])])
def test_the_scale_of_the_output(activation, mean):
    layer, x = make("dense", {"activation": activation}, units=2), np.random.default_rng(1).normal(size=(50, 3))
    mean, std = np.array(mean), np.array([0.25, 3e4])

    def outputs(dense):
        algebra = FloatAlgebra({f"/{name}": m for name, m in cells.get("dense").matrices(**vars_of(dense)).items()})
        return cells.get("dense").step(algebra, x, {}, **dense.options)[0]

    np.testing.assert_allclose(outputs(fold.output_scaled(layer, mean, std)) * std + mean, outputs(layer), atol=0.01)


def vars_of(dense):
    return {"weights": dense.weights, **dense.options}


def test_two_logits_have_the_probability_of_one_sigmoid():
    layer, x = make("dense", {"activation": "sigmoid"}, units=1), np.random.default_rng(1).normal(size=(50, 3))
    logits = first_product(fold.two_logits(layer), x)
    (z,) = first_product(layer, x).T
    powers = np.exp(logits)
    np.testing.assert_array_equal(logits[:, 0], 0)
    np.testing.assert_allclose(powers[:, 1] / powers.sum(axis=1), 1 / (1 + np.exp(-z)), rtol=1e-12)
