# SPDX-License-Identifier: Apache-2.0
"""Loading and stepping: only a file of the very model runs, all else is one sentence; batches; traces."""

import platform
import sys

import numpy as np
import onnx
import pytest

from edgernn.backends.onnx import RUNTIMES
from edgernn.backends.onnx.write import FILE, float_file, integer_file
from edgernn.errors import ArtifactError, MissingExtraError
from edgernn.spec.interpreter import Interpreter

LAYERS = ("gru", 6, {}), ("dense", 2, {})


@pytest.fixture
def model(quantized):
    return quantized(*LAYERS)


@pytest.fixture
def file(model):
    """The model's `ModelProto`, to be changed."""
    return onnx.load_model_from_string(integer_file(model))


@pytest.fixture
def stepper(runtime, model, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(model))
    return runtime.load(tmp_path, model)


@pytest.fixture
def refused(runtime, model, tmp_path, capfd):
    """Asserts that the runtime refuses a file in one sentence with these words, and prints nothing of its own."""

    def check(content, *words):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            runtime.load(tmp_path, model)
        message = str(caught.value)
        assert message.startswith(str(tmp_path / FILE)) and message.endswith("build the artifact again")
        assert "\n" not in message and all(word in message for word in words), message
        assert capfd.readouterr() == ("", "")

    return check


def inputs_of(model, *batch):
    rng = np.random.default_rng(1)
    states = {name: rng.integers(-32768, 32768, zeros.shape) for name, zeros in model.zero_states(batch).items()}
    x = rng.integers(-127, 128, (*batch, 5)).astype(np.int8)
    return {model.program.x: x, **{name: state.astype(np.int16) for name, state in states.items()}}


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, name)


def test_what_the_runtimes_are(runtime):
    assert [(runtime.name, runtime.kernels) for runtime in RUNTIMES] == [
        ("onnxruntime", "cpu"),
        ("onnx-reference", "numpy"),
    ]
    assert runtime.version()[0].isdigit()
    assert (runtime.environment, runtime.emulated) == ("", False)
    assert runtime.architecture in ("x86-64", platform.machine())


def test_steps_of_one_stream_and_of_many(stepper, model):
    inputs = inputs_of(model, 9)
    together = stepper.step(inputs)
    for i in range(9):
        alone = stepper.step({name: array[i] for name, array in inputs.items()})
        assert_same(alone, {name: array[i] for name, array in together.items()})
    assert list(together) == list(model.program.outputs)
    assert_same(together, {name: Interpreter(model.program).step(inputs)[name] for name in model.program.outputs})


def test_inputs_need_not_be_contiguous(stepper, model):
    inputs = inputs_of(model, 8)
    strided = stepper.step({name: array[::2] for name, array in inputs.items()})
    assert_same(strided, stepper.step({name: array[::2].copy() for name, array in inputs.items()}))


def test_steppers_do_not_share_memory(runtime, stepper, model, tmp_path):
    second, inputs = runtime.load(tmp_path, model), inputs_of(model)
    before = stepper.step(inputs)
    kept = {name: array.copy() for name, array in before.items()}
    for other in (second, stepper):
        other.step({name: array // 2 for name, array in inputs.items()})
    assert_same(before, kept)


@pytest.mark.parametrize("batch", [(), (7,)])
def test_a_trace_holds_every_tensor_of_the_program_in_its_order(stepper, model, batch):
    inputs = inputs_of(model, *batch)
    before, trace, after = stepper.step(inputs), stepper.trace(inputs), stepper.step(inputs)
    computed = [name for op in model.program.ops for name in op.outputs]
    assert list(trace) == [*model.program.inputs, *computed]
    assert_same(trace, {name: Interpreter(model.program).step(inputs)[name] for name in trace})
    assert_same(after, before)


def test_a_changed_weight_shows_first_in_the_product_that_it_belongs_to(runtime, model, file, tmp_path):
    inputs = inputs_of(model)
    expected = Interpreter(model.program).step(inputs)
    (op,) = (op for op in model.program.ops if op.kernel == "gru_0/recurrent")
    (weights,) = (entry for entry in file.graph.initializer if entry.name == f"{op.kernel}:weights")
    changed = onnx.numpy_helper.to_array(weights).copy()
    changed[np.argmax(np.abs(expected[op.inputs[0]])), 4] ^= 0x40
    weights.CopyFrom(onnx.numpy_helper.from_array(changed, weights.name))
    (tmp_path / FILE).write_bytes(file.SerializeToString())
    trace = runtime.load(tmp_path, model).trace(inputs)
    wrong = [name for name in trace if not np.array_equal(trace[name], expected[name])]
    assert wrong[0] == op.outputs[0]
    assert np.flatnonzero(trace[wrong[0]] != expected[wrong[0]]).tolist() == [4]


def test_a_missing_file(runtime, model, tmp_path):
    with pytest.raises(ArtifactError, match="model.onnx can't be read .*: build the artifact again"):
        runtime.load(tmp_path, model)


@pytest.mark.parametrize("length", [0, 1, 7, 100, 5000, -1])
def test_a_truncated_file(refused, model, length):
    refused(integer_file(model)[:length])


def test_a_file_that_is_no_model(refused):
    refused(b"not a protobuf" * 100)


def test_the_file_of_a_model_with_other_states(refused, quantized):
    refused(integer_file(quantized(("lstm", 6, {}), ("dense", 2, {}))), "lstm_0_c int16 [batch, 6]", "gru_0_h int16")


def test_the_file_of_a_larger_model(refused, quantized):
    refused(integer_file(quantized(("gru", 7, {}), ("dense", 2, {}))), "[batch, 7]", "[batch, 6]")


def test_the_file_of_a_model_with_wider_operands(refused, quantized):
    refused(integer_file(quantized(*LAYERS, operands="int16")), "x int16", "x int8")


def test_the_float_file(refused, make_model):
    refused(float_file(make_model(*LAYERS)), "operator GRU")


def change_opset(file):
    file.opset_import[0].version += 1


def add_a_domain(file):
    file.graph.node[3].domain = "com.example"


def add_a_loop(file):
    body = onnx.helper.make_graph([], "body", [], [])
    file.graph.node.append(onnx.helper.make_node("Loop", ["", ""], [], body=body))


def add_a_function(file):
    opset = onnx.helper.make_opsetid("", 12)
    function = onnx.helper.make_function("", "Abs", ["a"], ["b"], [onnx.helper.make_node("Neg", ["a"], ["b"])], [opset])
    file.functions.append(function)


def keep_data_elsewhere(file):
    constant = file.graph.initializer[0]
    constant.ClearField("raw_data")
    constant.data_location = onnx.TensorProto.EXTERNAL
    entry = constant.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def make_sparse(file):
    sparse = file.graph.sparse_initializer.add()
    sparse.dims.extend([2**40])


def shorten_a_constant(file):
    file.graph.initializer[0].raw_data = file.graph.initializer[0].raw_data[:-1]


def declare_a_huge_constant(file):
    file.graph.initializer[0].dims[0] = 2**40


def multiply_sizes(file):
    """One column of many rows, added to one row of many columns."""
    numbers = np.zeros(2**13, np.int32)
    column, row = onnx.numpy_helper.from_array(numbers[:, None], "c"), onnx.numpy_helper.from_array(numbers[None], "r")
    file.graph.initializer.extend([column, row])
    file.graph.node.insert(0, onnx.helper.make_node("Add", ["c", "r"], ["huge"]))


def read_before_it_is_made(file):
    file.graph.node.insert(0, file.graph.node.pop())


def make_twice(file):
    file.graph.node.append(file.graph.node[-1])


def leave_out_an_operator(file):
    file.graph.node.pop(5)


def rename_an_attribute(file):
    file.graph.node[0].attribute[0].name = "too"


HOSTILE = {
    change_opset: "opset 12",
    add_a_domain: "com.example:",
    add_a_loop: "Loop",
    add_a_function: "function",
    keep_data_elsewhere: "in other files",
    make_sparse: "sparse",
    shorten_a_constant: "raw_data",
    declare_a_huge_constant: "",
    multiply_sizes: "huge can become too large",
    read_before_it_is_made: "",
    make_twice: "",
    leave_out_an_operator: "",
    rename_an_attribute: "attribute",
}


@pytest.mark.parametrize("change, word", HOSTILE.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_no_model_of_edgernn_holds(refused, file, change, word):
    change(file)
    refused(file.SerializeToString(), word)


def test_an_index_out_of_a_table(runtime, model, file, tmp_path, capfd):
    for constant in file.graph.initializer:
        if constant.name.endswith(":slopes"):
            table = onnx.numpy_helper.to_array(constant)[:3]
            constant.CopyFrom(onnx.numpy_helper.from_array(table, constant.name))
    (tmp_path / FILE).write_bytes(file.SerializeToString())
    stepper = runtime.load(tmp_path, model)
    with pytest.raises(ArtifactError, match="build the artifact again"):
        stepper.step(inputs_of(model))
    assert capfd.readouterr() == ("", "")


def test_damaged_bytes_are_refused_or_run(runtime, model, tmp_path, capfd):
    whole, rng = integer_file(model), np.random.default_rng(8)
    outcomes = {"refused": 0, "ran": 0}
    for _ in range(300):
        content = bytearray(whole)
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            content[at] ^= 1 << rng.integers(0, 8)
        (tmp_path / FILE).write_bytes(content)
        try:
            results = runtime.load(tmp_path, model).step(inputs_of(model, 2))
        except ArtifactError as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        else:
            assert [array.shape for array in results.values()] == [(2, 2), (2, 6)]
            outcomes["ran"] += 1
    assert min(outcomes.values()) > 0, outcomes
    assert capfd.readouterr() == ("", "")


def test_without_onnx(runtime, model, tmp_path, monkeypatch):
    (tmp_path / FILE).write_bytes(integer_file(model))
    monkeypatch.setitem(sys.modules, "onnx", None)
    for attempt in (lambda: runtime.load(tmp_path, model), lambda: integer_file(model)):
        with pytest.raises(MissingExtraError, match=r"\.\[onnx\]"):
            attempt()


def test_without_the_runtimes_own_package(runtime, model, tmp_path, monkeypatch):
    (tmp_path / FILE).write_bytes(integer_file(model))
    monkeypatch.setitem(sys.modules, {"onnx-reference": "onnx"}.get(runtime.name, runtime.name), None)
    for attempt in (runtime.version, lambda: runtime.load(tmp_path, model)):
        with pytest.raises(MissingExtraError, match=r"\.\[onnx\]"):
            attempt()
