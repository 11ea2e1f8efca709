# SPDX-License-Identifier: Apache-2.0
"""A user's arrays as inputs: names, shapes, quantization, states, windows; and what is refused."""

import numpy as np
import pytest

from edgernn.diff.graph import read
from edgernn.diff.samples import load, prepare
from edgernn.errors import ConfigError, DataError


@pytest.fixture
def one(stock):
    """The graph of a model of one input, int8 [1, 4, 3]."""
    return read(stock)


@pytest.fixture
def step(own):
    """The graph of a streaming step: x int8 [1, 3], the state gru_0_h int16 [1, 5]."""
    return read(own)


def test_floats_are_quantized_with_the_scale_and_zero_point_of_the_input(one):
    tensor = one.tensors[one.inputs[0]]
    x = np.linspace(-9, 9, 5 * 12).reshape(5, 4, 3)
    found = np.stack([sample.inputs[one.inputs[0]] for sample in prepare(one, {"x": x}, {})])
    expected = np.clip(np.rint(x / tensor.scales[0]) + tensor.zero_points[0], -128, 127)
    assert found.dtype == np.int8 and found.min() == -128 and found.max() == 127
    np.testing.assert_array_equal(found, expected[:, None])


@pytest.mark.parametrize("name", ["x", "serving_default_x:0"])
@pytest.mark.parametrize("shape", [(6, 4, 3), (6, 1, 4, 3)])
def test_integers_are_taken_as_they_are_by_key_and_by_name(one, name, shape):
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    samples = prepare(one, {name: x, "y": np.zeros(6), "group": np.array(["a"])}, {})
    found = [sample.inputs[one.inputs[0]] for sample in samples]
    assert (samples.count, samples.windowed, samples.carried) == (6, False, {})
    np.testing.assert_array_equal(found, x.reshape(6, 1, 4, 3))
    assert samples.place(0, 4) == "sample 4"


def test_lengths_of_whole_windows_say_nothing(one):
    assert prepare(one, {"x": np.zeros((2, 4, 3)), "lengths": np.array([1, 4])}, {}).count == 2


def test_the_first_samples(one, step):
    assert prepare(one, {"x": np.zeros((6, 4, 3))}, {}, 2).count == 2
    assert prepare(step, {"x": np.zeros((6, 3))}, {}, 2).count == 2
    assert prepare(step, {"x": np.zeros((6, 7, 3)), "lengths": np.arange(1, 7)}, {}, 3).lengths == (1, 2, 3)


def test_a_state_of_the_same_key_is_carried(step):
    samples = prepare(step, {"x": np.zeros((6, 3))}, {})
    state = step.input_keys["gru_0_h"]
    assert samples.carried == {state: step.output_keys["gru_0_h"]}
    np.testing.assert_array_equal(samples.start[state], np.zeros((1, 5), np.int16))
    assert [sample.first for sample in samples] == [True] + [False] * 5


def test_windows_of_a_model_with_a_state(step):
    x = np.arange(2 * 3 * 3).reshape(2, 3, 3).astype(np.int8)
    samples = prepare(step, {"x": x, "lengths": np.array([3, 1])}, {})
    found = [(s.window, s.step, s.first, s.inputs[step.input_keys["x"]].ravel().tolist()) for s in samples]
    assert found == [
        (0, 0, True, [0, 1, 2]),
        (0, 1, False, [3, 4, 5]),
        (0, 2, False, [6, 7, 8]),
        (1, 0, True, [9, 10, 11]),
    ]
    assert samples.place(1, 0) == "window 1, step 0"


def test_a_state_that_the_data_gives_is_not_carried(step):
    h = np.full((6, 5), 7, np.int16)
    samples = prepare(step, {"x": np.zeros((6, 3)), "gru_0_h": h}, {})
    assert samples.carried == {} and samples.count == 6
    assert [sample.inputs[step.input_keys["gru_0_h"]].tolist() for sample in samples] == [[[7] * 5]] * 6


def test_a_zero_of_a_state_is_its_zero_point(own):
    from edgernn.backends.tflite.graph import pack, schema

    model = schema().ModelT.InitFromPackedBuf(own)
    main = model.subgraphs[0]
    for tensor in (main.tensors[int(main.inputs[1])], main.tensors[int(main.outputs[1])]):
        tensor.quantization.zeroPoint = np.array([11], np.int64)
    graph = read(pack(model))
    start = prepare(graph, {"x": np.zeros((1, 3))}, {}).start
    assert [array.tolist() for array in start.values()] == [[[11] * 5]]


def test_a_model_that_remembers_takes_windows(remembering):
    graph = read(remembering)
    assert prepare(graph, {"x": np.zeros((4, 5, 2), np.float32)}, {}).lengths == (5,) * 4
    assert prepare(graph, {"x": np.zeros((4, 2))}, {}).lengths == (4,)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "no array 'x' for the model's inputs x; the file holds nothing"),
        ({"y": np.zeros(3)}, "the file holds y"),
        ({"x": np.zeros((2, 4, 3)), "z": np.zeros(2)}, "'z' is no input of the model, which has x"),
        ({"x": np.zeros((2, 4, 3)), "serving_default_x:0": np.zeros((2, 4, 3))}, "are the same input"),
        (
            {"x": np.zeros((2, 5, 3))},
            r"x has the shape \[2, 5, 3\], but .* \[n, 1, 4, 3\] or \[n, 4, 3\]$",
        ),
        ({"x": np.zeros(())}, r"x has the shape \[\]"),
        ({"x": np.zeros((0, 4, 3))}, "no samples"),
        (
            {"x": np.zeros((2, 4, 3), np.int16)},
            "dtype int16, but the model takes int8 or floats: convert it",
        ),
        ({"x": np.full((2, 4, 3), "a")}, "x has the dtype <U1"),
        ({"x": np.full((2, 4, 3), np.nan)}, "no finite numbers"),
        ({"x": np.full((2, 4, 3), 1j)}, "x has the dtype complex128"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_arrays_that_are_refused(one, arrays, words):
    with pytest.raises(DataError, match=words):
        prepare(one, arrays, {})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((2, 3)), "gru_0_h": np.zeros((3, 5))}, r"different numbers of samples: x \[2, 3\], gru_0_h"),
        ({"x": np.zeros((2, 2, 3)), "gru_0_h": np.zeros((2, 5))}, r"the model takes \[n, 1, 3\] or \[n, 3\]$"),
        ({"x": np.zeros((2, 4))}, r"takes \[n, 1, 3\] or \[n, 3\], or windows \[n, steps, 3\]"),
        ({"x": np.zeros((2, 4, 3)), "lengths": np.array([1, 5])}, "lengths go from 1 to 5; the windows have 1 to 4"),
        ({"x": np.zeros((2, 4, 3)), "lengths": np.array([0, 4])}, "lengths go from 0 to 4"),
        ({"x": np.zeros((2, 4, 3)), "lengths": np.array([4])}, "give 2 integers, one a window"),
        ({"x": np.zeros((2, 4, 3)), "lengths": np.array([4.0, 4])}, "give 2 integers"),
        ({"x": np.zeros((2, 4, 3)), "lengths": np.array(4)}, "give 2 integers"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_arrays_of_a_step_that_are_refused(step, arrays, words):
    with pytest.raises(DataError, match=words):
        prepare(step, arrays, {})


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"h": "gru_0_h"}, "the model has no input 'h'; it has x, gru_0_h"),
        ({"x": "h"}, "the model has no output 'h'; it has y, gru_0_h"),
        (
            {"x": "gru_0_h"},
            r"x can't be carried from gru_0_h: one is int8 \[1, 3\], scale 0\.\d+, zero point 0",
        ),
    ],
    ids=str,
)
def test_states_that_are_refused(step, states, words):
    with pytest.raises(ConfigError, match=words):
        prepare(step, {"x": np.zeros((2, 3))}, states)


def test_a_state_by_name(own):
    from edgernn.backends.tflite.expose import with_outputs

    graph = read(own)
    bare = read(with_outputs(own, graph.outputs))
    state, new = (graph.tensors[keys["gru_0_h"]].name for keys in (graph.input_keys, graph.output_keys))
    samples = prepare(bare, {"x": np.zeros((2, 3))}, {state: new})
    assert samples.carried == {graph.input_keys["gru_0_h"]: graph.output_keys["gru_0_h"]}


def test_files_that_are_none(tmp_path):
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04")
    np.savez(tmp_path / "pickled.npz", x=np.array([None]))
    for name, words in (("damaged", "cut short or damaged"), ("pickled", "pickled"), ("missing", "no such file")):
        with pytest.raises(DataError, match=words):
            load(tmp_path / f"{name}.npz")
