# SPDX-License-Identifier: Apache-2.0
"""Long short-term memory with a forget gate (Gers et al. 2000), with Keras' gate order i, f, g, o.

i = sigmoid(W_i x + U_i h + b_i)        f = sigmoid(W_f x + U_f h + b_f)
g = tanh(W_g x + U_g h + b_g)           o = sigmoid(W_o x + U_o h + b_o)
c' = f * c + i * g                      h' = o * tanh(c')
"""

from collections.abc import Mapping

from edgernn.cells.algebra import Affine, Algebra, Float, V, two_matrices
from edgernn.spec.ops import SIGMOID_FRAC, TANH_FRAC, UNIT_FRAC

KERAS = "LSTM"
OPTIONS: Mapping[str, bool] = {}
CELL_FRAC = 11
"""Fractional bits of c: a range of +-16, because c may grow with every step."""
STATES = {"h": UNIT_FRAC, "c": CELL_FRAC}


def shapes(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (inputs, 4 * units), "recurrent_kernel": (units, 4 * units), "bias": (4 * units,)}


def matrices(weights: Mapping[str, Float]) -> dict[str, Affine]:
    return two_matrices(weights)


def step(a: Algebra[V], x: V, states: Mapping[str, V]) -> tuple[V, dict[str, V]]:
    h, c = states["h"], states["c"]
    xi, xf, xg, xo = a.split(a.linear("kernel", x), 4)
    hi, hf, hg, ho = a.split(a.linear("recurrent", a.operand(h, "h")), 4)
    i = a.sigmoid(a.add(xi, hi, SIGMOID_FRAC))
    f = a.sigmoid(a.add(xf, hf, SIGMOID_FRAC))
    g = a.tanh(a.add(xg, hg, TANH_FRAC))
    o = a.sigmoid(a.add(xo, ho, SIGMOID_FRAC))
    new_c = a.add(a.mul(f, c, CELL_FRAC), a.mul(i, g, UNIT_FRAC), CELL_FRAC)
    new_h = a.mul(o, a.tanh(a.requantize(new_c, TANH_FRAC)), UNIT_FRAC)
    return new_h, {"h": new_h, "c": new_c}
