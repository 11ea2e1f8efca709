# SPDX-License-Identifier: Apache-2.0
"""What a model costs, counted by hand."""

import numpy as np
import pytest

from edgernn import footprint
from edgernn.quantize import quantize
from edgernn.spec.program import Program, State, Tensor

X = np.random.default_rng(0).normal(size=(8, 9, 5)).astype(np.float32)


@pytest.fixture
def program_of(make_model):
    """The program of a network on X."""
    return lambda *layers: quantize(make_model(*layers), X, np.full(8, 9, np.int32)).model.program


WEIGHTS = {
    "rnn": (4 * 5 + 4 * 4, 8, 4, 8),
    "lstm": (16 * 5 + 16 * 4, 32, 16, 16),
    "gru": (12 * 5 + 12 * 4, 24, 24, 8),
}
"""Of 4 units on 5 channels: weights, rows of all matrices, biases that are not zero, bytes of state."""


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_recurrent_layer(program_of, kind):
    weights, rows, biases, state = WEIGHTS[kind]
    layer, dense = footprint.layers(program_of((kind, 4, {}), ("dense", 3, {})))
    assert (layer.name, layer.shape, layer.macs) == (f"{kind}_0", "5 -> 4", weights)
    assert layer.parameters == weights + biases
    assert layer.weight_bytes == weights + 4 * biases + rows
    assert layer.state_bytes == state
    assert (dense.name, dense.shape, dense.macs, dense.parameters) == ("dense_1", "4 -> 3", 12, 15)
    assert (dense.weight_bytes, dense.state_bytes) == (12 + 4 * 3 + 3, 0)


def test_totals_are_sums(program_of):
    program = program_of(("gru", 4, {"reset_after": False}), ("lstm", 3, {}), ("dense", 2, {}))
    rows = footprint.layers(program)
    assert footprint.totals(program) == {
        "weight_bytes": sum(row.weight_bytes for row in rows),
        "state_bytes": 2 * (4 + 3 + 3),
        "macs_per_step": 12 * 5 + 12 * 4 + 12 * 4 + 12 * 3 + 2 * 3,
    }


def test_a_state_counts_whatever_its_name():
    sizes = {"x": 1, "delay": 3, "gru_0/h": 5}
    tensors = {name: Tensor(name, size, "int16", 9) for name, size in sizes.items()}
    program = Program(tensors, (), {}, "x", "x", (State("delay", "delay"), State("gru_0/h", "gru_0/h")))
    assert footprint.layers(program) == ()
    assert footprint.totals(program) == {"weight_bytes": 0, "state_bytes": 16, "macs_per_step": 0}


def test_zeros_and_scales(make_model):
    model = make_model(("rnn", 4, {}), ("dense", 2, {}))
    model.layers[0].weights["kernel"][:, :2] = 0
    model.layers[1].weights["kernel"][:] = 0.75
    program = quantize(model, X, np.full(8, 9, np.int32)).model.program
    rnn, dense = footprint.layers(program)
    zeros = sum(int((program.kernels[f"rnn_0/{name}"].weights == 0).sum()) for name in ("kernel", "recurrent"))
    assert rnn.zeros == zeros / 36 >= 10 / 36
    assert dense.zeros == 0
    assert dense.scales == "kernel 2^-7"
