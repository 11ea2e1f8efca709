# SPDX-License-Identifier: Apache-2.0
"""`sigmoid` and `tanh` of the specification as straight lines between the entries of its table, for all int16 at once.

The specification works on magnitudes and mirrors the result. Here the place of an input in the table counts from the
lowest one, so that its segment is a mere quotient, and the mirroring is a part of each segment's numbers.
"""

from dataclasses import dataclass

import numpy as np

from edgernn.spec.ops import Array, Int32
from edgernn.spec.tables import SIGMOID_TABLE


@dataclass(frozen=True)
class Segments:
    """A function of int16: place = (a * factor + origin) / halving, segment = place / width, and
    result = (place * slopes[segment] + offsets[segment]) / divisor - lift.

    Every / rounds down. No dividend is below zero and no magnitude on the way passes 2**31 - 1.
    """

    factor: int
    origin: int
    halving: int
    width: int
    slopes: Int32
    offsets: Int32
    divisor: int
    lift: int


def _lines(bits: int, count: int, rounding: int) -> tuple[Int32, Int32]:
    """Slopes and offsets of `count` segments on either side of zero, each 2**bits places wide.

    They give 2**bits times the value between two entries of the table, 65536 less it for inputs below zero, plus what
    makes the shift by `rounding` round as specified: half up to the right of zero, half down to the left.
    """
    index = np.arange(count)
    low = SIGMOID_TABLE[np.minimum(index, 255)]
    slopes = SIGMOID_TABLE[np.minimum(index + 1, 255)] - low
    right = (low << bits) - (index << bits) * slopes + (1 << (rounding - 1))
    left = (65536 << bits) - (low << bits) + (index << bits) * slopes + (1 << (rounding - 1)) - 1
    zero = slopes * (count << bits)
    return _mirrored(slopes, slopes), _mirrored(left - zero, right - zero)


def _mirrored(left: Array, right: Array) -> Int32:
    return np.concatenate([left[::-1], right]).astype(np.int32)


SIGMOID = Segments(6, 384 << 9, 1, 512, *_lines(9, 384, 10), 1 << 10, 0)
TANH = Segments(3, (384 << 8) + 1, 2, 256, *_lines(8, 192, 8), 1 << 8, 1 << 15)
