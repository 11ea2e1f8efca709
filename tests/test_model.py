# SPDX-License-Identifier: Apache-2.0
"""The float edges around the integers, and layers that fit their cells."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn.errors import EdgernnError
from edgernn.model import IntegerModel, Layer
from edgernn.spec.program import Op, Program, Tensor

WEIGHTS = {name: np.zeros(shape, np.float32) for name, shape in {"kernel": (3, 2), "bias": (2,)}.items()}


def integer_model(make_interface, dtype="int8", x_frac=5, y_frac=9, **interface):
    """y is x."""
    tensors = {"x": Tensor("x", 3, "int16", x_frac), "y": Tensor("y", 3, "int16", y_frac)}
    program = Program(tensors, (Op("requantize", ("x",), ("y",)),), {}, "x", "y", ())
    if dtype == "int8":
        program = Program({"x": Tensor("x", 3, "int8", x_frac)}, (), {}, "x", "x", ())
    return IntegerModel(make_interface(3, 3, **interface), program)


def test_normalize_and_denormalize(make_interface):
    scales = {"mean": [1, -1], "std": [2, 4], "target_mean": [5, 0], "target_std": [2, 0.5]}
    interface = make_interface(2, 2, **{name: np.array(scale, np.float32) for name, scale in scales.items()})
    normalized = interface.normalize(np.array([[1, 3], [5, -9]]))
    np.testing.assert_array_equal(normalized, np.array([[0, 1], [2, -2]], np.float32))
    assert normalized.dtype == np.float32
    np.testing.assert_array_equal(interface.denormalize(np.array([1.0, 2.0])), np.array([7, 1], np.float32))


def test_only_classification_has_classes(make_interface):
    assert make_interface(2, 2).classes == ("c0", "c1")
    assert make_interface(2, 2, task="regression").classes == ()


@pytest.mark.parametrize("dtype, limit", [("int8", 127), ("int16", 16383)])
def test_inputs_are_rounded_half_to_even_and_clipped_symmetrically(make_interface, dtype, limit):
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    model = integer_model(make_interface, dtype, x_frac=1, mean=zero, std=one)
    x = np.array([[0.25, 0.75, 1.25], [-0.25, -0.75, -1.25], [1e30, -1e30, np.inf]])
    found = model.quantize_input(x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [[0, 2, 2], [0, -2, -2], [limit, -limit, limit]])


def test_an_input_is_off_by_half_a_step_of_the_normalized_sample(make_interface):
    model = integer_model(make_interface, "int16", x_frac=8)
    x = np.random.default_rng(0).normal(size=(50, 7, 3)).astype(np.float32)
    normalized = (x.astype(np.float64) - model.interface.mean) / model.interface.std
    rounding_of_float32 = 1e-6
    assert np.abs(model.quantize_input(x) * 2.0**-8 - normalized).max() <= 2.0**-9 + rounding_of_float32


def test_outputs_in_the_targets_unit(make_interface):
    model = integer_model(make_interface, "int16", y_frac=9, target_mean=np.float32(10), target_std=np.float32(2))
    found = model.dequantize_output(np.array([[0, 512, -256]], np.int16))
    np.testing.assert_array_equal(found, np.array([[10, 12, 9]], np.float32))
    assert found.dtype == np.float32


def test_states_start_at_zero(make_model):
    model = make_model(("lstm", 4, {}), ("gru", 3, {}), ("dense", 2, {}))
    assert model.states() == {"lstm_0/h": (4, 15), "lstm_0/c": (4, 11), "gru_1/h": (3, 15)}
    assert model.names() == ("lstm_0", "gru_1", "dense_2")
    tensors = {"x": Tensor("x", 1, "int16", 9), "s": Tensor("s", 1, "int16", 9)}
    program = Program({**tensors}, (), {}, "x", "x", ())
    assert IntegerModel(model.interface, program).zero_states() == {}


def test_forward_steps_the_windows_from_zero(make_model):
    model = make_model(("gru", 4, {}), ("dense", 2, {}))
    x = np.random.default_rng(0).normal(size=(3, 6, 5)).astype(np.float32)
    whole = model.forward(x)
    assert (whole.shape, whole.dtype) == ((3, 6, 2), np.float32)
    np.testing.assert_array_equal(model.forward(x[:, :4]), whole[:, :4])
    np.testing.assert_array_equal(model.forward(x[:0]), whole[:0])


def test_a_layer_counts_its_parameters(make_model):
    (layer,) = make_model(("gru", 4, {}), features=5).layers
    assert (layer.inputs, layer.units, layer.parameters) == (5, 4, 3 * 4 * (5 + 4 + 2))


def test_the_order_of_weights_is_the_cells(make_model):
    layer = Layer("dense", 2, {"activation": "linear"}, dict(reversed(WEIGHTS.items())))
    assert list(layer.weights) == ["kernel", "bias"]


@pytest.mark.parametrize(
    "change",
    [
        {"units": 3},
        {"weights": {**WEIGHTS, "bias": np.zeros(3, np.float32)}},
        {"weights": {"kernel": WEIGHTS["kernel"]}},
        {"weights": {**WEIGHTS, "recurrent_kernel": np.zeros((2, 2), np.float32)}},
    ],
)
def test_weights_that_do_not_fit_a_layer(change):
    layer = Layer("dense", 2, {"activation": "linear"}, WEIGHTS)
    with pytest.raises(EdgernnError, match="a dense layer of . units has weights"):
        replace(layer, **change)


def test_a_bidirectional_step_takes_a_sample_from_each_end(make_interface):
    interface = make_interface(4, 2, bidirectional=True)
    assert interface.channels == ("f0", "f1")
    x = np.arange(2 * 3 * 2).reshape(2, 3, 2)
    np.testing.assert_array_equal(interface.steps(x), np.concatenate([x, x[:, ::-1]], axis=2))
    cut = interface.steps(x, np.array([3, 2], np.int32))
    np.testing.assert_array_equal(cut[0], interface.steps(x)[0])
    np.testing.assert_array_equal(cut[1, :2, 2:], x[1, [1, 0]])


def test_other_models_take_samples_as_they_are(make_interface):
    interface = make_interface(4, 2)
    x = np.zeros((2, 3, 4))
    assert interface.channels == interface.features and interface.steps(x, np.array([3, 2], np.int32)) is x


def test_a_summary_is_one_line_whatever_the_names_are(make_interface):
    interface = make_interface(4, 1, task="regression", window=7, rate=0.0)
    about = replace(interface, features=("left\nleg", "b", "c", "d")).summary
    assert about == r"4 features ('left\nleg', b, c, ...) -> 1 target (c0), windows of 7 steps"
