# SPDX-License-Identifier: Apache-2.0
"""An imported model keeps its function, whatever scales are folded into it; what contradicts itself is refused."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from edgernn import pack
from edgernn.config import load_convert
from edgernn.errors import ConfigError, DataError, EdgernnError, ModelError
from edgernn.importers.prepare import predict, prepare, results
from edgernn.metrics import fidelity
from edgernn.model import FloatModel, Interface
from edgernn.quantize import quantize


@pytest.fixture
def as_in_the_file():
    """Results [n, K] of an imported model as its file has it, on the windows of an .npz file."""

    def compute(imported, path):
        with np.load(path) as arrays:
            x, lengths = arrays["x"].astype(np.float32), arrays["lengths"]
        ways, count = (2 if imported.bidirectional else 1), imported.layers[-1].units
        mean = np.zeros(imported.features, np.float32) if imported.mean is None else imported.mean
        std = np.ones(imported.features, np.float32) if imported.std is None else imported.std
        interface = Interface(
            task="regression",
            per_step=imported.per_step,
            features=("f",) * imported.features * ways,
            outputs=("o",) * count,
            mean=np.tile(mean, ways),
            std=np.tile(std, ways),
            target_mean=np.zeros(count, np.float32),
            target_std=np.ones(count, np.float32),
            window=x.shape[1],
            rate=0.0,
            bidirectional=imported.bidirectional,
        )
        outputs = FloatModel(interface, imported.layers).predict(interface.steps(x, lengths))
        return outputs[np.arange(len(x)), lengths - 1]

    return compute


@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("normalizes", [False, True])
def test_the_function_stays_and_integers_come_close(
    make_imported, calibration, as_in_the_file, recurrent, normalizes, ways
):
    """1e-5 of the largest output: what folding rounds once, the file's own scales round at every sample."""
    path = calibration()
    outputs = {
        "softmax": {},
        "linear": {"gain": 5e3, "offset": 1e5},
        "relu": {"gain": 5e3, "offset": 2e4},
        "sigmoid": {},
    }
    for normalize, (activation, scale) in itertools.product(("auto", "data", "model"), outputs.items()):
        if not normalizes and normalize == "model":
            continue
        imported = make_imported(*recurrent, normalizes=normalizes, ways=ways, activation=activation, **scale)
        task = "auto" if activation == "softmax" else "regression"
        prepared = prepare(imported, path, load_convert([f"normalize={normalize}", f"task={task}"]))
        interface, part = prepared.model.interface, prepared.judged
        exact = results(interface, part, predict(prepared.model, part))
        wanted = as_in_the_file(imported, path)
        np.testing.assert_allclose(exact, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
        assert prepared.normalization == ("model" if normalizes and normalize != "data" else "data")
        quantized = quantize(prepared.model, prepared.train.x, prepared.train.lengths)
        integer = results(interface, part, pack.integer_outputs(quantized.model, part))
        assert [o for o in fidelity(exact, integer, interface).outputs if o.signal_to_noise < 10] == [], (
            activation,
            normalize,
        )


@pytest.mark.parametrize("normalizes", [False, True])
def test_a_scale_from_before_the_model(make_imported, calibration, normalizes):
    """Raw windows with the scale as settings give what scaled windows give without."""
    gain, offset = np.array([2.0, 0.5, 10.0]), np.array([1.0, -3.0, 20.0])
    scaled = np.random.default_rng(0).normal(size=(20, 9, 3))
    imported = make_imported(normalizes=normalizes)
    plain = prepare(imported, calibration(x=scaled), load_convert(["normalize=model"]))
    wanted = predict(plain.model, plain.judged)
    path, sets = calibration(x=scaled * gain + offset), [f"mean={offset.tolist()}", f"std={gain.tolist()}"]
    for whose in ("auto", "model", "data"):
        raw = prepare(imported, path, load_convert([*sets, f"normalize={whose}"]))
        fits = not normalizes
        assert raw.normalization == ({True: "model", False: "data"}[fits] if whose == "auto" else whose)
        np.testing.assert_allclose(predict(raw.model, raw.judged)[raw.judged.mask], wanted[raw.judged.mask], atol=1e-5)


@pytest.mark.parametrize(
    ("shift", "gain", "whose"),
    [(0, 1, "model"), (0.9, 1.8, "model"), (1.2, 1, "data"), (0, 2.2, "data"), (0, 0.4, "data"), (0, 5e3, "model")],
)
def test_the_models_own_scale_is_taken_where_it_fits(make_imported, calibration, shift, gain, whose):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 9, 3))
    x[..., 1] = shift + gain * x[..., 1]
    scale = {"mean": np.full(3, 5, np.float32), "std": np.full(3, 7, np.float32)}
    path = calibration(x=7 * x + 5, lengths=np.full(200, 9))
    assert prepare(replace(make_imported(), **scale), path, load_convert()).normalization == whose


def test_names_and_settings(make_imported, calibration):
    path = calibration(features=np.array(["ax", "ay", "az"]), classes=np.array(["rest", "walk", "run"]))
    interface = prepare(make_imported(), path, load_convert()).model.interface
    assert (interface.task, interface.per_step, interface.window, interface.rate) == ("classification", False, 9, 0)
    assert (interface.features, interface.outputs) == (("ax", "ay", "az"), ("rest", "walk", "run"))
    sets = ["features=['a','b','c']", "outputs=['d','e','f']", "window=5", "rate=12.5"]
    interface = prepare(make_imported(), path, load_convert(sets)).model.interface
    assert (interface.features, interface.outputs) == (("a", "b", "c"), ("d", "e", "f"))
    assert (interface.window, interface.rate) == (5, 12.5)


def test_names_that_nothing_gives(make_imported, calibration):
    interface = prepare(make_imported(ways=2), calibration(), load_convert()).model.interface
    assert interface.channels == ("channel 0", "channel 1", "channel 2") and len(interface.features) == 6
    assert interface.outputs == ("class 0", "class 1", "class 2")
    config = load_convert(["task=regression"])
    interface = prepare(make_imported(activation="linear"), calibration(), config).model.interface
    assert (interface.task, interface.outputs) == ("regression", ("y0", "y1", "y2"))


@pytest.mark.parametrize(
    ("activation", "y", "sets", "task"),
    [
        ("softmax", None, [], "classification"),
        ("softmax", np.arange(20) % 3, [], "classification"),
        ("linear", np.arange(20) % 2, [], "classification"),
        ("linear", np.zeros((20, 3)), [], "regression"),
        ("linear", None, ["task=classification"], "classification"),
        ("sigmoid", None, ["task=regression"], "regression"),
    ],
)
def test_the_task(make_imported, calibration, activation, y, sets, task):
    prepared = prepare(make_imported(activation=activation), calibration(y=y), load_convert(sets))
    assert (prepared.model.interface.task, prepared.judged.task) == (task, task)
    assert prepared.labelled == (y is not None)


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("outputs", "these"), [(1, "one output may be a logit"), (3, "3 outputs may be logits")])
def test_a_task_that_nothing_tells(make_imported, calibration, activation, outputs, these):
    imported = make_imported(outputs=outputs, activation=activation)
    with pytest.raises(
        ConfigError, match=f"{these} of classes or what it estimates, .*: add --set task=classification or"
    ):
        prepare(imported, calibration(), load_convert())
    named = calibration(targets=np.array([f"t{k}" for k in range(outputs)]))
    assert prepare(imported, named, load_convert()).model.interface.task == "regression"


@pytest.mark.parametrize(
    ("steps", "longest", "fits"), [(None, 9, 1), (9, 9, 1), (9, 5, 1), (5, 5, 1), (5, 9, 0), (12, 9, 0)]
)
def test_the_steps_that_the_model_takes(make_imported, calibration, steps, longest, fits):
    """The windows have nine, the longest of them `longest` without its padding."""
    imported = replace(make_imported(), steps=steps)
    path = calibration(lengths=np.minimum(np.arange(1, 21), longest))
    if fits:
        assert prepare(imported, path, load_convert()).model.interface.window == (steps or 9)
        return
    meant = "longer" if steps == 5 else "shorter"
    says = f"takes windows of {steps} steps, x has 9: give .*, or --set window=9 if {meant} ones are meant"
    with pytest.raises(DataError, match=says):
        prepare(imported, path, load_convert())
    assert prepare(imported, path, load_convert(["window=9"])).model.interface.window == 9


def test_the_rate_of_the_windows(make_imported, calibration):
    assert prepare(make_imported(), calibration(rate=50), load_convert()).model.interface.rate == 50


@pytest.mark.parametrize(("activation", "sets"), [("sigmoid", []), ("linear", ["task=classification"])])
def test_one_output_for_two_classes(make_imported, calibration, as_in_the_file, activation, sets):
    path, imported = calibration(y=np.arange(20) % 2), make_imported(outputs=1, activation=activation)
    prepared = prepare(imported, path, load_convert(sets))
    logits = results(prepared.model.interface, prepared.judged, predict(prepared.model, prepared.judged))
    (z,) = as_in_the_file(make_imported(outputs=1, activation="linear"), path).T
    np.testing.assert_allclose(logits, np.stack([0 * z, z], axis=1), atol=1e-5)
    assert prepared.model.interface.outputs == ("class 0", "class 1")
    assert prepared.notes[-1].endswith("of class 1, became two logits")


def test_a_given_split(make_imported, calibration):
    split = np.array(["train", "validation", "test", "test"])[np.arange(20) % 4]
    prepared = prepare(make_imported(), calibration(split=split), load_convert())
    assert (prepared.train.n, prepared.judged.n, prepared.apart) == (5, 10, True)
    assert prepared.describe(4) == (
        "calibrated on 4 of 5 training windows, compared on 10 that are held out; 9 steps of 3 channels"
    )
    plain = prepare(make_imported(ways=2), calibration(), load_convert())
    assert (plain.train.n, plain.judged.n, plain.apart) == (20, 20, False)
    assert plain.describe(20).endswith("none is held out; 9 steps of 3 channels")
    with pytest.raises(DataError, match="split names no test window"):
        prepare(make_imported(), calibration(split=np.array(["train"] * 20)), load_convert())


def test_statistics_are_those_of_the_training_windows(make_imported, calibration):
    x = np.concatenate([np.full((10, 9, 3), 2.0), np.full((10, 9, 3), 50.0)])
    x += np.random.default_rng(0).normal(size=x.shape)
    split = np.array(["train"] * 10 + ["test"] * 10)
    interface = prepare(make_imported(), calibration(x=x, split=split), load_convert()).model.interface
    assert np.abs(interface.mean - 2).max() < 0.5 and np.abs(interface.std - 1).max() < 0.3


def test_the_ranges_of_real_targets_fit_16_bits(make_imported, calibration):
    imported = make_imported(activation="linear", gain=1e4, offset=101325)
    prepared = prepare(imported, calibration(), load_convert(["task=regression"]))
    np.testing.assert_allclose(prepared.model.interface.target_mean, 101325, rtol=0.5)
    outputs = prepared.model.forward(prepared.judged.x)
    assert np.abs(outputs).max() < 20


def test_results_of_every_step(make_imported, calibration):
    y = np.random.default_rng(0).integers(0, 3, (20, 9))
    prepared = prepare(make_imported(sequences=True), calibration(y=y), load_convert())
    interface, part = prepared.model.interface, prepared.judged
    assert interface.per_step
    assert len(results(interface, part, predict(prepared.model, part))) == part.lengths.sum()


@pytest.mark.parametrize(
    ("error", "model", "arrays", "sets", "words"),
    [
        (ConfigError, {}, {}, ["task=regression"], "but the model ends in a softmax: leave task out"),
        (ConfigError, {}, {}, ["mean=[1.0, 2.0, 3.0]"], "std has 0 numbers, the model takes 3 features"),
        (ConfigError, {}, {}, ["mean=[1.0]", "std=[1.0, 2.0, 3.0]"], "mean has 1 numbers"),
        (DataError, {}, {"y": np.linspace(0, 1, 20)}, [], "y is of regression, the model of classification"),
        (DataError, {}, {"x": np.zeros((20, 9, 2))}, [], "has 2 channels, the model takes 3: give windows like those"),
        (DataError, {}, {"x": np.zeros((20, 3, 9))}, [], "9 channels, the model takes 3: save x.transpose(0, 2, 1)"),
        (DataError, {}, {"y": np.eye(3)[np.arange(20) % 3]}, [], "one-hot classes; save y.argmax(1) as integers"),
        (DataError, {}, {"rate": 50}, ["rate=25"], "its array rate is 50, but the setting 25"),
        (DataError, {}, {"y": np.zeros((20, 9), int)}, [], "the model gives one result a window"),
        (DataError, {}, {"y": np.arange(20)}, [], "y holds the class 19, but classes names only 0..2"),
        (DataError, {}, {"y": np.array(["a", "b"] * 10)}, [], "y holds names, and nothing says which output"),
        (DataError, {}, {"classes": np.array(["a", "b"])}, [], "has 2 names, the model has 3 outputs"),
        (ConfigError, {}, {}, ["outputs=['a']"], "the setting outputs has 1 names, the model has 3 outputs"),
        (DataError, {}, {}, ["features=['a']"], "x has 3 channels, but 1 features are named"),
        (DataError, {"activation": "linear"}, {"y": np.zeros((20, 2))}, [], "y has 2 targets, the model gives 3"),
        (ModelError, {"outputs": 1}, {}, [], "the model has one output, which can't tell classes apart"),
        (
            ConfigError,
            {"outputs": 1, "activation": "linear"},
            {"y": np.arange(20) % 2},
            [],
            "add --set task=classification if it is a logit",
        ),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else None,
)
def test_what_contradicts_itself(make_imported, calibration, error, model, arrays, sets, words):
    def go():
        prepared = prepare(make_imported(**model), calibration(**arrays), load_convert(sets))
        predict(prepared.model, prepared.judged)

    with pytest.raises(EdgernnError) as caught:
        go()
    assert type(caught.value) is error and words in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_that_overflows(make_imported, calibration):
    scale = {"mean": np.zeros(3, np.float32), "std": np.full(3, 1e-30, np.float32)}
    prepared = prepare(replace(make_imported(), **scale), calibration(x=np.full((20, 9, 3), 3e38)), load_convert())
    with pytest.raises(DataError, match="gives no finite numbers for these windows"):
        predict(prepared.model, prepared.judged)


@pytest.mark.parametrize(("mean", "std"), [(0, np.inf), (0, 0), (np.nan, 1)])
def test_a_model_with_a_scale_beyond_float32(make_imported, calibration, mean, std):
    scale = {"mean": np.full(3, mean, np.float32), "std": np.full(3, std, np.float32)}
    with pytest.raises(ModelError, match="scales its inputs by numbers beyond float32"):
        prepare(replace(make_imported(), **scale), calibration(), load_convert())


def test_a_step_that_the_model_would_skip(make_imported, calibration):
    path = calibration()
    imported = make_imported()
    masked = replace(imported, masked=np.zeros(imported.features, np.float32))
    prepare(masked, path, load_convert([]))
    with np.load(path) as content:
        arrays = dict(content)
    arrays["x"][2, 1] = 0
    np.savez(path, **arrays)
    prepare(imported, path, load_convert([]))
    with pytest.raises(DataError, match="step 1 of window 2 is one that the model's Masking layer skips: put such"):
        prepare(masked, path, load_convert([]))
