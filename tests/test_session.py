# SPDX-License-Identifier: Apache-2.0
"""Streaming: the state lasts, streams are independent, and a wrong sample is one sentence that changes nothing."""

import numpy as np
import pytest

import edgernn
from edgernn import golden
from edgernn.errors import DataError
from edgernn.quantize import quantize

SAMPLES = np.random.default_rng(1).normal(size=(20, 3))


@pytest.fixture
def session(model):
    return model.session()


def test_integers_give_the_golden_outputs(model):
    program = model.integer.program
    expected = golden.load(model.folder, program)
    for x, y, length in zip(expected.x, expected.y, expected.lengths, strict=True):
        found = model.session().run(x[:length])
        assert found.dtype == np.int16
        np.testing.assert_array_equal(found, y[:length])


def test_floats_are_quantized_and_back(model, session):
    integers = model.session().run(model.integer.quantize_input(SAMPLES))
    found = session.run(SAMPLES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, model.integer.dequantize_output(integers))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble])
def test_floats_of_any_width(session, model, dtype):
    rounded = SAMPLES.astype(np.float16)
    np.testing.assert_array_equal(session.run(rounded.astype(dtype)), model.session().run(rounded.astype(np.float32)))


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint8, np.uint64])
def test_other_integers_are_raw_samples(session, model, dtype):
    sample = np.array([3, 100, 0])
    np.testing.assert_array_equal(session.step(sample.astype(dtype)), model.session().step(sample.astype(np.float32)))


def test_lists_are_raw_samples(session, model):
    np.testing.assert_array_equal(session.step([0.5, 1.5, -2.0]), model.session().step(np.array([0.5, 1.5, -2.0])))
    np.testing.assert_array_equal(model.session().step([1, 2, 3]), model.session().step([1.0, 2.0, 3.0]))


def test_int16_operands(make_model):
    network = make_model(("lstm", 3, {}), ("dense", 2, {}), features=3)
    session = edgernn.Session(quantize(network, np.float32(SAMPLES[None]), np.array([20], np.int32), "int16").model)
    assert session.step(np.array([16383, -16383, 0], np.int16)).dtype == np.int16
    with pytest.raises(DataError, match="within \\+-16383"):
        session.step(np.array([16384, 0, 0], np.int16))


def test_the_state_lasts_until_reset(session):
    first = session.run(SAMPLES)
    again = session.run(SAMPLES)
    assert not np.array_equal(first, again)
    session.reset()
    np.testing.assert_array_equal(session.run(SAMPLES), first)


def test_sessions_are_independent(model):
    one, other = model.session(), model.session()
    alone = model.session().run(SAMPLES)
    for sample, expected in zip(SAMPLES, alone, strict=True):
        other.step(sample + 1)
        np.testing.assert_array_equal(one.step(sample), expected)


@pytest.mark.parametrize("layers", [[("gru", 2, {}), ("dense", 2, {})], [("gru", 2, {})]], ids=str)
def test_results_and_samples_may_be_overwritten(make_artifact, layers):
    model = edgernn.load(make_artifact(*layers))
    expected = model.session().run(model.integer.quantize_input(SAMPLES))
    session, sample = model.session(), np.zeros(3, np.int8)
    for x, y in zip(model.integer.quantize_input(SAMPLES), expected, strict=True):
        sample[:] = x
        found = session.step(sample)
        np.testing.assert_array_equal(found, y)
        found[:] = 0


def test_values_beyond_the_range_saturate(session, model):
    np.testing.assert_array_equal(session.step([3.4e38, -3.4e38, 0.0]), model.session().step([1e6, -1e6, 0.0]))


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ([1.0, 2.0], "takes 3 features, not an array of shape [2]"),
        ([1.0] * 4, "not an array of shape [4]"),
        ([[1.0, 2.0, 3.0]], "not an array of shape [1, 3]"),
        (1.0, "not an array of shape []"),
        ([], "not an array of shape [0]"),
        (None, "not an array of shape []"),
        ("123", "not an array of shape []"),
        ({1.0, 2.0, 3.0}, "not an array of shape []"),
        ([1.0, [2.0], 3.0], "differ in length"),
        ([1.0, None, 2.0], "takes real numbers, not object"),
        (["1", "2", "3"], "takes real numbers, not <U1"),
        ([True, False, True], "takes real numbers, not bool"),
        ([1j, 2, 3], "takes real numbers, not complex128"),
        ([2**70, 0, 0], "takes real numbers, not object"),
        (np.zeros(3, "m8[s]"), "takes real numbers, not timedelta64"),
        ([0.0, np.nan, 0.0], "feature 1 (f1) of the sample is nan"),
        ([0.0, 0.0, np.inf], "feature 2 (f2) of the sample is inf"),
        ([-1e39, 0.0, 0.0], "feature 0 (f0) of the sample is -inf in float32"),
        (np.array([-128, 0, 0], np.int8), "must lie within +-127"),
    ],
    ids=repr,
)
def test_what_is_no_sample(session, model, sample, words):
    session.step(SAMPLES[0])
    with pytest.raises(DataError) as caught:
        session.step(sample)
    assert words in str(caught.value)
    expected = model.session().run(SAMPLES[:2])[1]
    np.testing.assert_array_equal(session.step(SAMPLES[1]), expected, "the refused sample must not change the state")


@pytest.mark.parametrize("samples", [[], [1.0, 2.0, 3.0], np.zeros((0, 3)), np.zeros((1, 2, 3)), [[1.0], [1.0, 2.0]]])
def test_what_is_no_run(session, samples):
    with pytest.raises(DataError):
        session.run(samples)


def test_a_regression_answers_in_its_own_unit(make_artifact):
    unit = {"target_mean": np.float32([100, -5]), "target_std": np.float32([10, 2])}
    folder = make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", **unit)
    plain = edgernn.load(make_artifact(("gru", 5, {}), ("dense", 2, {}))).session().run(SAMPLES)
    found = edgernn.load(folder).session().run(SAMPLES)
    np.testing.assert_array_equal(found, plain * unit["target_std"] + unit["target_mean"])
