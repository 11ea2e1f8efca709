# SPDX-License-Identifier: Apache-2.0
"""What stands in a file, against what LiteRT says of it; damaged files."""

import random

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgernn.backends.tflite.expose import with_outputs
from edgernn.backends.tflite.graph import pack, schema
from edgernn.diff.graph import ABSENT, read
from edgernn.errors import ModelError


@pytest.fixture(params=["stock", "own"])
def content(request):
    return request.getfixturevalue(request.param)


def test_tensors_are_those_that_litert_tells(content):
    graph, model = read(content), Interpreter(model_content=content)
    model.allocate_tensors()
    for detail in model.get_tensor_details():
        if detail["index"] >= len(graph.tensors):
            continue
        tensor, quantization = graph.tensors[detail["index"]], detail["quantization_parameters"]
        assert (tensor.name, tensor.shape) == (detail["name"], tuple(detail["shape"]))
        assert tensor.dtype == np.dtype(detail["dtype"]).name
        assert tensor.scales == tuple(quantization["scales"].tolist())
        assert tensor.zero_points == tuple(quantization["zero_points"].tolist())
        if tensor.constant is not None:
            np.testing.assert_array_equal(tensor.constant, model.get_tensor(tensor.index))
    assert [detail["index"] for detail in model.get_input_details()] == list(graph.inputs)
    assert [detail["index"] for detail in model.get_output_details()] == list(graph.outputs)


def test_operators_are_those_that_litert_runs(content):
    graph, model = read(content), Interpreter(model_content=content)
    told = [detail for detail in model._get_ops_details() if detail["op_name"] != "DELEGATE"][: len(graph.ops)]
    for op, detail in zip(graph.ops, told, strict=True):
        assert (op.index, op.kind) == (detail["index"], detail["op_name"])
        assert list(op.given) == [i for i in detail["inputs"] if i >= 0]
        assert list(op.outputs) == list(detail["outputs"])


def test_keys_are_the_signature_s(stock, own):
    graph = read(stock)
    assert list(graph.input_keys) == ["x"] and set(graph.output_keys) == {"state", "logits"}
    assert graph.label(graph.inputs[0]) == "x" and graph.label(graph.ops[0].outputs[0]).startswith("functional_1/")
    assert set(read(own).input_keys) == {"x", "gru_0_h"}


def test_a_file_without_signatures_goes_by_tensor_names(stock):
    graph = read(stock)
    bare = read(with_outputs(stock, graph.outputs))
    assert (bare.input_keys, bare.output_keys) == ({}, {})
    assert bare.label(bare.inputs[0]) == graph.tensors[graph.inputs[0]].name == "serving_default_x:0"


def test_scales_of_each_row(stock):
    graph = read(stock)
    weights = next(graph.tensors[op.inputs[1]] for op in graph.ops if op.kind == "FULLY_CONNECTED")
    real = weights.dequantize(weights.constant)
    assert len(weights.scales) == weights.shape[0] > 1
    np.testing.assert_array_equal(real[5], weights.constant[5] * np.float64(weights.scales[5]))
    state = graph.tensors[graph.output_keys["state"]]
    assert state.dequantize(np.int8(state.zero_points[0])) == 0


def test_what_remembers(stock, remembering):
    assert not read(stock).keeps_state
    graph = read(remembering)
    assert graph.keeps_state and graph.keeps(graph.ops[0])


def changed(content, change):
    model = schema().ModelT.InitFromPackedBuf(content)
    change(model, model.subgraphs[0])
    return pack(model)


def test_an_input_that_is_not_given_and_names_that_can_not_be_printed(stock):
    def change(model, main):
        main.operators[0].inputs = [int(main.operators[0].inputs[0]), ABSENT]
        main.tensors[3].name = b"a\x1b[31m\nb"

    graph = read(changed(stock, change))
    assert len(graph.ops[0].given) == 1 and graph.tensors[3].name == "a?[31m?b"


@pytest.mark.parametrize("index", [-2, 10**6])
def test_a_tensor_that_is_not_there(stock, index):
    def change(model, main):
        main.operators[4].outputs = [index]

    with pytest.raises(ModelError, match=f"it uses tensor {index}, but has"):
        read(changed(stock, change))


def test_a_signature_of_other_tensors(stock):
    def change(model, main):
        model.signatureDefs[0].outputs[0].tensorIndex = int(main.operators[0].outputs[0])

    with pytest.raises(ModelError, match="its signature names tensors that are no inputs or outputs"):
        read(changed(stock, change))


def test_constants_behind_the_flatbuffer(stock):
    def change(model, main):
        model.buffers[3].offset = 1 << 20

    with pytest.raises(ModelError, match="keeps its constants behind the flatbuffer"):
        read(changed(stock, change))


def test_an_operator_of_somebody_s_own(stock):
    def change(model, main):
        model.operatorCodes[0].customCode = b"MyOp"

    assert "MyOp" in {op.kind for op in read(changed(stock, change)).ops}


def test_scales_that_do_not_fit(stock):
    def change(model, main):
        main.tensors[0].quantization.scale = np.ones(5, np.float32)

    with pytest.raises(ModelError, match="tensor 0 has 5 scales"):
        read(changed(stock, change))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused_and_nothing_else(own, seed):
    rng, outcomes = random.Random(seed), set()
    for _ in range(300):
        content = bytearray(own[: rng.randrange(len(own))] if rng.random() < 0.3 else own)
        for _ in range(rng.choice([0, 1, 10, 100])):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        try:
            outcomes.add(type(read(bytes(content))).__name__)
        except ModelError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"Graph", "refused"}
