# SPDX-License-Identifier: Apache-2.0
"""Gradual magnitude pruning: the schedule, the masks, and the sparsity that a fit ends with."""

import numpy as np
import pytest

from edgernn.quantize import quantize
from edgernn.train.fit import fit
from edgernn.train.magnitude import Masks, largest, scheduled_sparsity
from edgernn.train.network import build


def test_the_cubic_schedule():
    values = [scheduled_sparsity(0.8, progress) for progress in (0.0, 0.175, 0.35, 0.525, 0.7, 0.9, 1.0)]
    assert values == pytest.approx([0.0, 0.8 * 37 / 64, 0.8 * 7 / 8, 0.8 * 63 / 64, 0.8, 0.8, 0.8])


def test_the_schedule_never_falls():
    values = [scheduled_sparsity(0.9, number / 1000) for number in range(1001)]
    assert values == sorted(values) and values[-1] == 0.9


@pytest.mark.parametrize("sparsity, zeros", [(0.0, 0), (0.1, 1), (0.5, 6), (0.95, 11), (1.0, 12)])
def test_the_smallest_magnitudes_are_masked(sparsity, zeros):
    matrix = np.random.default_rng(0).permutation(np.arange(-6, 6) + 0.25).reshape(3, 4)
    mask = largest(matrix, sparsity)
    assert (mask.dtype, mask.shape, int((mask == 0).sum())) == (np.float32, (3, 4), zeros)
    masked, kept = np.abs(matrix[mask == 0]), np.abs(matrix[mask == 1])
    assert masked.max(initial=0) < kept.min(initial=9)


def test_of_equal_magnitudes_the_first_are_masked():
    np.testing.assert_array_equal(largest(np.array([[1.0, -1.0], [1.0, 1.0]]), 0.5), [[0, 0], [1, 1]])


def test_masked_weights_stay_zero_in_both_networks(make_model):
    model = make_model(("gru", 4, {}), ("dense", 2, {}))
    networks = build(model), build(model)
    masks = Masks(*networks)
    masks.update(0.5)
    for network in networks:
        for variable in network.trainable_variables:
            variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    masks.apply()
    for network in networks:
        found = {name: w for layer in network.layers for name, w in zip("kub", layer.get_weights(), strict=False)}
        assert not (found.pop("b") == 0).any()
    for layer, weights in zip(model.layers, networks[0].layers[1:], strict=True):
        for name, found in zip(layer.weights, weights.get_weights(), strict=True):
            expected = largest(layer.weights[name], 0.5) if "kernel" in name else np.ones(found.shape)
            np.testing.assert_array_equal(found != 0, expected == 1)


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_fit_ends_with_exactly_the_sparsity_asked_for(make_model, make_recipe, make_examples, epochs):
    model = make_model(("lstm", 4, {}), ("dense", 2, {}), features=2)
    data = make_examples()
    pruned = fit(model, data, data, make_recipe(epochs=epochs, sparsity=0.6), seed=0)
    for layer in pruned.layers:
        for name, weight in layer.weights.items():
            expected = round(0.6 * weight.size) if "kernel" in name else 0
            assert int((weight == 0).sum()) == expected, name
    for name, affine in pruned.matrices().items():
        kernel = quantize(pruned, data.x, data.lengths).model.program.kernels[name]
        assert not kernel.weights[affine.weights == 0].any()
