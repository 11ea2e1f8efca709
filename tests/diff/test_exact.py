# SPDX-License-Identifier: Apache-2.0
"""Results in real numbers, by hand and near what kernels give."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgernn.backends.tflite.graph import pack, schema
from edgernn.diff.exact import exact
from edgernn.diff.graph import Graph, Op, Tensor, read
from edgernn.diff.paths import constants


def graph_of(kind, tensors, activation="NONE"):
    made = tuple(
        Tensor(i, f"t{i}", shape, dtype, scales, zeros, 0, False, None)
        for i, (shape, dtype, scales, zeros) in enumerate(tensors)
    )
    last = len(made) - 1
    op = Op(0, kind, tuple(range(last)), (last,), activation)
    return Graph(made, (op,), tuple(range(last)), (last,), {}, {}), op


def int8(scale, zero, size=4):
    return (1, size), "int8", (scale,), (zero,)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("ADD", (1.0 + 1.5) / 0.3 - 5), ("SUB", (1.0 - 1.5) / 0.3 - 5), ("MUL", 1.5 / 0.3 - 5)],
)
def test_two_operands(kind, expected):
    graph, op = graph_of(kind, [int8(0.5, 1), int8(0.25, 0), int8(0.3, -5)])
    values = {0: np.full((1, 4), 3, np.int8), 1: np.full((1, 4), 6, np.int8)}
    np.testing.assert_allclose(exact(graph, op, values), np.full((1, 4), expected), rtol=1e-15)


def test_a_scalar_operand_is_broadcast():
    graph, op = graph_of("ADD", [int8(0.5, 1), ((), "int8", (0.25,), (0,)), int8(0.5, 0)])
    values = {0: np.arange(4, dtype=np.int8)[None], 1: np.int8(6)}
    assert exact(graph, op, values).tolist() == [[2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("kind", "real"),
    [("LOGISTIC", 1 / (1 + np.exp(-0.75))), ("TANH", np.tanh(0.75)), ("RELU", 0.75), ("QUANTIZE", 0.75)],
)
def test_one_operand(kind, real):
    graph, op = graph_of(kind, [int8(0.25, 1), int8(1 / 64, -3)])
    np.testing.assert_allclose(exact(graph, op, {0: np.full((1, 4), 4, np.int8)}), real * 64 - 3, rtol=1e-14)


def test_results_are_clipped_by_the_activation_and_by_the_dtype():
    for activation, values, expected in (
        ("NONE", [-128, 0, 127], [-128, 0, 127]),
        ("RELU", [-8, 0, 127], [0, 0, 127]),
        ("RELU6", [-8, 3, 127], [0, 6, 12]),
        ("RELU_N1_TO_1", [-8, 1, 127], [-2, 2, 2]),
    ):
        graph, op = graph_of("ADD", [int8(0.5, 0, 3), int8(0.5, 0, 3), int8(0.5, 0, 3)], activation)
        given = np.array([values], np.int8)
        other = given if activation != "RELU_N1_TO_1" else np.ones_like(given)
        assert exact(graph, op, {0: given, 1: other}).tolist() == [expected], activation


def test_a_matrix_with_a_scale_for_each_row_and_a_bias():
    tensors = [int8(0.5, 2, 3), ((2, 3), "int8", (0.25, 0.125), (0, 0)), ((2,), "int32", (0.125, 0.0625), (0, 0))]
    graph, op = graph_of("FULLY_CONNECTED", [*tensors, int8(0.5, 1, 2)])
    values = {0: np.array([[3, 4, 5]], np.int8), 1: np.array([[1, 2, 3], [-1, 0, 1]], np.int8), 2: np.array([10, -3])}
    assert exact(graph, op, values).tolist() == [[(14 + 10) * 0.125 / 0.5 + 1, (2 - 3) * 0.0625 / 0.5 + 1]]
    del values[2]
    without = Op(0, "FULLY_CONNECTED", (0, 1, -1), op.outputs, "NONE")
    assert exact(graph, without, values).tolist() == [[14 * 0.125 / 0.5 + 1, 2 * 0.0625 / 0.5 + 1]]


def test_what_is_not_known():
    values = {0: np.zeros((1, 4), np.int8)}
    assert exact(*graph_of("EXP", [int8(1, 0), int8(1, 0)]), values) is None
    assert exact(*graph_of("TANH", [int8(1, 0), int8(1, 0)], "SIGN_BIT"), values) is None
    assert exact(*graph_of("TANH", [int8(1, 0), ((1, 4), "float32", (), ())]), values) is None
    assert exact(*graph_of("TANH", [((1, 4), "int8", (), ()), int8(1, 0)]), values) is None
    assert exact(*graph_of("ADD", [int8(1, 0), int8(1, 0), int8(1, 0)]), {**values, 1: np.zeros((1, 3))}) is None


@pytest.mark.parametrize("path", ["litert-xnnpack", "litert-builtin", "litert-reference"])
def test_kernels_round_to_one_of_the_two_integers_beside_it(stock, windows, results, path):
    graph = read(stock)
    tensor = graph.tensors[graph.inputs[0]]
    known = set()
    for window in windows[:20]:
        x = np.clip(np.rint(window / tensor.scales[0]) + tensor.zero_points[0], -128, 127).astype(np.int8)[None]
        values = {graph.inputs[0]: x, **results(stock, path, x)}
        for op in graph.ops:
            real = exact(graph, op, {**constants(graph, op.given), **values})
            if real is not None:
                known.add(op.kind)
                gap = np.abs(values[op.outputs[0]] - real).max()
                # A multiplier of 16 bits, as old kernels have, is off by less than this on values of 8 bits.
                assert gap < 0.51, (op, gap)
    assert known == {"ADD", "FULLY_CONNECTED", "LOGISTIC", "MUL", "SUB", "TANH"}


def convolution(kind, shape, weights, scales, **options):
    """A model of one convolution of int8 [1, *shape] with a bias and a scale for each channel."""
    classes = schema()
    axis = 0 if kind == "CONV_2D" else 3
    bias = np.arange(weights.shape[axis], dtype=np.int32) * 100
    quantization = classes.QuantizationParametersT

    def tensor(name, shape, dtype, scale, zero, buffer=0, axis=0):
        made = classes.TensorT(shape=shape, name=name, buffer=buffer, type=getattr(classes.TensorType, dtype))
        made.quantization = quantization(scale=scale, zeroPoint=zero, quantizedDimension=axis)
        return made

    zeros = [0] * len(scales)
    model = classes.ModelT(version=3)
    model.buffers = [classes.BufferT()]
    model.buffers += [classes.BufferT(data=np.frombuffer(part.tobytes(), np.uint8)) for part in (weights, bias)]
    tensors = [
        tensor("x", [1, *shape], "INT8", [0.5], [7]),
        tensor("w", weights.shape, "INT8", scales, zeros, 1, axis),
        tensor("b", bias.shape, "INT32", [0.5 * scale for scale in scales], zeros, 2),
        tensor("y", [1, 1, 1, weights.shape[axis]], "INT8", [3.1], [-9]),
    ]
    operator = classes.OperatorT(opcodeIndex=0, inputs=[0, 1, 2], outputs=[3])
    name = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}[kind]
    operator.builtinOptionsType = getattr(classes.BuiltinOptions, name)
    operator.builtinOptions = getattr(classes, f"{name}T")(**options)
    model.subgraphs = [classes.SubGraphT(tensors=tensors, operators=[operator], inputs=[0], outputs=[3])]
    code = getattr(classes.BuiltinOperator, kind)
    model.operatorCodes = [classes.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=3)]
    return pack(model)


@pytest.mark.parametrize("padding", [0, 1], ids=["same", "valid"])
@pytest.mark.parametrize(("stride", "dilation"), [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 1))], ids=str)
@pytest.mark.parametrize("kind", ["CONV_2D", "CONV_2D in groups", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D times 2"])
def test_convolutions_beside_the_reference_kernel(kind, padding, stride, dilation):
    rng = np.random.default_rng(0)
    kind, _, variant = kind.partition(" ")
    shape = {"": (4, 3, 2, 4), "in groups": (4, 3, 2, 2), "times 2": (1, 3, 2, 8)}[variant]
    shape = (1, 3, 2, 4) if kind == "DEPTHWISE_CONV_2D" and not variant else shape
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    channels = shape[0 if kind == "CONV_2D" else 3]
    multiplier = {"depthMultiplier": channels // 4} if kind == "DEPTHWISE_CONV_2D" else {}
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1], **multiplier}
    options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    scales = [0.01 * (i + 1) for i in range(channels)]
    content = convolution(kind, (7, 8, 4), weights, scales, **options)
    model = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    model.allocate_tensors()
    x = rng.integers(-128, 128, (1, 7, 8, 4)).astype(np.int8)
    model.set_tensor(0, x)
    model.invoke()
    found = model.get_tensor(3)
    graph = read(content)
    graph = replace(graph, tensors=(*graph.tensors[:3], replace(graph.tensors[3], shape=found.shape)))
    real = exact(graph, graph.ops[0], {0: x, **constants(graph, (1, 2))})
    assert len(np.unique(found)) > 9 and np.abs(found - real).max() < 0.51
