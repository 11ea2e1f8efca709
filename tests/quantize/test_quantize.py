# SPDX-License-Identifier: Apache-2.0
"""From a float model to an integer model: legal or refused, close, blind to padding, and reported."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from edgernn.errors import EdgernnError
from edgernn.golden import compute
from edgernn.quantize import quantize
from edgernn.spec.ops import OPERAND_LIMIT


def same_program(a, b):
    assert a.structure() == b.structure()
    for name, kernel in a.kernels.items():
        for part in ("weights", "bias", "frac"):
            np.testing.assert_array_equal(getattr(kernel, part), getattr(b.kernels[name], part), err_msg=name)


def outputs(model, x, lengths):
    """Of every step, as real numbers."""
    integers = compute(model, model.quantize_input(x), lengths).y
    return model.dequantize_output(integers)


def shares(matrix):
    return [matrix.clipped_operand, matrix.clipped_weights, matrix.clipped_result]


@pytest.mark.parametrize("operands", OPERAND_LIMIT)
def test_what_is_quantized_and_how(make_model, windows, layers, operands):
    program = quantize(make_model(*layers), *windows, operands).model.program
    for op in program.ops:
        for name in op.outputs:
            assert program.tensors[name].dtype == (operands if op.kind == "operand" else "int16")
    assert program.tensors[program.x].dtype == operands
    assert {program.tensors[state.read].dtype for state in program.states} == {"int16"}
    for kernel in program.kernels.values():
        assert np.abs(kernel.weights.astype(int)).max() <= 127


def test_int16_operands_are_closer_and_both_are_close(make_model, windows, layers):
    model, (x, lengths) = make_model(*layers), windows
    exact = model.forward(x)
    inside = np.arange(20) < lengths[:, None]
    distance = {}
    for operands in OPERAND_LIMIT:
        found = outputs(quantize(model, x, lengths, operands).model, x, lengths)
        distance[operands] = np.sqrt(np.square(found - exact)[inside].mean() / np.square(exact)[inside].mean())
    assert distance["int16"] < distance["int8"] < 0.1


def test_the_same_windows_give_the_same_program(make_model, windows, layers):
    model = make_model(*layers)
    same_program(quantize(model, *windows).model.program, quantize(model, *windows).model.program)


@pytest.mark.parametrize("padding", [0.0, 1e4, -3.0])
def test_padding_does_not_count(make_model, windows, layers, padding):
    model, (x, lengths) = make_model(*layers), windows
    changed = np.where(np.arange(20)[:, None] < lengths[:, None, None], x, np.float32(padding))
    expected, found = quantize(model, x, lengths), quantize(model, changed, lengths)
    same_program(found.model.program, expected.model.program)
    assert found.layers == expected.layers


def with_magnitudes(model, rng, low, high):
    """The model with each gate of each unit at a magnitude of its own: 10 ** uniform(low, high)."""
    layers = []
    for layer in model.layers:
        factors = 10 ** rng.uniform(low, high, layer.weights["kernel"].shape[1])
        weights = {name: (weight * factors).astype(np.float32) for name, weight in layer.weights.items()}
        layers.append(replace(layer, weights=weights))
    return replace(model, layers=tuple(layers))


@pytest.mark.parametrize("operands", OPERAND_LIMIT)
@pytest.mark.parametrize("low, high", [(-12, -6), (-4, 0), (0, 2), (2, 5), (-6, 6), (30, 37)])
def test_weights_of_any_magnitude_are_quantized_or_refused(make_model, windows, layers, operands, low, high):
    rng = np.random.default_rng(0)
    for seed in range(3):
        model = with_magnitudes(make_model(*layers, seed=seed), rng, low, high)
        try:
            quantized = quantize(model, *windows, operands)
        except EdgernnError as error:
            assert high >= 2 and "; train with" in str(error)
        else:
            assert np.isfinite(outputs(quantized.model, *windows)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(make_model, windows, layers, value):
    model = make_model(*layers)
    model.layers[0].weights["kernel"][1, 2] = value
    with pytest.raises(EdgernnError, match="the weights of .*kernel are far too large or no numbers"):
        quantize(model, *windows)


@pytest.mark.parametrize("operands", OPERAND_LIMIT)
def test_zero_weights_and_zero_windows(make_model, windows, layers, operands):
    model, (x, lengths) = make_model(*layers), windows
    silent = replace(model, interface=replace(model.interface, mean=np.zeros(5, np.float32)))
    for candidate, samples in ((make_model(*layers, spread=0.0), x), (silent, 0 * x), (make_model(*layers), x[:, :1])):
        quantized = quantize(candidate, samples, np.minimum(lengths, samples.shape[1]), operands)
        assert np.isfinite([shares(matrix) for layer in quantized.layers for matrix in layer.matrices]).all()


def test_a_dead_relu(make_model, windows):
    model = make_model(("rnn", 4, {}), ("dense", 3, {"activation": "relu"}), ("dense", 2, {}))
    model.layers[1].weights["bias"][:] = -9
    model.layers[1].weights["kernel"][:] *= 0.01
    quantized = quantize(model, *windows)
    expected = np.broadcast_to(model.layers[2].weights["bias"], (16, 20, 2))
    found = outputs(quantized.model, windows[0], np.full(16, 20, np.int32))
    assert np.abs(found - expected).max() <= 2.0 ** -quantized.model.program.tensors[quantized.model.program.y].frac


def test_the_report_names_every_layer_and_its_scales(make_model, windows, layers):
    model = make_model(*layers)
    quantized = quantize(model, *windows)
    assert tuple(layer.name for layer in quantized.layers) == model.names()
    for layer in quantized.layers:
        matrices = [name for name in model.matrices() if name.startswith(f"{layer.name}/")]
        assert [matrix.name for matrix in layer.matrices] == matrices
        for matrix in layer.matrices:
            assert all(0 <= share < 0.1 for share in shares(matrix))
            assert 8 < matrix.accumulator_bits <= 31
        assert 20 < layer.signal_to_noise < 90
        assert "NaN" not in json.dumps(asdict(layer), allow_nan=False)


def test_the_report_gives_the_scales_of_the_program(make_model, windows):
    quantized = quantize(make_model(("gru", 6, {}), ("dense", 3, {})), *windows)
    program = quantized.model.program
    (kernel,) = quantized.layers[1].matrices
    (op,) = [op for op in program.ops if op.kernel == kernel.name]
    assert kernel.operand == "2^-7"
    assert kernel.result == f"2^{-program.tensors[op.outputs[0]].frac}"
    fracs = program.kernels[kernel.name].frac
    assert kernel.weights.split("..")[0] == f"2^{-fracs.max()}"
    assert kernel.weights.split("..")[-1] == f"2^{-fracs.min()}"


def test_the_report_shows_what_int16_operands_gain(make_model, windows):
    model = make_model(("gru", 6, {}), ("dense", 3, {}))
    narrow, wide = (quantize(model, *windows, operands).layers for operands in ("int8", "int16"))
    assert all(b.signal_to_noise > a.signal_to_noise for a, b in zip(narrow, wide, strict=True))


def test_the_report_shows_clipping(make_model, windows):
    model, (x, lengths) = make_model(("rnn", 6, {}), ("dense", 2, {})), windows
    model.layers[1].weights["kernel"][:] = np.float32(0.6)
    model.layers[1].weights["kernel"][0] = np.float32(1.001)
    (_, dense) = quantize(model, x, lengths).layers
    assert dense.matrices[0].clipped_weights == pytest.approx(1 / 6)
    saturated = make_model(("rnn", 6, {}), ("dense", 2, {}))
    saturated.layers[0].weights["bias"][:3] = np.float32(40)
    (_, dense) = quantize(saturated, x, lengths).layers
    assert dense.matrices[0].clipped_operand == pytest.approx(0.5, abs=0.1)
    x[0, :, 0] = 1000
    (rnn, _) = quantize(make_model(("rnn", 6, {}), ("dense", 2, {})), x, lengths).layers
    assert rnn.matrices[0].clipped_operand > 0.01


def test_a_model_that_gives_zero_has_no_signal(make_model, windows):
    for layer in quantize(make_model(("rnn", 4, {}), ("dense", 2, {}), spread=0.0), *windows).layers:
        assert layer.signal_to_noise == 0.0
        assert not any(math.isnan(share) for matrix in layer.matrices for share in shares(matrix))
