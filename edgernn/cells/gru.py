# SPDX-License-Identifier: Apache-2.0
"""Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), with Keras' gate order z, r, n.

z = sigmoid(W_z x + U_z h + b_z)
r = sigmoid(W_r x + U_r h + b_r)
n = tanh(W_n x + b_n + r * (U_n h + c_n))      reset_after (the variant of cuDNN, Keras' default)
n = tanh(W_n x + b_n + U_n (r * h))            otherwise (the paper's)
h' = z * h + (1 - z) * n  =  n + z * (h - n)
"""

from collections.abc import Mapping

import numpy as np

from edgernn.cells.algebra import Affine, Algebra, Float, V
from edgernn.spec.ops import SIGMOID_FRAC, TANH_FRAC, UNIT_FRAC

KERAS = "GRU"
OPTIONS = {"reset_after": True}
STATES = {"h": UNIT_FRAC}


def shapes(inputs: int, units: int, *, reset_after: bool) -> dict[str, tuple[int, ...]]:
    bias = (2, 3 * units) if reset_after else (3 * units,)
    return {"kernel": (inputs, 3 * units), "recurrent_kernel": (units, 3 * units), "bias": bias}


def matrices(weights: Mapping[str, Float], *, reset_after: bool) -> dict[str, Affine]:
    kernel, recurrent, bias = weights["kernel"].T, weights["recurrent_kernel"].T, weights["bias"]
    if reset_after:
        return {"kernel": Affine(kernel, bias[0]), "recurrent": Affine(recurrent, bias[1])}
    gates, candidate = np.split(recurrent, [2 * len(recurrent) // 3])
    return {
        "kernel": Affine(kernel, bias),
        "recurrent_gates": Affine(gates, np.zeros(len(gates), np.float32)),
        "recurrent_candidate": Affine(candidate, np.zeros(len(candidate), np.float32)),
    }


def step(a: Algebra[V], x: V, states: Mapping[str, V], *, reset_after: bool) -> tuple[V, dict[str, V]]:
    h = states["h"]
    xz, xr, xn = a.split(a.linear("kernel", x), 3)
    if reset_after:
        hz, hr, hn = a.split(a.linear("recurrent", a.operand(h, "h")), 3)
    else:
        hz, hr = a.split(a.linear("recurrent_gates", a.operand(h, "h")), 2)
    z = a.sigmoid(a.add(xz, hz, SIGMOID_FRAC))
    r = a.sigmoid(a.add(xr, hr, SIGMOID_FRAC))
    if reset_after:
        gated = a.mul(r, hn, TANH_FRAC)
    else:
        gated = a.linear("recurrent_candidate", a.operand(a.mul(r, h, UNIT_FRAC), "gated"))
    n = a.tanh(a.add(xn, gated, TANH_FRAC))
    kept = a.mul(z, a.sub(h, n, UNIT_FRAC - 1), UNIT_FRAC - 1)
    new = a.add(n, kept, UNIT_FRAC)
    return new, {"h": new}
