# SPDX-License-Identifier: Apache-2.0
"""What holds for each cell, found by its file: shapes, matrices and states that fit together."""

from pathlib import Path

import numpy as np
import pytest

from edgernn import cells
from edgernn.cells.algebra import FloatAlgebra
from edgernn.errors import ConfigError

KINDS = {
    "dense": [{"activation": name} for name in ("linear", "relu", "sigmoid", "tanh")],
    "gru": [{"reset_after": True}, {"reset_after": False}],
    "lstm": [{}],
    "rnn": [{}],
}
EVERY_OPTION = [(kind, options) for kind, choices in KINDS.items() for options in choices]


def test_cells_are_found_by_their_files():
    files = {path.stem for path in Path(cells.__file__).parent.glob("*.py")} - {"__init__", "algebra"}
    assert cells.names() == tuple(sorted(files)) == tuple(KINDS)


@pytest.mark.parametrize("name", ["algebra", "", "GRU", "__init__", "os"])
def test_an_unknown_cell(name):
    with pytest.raises(ConfigError, match="there are dense, gru, lstm, rnn"):
        cells.get(name)


@pytest.mark.parametrize("kind, options", EVERY_OPTION)
def test_shapes_matrices_and_states_fit(make_model, kind, options):
    model = make_model((kind, 3, options), features=4)
    x = np.ones((2, 4), np.float32)
    states = {name: np.zeros((2, size), np.float32) for name, (size, _) in model.states().items()}
    y, new_states = model.step(FloatAlgebra(model.matrices()), x, states)
    assert y.shape == (2, 3)
    assert {name: value.shape for name, value in new_states.items()} == {name: (2, 3) for name in states}
    for value in (y, *new_states.values()):
        assert value.dtype == np.float32


@pytest.mark.parametrize("kind, options", EVERY_OPTION)
def test_defaults_are_among_the_options(kind, options):
    assert cells.get(kind).OPTIONS.keys() == options.keys()
    assert dict(cells.get(kind).OPTIONS) in KINDS[kind]


def parameters(*layers):
    return sum(layer.parameters for layer in layers)


@pytest.mark.parametrize("inputs, units", [(1, 1), (3, 8), (6, 32)])
def test_parameter_counts(make_model, inputs, units):
    rnn, lstm, paper, gru = (
        parameters(*make_model((kind, units, options), features=inputs).layers)
        for kind, options in (("rnn", {}), ("lstm", {}), ("gru", {"reset_after": False}), ("gru", {}))
    )
    once = units * (inputs + units + 1)
    assert (rnn, lstm, paper, gru) == (once, 4 * once, 3 * once, 3 * once + 3 * units)


def test_parameter_counts_of_the_worked_examples(make_model, worked_examples):
    for example in worked_examples["parameter_counts"]:
        layers = [(example["cell"], example["units"], {})]
        layers += [("dense", example["dense_outputs"], {})] if "dense_outputs" in example else []
        assert parameters(*make_model(*layers, features=example["inputs"]).layers) == example["total"]
