# SPDX-License-Identifier: Apache-2.0
"""Whole models against the interpreter, what no runtime may have to decide, and what a file holds."""

import json

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from edgernn.backends.metadata import METADATA
from edgernn.backends.onnx import RUNTIMES, export
from edgernn.backends.onnx.graph import IR_VERSION, OPSET
from edgernn.backends.onnx.lower import OPERATORS
from edgernn.backends.onnx.write import FILE, FLOAT_FILE, LIMIT, SCALES, float_file, integer_file
from edgernn.quantize import quantize
from edgernn.spec.interpreter import Interpreter
from edgernn.spec.program import SPEC_VERSION, Kernel, Op, Program, State, Tensor

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


@pytest.fixture
def integer_model(network):
    return quantize(network, WINDOWS, LENGTHS).model


def run(stepper, model, samples):
    """All outputs of all steps, [T, ...] by name, with the state carried."""
    program, states, steps = model.program, model.zero_states(samples.shape[1:-1]), []
    for sample in samples:
        values = stepper.step({program.x: sample, **states})
        states = program.next_states(values)
        steps.append({name: values[name] for name in program.outputs})
    return {name: np.stack([step[name] for step in steps]) for name in program.outputs}


@pytest.fixture
def no_differences(operands, tmp_path):
    """Asserts that a model's outputs are the interpreter's in both runtimes, dtypes too, for steps of this shape."""

    def check(model, *shape):
        (tmp_path / FILE).write_bytes(integer_file(model))
        samples = operands(model.program, *shape)
        expected = run(Interpreter(model.program), model, samples)
        for runtime in RUNTIMES:
            found = run(runtime.load(tmp_path, model), model, samples)
            for name, array in expected.items():
                np.testing.assert_array_equal(found[name], array, f"{runtime.name}: {name}", strict=True)

    return check


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("shape", [(100,), (100, 1), (100, 33)], ids=["one stream", "a batch of one", "a batch"])
def test_no_value_differs(network, dtype, shape, no_differences):
    no_differences(quantize(network, WINDOWS, LENGTHS, dtype).model, *shape)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_no_value_of_every_cell_differs_where_it_saturates(recurrent, dtype, make_model, no_differences):
    kind, options = recurrent
    loud = make_model((kind, 8, options), ("dense", 3, {}), spread=12.0)
    no_differences(quantize(loud, 5 * WINDOWS, LENGTHS, dtype).model, 100, 8)


def test_programs_of_any_form(any_program, agree, operands):
    rng = np.random.default_rng(3)
    inputs = {any_program.x: operands(any_program, 200)}
    for state in any_program.states:
        tensor = any_program.tensors[state.read]
        ends = np.iinfo(tensor.dtype)
        inputs[tensor.name] = rng.integers(ends.min, ends.max, (200, tensor.size), tensor.dtype, endpoint=True)
    agree(any_program, inputs)


def test_programs_made_by_hand_step_after_step(odd_program, as_model, no_differences):
    no_differences(as_model(odd_program), 20)
    no_differences(as_model(odd_program), 5, 3)


def widened(model):
    """The model with int64 for int32 everywhere, and everything that it computes as an output."""
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    for node in wide.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == onnx.TensorProto.INT32:
                attribute.i = onnx.TensorProto.INT64
    for constant in wide.graph.initializer:
        if constant.data_type == onnx.TensorProto.INT32:
            array = onnx.numpy_helper.to_array(constant).astype(np.int64)
            constant.CopyFrom(onnx.numpy_helper.from_array(array, constant.name))
    return wide


def every_value(model, feeds):
    names = [name for node in model.graph.node for name in node.output]
    model.graph.ClearField("output")
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return dict(zip(names, ReferenceEvaluator(model).run(names, feeds), strict=True))


def test_nothing_overflows_and_nothing_below_zero_is_divided(any_program, as_model, parse):
    model = parse(integer_file(as_model(any_program)))
    rng, feeds = np.random.default_rng(5), {}
    limit = int({entry.key: entry.value for entry in model.metadata_props}[LIMIT])
    for value in model.graph.input:
        element = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(element.elem_type)
        low, high = (-limit, limit) if value.name == "x" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        drawn = rng.integers(low, high, (99, element.shape.dim[1].dim_value), endpoint=True)
        feeds[value.name] = np.where(rng.random(drawn.shape) < 0.5, np.where(drawn < 0, low, high), drawn).astype(dtype)
    values, wide = every_value(model, feeds), every_value(widened(model), feeds)
    constants = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
    for name, array in values.items():
        np.testing.assert_array_equal(array, wide[name], name)
    for node in model.graph.node:
        if node.op_type == "Div":
            assert values[node.input[0]].min() >= 0 and constants[node.input[1]].min() > 0, node.name


def test_a_file_holds_plain_integer_operators_of_one_opset(integer_model, parse):
    model = parse(integer_file(integer_model))
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (IR_VERSION, [("", OPSET)])
    assert not model.functions and not any(node.domain for node in model.graph.node)
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    types = {value.type.tensor_type.elem_type for value in values} | {c.data_type for c in model.graph.initializer}
    assert types <= {onnx.TensorProto.INT8, onnx.TensorProto.INT16, onnx.TensorProto.INT32}


def test_all_operators_are_in_use(all_programs, as_model):
    files = [onnx.load_model_from_string(integer_file(as_model(program))) for program in all_programs.values()]
    assert {node.op_type for file in files for node in file.graph.node} == OPERATORS


def test_the_opset_is_the_first_with_these_operators():
    assert max(onnx.defs.get_schema(kind, OPSET).since_version for kind in ("Max", "Min")) == OPSET
    for kind in OPERATORS:
        schema = onnx.defs.get_schema(kind, OPSET)
        assert schema.name == kind and not schema.deprecated


def test_weights_are_kept_as_int8_and_once(as_model, no_differences):
    tensors = [Tensor("x", 3, "int8", 7), Tensor("a", 2, "int16", 9), Tensor("b", 2, "int16", 9)]
    kernel = Kernel(np.array([[1, 2, 3], [-4, 5, 6]], np.int8), np.array([7, 8], np.int32), np.array([5, 6], np.int32))
    steps = tuple(Op("linear", ("x",), (name,), "k") for name in "ab")
    model = as_model(Program({t.name: t for t in tensors}, steps, {"k": kernel}, "x", "a", ()))
    file = onnx.load_model_from_string(integer_file(model))
    (weights,) = (entry for entry in file.graph.initializer if entry.data_type == onnx.TensorProto.INT8)
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(weights), kernel.weights.T)
    assert sum(weights.name in node.input for node in file.graph.node) == 1
    no_differences(model, 20)


def ports(values):
    dtype = onnx.helper.tensor_dtype_to_np_dtype
    return {
        value.name: (
            dtype(value.type.tensor_type.elem_type).name,
            [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim],
        )
        for value in values
    }


def test_the_names_types_and_shapes_of_inputs_and_outputs(network, tmp_path, parse):
    model = quantize(network, WINDOWS, LENGTHS).model
    export(model, network, "small", tmp_path)
    sizes = {"_".join(name.split("/")): size for name, (size, _) in network.states().items()}
    outputs = len(network.interface.outputs)
    assert all(key.isidentifier() for key in sizes)
    integer, floating = (parse((tmp_path / file).read_bytes()) for file in (FILE, FLOAT_FILE))
    states = {key: ("int16", ["batch", size]) for key, size in sizes.items()}
    assert ports(integer.graph.input) == {"x": ("int8", ["batch", 5]), **states}
    new = {f"{key}_out": port for key, port in states.items()}
    assert ports(integer.graph.output) == {"y": ("int16", ["batch", outputs]), **new}
    states = {key: ("float32", ["batch", size]) for key, size in sizes.items()}
    assert ports(floating.graph.input) == {"x": ("float32", ["steps", "batch", 5]), **states}
    new = {f"{key}_out": port for key, port in states.items()}
    assert ports(floating.graph.output) == {"y": ("float32", ["steps", "batch", outputs]), **new}


def test_names_that_would_clash(as_model, no_differences, parse):
    tensors = ["x", "a", "a_out", "a_out_", "y_out", "y_", "y", "r"]
    states = State("a", "a_out"), State("a_out", "a"), State("a_out_", "x"), State("y_out", "y_")
    program = Program(
        {name: Tensor(name, 2, "int16", 9) for name in tensors},
        tuple(Op("relu", (source,), (result,)) for source, result in [("x", "y"), ("y", "y_"), ("a", "r")]),
        {},
        "x",
        "r",
        states,
    )
    file = parse(integer_file(as_model(program)))
    assert list(ports(file.graph.input)) == ["x", "a", "a_out", "a_out_", "y_out"]
    assert list(ports(file.graph.output)) == ["y", "a_out__", "a_out_out", "a_out__out", "y_out_out"]
    no_differences(as_model(program), 9)


def test_metadata_round_trips(network, integer_model, parse):
    for content in (integer_file(integer_model), float_file(network)):
        values = json.loads({entry.key: entry.value for entry in parse(content).metadata_props}[METADATA])
        assert values["spec_version"] == SPEC_VERSION
        for name in ("mean", "std", "target_mean", "target_std"):
            np.testing.assert_array_equal(np.array(values[name], np.float32), getattr(network.interface, name))
        for name in ("features", "outputs"):
            assert tuple(values[name]) == getattr(network.interface, name)
        for name in ("task", "per_step", "window", "rate"):
            assert values[name] == getattr(network.interface, name)


def test_a_file_says_what_its_integers_stand_for(network, parse):
    for dtype, limit in (("int8", 127), ("int16", 16383)):
        model = quantize(network, WINDOWS, LENGTHS, dtype).model
        file = parse(integer_file(model))
        metadata = {entry.key: entry.value for entry in file.metadata_props}
        scales, tensors = json.loads(metadata[SCALES]), model.program.tensors
        assert list(scales) == [value.name for value in (*file.graph.input, *file.graph.output)]
        assert (scales["x"], scales["y"]) == (2.0 ** -tensors["x"].frac, 2.0 ** -tensors[model.program.y].frac)
        for state in model.program.states:
            key = "_".join(state.read.split("/"))
            assert scales[key] == scales[f"{key}_out"] == 2.0 ** -tensors[state.read].frac
        assert int(metadata[LIMIT]) == limit


def test_the_same_model_gives_the_same_bytes(network, integer_model):
    assert integer_file(integer_model) == integer_file(integer_model)
    assert float_file(network) == float_file(network)
