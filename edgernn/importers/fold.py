# SPDX-License-Identifier: Apache-2.0
"""Changes of a layer's weights under which a model computes the same function of its raw inputs and outputs.

Each is exact but for one rounding of the new weights to float32; the arithmetic is done in float64.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgernn.cells.algebra import Float
from edgernn.model import Layer

Wide = npt.NDArray[np.float64]


def input_scaled(layer: Layer, factor: Wide, offset: Wide) -> Layer:
    """The layer on v whose input was factor * v + offset, float64 [inputs]: W (f v + o) + b = (W f) v + (W o + b).

    A GRU with its reset gate behind the product has two biases: the first one is that of the input.
    """
    kernel, bias = layer.weights["kernel"].astype(np.float64), layer.weights["bias"].astype(np.float64)
    shift = offset @ kernel
    if bias.ndim == 2:
        bias[0] += shift
    else:
        bias += shift
    return _with(layer, {"kernel": factor[:, None] * kernel, "bias": bias})


def output_scaled(layer: Layer, mean: Wide, std: Wide) -> Layer:
    """The dense layer that gives (y - mean) / std for y, float64 [units]; with a relu only where mean is zero."""
    kernel, bias = layer.weights["kernel"].astype(np.float64), layer.weights["bias"].astype(np.float64)
    return _with(layer, {"kernel": kernel / std, "bias": (bias - mean) / std})


def two_logits(layer: Layer) -> Layer:
    """The logits of two classes, 0 and z, for a dense layer of one output z: softmax([0, z])[1] = sigmoid(z)."""
    kernel, bias = layer.weights["kernel"], layer.weights["bias"]
    doubled = {"kernel": np.pad(kernel, ((0, 0), (1, 0))), "bias": np.pad(bias, (1, 0))}
    return Layer("dense", 2, {"activation": "linear"}, doubled)


def _with(layer: Layer, weights: Mapping[str, Wide]) -> Layer:
    # What float32 can't hold is found, and named, when the weights are quantized.
    with np.errstate(over="ignore"):
        narrow: dict[str, Float] = {name: weight.astype(np.float32) for name, weight in weights.items()}
    return replace(layer, weights={**layer.weights, **narrow})
