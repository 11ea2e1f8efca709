# SPDX-License-Identifier: Apache-2.0
"""Whole models: the integer file against the interpreter, the float file against the float model; what files hold."""

import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRt
from ai_edge_litert.interpreter import OpResolverType

from edgernn.backends.metadata import METADATA
from edgernn.backends.tflite import export
from edgernn.backends.tflite.runtime import RUNTIMES
from edgernn.backends.tflite.write import FILE, FLOAT_FILE, float_file, integer_file
from edgernn.quantize import quantize
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import SPEC_VERSION, Kernel, Op, Program, Tensor

NETWORKS = {
    "gru": [("gru", 12, {}), ("dense", 3, {})],
    "gru of the paper": [("gru", 9, {"reset_after": False}), ("dense", 3, {})],
    "lstm": [("lstm", 8, {}), ("dense", 2, {})],
    "output is the state": [("rnn", 7, {})],
    "four layers": [("lstm", 8, {}), ("rnn", 6, {}), ("gru", 8, {}), ("dense", 4, {})],
    "dense": [("gru", 4, {}), ("dense", 6, {"activation": "relu"}), ("dense", 5, {"activation": "tanh"})]
    + [("dense", 1, {"activation": "sigmoid"})],
}
WINDOWS = np.random.default_rng(7).normal(size=(6, 40, 5)).astype(np.float32)
LENGTHS = np.full(6, 40, np.int32)


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS)
def network(request, make_model):
    return make_model(*request.param)


def run(stepper, model, samples):
    """All outputs of all steps, [T, ...] by name, with the state carried."""
    program, states, steps = model.program, model.zero_states(), []
    for sample in samples:
        values = stepper.step({program.x: sample, **states})
        states = program.next_states(values)
        steps.append({name: values[name] for name in program.outputs})
    return {name: np.stack([step[name] for step in steps]) for name in program.outputs}


def keys(network):
    """Sizes of the states by their keys in a signature."""
    sizes = {"_".join(name.split("/")): size for name, (size, _) in network.states().items()}
    assert all(key.isidentifier() for key in sizes)
    return sizes


@pytest.fixture
def no_differences(operands, tmp_path):
    """Asserts that a model's outputs are the interpreter's on every kernel path."""

    def check(model, steps):
        (tmp_path / FILE).write_bytes(integer_file(model))
        samples = operands(model.program, steps)
        expected = run(Interpreter(model.program), model, samples)
        for runtime in RUNTIMES:
            found = run(runtime.load(tmp_path, model), model, samples)
            for name, array in expected.items():
                np.testing.assert_array_equal(found[name], array, f"{runtime.name}: {name}")

    return check


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_no_value_differs_in_500_steps(network, dtype, no_differences):
    no_differences(quantize(network, WINDOWS, LENGTHS, dtype).model, 500)


@pytest.mark.parametrize("resolver", [OpResolverType.AUTO, OpResolverType.BUILTIN_REF])
def test_the_float_step_gives_what_the_float_model_gives(network, resolver):
    litert = LiteRt(model_content=float_file(network), experimental_op_resolver_type=resolver, num_threads=1)
    step = litert.get_signature_runner("step")
    expected = network.forward(WINDOWS)
    normalized = network.interface.normalize(WINDOWS)
    for window, outputs in zip(normalized, expected, strict=True):
        states = {key: np.zeros((1, size), np.float32) for key, size in keys(network).items()}
        for sample, y in zip(window, outputs, strict=True):
            values = step(x=sample[None], **states)
            states = {key: values[key] for key in states}
            # Both are float32 but sum in another order.
            np.testing.assert_allclose(values["y"][0], y, atol=1e-5)


def test_both_files_have_the_same_signature(network, tmp_path):
    export(quantize(network, WINDOWS, LENGTHS).model, network, "small", tmp_path)
    states = keys(network)
    for file in (FILE, FLOAT_FILE):
        signatures = LiteRt(model_path=str(tmp_path / file)).get_signature_list()
        assert {key: set(value) for key, value in signatures["step"].items()} == {
            "inputs": {"x", *states},
            "outputs": {"y", *states},
        }
        assert list(signatures) == ["step"]


def test_the_same_model_gives_the_same_bytes(network):
    model = quantize(network, WINDOWS, LENGTHS).model
    assert integer_file(model) == integer_file(model)
    assert float_file(network) == float_file(network)


def test_metadata_round_trips(network, read_file):
    model = quantize(network, WINDOWS, LENGTHS).model
    for content in (integer_file(model), float_file(network)):
        file = read_file(content)
        (entry,) = file.metadata
        values = json.loads(bytes(file.buffers[entry.buffer].data))
        assert (entry.name, values["spec_version"]) == (METADATA.encode(), SPEC_VERSION)
        for name in ("mean", "std", "target_mean", "target_std"):
            np.testing.assert_array_equal(np.array(values[name], np.float32), getattr(network.interface, name))
        for name in ("features", "outputs"):
            assert tuple(values[name]) == getattr(network.interface, name)
        for name in ("task", "per_step", "window", "rate"):
            assert values[name] == getattr(network.interface, name)


def test_tensors_hold_the_programs_scales_row_by_row(make_model, read_file):
    program = (model := quantize(make_model(*NETWORKS["gru"]), WINDOWS, LENGTHS).model).program
    file = read_file(integer_file(model))
    tensors = {tensor.name.decode(): tensor for tensor in file.subgraphs[0].tensors}
    for name in program.tensors:
        assert tensors[name].quantization.scale.tolist() == [2.0 ** -program.tensors[name].frac]
        assert tensors[name].shape.tolist() == [1, program.tensors[name].size]
    for op in program.ops:
        if op.kind == "linear":
            weights, kernel = tensors[f"{op.outputs[0]}:weights"], program.kernels[op.kernel]
            np.testing.assert_array_equal(weights.quantization.scale, 2.0 ** -(kernel.frac.astype(float) + 1))
            assert weights.quantization.quantizedDimension == 0
            data = file.buffers[weights.buffer].data.view(np.int8).reshape(weights.shape)
            np.testing.assert_array_equal(data, kernel.weights)


def test_constants_are_aligned(make_model, read_file):
    content = integer_file(quantize(make_model(*NETWORKS["gru"]), WINDOWS, LENGTHS).model)
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    for buffer in read_file(content).buffers:
        if buffer.data is not None:
            assert (buffer.data.__array_interface__["data"][0] - start) % 16 == 0


def test_an_operand_of_two_matrices_is_doubled_once(as_model, no_differences, read_file):
    tensors = [Tensor("x", 3, "int8", 7), Tensor("a", 2, "int16", 9), Tensor("b", 2, "int16", 9)]
    kernel = Kernel(np.array([[1, 2, 3], [-4, 5, 6]], np.int8), np.array([7, 8], np.int32), np.array([5, 6], np.int32))
    steps = tuple(Op("linear", ("x",), (name,), "k") for name in "ab")
    model = as_model(Program({t.name: t for t in tensors}, steps, {"k": kernel}, "x", "a", ()))
    cast_add_and_two_products = 4
    assert len(read_file(integer_file(model)).subgraphs[0].operators) == cast_add_and_two_products
    no_differences(model, 20)


def test_odd_programs(odd_program, as_model, no_differences):
    no_differences(as_model(odd_program), 20)
