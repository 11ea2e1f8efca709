# SPDX-License-Identifier: Apache-2.0
"""The sigmoid table that `sigmoid` and `tanh` interpolate: that of TensorFlow Lite's 16-bit LOGISTIC and TANH kernels.

Entry `i` is `65536 * sigmoid(i / 24)`, rounded to the nearest integer; 43 entries of the kernels' table stand one
higher. No entry lies close to a rounding boundary (`tests/spec/test_tables.py`), so every libm gives these numbers, and
the conformance tests compare the functions that use them with every kernel on all 65,536 inputs.
"""

import math

import numpy as np
import numpy.typing as npt

_ONE_HIGHER = frozenset(
    [4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46]
    + [49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135]
)


def _entry(i: int) -> int:
    return round(65536 / (1 + math.exp(-i / 24))) + (i in _ONE_HIGHER)


SIGMOID_TABLE: npt.NDArray[np.int64] = np.array([_entry(i) for i in range(256)], np.int64)
SIGMOID_TABLE.setflags(write=False)
