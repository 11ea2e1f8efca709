# SPDX-License-Identifier: Apache-2.0
"""Vanilla recurrent network (Elman 1990): h' = tanh(W x + U h + b)."""

from collections.abc import Mapping

from edgernn.cells.algebra import Affine, Algebra, Float, V, two_matrices
from edgernn.spec.ops import TANH_FRAC, UNIT_FRAC

KERAS = "SimpleRNN"
OPTIONS: Mapping[str, bool] = {}
STATES = {"h": UNIT_FRAC}


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (inputs, units), "recurrent_kernel": (units, units), "bias": (units,)}


def matrices(weights: Mapping[str, Float]) -> dict[str, Affine]:
    return two_matrices(weights)


def step(a: Algebra[V], x: V, states: Mapping[str, V]) -> tuple[V, dict[str, V]]:
    new = a.tanh(a.add(a.linear("kernel", x), a.linear("recurrent", a.operand(states["h"], "h")), TANH_FRAC))
    return new, {"h": new}
