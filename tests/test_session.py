# SPDX-License-Identifier: Apache-2.0
"""Streaming: the state lasts, streams are independent, and a wrong sample is one sentence that changes nothing.

By every engine, which give the same results and the same errors.
"""

import copy
import pickle
import re

import numpy as np
import pytest

import edgernn
from edgernn import golden
from edgernn.errors import ConfigError, DataError
from edgernn.quantize import quantize
from edgernn.session import Session, Streams
from tests.kernels import FAMILIES, VARIABLE

SAMPLES = np.random.default_rng(1).normal(size=(20, 3))


@pytest.fixture(params=["numpy", *FAMILIES])
def engine(request, monkeypatch):
    """Each engine, the native one with each family of kernels."""
    if request.param == "numpy":
        return "numpy"
    monkeypatch.setenv(VARIABLE, request.param)
    return "native"


@pytest.fixture
def session(model, engine):
    return model.session(engine)


def test_the_engine(model, session, engine):
    assert session.engine == engine
    assert model.session().engine == edgernn.Session(model.integer).engine == "native"
    with pytest.raises(ConfigError, match="there is no engine 'cuda'; there are native, numpy"):
        model.session("cuda")


def test_integers_give_the_golden_outputs(model, engine):
    program = model.integer.program
    expected = golden.load(model.folder, program)
    for x, y, length in zip(expected.x, expected.y, expected.lengths, strict=True):
        session = model.session(engine)
        for found in (session.run_operands(x[:length]), session.run_operands(x[None, :length])[0]):
            assert found.dtype == np.int16
            np.testing.assert_array_equal(found, y[:length])


def test_floats_are_quantized_and_back(model, session):
    integers = model.session().run_operands(model.integer.quantize_input(SAMPLES))
    found = session.run(SAMPLES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, model.integer.dequantize_output(integers))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble])
def test_floats_of_any_width(session, model, dtype):
    rounded = SAMPLES.astype(np.float16)
    expected = model.session().run(rounded.astype(np.float32))
    np.testing.assert_array_equal(session.run(rounded.astype(dtype)), expected)
    session.reset()
    np.testing.assert_array_equal([session.step(sample) for sample in rounded.astype(dtype)], expected)


@pytest.fixture(params=["int8", "int16"])
def of_each_width(make_model, request):
    """A model of operands of each width."""
    network = make_model(("lstm", 3, {}), ("dense", 2, {}), features=3)
    windows = SAMPLES[None].astype(np.float32)
    return quantize(network, windows, np.array([20], np.int32), request.param).model


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", ">i2"])
def test_integers_of_any_width_are_sensor_values(of_each_width, engine, dtype):
    """The readings of a sensor, whatever the operands of the model are."""
    readings = np.random.default_rng(8).integers(0, 4, (6, 3))
    readings[2] = [127, 0, 100]
    expected = Session(of_each_width, "numpy").run(readings.astype(np.float64))
    session, streams = Session(of_each_width, engine), Streams(of_each_width, 1, engine)
    given = readings.astype(dtype)
    np.testing.assert_array_equal([session.step(sample) for sample in given], expected)
    np.testing.assert_array_equal([streams.step(sample[None])[0] for sample in given], expected)
    session.reset(), streams.reset()
    np.testing.assert_array_equal(session.run(given), expected)
    np.testing.assert_array_equal(session.run(given[None])[0], expected)
    np.testing.assert_array_equal(streams.run(given[None])[0], expected)


def test_lists_are_raw_samples(session, model):
    np.testing.assert_array_equal(session.step([0.5, 1.5, -2.0]), model.session().step(np.array([0.5, 1.5, -2.0])))
    np.testing.assert_array_equal(model.session().step([1, 2, 3]), model.session().step([1.0, 2.0, 3.0]))


STEPPED = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "NumPy floats": list,
    "some integers": lambda x: [round(v) if i % 2 else v for i, v in enumerate(x.clip(-(2.0**62), 2.0**62).tolist())],
    "integers": lambda x: [round(v) for v in x.clip(-(2.0**62), 2.0**62).tolist()],
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.clip(-6e4, 6e4).astype(np.float16),
    "not native": lambda x: x.astype(">f4"),
    "strided": lambda x: np.repeat(x, 2)[::2],
    "unaligned": lambda x: np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(np.float64),
    **{
        f"{kind}{bits}": lambda x, kind=kind, bits=bits: x.clip(-127 * (kind == "int"), 127).astype(f"{kind}{bits}")
        for kind in ("int", "uint")
        for bits in (8, 16, 32, 64)
    },
    "int64": lambda x: (x * 2.0**40).clip(-(2.0**62), 2.0**62).astype(np.int64),
    "memoryview": lambda x: memoryview(x.copy()),
    "subclass": lambda x: np.ma.array(x),
}


@pytest.mark.parametrize("given", STEPPED.values(), ids=STEPPED)
def test_a_step_scales_exactly_as_numpy_does(model, given):
    """Ordinary values, ties of the rounding, values that one bit of float32 tells apart, and the largest ones."""
    interface, rng = model.integer.interface, np.random.default_rng(2)
    ties = (rng.integers(-300, 300, (300, 3)) + 0.5) / model.integer.input_factor + interface.mean
    near = np.nextafter(ties.astype(np.float32), np.float32(np.inf)).astype(np.float64)
    sizes = rng.normal(size=(300, 3)) * 2.0 ** rng.integers(-140, 127, (300, 3))
    native, reference = model.session("native"), model.session("numpy")
    for sample in np.concatenate([rng.normal(size=(300, 3)), ties, near, sizes, np.eye(3) * 3.4e38, np.eye(3) * 2**53]):
        found, expected = native.step(given(sample)), reference.step(given(sample))
        assert found.dtype == expected.dtype == np.float32
        assert found.tobytes() == expected.tobytes()


def test_operands_are_of_the_models_own_dtype_and_range(of_each_width, engine):
    dtype, limit = {"int8": (np.int8, 127), "int16": (np.int16, 16383)}[of_each_width.program.tensors["x"].dtype]
    session, streams = Session(of_each_width, engine), Streams(of_each_width, 2, engine)
    largest = np.array([limit, -limit, 0], dtype)
    assert session.step_operands(largest).dtype == session.run_operands(largest[None]).dtype == np.int16
    assert streams.step_operands(np.stack([largest] * 2)).dtype == np.int16
    expected = Session(of_each_width, "numpy").run_operands(np.stack([largest] * 3))[2]
    other = np.int16 if dtype == np.int8 else np.int8
    for wrong in ([1, 2, 3], [1.0, 2.0, 3.0], np.zeros(3, other), np.zeros(3), np.zeros(3, np.int64), ["1", "2", "3"]):
        found = np.asarray(wrong).dtype
        sentence = f"the operands of this model are an array of {np.dtype(dtype)}, not of {found}: make them with"
        with pytest.raises(DataError, match=re.escape(sentence)):
            session.step_operands(wrong)
        with pytest.raises(DataError, match=re.escape(sentence)):
            session.run_operands([wrong])
        with pytest.raises(DataError, match=re.escape(sentence)):
            streams.run_operands([[wrong]] * 2)
    beyond = np.array([0, limit + 1, 0]).astype(dtype)
    sentence = f"feature 1 (f1) of the sample is {beyond[1]}, but an operand must lie within +-{limit}: give sensor"
    with pytest.raises(DataError, match=re.escape(sentence)):
        session.step_operands(beyond)
    np.testing.assert_array_equal(session.step_operands(largest), expected, "what is refused changes nothing")


def test_the_state_lasts_until_reset(session):
    first = session.run(SAMPLES)
    again = session.run(SAMPLES)
    assert not np.array_equal(first, again)
    session.reset()
    np.testing.assert_array_equal(session.run(SAMPLES), first)


@pytest.mark.parametrize("method", ["run", "run_operands"])
def test_a_batch_is_its_windows_from_zero(model, session, engine, method):
    windows = (SAMPLES if method == "run" else model.integer.quantize_input(SAMPLES)).reshape(4, 5, 3)
    session.step(SAMPLES[0])
    found = getattr(session, method)(windows)
    assert found.shape == (4, 5, 2)
    for window, y in zip(windows, found, strict=True):
        np.testing.assert_array_equal(getattr(model.session("numpy"), method)(window), y)
    expected = model.session(engine).run(SAMPLES[:2])[1]
    np.testing.assert_array_equal(session.step(SAMPLES[1]), expected, "a batch leaves the session's state alone")


def test_samples_in_any_memory_layout(model, session):
    expected = model.session("numpy").run(SAMPLES.reshape(4, 5, 3))
    for layout in (np.asfortranarray(SAMPLES), SAMPLES.astype(">f8"), np.repeat(SAMPLES, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(session.run(layout.reshape(4, 5, 3)), expected)
    operands = model.integer.quantize_input(SAMPLES)
    expected = model.session("numpy").run_operands(operands)
    for layout in (np.asfortranarray(operands), np.repeat(operands, 2, axis=1)[:, ::2]):
        session.reset()
        np.testing.assert_array_equal(session.run_operands(layout), expected)
        session.reset()
        np.testing.assert_array_equal([session.step_operands(sample) for sample in layout], expected)


@pytest.mark.parametrize("offset", [0, 1])
def test_operands_of_int16_wherever_they_lie(make_model, engine, offset):
    network = make_model(("gru", 2, {}), ("dense", 2, {}), features=3)
    model = quantize(network, SAMPLES[None].astype(np.float32), np.array([20], np.int32), "int16").model
    operands = model.quantize_input(SAMPLES)
    expected = Session(model, "numpy").run_operands(operands)
    packet = np.frombuffer(b"\0" * offset + operands.tobytes(), np.int16, operands.size, offset=offset)
    for same in (packet.reshape(operands.shape), operands.astype(">i2")):
        session = Session(model, engine)
        np.testing.assert_array_equal(session.run_operands(same), expected)
        np.testing.assert_array_equal(session.run_operands(same[None])[0], expected)
        session.reset()
        np.testing.assert_array_equal([session.step_operands(sample) for sample in same], expected)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_session_is_not_copied(model, engine, duplicate):
    with pytest.raises(TypeError, match="a session can't be copied: open another one"):
        duplicate(model.session(engine))


def test_sessions_are_independent(model, engine):
    one, other = model.session(engine), model.session(engine)
    alone = model.session().run(SAMPLES)
    for sample, expected in zip(SAMPLES, alone, strict=True):
        other.step(sample + 1)
        np.testing.assert_array_equal(one.step(sample), expected)


@pytest.mark.parametrize("layers", [[("gru", 2, {}), ("dense", 2, {})], [("gru", 2, {})]], ids=str)
def test_results_and_samples_may_be_overwritten(make_artifact, layers, engine):
    model = edgernn.load(make_artifact(*layers))
    expected = model.session().run_operands(model.integer.quantize_input(SAMPLES))
    session, sample = model.session(engine), np.zeros(3, np.int8)
    for x, y in zip(model.integer.quantize_input(SAMPLES), expected, strict=True):
        sample[:] = x
        found = session.step_operands(sample)
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


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "not one of shape [0]"),
        ([1.0, 2.0, 3.0], "not one of shape [3]"),
        (np.zeros((0, 3)), "not one of shape [0, 3]"),
        (np.zeros((0, 5, 3)), "not one of shape [0, 5, 3]"),
        (np.zeros((5, 0, 3)), "not one of shape [5, 0, 3]"),
        (np.zeros((1, 1, 2, 3)), "not one of shape [1, 1, 2, 3]"),
        (np.zeros((2, 4)), "takes 3 features, not an array of shape [4]"),
        (np.zeros((2, 2, 2)), "takes 3 features, not an array of shape [2]"),
        (np.zeros((2, 0)), "takes 3 features, not an array of shape [0]"),
        ([[1.0], [1.0, 2.0]], "differ in length"),
        ([["1", "2", "3"]], "takes real numbers, not <U1"),
        ([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]], "feature 1 (f1) of the sample, step 1 is nan in float32"),
        (
            np.array([[[0.0, 0, 0]] * 2, [[0, 0, 1e39], [0, 0, 0]]]),
            "feature 2 (f2) of the sample, window 1, step 0 is inf",
        ),
    ],
    ids=repr,
)
def test_what_is_no_run(session, model, engine, samples, words):
    session.step(SAMPLES[0])
    with pytest.raises(DataError) as caught:
        session.run(samples)
    assert words in str(caught.value)
    expected = model.session(engine).run(SAMPLES[:2])[1]
    np.testing.assert_array_equal(session.step(SAMPLES[1]), expected, "the refused samples must not change the state")


def test_what_is_no_run_of_operands(model, session, engine):
    session.step(SAMPLES[0])
    for operands, words in (
        (np.zeros((0, 3), np.int8), "not one of shape [0, 3]"),
        (np.zeros((2, 4), np.int8), "takes 3 features, not an array of shape [4]"),
        (
            np.full((2, 3), -128, np.int8),
            "feature 0 (f0) of the sample, step 0 is -128, but an operand must lie within",
        ),
        (np.full((1, 2, 3), -128, np.int8), "feature 0 (f0) of the sample, window 0, step 0 is -128"),
    ):
        with pytest.raises(DataError, match=re.escape(words)):
            session.run_operands(operands)
    expected = model.session(engine).run(SAMPLES[:2])[1]
    np.testing.assert_array_equal(session.step(SAMPLES[1]), expected, "the refused operands must not change the state")


def test_a_regression_answers_in_its_own_unit(make_artifact, engine):
    unit = {"target_mean": np.float32([100, -5]), "target_std": np.float32([10, 2])}
    folder = make_artifact(("gru", 5, {}), ("dense", 2, {}), task="regression", **unit)
    plain = edgernn.load(make_artifact(("gru", 5, {}), ("dense", 2, {}))).session().run(SAMPLES)
    session = edgernn.load(folder).session(engine)
    expected = plain * unit["target_std"] + unit["target_mean"]
    np.testing.assert_array_equal(session.run(SAMPLES), expected)
    session.reset()
    np.testing.assert_array_equal([session.step(sample) for sample in SAMPLES], expected)


def test_what_is_printed_of_a_session(model, session, engine):
    about = "3 features (f0, f1, f2) -> 2 classes (c0, c1), windows of 12 steps at 50 Hz, int8"
    assert repr(session) == f"<edgernn.Session: {about}, {engine} engine>"
    assert repr(model.streams(4, engine)) == f"<edgernn.Streams, 4 of them: {about}, {engine} engine>"


def test_a_bidirectional_model_reads_windows_from_both_ends(make_artifact, engine):
    model = edgernn.load(make_artifact(("gru", 4, {}), ("dense", 2, {}), bidirectional=True))
    windows = np.random.default_rng(3).normal(size=(5, 12, 3))
    found = model.session(engine).run(windows)
    for window, results in zip(windows, found, strict=True):
        session = model.session(engine)
        pairs = np.concatenate([window, window[::-1]], axis=1)
        np.testing.assert_array_equal(results, [session.step(pair) for pair in pairs])
    with pytest.raises(DataError, match="a step takes 6 features"):
        model.session(engine).step(windows[0, 0])
    with pytest.raises(DataError, match="a step takes 3 values of a sample, not an array of shape .6."):
        model.session(engine).run(np.zeros((2, 12, 6)))


@pytest.mark.parametrize("count", [1, 3, 40])
def test_streams_are_so_many_sessions(model, engine, count):
    windows = np.random.default_rng(4).normal(size=(count, 9, 3))
    streams = model.streams(count, engine)
    assert (len(streams), streams.engine) == (count, engine)
    expected = model.session("numpy").run(windows)
    np.testing.assert_array_equal(streams.run(windows[:, :4]), expected[:, :4])
    np.testing.assert_array_equal(streams.step(windows[:, 4]), expected[:, 4])
    np.testing.assert_array_equal(streams.run(windows[:, 5:]), expected[:, 5:])
    streams.reset()
    operands = model.integer.quantize_input(windows)
    expected = model.session("numpy").run_operands(operands)
    found = np.stack([streams.step_operands(operands[:, t]) for t in range(9)], axis=1)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, expected)
    streams.reset()
    np.testing.assert_array_equal(streams.run_operands(operands), expected)


def test_one_of_the_streams_is_reset(model, engine):
    windows = np.random.default_rng(5).normal(size=(3, 8, 3))
    streams, expected = model.streams(3, engine), model.session("numpy").run(windows)
    streams.run(windows)
    streams.reset(1)
    found = streams.run(windows)
    np.testing.assert_array_equal(found[1], expected[1])
    assert not np.array_equal(found[0], expected[0])
    assert not np.array_equal(found[2], expected[2])
    for stream in (-1, 3):
        with pytest.raises(DataError, match=f"there is no stream {stream}, only 0 to 2"):
            streams.reset(stream)


@pytest.mark.parametrize(
    ("method", "samples", "words"),
    [
        ("step", [1.0, 2.0, 3.0], "an array [streams, features], not one of shape [3]"),
        ("step", np.zeros((2, 1, 3)), "an array [streams, features], not one of shape [2, 1, 3]"),
        ("step", np.zeros((3, 3)), "there are 2 streams, not 3"),
        ("step", np.zeros((2, 4)), "takes 3 features, not an array of shape [4]"),
        ("step", [[1.0, 2.0, 3.0], [1.0]], "differ in length"),
        ("step_operands", np.full((2, 3), -128, np.int8), "of the sample, stream 0 is -128, but an operand must lie"),
        ("run_operands", np.full((2, 1, 3), -128, np.int8), "of the sample, stream 0, step 0 is -128, but an operand"),
        ("step", [[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]], "feature 1 (f1) of the sample, stream 1 is nan in float32"),
        ("run", np.zeros((2, 3)), "an array [streams, steps, features], not one of shape [2, 3]"),
        ("run", np.zeros((2, 0, 3)), "an array [streams, steps, features], not one of shape [2, 0, 3]"),
        ("run", np.zeros((1, 5, 3)), "there are 2 streams, not 1"),
        ("run", np.zeros((2, 5, 2)), "takes 3 features, not an array of shape [2]"),
        ("run", [[[0.0, 0.0, 0.0]] * 2, [[0.0, 0.0, np.inf]] * 2], "of the sample, stream 1, step 0 is inf in float32"),
    ],
    ids=repr,
)
def test_what_no_streams_take(model, engine, method, samples, words):
    windows = np.random.default_rng(6).normal(size=(2, 4, 3))
    streams = model.streams(2, engine)
    streams.run(windows[:, :2])
    with pytest.raises(DataError) as caught:
        getattr(streams, method)(samples)
    assert words in str(caught.value)
    expected = model.session("numpy").run(windows)[:, 2:]
    np.testing.assert_array_equal(streams.run(windows[:, 2:]), expected, "what is refused must not change the states")


@pytest.mark.parametrize("count", [0, -1, 2.0, True, None])
def test_how_many_streams_there_can_be(model, engine, count):
    with pytest.raises(ConfigError, match=f"streams are counted from 1 on, not {count!r}"):
        model.streams(count, engine)


def test_streams_of_a_bidirectional_model_take_both_ends(make_artifact, engine):
    model = edgernn.load(make_artifact(("gru", 4, {}), ("dense", 2, {}), bidirectional=True))
    pairs = np.random.default_rng(7).normal(size=(3, 5, 6))
    for window, results in zip(pairs, model.streams(3, engine).run(pairs), strict=True):
        np.testing.assert_array_equal(results, model.session("numpy").run(window))
