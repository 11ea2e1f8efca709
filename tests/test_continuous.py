# SPDX-License-Identifier: Apache-2.0
"""What never resetting does to a model, measured and said."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn import continuous
from edgernn.data import streams
from edgernn.data.arrays import from_arrays
from edgernn.model import Interface
from edgernn.quantize import quantize

LONG = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)


def dataset(y, stride=4, length=8, **more):
    start = np.arange(len(y)) * stride
    x = np.stack([LONG[a : a + length] for a in start])
    return from_arrays("set", x, y, recording=np.zeros(len(y), int), start=start, **more)


def logits(classes, steps=8):
    return np.repeat(np.eye(2, dtype=np.float32)[classes][:, None], steps, axis=1)


def measured(data, window, never, reset="window"):
    found = streams.streams(data)
    return continuous.measure(reset, data, found, {name: (window, never) for name in ("float", "int8")})


def test_streams_run_through_both_models(make_model):
    model = make_model(("gru", 5, {}), ("dense", 2, {}), features=2)
    data = dataset(np.arange(20) % 2)
    integer = quantize(model, data.x, data.lengths).model
    found = streams.streams(data)
    (stream,) = found
    whole = model.predict(stream.x[None])[0]
    given = continuous.never_reset(model, data, found)
    # One row of a product in two shapes of a batch: rounded alike up to the last bits.
    np.testing.assert_allclose(given[5], whole[20:28], rtol=1e-5, atol=1e-6)
    from edgernn.session import Session

    np.testing.assert_array_equal(
        continuous.never_reset(integer, data, found)[5], Session(integer).run(stream.x)[20:28]
    )


def test_a_clear_loss_is_warned_of():
    y = np.arange(90) // 10 % 2
    wrong = np.where(np.arange(90) % 10 < 3, 1 - y, y)
    made = measured(dataset(y), logits(y), logits(wrong))
    both = made.measured["int8"]
    assert (made.streams, made.changes) == (1, 8)
    assert both.window["accuracy"] == 1 and both.never["accuracy"] == pytest.approx(0.7)
    assert both.loss == pytest.approx(0.3) and 0 < both.error < 0.1 and both.clear
    first, advice = continuous.sentences(made, "int8")
    assert first == (
        "Held-out streams, never reset: accuracy float 0.7000, int8 0.7000 "
        "(every window from zero: float 1.0000, int8 1.0000)"
    )
    assert continuous.sentences(made, "int16") == (first.replace("int8", "int16"), advice)
    assert advice.startswith("Never reset, the model loses 30.0 points of accuracy: reset the state at every window")
    assert 'train.reset = "never"' in advice
    assert made.to_json()["measured"]["float"]["never"]["accuracy"] == both.never["accuracy"]


def test_a_loss_that_chance_explains_is_not():
    y = np.arange(90) // 10 % 2
    wrong = y.copy()
    wrong[:2] = 1 - y[:2]
    both = measured(dataset(y), logits(y), logits(wrong)).measured["int8"]
    assert both.loss > 0.01 and not both.clear


def test_streams_of_one_class_tell_nothing_of_changes():
    data = dataset(np.zeros(20, int), classes=["a", "b"], complete=False)
    lines = continuous.sentences(measured(data, logits(data.y), logits(data.y)), "int8")
    assert lines[1] == "No class changes within these streams, so they do not tell what a change costs."


def test_a_model_that_was_trained_for_it_and_loses_all_the_same():
    y = np.arange(90) // 10 % 2
    lines = continuous.sentences(measured(dataset(y), logits(y), logits(1 - y), reset="never"), "int8")
    assert lines[-1].endswith('though trained for it: try train.reset = "window".')


def test_real_targets_lose_r2():
    y = np.linspace(-1, 1, 80)[:, None]
    exact = np.repeat(y[:, None], 8, axis=1).astype(np.float32)
    both = measured(dataset(y), exact, exact + np.float32(0.3)).measured["float"]
    assert both.loss == pytest.approx(both.window["r2"] - both.never["r2"], abs=1e-6) and both.clear


def test_classes_of_steps():
    labels = np.arange(400) // 60 % 2
    data = dataset(np.stack([labels[a : a + 8] for a in range(0, 360, 4)]))
    right = np.eye(2, dtype=np.float32)[data.y]
    made = measured(data, right, right)
    assert made.changes == 6 and made.measured["int8"].loss == 0


def test_a_warning_has_the_figure_that_there_is(make_interface):
    interface: Interface = make_interface(2, 2)
    figures = {"streams": {"measured": {"int8": {"never": {"accuracy": 0.5}}}}}
    assert continuous.used_another_way(interface, figures, "window") == ""
    line = continuous.used_another_way(interface, figures, "never")
    assert line.endswith("a state that is never reset (the build measured accuracy 0.5000 for that)")
    for damaged in ({}, {"streams": None}, {"streams": {"measured": {"int8": {"never": {}}}}}, {"streams": [1]}):
        assert continuous.used_another_way(interface, damaged, "never").endswith("about a state that is never reset")
    assert continuous.described(replace(interface, reset="never")).startswith("a state that is never reset")
