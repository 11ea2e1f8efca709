# SPDX-License-Identifier: Apache-2.0
"""Training learns, stops, repeats itself to the byte, and does not see padding."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgernn.train.fit import _Loop, fit

KINDS = {"rnn": {}, "gru": {"reset_after": False}, "lstm": {}}


@pytest.fixture(scope="module")
def network(make_model):
    """An untrained network of two outputs on two channels."""

    def make(kind="gru", task="window"):
        targets = {"task": "regression", "mean": np.zeros(2, np.float32), "std": np.ones(2, np.float32)}
        interface = targets if task == "regression" else {}
        return make_model((kind, 6, KINDS[kind]), ("dense", 2, {}), features=2, **interface)

    return make


def trained_model(*arguments, **options):
    return fit(*arguments, **options).model


def judged(model, data):
    """Outputs and targets of the steps that count."""
    counted = data.step_weights() > 0
    return model.predict(data.x)[counted], data.step_targets()[counted]


def accuracy(model, data):
    outputs, wanted = judged(model, data)
    return (outputs.argmax(axis=1) == wanted).mean()


def confidence(model, data):
    """Probability of the second class, mean over the windows."""
    outputs, _ = judged(model, data)
    return float(np.mean(1 / (1 + np.exp(outputs[:, 0] - outputs[:, 1]))))


def same_bytes(a, b):
    return all(
        one.weights[name].tobytes() == other.weights[name].tobytes()
        for one, other in zip(a.layers, b.layers, strict=True)
        for name in one.weights
    )


@pytest.fixture(scope="module")
def trained(network, make_examples, make_recipe):
    """A network trained with everything that draws random numbers, from a seed."""
    train, validation = make_examples(lengths=True), make_examples(n=40, seed=1, lengths=True)
    augmentation = replace(make_recipe().augmentation, noise=0.1, speed=0.1)
    recipe = make_recipe(dropout=0.2, recurrent_dropout=0.2, augmentation=augmentation)
    return lambda seed=3, train=train: trained_model(network(), train, validation, recipe, seed)


@pytest.mark.parametrize("kind, lengths", [("rnn", False), ("gru", True), ("lstm", True)])
def test_a_class_per_window(network, make_examples, make_recipe, kind, lengths):
    train, test = make_examples(n=256, lengths=lengths), make_examples(seed=1, lengths=lengths)
    model = trained_model(network(kind), train, test, make_recipe(epochs=6), seed=0)
    assert accuracy(model, test) > 0.9 > accuracy(network(kind), test)


def test_a_class_per_step(network, make_examples, make_recipe):
    train, test = make_examples("step", n=256, lengths=True), make_examples("step", seed=1, lengths=True)
    assert accuracy(trained_model(network("lstm"), train, test, make_recipe(epochs=6), seed=0), test) > 0.9


def test_regression(network, make_examples, make_recipe):
    train, test = make_examples("regression", n=256), make_examples("regression", seed=1)
    model = trained_model(network("gru", "regression"), train, test, make_recipe(epochs=8), seed=0)
    outputs, wanted = judged(model, test)
    assert np.square(outputs - wanted).mean() < 0.1 * wanted.var()


def test_the_same_seed_gives_the_same_bytes(trained):
    first = trained()
    assert same_bytes(first, trained())
    assert not same_bytes(first, trained(seed=4))


def test_padding_does_not_count(trained, make_examples):
    train = make_examples(lengths=True)
    inside = (np.arange(6) < train.lengths[:, None])[..., None]
    assert same_bytes(trained(), trained(train=replace(train, x=np.where(inside, train.x, np.float32(50)))))


def test_a_class_of_no_weight_does_not_count(network, make_examples, make_recipe):
    data, recipe = make_examples(n=32), make_recipe(epochs=1)
    data = replace(data, class_weights=np.array([1, 0], np.float32))
    other = replace(data, x=np.where(data.y[:, None, None] == 1, np.float32(9), data.x))
    assert same_bytes(*(trained_model(network(), part, data, recipe, seed=0) for part in (data, other)))


def test_weights_decide_between_classes_that_nothing_tells_apart(network, make_examples, make_recipe):
    data = make_examples(n=200)
    rare = replace(data, y=(np.arange(200) % 10 == 0).astype(np.int64))
    weighted = replace(rare, class_weights=np.array([5 / 9, 5], np.float32))
    recipe = make_recipe(learning_rate=0.005)
    plain, fair = (confidence(trained_model(network(), part, rare, recipe, seed=0), data) for part in (rare, weighted))
    assert plain < 0.25 and 0.35 < fair < 0.65


def test_label_smoothing_bounds_the_confidence(network, make_examples, make_recipe):
    """At the optimum the right class has the probability 1 - 0.4 / 2."""
    data = make_examples(n=128)
    data = replace(data, y=np.ones_like(data.y))
    sure, smooth = (
        trained_model(network(), data, data, make_recipe(label_smoothing=s, epochs=4), seed=0) for s in (0.0, 0.4)
    )
    assert confidence(sure, data) > 0.99
    assert confidence(smooth, data) == pytest.approx(0.8, abs=0.02)


def test_training_stops_when_it_gets_no_better(network, make_examples, make_recipe):
    """The score is at its best from the first epoch that is scored, in the middle; two more are awaited."""
    data, done = make_examples(n=32), []
    easy = replace(data, y=0 * data.y)
    trained_model(network(), easy, easy, make_recipe(epochs=12, patience=2), 0, done.append)
    assert done == [1] * 9


def test_all_epochs_are_done_with_patience(network, make_examples, make_recipe):
    data, done = make_examples(n=32), []
    trained_model(network(), data, data, make_recipe(epochs=3), 0, done.append)
    assert done == [1, 1, 1]


def test_the_learning_curve(network, make_examples, make_recipe):
    """Every epoch has its loss; those of the second half, which can be chosen, have a score."""
    train, test = make_examples(n=256), make_examples(seed=1)
    fitted = fit(network(), train, test, make_recipe(epochs=6), seed=0)
    assert [epoch.number for epoch in fitted.curve] == [1, 2, 3, 4, 5, 6]
    assert [epoch.score is None for epoch in fitted.curve] == [True] * 3 + [False] * 3
    assert fitted.curve[-1].loss < 0.5 * fitted.curve[0].loss
    assert fitted.curve[-1].score == accuracy(fitted.model, test)


def test_a_single_epoch_trains(network, make_examples, make_recipe):
    data = make_examples(n=32)
    assert not same_bytes(trained_model(network(), data, data, make_recipe(epochs=1), seed=0), network())


def test_a_student_learns_what_its_teacher_gives(network, make_examples, make_recipe):
    train, test = make_examples(n=256), make_examples(seed=1)
    teacher = trained_model(network("rnn"), train, test, make_recipe(epochs=6), seed=0)
    wrong = replace(train, y=1 - train.y)
    student = trained_model(network("gru"), wrong, test, make_recipe(epochs=6), seed=0, teachers=[teacher])
    assert accuracy(student, test) > 0.9


def test_a_student_of_several_teachers_learns_their_mean(network, make_examples, make_recipe):
    """Of two that are sure of opposites: that nothing is known."""
    train, test, recipe = make_examples(n=256), make_examples(seed=1), make_recipe(epochs=6)
    right, wrong = (trained_model(network(), replace(train, y=y), test, recipe, seed=0) for y in (train.y, 1 - train.y))
    student = trained_model(network(), train, test, recipe, seed=0, teachers=[right, wrong])
    sure, unsure = (np.ptp(judged(model, test)[0], axis=-1).mean() for model in (right, student))
    assert sure > 20 * unsure


@pytest.mark.nightly
def test_teachers_of_opposite_targets_teach_none(network, make_examples, make_recipe):
    train, test = make_examples("regression", n=256), make_examples("regression", seed=1)
    recipe = make_recipe(epochs=6)
    up, down = (
        trained_model(network(task="regression"), replace(train, y=y), test, recipe, seed=0)
        for y in (train.y, -train.y)
    )
    student = trained_model(network(task="regression"), train, test, recipe, seed=0, teachers=[up, down])
    certain, uncertain = (np.abs(judged(model, test)[0]).mean() for model in (up, student))
    assert certain > 5 * uncertain


def test_a_rate_that_is_far_too_high_gives_no_surprise(network, make_examples, make_recipe):
    """Clipping and the averaged weights keep everything finite, or the fit fails with a sentence."""
    data = make_examples("regression", n=64)
    model = trained_model(network("rnn", "regression"), data, data, make_recipe(learning_rate=1e3), seed=0)
    assert all(math.isfinite(weight.sum()) for layer in model.layers for weight in layer.weights.values())


def test_inputs_are_left_as_they_are(network, make_examples, make_recipe):
    model, data = network(), make_examples(n=32)
    before = {name: weight.copy() for name, weight in model.layers[0].weights.items()}
    samples = data.x.copy()
    trained_model(model, data, data, make_recipe(epochs=1), seed=0)
    np.testing.assert_array_equal(data.x, samples)
    for name, weight in before.items():
        np.testing.assert_array_equal(model.layers[0].weights[name], weight)


def test_the_scored_outputs_do_not_depend_on_the_batch(network, make_recipe):
    """630 windows are two batches, the second one filled up."""
    model, x = network(), np.random.default_rng(0).normal(size=(630, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(_Loop(model, make_recipe(), ()).outputs(x), model.forward(x), rtol=0, atol=1e-5)
