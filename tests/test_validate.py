# SPDX-License-Identifier: Apache-2.0
"""Validation finds any single wrong value, says where it is, and never passes for want of something to compare."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import edgernn
from edgernn import backends, golden
from edgernn.backends.numpy.runtime import NumpyStepper
from edgernn.errors import ArtifactError, DeviceError, MissingExtraError
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import SPEC_VERSION
from edgernn.validate import validate

STEPS = 12 + 7 + 1 + 12
VALUES = STEPS * (2 + 5)

LITERT = ("litert-xnnpack", "litert-builtin", "litert-reference")


@pytest.fixture
def program(model):
    return model.integer.program


class Faulty:
    """The reference, but for what `spoil` does to the results of its nth step; `trace` is not spoiled."""

    name = "faulty"
    kernels = architecture = "none"

    def __init__(self, spoil, batch=False):
        self.spoil, self.batch, self.steps = spoil, batch, 0

    def version(self):
        return "1.0"

    def load(self, artifact, model):
        self.stepper = NumpyStepper(model)
        return self

    def step(self, inputs):
        values = {name: array.copy() for name, array in self.stepper.step(inputs).items()}
        self.spoil(self.steps, values)
        self.steps += 1
        return values

    def trace(self, inputs):
        return self.stepper.trace(inputs)


@pytest.mark.parametrize(
    "layers",
    [
        [("gru", 4, {}), ("dense", 2, {})],
        [("gru", 4, {"reset_after": False}), ("dense", 2, {})],
        [("lstm", 4, {}), ("dense", 2, {})],
        [("rnn", 4, {}), ("dense", 2, {})],
        [("lstm", 4, {}), ("gru", 3, {}), ("dense", 5, {"activation": "relu"}), ("dense", 2, {})],
    ],
    ids=str,
)
def test_every_runtime_agrees(make_artifact, layers, runtime_names):
    model = edgernn.load(make_artifact(*layers))
    program = model.integer.program
    values = STEPS * sum(program.tensors[name].size for name in program.outputs)
    report = validate(model, golden.load(model.folder, program), backends.select(()))
    assert [result.name for result in report.runtimes] == runtime_names
    for result in report.runtimes:
        assert (result.status, result.mismatches, result.max_abs_diff, result.reason) == ("agrees", 0, 0, "")
        assert (result.steps, result.values, result.first_difference) == (STEPS, values, None)
    assert report.agrees
    assert report.values_compared == len(runtime_names) * values


def test_the_report_as_json(model, expected):
    content = validate(model, expected, backends.select(("numpy",))).to_json()
    assert content.keys() == {"spec_version", "values_compared", "runtimes"}
    assert (content["spec_version"], content["values_compared"]) == (SPEC_VERSION, VALUES)
    keys = "name kernels architecture version status reason steps values mismatches".split()
    keys += ["max_abs_diff", "first_difference"]
    assert [list(entry) for entry in content["runtimes"]] == [keys]


def test_progress_is_counted_in_steps(model, expected):
    done = []
    validate(model, expected, backends.select(("numpy", "litert-builtin")), done.append)
    assert sum(done) == 2 * expected.steps == 2 * STEPS


@pytest.mark.parametrize("step", [0, 11, 12, 18, 19, STEPS - 1])
@pytest.mark.parametrize("name", ["y", "gru_0/h"])
def test_a_single_wrong_value_is_found(model, expected, step, name):
    program = model.integer.program
    tensor = program.y if name == "y" else program.states[0].write

    def spoil(number, values):
        if number == step:
            values[tensor][1] ^= 1

    (result,) = validate(model, expected, [Faulty(spoil)]).runtimes
    window = int(np.searchsorted(np.cumsum(expected.lengths), step, side="right"))
    first = result.first_difference
    assert result.status == "differs" and result.mismatches >= 1
    assert (first.window, first.step) == (window, step - int(expected.lengths[:window].sum()))
    assert (first.tensor, first.index, abs(first.expected - first.found)) == (name, 1, 1)
    assert first.op == "none when the step is repeated on its own"


@pytest.mark.parametrize("step", [0, 6, 7, 11])
@pytest.mark.parametrize("name", ["y", "gru_0/h"])
def test_a_single_wrong_value_among_windows_at_once(model, expected, step, name):
    program = model.integer.program
    tensor = program.y if name == "y" else program.states[0].write

    def spoil(number, values):
        assert values[tensor].shape[0] == 4
        if number == step:
            values[tensor][1:, 1] ^= 1

    (result,) = validate(model, expected, [Faulty(spoil, batch=True)]).runtimes
    first = result.first_difference
    assert (first.window, first.step) == (1 if step < 7 else 3, step)
    assert (first.tensor, first.index, abs(first.expected - first.found)) == (name, 1, 1)
    assert (result.steps, result.values) == (STEPS, VALUES)


def test_a_runtime_that_fails_on_the_way(model, expected):
    def fail(number, values):
        if number == 20:
            raise DeviceError("the board was unplugged")

    failing, other = validate(model, expected, [Faulty(fail), *backends.select(("numpy",))]).runtimes
    assert (failing.status, failing.version, failing.values) == ("unavailable", "1.0", 0)
    assert failing.reason == "the board was unplugged"
    assert other.status == "agrees"


def test_the_first_steps_of_every_window(model, expected):
    first = expected.first(8)
    assert first.lengths.tolist() == [8, 7, 1, 8] and first.lengths.dtype == np.int32
    assert first.steps == 24 and first.x.shape == (4, 8, 3)
    np.testing.assert_array_equal(first.y, expected.y[:, :8])
    np.testing.assert_array_equal(first.states["gru_0/h"], expected.states["gru_0/h"][:, :8])
    report = validate(model, first, backends.select(("numpy",)))
    assert report.agrees and report.values_compared == 24 * (2 + 5)
    assert expected.first(100).steps == expected.steps


def test_the_largest_difference_does_not_wrap(model, expected):
    program = model.integer.program
    lowest = np.int16(-32768)
    spoiled = replace(expected, y=np.full_like(expected.y, 32767))
    (result,) = validate(model, spoiled, [Faulty(lambda n, values: values[program.y].fill(lowest))]).runtimes
    assert result.max_abs_diff == 65535


def test_steps_behind_a_window_do_not_count(model, expected):
    for values in (expected.y, *expected.states.values()):
        values[1, 7:] = 99
    assert validate(model, expected, backends.select(())).agrees


def test_a_wrong_weight_is_found_and_named(artifact, rehash):
    weights = np.load(artifact / "weights.npz")["dense_1/kernel/weights"].tobytes()
    content = bytearray((artifact / "model.tflite").read_bytes())
    at = bytes(content).index(weights)
    content[at + int(np.argmax(np.abs(np.frombuffer(weights, np.int8))))] ^= 0x40
    (artifact / "model.tflite").write_bytes(content)
    rehash(artifact)
    model = edgernn.load(artifact)
    report = validate(model, golden.load(artifact, model.integer.program), backends.select(("numpy", *LITERT)))
    assert [result.status for result in report.runtimes] == ["agrees", "differs", "differs", "differs"]
    for result in report.runtimes[1:]:
        first = result.first_difference
        assert (first.window, first.step, first.tensor) == (0, 0, "y")
        assert first.op == f"linear {model.integer.program.y}"
        assert str(first).startswith(f"window 0, step 0, y[{first.index}]: expected {first.expected}, found ")
    assert not report.agrees


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 1000, None])
def test_a_file_that_litert_refuses(artifact, rehash, content):
    whole = (artifact / "model.tflite").read_bytes()
    (artifact / "model.tflite").write_bytes(whole[: len(whole) // 2] if content is None else content)
    rehash(artifact)
    model = edgernn.load(artifact)
    report = validate(model, golden.load(artifact, model.integer.program), backends.select(("numpy", *LITERT)))
    assert [result.status for result in report.runtimes] == ["agrees"] + ["unavailable"] * 3
    assert all("model.tflite does not fit the model" in result.reason for result in report.runtimes[1:])
    assert report.values_compared == VALUES and not report.agrees


def test_the_file_of_another_model(artifact, rehash, make_artifact):
    shutil.copy(make_artifact(("gru", 6, {}), ("dense", 2, {})) / "model.tflite", artifact)
    rehash(artifact)
    model = edgernn.load(artifact)
    report = validate(model, golden.load(artifact, model.integer.program), backends.select(("litert-builtin",)))
    assert report.runtimes[0].status == "unavailable"


def test_a_runtime_that_is_not_installed(model, expected):
    class Missing(Faulty):
        def version(self):
            raise MissingExtraError("running a TFLite model", "ai-edge-litert", "litert")

    (result,) = validate(model, expected, [Missing(None)]).runtimes
    assert (result.status, result.version, result.values) == ("unavailable", "", 0)
    assert "pip install '.[litert]'" in result.reason


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": None},
        {"lengths": None},
        {"x": np.zeros((4, 12, 2), np.int8)},
        {"x": np.zeros((4, 12, 3), np.int16)},
        {"x": np.zeros((4, 12), np.int8)},
        {"x": np.full((4, 12, 3), -128, np.int8)},
        {"x": np.zeros((0, 12, 3), np.int8), "lengths": np.zeros(0, np.int32)},
        {"lengths": np.array([12, 7, 1], np.int32)},
        {"lengths": np.array([12, 7, 0, 12], np.int32)},
        {"lengths": np.array([12, 7, 13, 12], np.int32)},
        {"lengths": np.array([12, 7, 1, 12], np.float64)},
        {"lengths": np.int32(12)},
        {"y": None},
        {"gru_0/h": np.zeros((4, 12, 5), np.int16)},
        {"states/stray": np.zeros((4, 12, 2), np.int16)},
        {"stray": np.zeros(1)},
    ],
    ids=repr,
)
def test_golden_vectors_that_do_not_fit(artifact, program, edit_npz, arrays):
    edit_npz(artifact / "golden.npz", arrays)
    with pytest.raises(ArtifactError, match=r"golden.npz can't be used .*: build the artifact again"):
        golden.load(artifact, program)


def test_golden_vectors_that_lack_a_state(artifact, program, edit_npz):
    edit_npz(artifact / "golden.npz", {"states/gru_0/h": None})
    with pytest.raises(ArtifactError, match="do not fit the program"):
        golden.load(artifact, program)


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int8, "U6", object])
@pytest.mark.parametrize("name", ["y", "states/gru_0/h"])
def test_golden_values_of_another_kind(artifact, program, edit_npz, dtype, name):
    with np.load(artifact / "golden.npz") as content:
        values = content[name]
    edit_npz(artifact / "golden.npz", {name: values.astype(dtype)})
    with pytest.raises(ArtifactError, match="golden.npz can't be used"):
        golden.load(artifact, program)


@pytest.mark.parametrize("length", [0, 100, -1])
def test_golden_vectors_cut_short(artifact, program, length):
    (artifact / "golden.npz").write_bytes((artifact / "golden.npz").read_bytes()[:length])
    with pytest.raises(ArtifactError, match="cut short or damaged"):
        golden.load(artifact, program)


def test_golden_vectors_that_are_not_there(artifact, program):
    (artifact / "golden.npz").unlink()
    with pytest.raises(ArtifactError, match="No such file"):
        golden.load(artifact, program)


def test_no_runtime_is_no_agreement(model, expected):
    assert not validate(model, expected, []).agrees


def test_golden_vectors_survive_the_file(model, expected, tmp_path):
    expected.save(tmp_path)
    again = golden.load(tmp_path, model.integer.program)
    np.testing.assert_array_equal(again.x, expected.x)
    np.testing.assert_array_equal(again.lengths, expected.lengths)
    np.testing.assert_array_equal(again.y, expected.y)
    assert again.states.keys() == expected.states.keys() == {"gru_0/h"}
    np.testing.assert_array_equal(again.states["gru_0/h"], expected.states["gru_0/h"])
    with np.load(tmp_path / "golden.npz") as content:
        assert set(content) == {"x", "lengths", "y", "states/gru_0/h"}


def test_golden_values_are_those_of_the_steps(model, expected):
    computed = golden.compute(model.integer, expected.x, expected.lengths)
    values = {"y": computed.y, **computed.states}
    stored = {"y": expected.y, **expected.states}
    for name, size in {"y": 2, "gru_0/h": 5}.items():
        assert values[name].dtype == np.int16 and values[name].shape == (4, 12, size)
        np.testing.assert_array_equal(values[name], stored[name])
        assert not values[name][1, 7:].any()


def test_a_golden_state_is_what_the_next_step_reads(model, expected):
    program, states = model.integer.program, model.integer.zero_states()
    interpreter = Interpreter(program)
    for t, sample in enumerate(expected.x[0]):
        values = interpreter.step({program.x: sample, **states})
        states = program.next_states(values)
        np.testing.assert_array_equal(expected.y[0, t], values[program.y])
        np.testing.assert_array_equal(expected.states["gru_0/h"][0, t], states["gru_0/h"])


def test_an_output_that_is_a_state_is_compared_once(make_artifact):
    model = edgernn.load(make_artifact(("rnn", 2, {})))
    program = model.integer.program
    expected = golden.load(model.folder, program)
    assert program.y == program.states[0].write
    np.testing.assert_array_equal(expected.y, expected.states["rnn_0/h"])

    def spoil(number, values):
        values[program.y][1] ^= 1

    agreeing, differing = validate(model, expected, [*backends.select(("numpy",)), Faulty(spoil)]).runtimes
    assert agreeing.values == differing.values == STEPS * 2
    assert (agreeing.status, differing.first_difference.tensor) == ("agrees", "y")
