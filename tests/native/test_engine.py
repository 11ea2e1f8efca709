# SPDX-License-Identifier: Apache-2.0
"""The extension gives the specification's numbers, whatever the program; and threads and errors leave it whole."""

import gc
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from edgernn.engine.numpy import NumpyEngine
from edgernn.errors import EdgernnError
from edgernn.native import _engine
from edgernn.native.serialize import numbered, serialize
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import Kernel, Op, Program, Tensor
from tests.kernels import FAMILIES, VARIABLE

pytestmark = pytest.mark.usefixtures("kernel_family")

STEPS = 40


@pytest.fixture
def load(engine_of):
    """A program in the extension, with scales of one."""
    return lambda p: engine_of(serialize(p), p.tensors[p.x].size, p.tensors[p.y].size)


def steps(stream, x):
    """Every step's y, one call each."""
    return np.stack([stream.step_operands(operands) for operands in x])


def test_golden_outputs_and_states(load, golden_file):
    program, arrays = golden_file
    model = load(program)
    np.testing.assert_array_equal(model.run(arrays["x"]), arrays["y"])
    for window, x in enumerate(arrays["x"]):
        stream = _engine.Stream(model)
        for t, sample in enumerate(x):
            np.testing.assert_array_equal(stream.step_operands(sample), arrays["y"][window, t])
            for state, found in zip(program.states, stream.states(), strict=True):
                np.testing.assert_array_equal(found, arrays[f"states/{state.read}"][window, t])


def test_every_tensor(any_program, load, operands):
    program, rng = any_program, np.random.default_rng(1)
    model, interpreter, numbers = load(program), Interpreter(program), range(len(numbered(program)))
    for x in operands(program, 20):
        inputs = {program.x: x}
        for state in program.states:
            tensor = program.tensors[state.read]
            limits = np.iinfo(tensor.dtype)
            inputs[state.read] = rng.integers(limits.min, limits.max + 1, tensor.size).astype(tensor.dtype)
        expected = interpreter.step(inputs)
        found = model.compute(tuple(inputs[name] for name in program.inputs), tuple(numbers))
        for name, value in zip(numbered(program), found, strict=True):
            assert value.dtype == expected[name].dtype
            np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_a_stream(any_program, as_model, load, operands):
    program = any_program
    x = operands(program, STEPS)
    expected = NumpyEngine(as_model(program)).run(x)
    model = load(program)
    stream = _engine.Stream(model)
    for run in (stream.run, lambda x: model.run(x[None])[0], lambda x: steps(stream, x)):
        found = run(x)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        stream.reset()


@pytest.mark.parametrize("operand", ["int8", "int16"])
def test_stacked_models(quantized, every_recurrent, operands, operand):
    layers = [(kind, 3 + i, options) for i, (kind, options) in enumerate(every_recurrent)]
    layers += [("dense", 5, {"activation": "tanh"}), ("dense", 3, {})]
    model = quantized(*layers, operands=operand, features=7)
    windows = operands(model.program, 6, STEPS)
    expected = NumpyEngine(model).run_windows(windows)
    one, none = np.ones(7, np.float32), np.zeros(7, np.float32)
    found = _engine.Model(serialize(model.program), none, one, 1.0, one[:3], none[:3]).run(windows)
    np.testing.assert_array_equal(found, expected)


@pytest.fixture
def gru(all_programs):
    """A program with a state."""
    return all_programs["gru_reset_after_int8"]


def test_streams_share_a_model_that_outlives_its_name(gru, load, operands):
    model = load(gru)
    before = sys.getrefcount(model)
    streams = [_engine.Stream(model) for _ in range(5)]
    assert sys.getrefcount(model) == before + 5
    x = operands(gru, STEPS)
    expected = model.run(x[None])[0]
    del model
    for stream in streams:
        np.testing.assert_array_equal(stream.run(x), expected)


def test_threads_step_streams_of_their_own(gru, load, operands):
    model = load(gru)
    inputs = [operands(gru, 20_000, seed=seed) for seed in range(4)]
    expected = [model.run(x[None])[0] for x in inputs]
    found = {}

    def work(i):
        stream = _engine.Stream(model)
        halves = [stream.run(inputs[i][:10_000]), steps(stream, inputs[i][10_000:])]
        found[i] = np.concatenate(halves)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        np.testing.assert_array_equal(found[i], expected[i])


def test_a_stream_refuses_a_second_thread(gru, load, operands):
    model = load(gru)
    stream, x = _engine.Stream(model), operands(gru, 300_000)
    expected, found, refused = model.run(x[None])[0], [], set()
    attempts = {
        "states": stream.states,
        "step": lambda: stream.step(x[0]),
        "step_operands": lambda: stream.step_operands(x[0]),
        "run": lambda: stream.run(x[:1]),
        "reset": stream.reset,
    }
    while refused != set(attempts):
        stream.reset()
        thread = threading.Thread(target=lambda: found.append(stream.run(x)))
        thread.start()
        while thread.is_alive():
            tried = attempts if refused else {"states": stream.states}
            refused.update(name for name, attempt in tried.items() if fails(attempt))
        thread.join()
    stream.reset()
    np.testing.assert_array_equal(stream.run(x), expected)
    np.testing.assert_array_equal(found[0], expected)


def fails(attempt):
    """Whether the stream refuses it, with a sentence."""
    try:
        attempt()
    except EdgernnError as error:
        assert str(error) == "this session is running in another thread: give each thread a session of its own"
        return True
    return False


@pytest.mark.parametrize(
    "x",
    [
        None,
        [0] * 6,
        np.zeros((2, 6), np.int16),
        np.zeros((2, 6), np.float32),
        np.zeros((2, 5), np.int8),
        np.zeros(6, np.int8),
        np.zeros((1, 2, 2, 6), np.int8),
        np.zeros((2, 12), np.int8)[:, ::2],
        np.full((2, 6), -128, np.int8),
    ],
    ids=repr,
)
def test_what_no_run_takes(gru, load, x):
    model = load(gru)
    for run in (model.run, _engine.Stream(model).run):
        with pytest.raises(ValueError, match="another form than the program's x|out of range"):
            run(x)


@pytest.mark.parametrize(
    ("inputs", "wanted", "problem"),
    [
        ((np.zeros(6, np.int8),), (0,), "takes x and its states"),
        ((np.zeros(6, np.int8), np.zeros(5, np.int8)), (0,), "form of its tensor"),
        ((np.zeros(5, np.int8), np.zeros(5, np.int16)), (0,), "form of its tensor"),
        ((np.full(6, -128, np.int8), np.zeros(5, np.int16)), (0,), "out of range"),
        ((np.zeros(6, np.int8), np.zeros(5, np.int16)), (21,), "no tensor of that number"),
    ],
)
def test_what_can_not_be_computed(gru, load, inputs, wanted, problem):
    with pytest.raises(ValueError, match=problem):
        load(gru).compute(inputs, wanted)


def test_nothing_leaks(gru, load, buffers, engine_of, operands):
    x, real = operands(gru, 2, 3), np.zeros(6, np.float64)
    damaged = serialize(gru)[:-1]

    def use_everything():
        model = load(gru)
        stream = _engine.Stream(model)
        for sample in (real, list(real), x[0, 0], "no sample", np.zeros(7)):
            stream.step(sample)
            stream.step_operands(sample)
        stream.run(x[0])
        model.run(x)
        stream.states()
        stream.reset()
        inputs = (x[0, 0], np.zeros(5, np.int16))
        model.compute(inputs, tuple(range(21)))
        for wrong in (
            lambda: engine_of(damaged, 6, 5),
            lambda: engine_of(serialize(gru), 5, 5),
            lambda: engine_of(serialize(gru), 6, 4),
            lambda: model.run(x[0]),
            lambda: stream.run(np.full((2, 6), -128, np.int8)),
            lambda: model.compute(inputs, (21,)),
            lambda: model.compute(inputs[:1], ()),
        ):
            with pytest.raises(ValueError):
                wrong()

    def traced(times):
        for _ in range(times):
            use_everything()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    held = [sys.getrefcount(value) for value in (x, real, gru, damaged)]
    tracemalloc.start()
    try:
        grown = min(-traced(50) + traced(500) for _ in range(3))
    finally:
        tracemalloc.stop()
    assert grown < 500 * 8, "less than a pointer each time, at least once: threads of the test runner allocate too"
    assert [sys.getrefcount(value) for value in (x, real, gru, damaged)] == held


def test_streams_are_stepped_together(any_program, load, operands):
    program, count = any_program, 17
    x = operands(program, count, 5)
    model = load(program)
    expected = np.stack([_engine.Stream(model).run(own) for own in x])
    np.testing.assert_array_equal(model.run(x), expected)
    streams = _engine.Stream(model, count)
    found = np.concatenate([streams.run(np.ascontiguousarray(x[:, at])) for at in (slice(0, 2), slice(2, 5))], axis=1)
    np.testing.assert_array_equal(found, expected)


def test_how_many_streams(gru, load, operands):
    model = load(gru)
    with pytest.raises(ValueError, match="there have to be streams"):
        _engine.Stream(model, 0)
    with pytest.raises(MemoryError):
        _engine.Stream(model, sys.maxsize)
    streams = _engine.Stream(model, 3)
    with pytest.raises(ValueError, match="not as many as the streams"):
        streams.run(operands(gru, 2, 5))
    with pytest.raises(ValueError, match="no stream of that number"):
        streams.reset(3)


def matrix(rows, columns, zeros, dtype):
    """A program of one linear, of whose blocks a share is zero, with weights as large as they can be."""
    rng, largest = np.random.default_rng(rows + columns), 127 if dtype == "int8" else min(127, 65000 // columns)
    weights = rng.integers(-largest, largest + 1, (rows, columns)).astype(np.int8)
    for row, column in np.argwhere(rng.random((-(-rows // 4), -(-columns // 4))) < zeros):
        weights[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
    kernel = Kernel(weights, rng.integers(-9999, 9999, rows).astype(np.int32), np.full(rows, 9, np.int32))
    tensors = {"x": Tensor("x", columns, dtype, 12), "y": Tensor("y", rows, "int16", 9)}
    return Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ())


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("zeros", [0, 0.3, 0.75, 1])
@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (3, 5), (4, 16), (13, 8), (17, 33), (31, 61), (40, 100), (66, 129), (5, 1025)]
)
def test_matrices(load, operands, rows, columns, zeros, dtype):
    program = matrix(rows, columns, zeros, dtype)
    x = operands(program, 7, 3)
    expected = Interpreter(program).step({"x": x})["y"]
    model = load(program)
    np.testing.assert_array_equal(model.run(x), expected)
    np.testing.assert_array_equal(_engine.Stream(model).run(x[0]), expected[0])


@pytest.mark.parametrize("extreme", [-127, 127])
def test_the_largest_sums(load, extreme):
    """All products of one sign, in a row that int8 kernels just take, and in one that they do not."""
    for columns in (520, 521, 700):
        weights = np.full((5, columns), 127, np.int8)
        kernel = Kernel(weights, np.zeros(5, np.int32), np.full(5, 20, np.int32))
        tensors = {"x": Tensor("x", columns, "int8", 5), "y": Tensor("y", 5, "int16", 9)}
        program = Program(tensors, (Op("linear", ("x",), ("y",), "k"),), {"k": kernel}, "x", "y", ())
        x = np.full((2, 1, columns), extreme, np.int8)
        np.testing.assert_array_equal(load(program).run(x), Interpreter(program).step({"x": x})["y"])


def test_kernels_of_another_name(monkeypatch, gru, load):
    monkeypatch.setenv(VARIABLE, "mmx")
    there = ", ".join(FAMILIES)
    sentence = f"there are no kernels 'mmx' on this machine (environment variable EDGERNN_KERNELS): there are {there}"
    for use in (_engine.kernels, lambda: load(gru)):
        with pytest.raises(EdgernnError) as caught:
            use()
        assert str(caught.value) == sentence


def test_the_kernels_that_are_used(kernel_family, monkeypatch):
    assert _engine.kernels() == kernel_family
    for nothing in (lambda: monkeypatch.setenv(VARIABLE, ""), lambda: monkeypatch.delenv(VARIABLE)):
        nothing()
        assert _engine.kernels() == FAMILIES[0]
    assert FAMILIES[-1] == "portable"
