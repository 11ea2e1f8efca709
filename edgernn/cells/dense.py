# SPDX-License-Identifier: Apache-2.0
"""Fully connected layer without memory: y = activation(W x + b), activation in linear, relu, sigmoid, tanh."""

from collections.abc import Mapping

from edgernn.cells.algebra import Affine, Algebra, Float, V
from edgernn.spec.ops import SIGMOID_FRAC, TANH_FRAC

KERAS = "Dense"
OPTIONS = {"activation": "linear"}
STATES: Mapping[str, int] = {}


def shapes(inputs: int, units: int, *, activation: str) -> dict[str, tuple[int, ...]]:
    return {"kernel": (inputs, units), "bias": (units,)}


def matrices(weights: Mapping[str, Float], *, activation: str) -> dict[str, Affine]:
    return {"kernel": Affine(weights["kernel"].T, weights["bias"])}


def step(a: Algebra[V], x: V, states: Mapping[str, V], *, activation: str) -> tuple[V, dict[str, V]]:
    y = a.linear("kernel", x)
    if activation == "relu":
        return a.relu(y), {}
    if activation == "sigmoid":
        return a.sigmoid(a.requantize(y, SIGMOID_FRAC)), {}
    if activation == "tanh":
        return a.tanh(a.requantize(y, TANH_FRAC)), {}
    return y, {}
