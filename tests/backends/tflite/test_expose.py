# SPDX-License-Identifier: Apache-2.0
"""Intermediate results: all of them, in graph order, and the first that a changed byte changes."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRt
from ai_edge_litert.interpreter import OpResolverType

from edgernn.backends.tflite.expose import with_all_outputs
from edgernn.backends.tflite.write import FILE, float_file, integer_file
from edgernn.spec.interpreter import Interpreter

LAYERS = ("gru", 6, {}), ("lstm", 5, {}), ("dense", 3, {})


@pytest.fixture
def model(quantized):
    return quantized(*LAYERS)


def inputs_of(model):
    rng = np.random.default_rng(1)
    states = {name: rng.integers(-9999, 9999, len(zeros)) for name, zeros in model.zero_states().items()}
    x = rng.integers(-127, 128, 5).astype(np.int8)
    return {model.program.x: x, **{name: state.astype(np.int16) for name, state in states.items()}}


def test_a_trace_holds_every_tensor_of_the_program_in_its_order(runtime, model, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(model))
    trace = runtime.load(tmp_path, model).trace(inputs_of(model))
    expected = Interpreter(model.program).step(inputs_of(model))
    computed = [name for op in model.program.ops for name in op.outputs]
    assert [name for name in trace if name in model.program.tensors] == computed
    for name in computed:
        np.testing.assert_array_equal(trace[name], expected[name])


def test_a_trace_and_a_step_agree_and_do_not_disturb_each_other(runtime, model, tmp_path):
    (tmp_path / FILE).write_bytes(integer_file(model))
    stepper, inputs = runtime.load(tmp_path, model), inputs_of(model)
    first = stepper.step(inputs)
    trace = stepper.trace(inputs)
    for name, array in stepper.step(inputs).items():
        np.testing.assert_array_equal(array, first[name])
        np.testing.assert_array_equal(array, trace[name])


def test_a_changed_weight_shows_first_in_the_product_that_it_belongs_to(runtime, model, tmp_path):
    (op,) = (op for op in model.program.ops if op.kernel == "lstm_1/recurrent")
    inputs = inputs_of(model)
    expected = Interpreter(model.program).step(inputs)
    content = bytearray(integer_file(model))
    weights = model.program.kernels[op.kernel].weights
    column = int(np.argmax(np.abs(expected[op.inputs[0]])))
    content[content.index(weights.tobytes()) + column] ^= 0x40
    (tmp_path / FILE).write_bytes(content)
    trace = runtime.load(tmp_path, model).trace(inputs)
    wrong = [name for name in trace if name in expected and not np.array_equal(trace[name], expected[name])]
    assert wrong[0] == op.outputs[0]
    assert np.flatnonzero(trace[wrong[0]] != expected[wrong[0]]).tolist() == [0]


def float_results(content, resolver, inputs):
    litert = LiteRt(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    litert.allocate_tensors()
    for detail, value in zip(litert.get_input_details(), inputs, strict=True):
        litert.set_tensor(detail["index"], np.full(detail["shape"], value, np.float32))
    litert.invoke()
    return {detail["name"]: litert.get_tensor(detail["index"]) for detail in litert.get_output_details()}


def test_results_inside_a_delegate_are_exposed(make_model, read_file):
    content = float_file(make_model(*LAYERS))
    operators = read_file(content).subgraphs[0].operators
    inputs = (0.3, -0.2, 0.1, 0.7)
    inside = float_results(with_all_outputs(content), OpResolverType.AUTO, inputs)
    plain = float_results(with_all_outputs(content), OpResolverType.BUILTIN_REF, inputs)
    assert len(inside) == sum(len(operator.outputs) for operator in operators)
    for name, array in inside.items():
        # XNNPACK approximates tanh and sigmoid by polynomials of its own.
        np.testing.assert_allclose(array, plain[name], atol=1e-5)
