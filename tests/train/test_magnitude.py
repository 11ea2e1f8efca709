# SPDX-License-Identifier: Apache-2.0
"""Gradual magnitude pruning: the schedule, the blocks, the masks, and the sparsity that a fit ends with."""

import numpy as np
import pytest

from edgernn.errors import ConfigError
from edgernn.quantize import quantize
from edgernn.train.fit import fit
from edgernn.train.magnitude import Masks, blocks, largest, scheduled_sparsity
from edgernn.train.network import build

SHAPES = [(1, 1), (1, 4), (4, 1), (4, 4)]


def weight_by_weight(matrix, sparsity):
    return largest(matrix, np.arange(matrix.size).reshape(matrix.shape), sparsity)


def test_the_cubic_schedule():
    values = [scheduled_sparsity(0.8, progress) for progress in (0.0, 0.175, 0.35, 0.525, 0.7, 0.9, 1.0)]
    assert values == pytest.approx([0.0, 0.8 * 37 / 64, 0.8 * 7 / 8, 0.8 * 63 / 64, 0.8, 0.8, 0.8])


def test_the_schedule_never_falls():
    values = [scheduled_sparsity(0.9, number / 1000) for number in range(1001)]
    assert values == sorted(values) and values[-1] == 0.9


@pytest.mark.parametrize("sparsity, zeros", [(0.0, 0), (0.1, 1), (0.5, 6), (0.95, 11), (1.0, 12)])
def test_the_smallest_magnitudes_are_masked(sparsity, zeros):
    matrix = np.random.default_rng(0).permutation(np.arange(-6, 6) + 0.25).reshape(3, 4)
    mask = weight_by_weight(matrix, sparsity)
    assert (mask.dtype, mask.shape, int((mask == 0).sum())) == (np.float32, (3, 4), zeros)
    masked, kept = np.abs(matrix[mask == 0]), np.abs(matrix[mask == 1])
    assert masked.max(initial=0) < kept.min(initial=9)


def test_of_equal_magnitudes_the_first_are_masked():
    np.testing.assert_array_equal(weight_by_weight(np.array([[1.0, -1.0], [1.0, 1.0]]), 0.5), [[0, 0], [1, 1]])


def test_single_weights_are_ranked_by_magnitude_even_where_float32_squares_vanish():
    matrix = np.float32([[3e-30, 2e-30, -1e-30, 4e-30]])
    np.testing.assert_array_equal(weight_by_weight(matrix, 0.5), [[1, 0, 0, 1]])


def test_blocks_begin_anew_at_every_gate():
    """Two gates of three units on five inputs, rows of W across: blocks of two units and four inputs."""
    first = [[0, 0, 1, 2, 2, 3]] * 4
    np.testing.assert_array_equal(blocks((5, 6), 3, (2, 4)), [*first, [4, 4, 5, 6, 6, 7]])


@pytest.mark.parametrize("block", SHAPES)
@pytest.mark.parametrize("inputs, units, gates", [(6, 32, 3), (7, 5, 4), (4, 4, 1), (1, 1, 2), (9, 3, 3)])
def test_a_block_is_a_rectangle_of_one_gate(inputs, units, gates, block):
    numbers = blocks((inputs, gates * units), units, block).T.reshape(gates, units, inputs)
    for gate in range(gates):
        for row in range(0, units, block[0]):
            for column in range(0, inputs, block[1]):
                own = numbers[gate, row : row + block[0], column : column + block[1]]
                assert (numbers == own.flat[0]).sum() == own.size == (own == own.flat[0]).sum()
    assert len(np.unique(numbers)) == gates * -(-units // block[0]) * -(-inputs // block[1]) == numbers.max() + 1


def test_blocks_of_single_weights_are_the_weights():
    np.testing.assert_array_equal(blocks((3, 8), 4, (1, 1)), np.arange(24).reshape(3, 8))


def test_partial_blocks_are_ranked_by_their_own_entries():
    """Five inputs: of each unit a block of four and one of a single weight. The sum would mask the single ones."""
    matrix = np.float32([[1, 3], [1, 3], [1, 3], [1, 3], [2, 4]])
    numbers = blocks((5, 2), 2, (1, 4))
    np.testing.assert_array_equal(largest(matrix, numbers, 0.25), [[0, 1]] * 4 + [[1, 1]])
    np.testing.assert_array_equal(largest(matrix, numbers, 0.5), [[0, 1]] * 4 + [[0, 1]])


def test_masked_weights_stay_zero_in_both_networks(make_model):
    model = make_model(("gru", 4, {}), ("dense", 2, {}))
    networks = build(model), build(model)
    masks = Masks(model, *networks)
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
            expected = weight_by_weight(layer.weights[name], 0.5) if "kernel" in name else np.ones(found.shape)
            np.testing.assert_array_equal(found != 0, expected == 1)


@pytest.mark.parametrize("epochs", [2, *(pytest.param(epochs, marks=pytest.mark.nightly) for epochs in (1, 4))])
def test_a_fit_ends_with_exactly_the_sparsity_asked_for(make_model, make_recipe, make_examples, epochs):
    model = make_model(("lstm", 4, {}), ("dense", 2, {}), features=2)
    data = make_examples()
    pruned = fit(model, data, data, make_recipe(epochs=epochs, sparsity=0.6), seed=0).model
    for layer in pruned.layers:
        for name, weight in layer.weights.items():
            expected = round(0.6 * weight.size) if "kernel" in name else 0
            assert int((weight == 0).sum()) == expected, name
    assert_zeros_are_kept(pruned, data)


def assert_zeros_are_kept(pruned, data):
    for name, affine in pruned.matrices().items():
        kernel = quantize(pruned, data.x, data.lengths).model.program.kernels[name]
        assert not kernel.weights[affine.weights == 0].any()


@pytest.mark.parametrize(
    "block", [SHAPES[3], *(pytest.param(shape, marks=pytest.mark.nightly) for shape in SHAPES[1:3])]
)
def test_a_fit_ends_with_exactly_the_blocks_asked_for(make_model, make_recipe, make_examples, block):
    """18 units are no whole number of blocks, and what two channels or two classes touch stays dense."""
    model = make_model(("gru", 18, {}), ("rnn", 16, {}), ("dense", 2, {}), features=2)
    data = make_examples(n=32)
    pruned = fit(model, data, data, make_recipe(epochs=1, sparsity=0.6, block=block), seed=0).model
    zero = {
        (number, name)
        for number, layer in enumerate(pruned.layers)
        for name, weight in layer.weights.items()
        if "kernel" in name and assert_blocks(weight, layer.units, block, 0.6)
    }
    assert zero == {(0, "recurrent_kernel"), (1, "kernel"), (1, "recurrent_kernel")}
    assert_zeros_are_kept(pruned, data)


def assert_blocks(weight, units, block, sparsity):
    """Whether there are zeros; they make up the right number of whole blocks."""
    if weight.all():
        return False
    numbers = blocks(weight.shape, units, block)
    nonzero = np.bincount(numbers.ravel(), weight.ravel() != 0)
    assert set(nonzero / np.bincount(numbers.ravel())) == {0, 1}
    assert (nonzero == 0).sum() == round(sparsity * nonzero.size)
    return True


def test_the_same_seed_prunes_the_same_blocks(make_model, make_recipe, make_examples):
    model, data = make_model(("gru", 16, {}), ("dense", 2, {}), features=2), make_examples(n=32)
    recipe = make_recipe(epochs=2, sparsity=0.75, block=(4, 4))
    one, other = (fit(model, data, data, recipe, seed=0, teachers=[model]).model for _ in range(2))
    for a, b in zip(one.layers, other.layers, strict=True):
        for name, weight in a.weights.items():
            np.testing.assert_array_equal(weight, b.weights[name])


def test_a_model_too_small_for_blocks(make_model):
    model = make_model(("gru", 15, {}), ("dense", 20, {}), features=20)
    with pytest.raises(ConfigError, match=r"prune\.block needs a matrix of at least 16 inputs and units"):
        Masks(model, build(model), build(model), (4, 4))
