# SPDX-License-Identifier: Apache-2.0
"""Models that Keras 2.12, 2.15 and 3.15 saved, against what these versions computed of them."""

import sys

import numpy as np
import pytest

from edgernn.importers import keras

TOLERANCE = 1e-5
"""float32 rounds at 6e-8; nine steps through up to five layers, and two implementations of exp and tanh."""


def test_every_output_is_keras(saved, outputs):
    with np.load(saved.with_suffix(".npz")) as record:
        x, y, lengths = record["x"], record["y"], record["lengths"]
        assert str(record["versions"][0]) == f"keras {saved.parent.name}"
    coarse = 0.02 if saved.stem == "low_precision" else TOLERANCE
    np.testing.assert_allclose(outputs(keras.read(saved), x, lengths), y, rtol=0, atol=coarse)


def test_both_formats_hold_the_same_model(saved):
    if saved.suffix == ".h5":
        saved, other = saved.with_suffix(".keras"), saved
        one, two = keras.read(saved), keras.read(other)
        assert [(a.kind, a.units, a.options) for a in one.layers] == [(b.kind, b.units, b.options) for b in two.layers]
        for a, b in zip(one.layers, two.layers, strict=True):
            assert all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)
        assert (one.notes, one.softmax, one.per_step) == (two.notes, two.softmax, two.per_step)
    else:
        assert keras.read(saved).layers


@pytest.mark.parametrize(
    ("name", "kinds", "per_step", "bidirectional", "softmax"),
    [
        ("gru_stack", "gru gru gru dense dense dense", False, False, True),
        ("lstm_functional", "lstm lstm dense dense dense", False, False, False),
        ("cells_per_step", "gru lstm lstm gru rnn rnn dense dense", True, False, True),
        ("bidirectional_concat", "lstm dense", False, True, False),
        ("bidirectional_sum", "gru dense", False, True, True),
        ("bidirectional_average", "rnn dense", False, True, False),
        ("stateful", "gru dense", False, False, False),
        ("nested", "gru gru dense dense", False, False, False),
    ],
)
def test_what_a_model_is(folder, name, kinds, per_step, bidirectional, softmax):
    model = keras.read(folder / f"{name}.keras")
    assert [layer.kind for layer in model.layers] == kinds.split()
    assert (model.per_step, model.bidirectional, model.softmax) == (per_step, bidirectional, softmax)
    assert model.features == 3


def test_what_is_left_out_is_said(folder):
    assert keras.read(folder / "lstm_functional.keras").notes == (
        "layer 3, 'masking' (Masking): Keras skips steps whose values are all 0; here a window's length takes its "
        "place",
    )
    np.testing.assert_array_equal(keras.read(folder / "lstm_functional.keras").masked, np.zeros(3, np.float32))
    assert keras.read(folder / "stateful.h5").notes == (
        "layer 2, 'gru' (GRU) is stateful: a session keeps its state too, until it is reset",
    )
    assert "layer 3, 'gru_1' (GRU): Keras computes it in float16, here it is float32 with the same weights" in (
        keras.read(folder / "low_precision.keras").notes
    )
    left_out = [note for note in keras.read(folder / "gru_stack.keras").notes if note.endswith("left out")]
    assert len(left_out) == 5


def test_a_model_that_normalizes(folder):
    model = keras.read(folder / "gru_stack.keras")
    assert model.mean.shape == model.std.shape == (3,) and (model.std > 0).all()
    assert keras.read(folder / "stateful.keras").mean is None


def test_neither_keras_nor_h5py_is_needed(folder, monkeypatch):
    for package in ("keras", "tensorflow", "h5py"):
        monkeypatch.setitem(sys.modules, package, None)
    assert keras.read(folder / "nested.h5").features == 3
