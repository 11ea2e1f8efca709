# SPDX-License-Identifier: Apache-2.0
"""What an operator should give: its result in real numbers, before any kernel rounds it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.diff.graph import ABSENT, Graph, Op

Real = npt.NDArray[np.float64]
Values = Mapping[int, npt.NDArray[Any]]

_SAME = 0
"""The schema's number for padding that keeps the size."""

_CLAMPS = {
    "NONE": (-np.inf, np.inf),
    "RELU": (0.0, np.inf),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
}


def exact(graph: Graph, op: Op, values: Values) -> Real | None:
    """The result in units of its scale, its zero point added and clipped to its dtype, but not rounded.

    values: the inputs by the indices of their tensors, all of them. None for operators that are not known here, for
    results without one scale, and for shapes that make no sense.
    """
    result = graph.tensors[op.outputs[0]]
    compute = _KINDS.get(op.kind)
    if compute is None or op.activation not in _CLAMPS or len(op.outputs) != 1 or len(result.scales) != 1:
        return None
    if not np.issubdtype(result.dtype, np.integer) or not all(graph.tensors[i].scales for i in op.given[:2]):
        return None
    low, high = _CLAMPS[op.activation]
    bounds = np.iinfo(result.dtype)
    try:
        with np.errstate(all="ignore"):
            real = np.clip(compute(graph, op, values), low, high) / result.scales[0] + result.zero_points[0]
            return np.clip(real, bounds.min, bounds.max).reshape(result.shape)
    except (ArithmeticError, LookupError, ValueError):
        # A damaged file may say of itself what kernels overlook.
        return None


def _fully_connected(graph: Graph, op: Op, values: Values) -> Real:
    x, weights = _centred(graph, op, values)
    return _scaled(graph, op, values, x.reshape(-1, weights.shape[1]) @ weights.T)


def _convolution(graph: Graph, op: Op, values: Values) -> Real:
    x, weights = _centred(graph, op, values)
    patches = _patches(op, x, weights.shape[1:3])
    groups = patches.shape[3] // weights.shape[3]
    parts = zip(np.split(patches, groups, axis=3), np.split(weights, groups), strict=True)
    sums = [np.einsum("nhwcij,oijc->nhwo", patch, part) for patch, part in parts]
    return _scaled(graph, op, values, np.concatenate(sums, axis=3))


def _depthwise(graph: Graph, op: Op, values: Values) -> Real:
    x, weights = _centred(graph, op, values)
    patches = _patches(op, x, weights.shape[1:3])
    sums = np.einsum("nhwcij,ijcm->nhwcm", patches, weights.reshape(*weights.shape[1:3], x.shape[3], -1))
    return _scaled(graph, op, values, sums.reshape(*sums.shape[:3], -1))


def _centred(graph: Graph, op: Op, values: Values) -> tuple[Real, Real]:
    """The two factors as integers without their zero points; their products and sums are exact in float64."""
    centred = []
    for index in op.inputs[:2]:
        tensor = graph.tensors[index]
        shape = [1] * values[index].ndim
        if len(tensor.zero_points) > 1:
            shape[tensor.axis] = -1
        centred.append(values[index].astype(np.float64) - np.reshape(tensor.zero_points, shape))
    return centred[0], centred[1]


def _scaled(graph: Graph, op: Op, values: Values, accumulators: Real) -> Real:
    """With the bias, which counts in the units of the accumulators [..., outputs], in real numbers."""
    v, weights = (graph.tensors[index] for index in op.inputs[:2])
    bias = values[op.inputs[2]] if len(op.inputs) > 2 and op.inputs[2] != ABSENT else 0
    real: Real = (accumulators + bias) * (v.scales[0] * np.array(weights.scales))
    return real


def _patches(op: Op, x: Real, kernel: Sequence[int]) -> Real:
    """What each output of a convolution sees of x [n, H, W, C]: [n, h, w, C, *kernel]. Padding stands for zero."""
    stride = op.options["strideH"], op.options["strideW"]
    dilation = op.options["dilationHFactor"], op.options["dilationWFactor"]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if op.options["padding"] == _SAME:
        missing = [max((-(-n // s) - 1) * s + e - n, 0) for n, s, e in zip(x.shape[1:3], stride, extent, strict=True)]
        x = np.pad(x, [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)])
    seen = np.lib.stride_tricks.sliding_window_view(x, extent, axis=(1, 2))
    return seen[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def _elementwise(compute: Callable[..., Any]) -> Callable[[Graph, Op, Values], Real]:
    """An operator that computes each value from those at the same place."""

    def apply(graph: Graph, op: Op, values: Values) -> Real:
        result: Real = compute(*(graph.tensors[i].dequantize(values[i]) for i in op.inputs))
        return result

    return apply


def _logistic(v: Real) -> Real:
    result: Real = 1 / (1 + np.exp(-v))
    return result


_KINDS: dict[str, Callable[[Graph, Op, Values], Real]] = {
    "ADD": _elementwise(np.add),
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "LOGISTIC": _elementwise(_logistic),
    "MUL": _elementwise(np.multiply),
    "QUANTIZE": _elementwise(np.asarray),
    "RELU": _elementwise(lambda v: np.maximum(v, 0)),
    "SUB": _elementwise(np.subtract),
    "TANH": _elementwise(np.tanh),
}
