# SPDX-License-Identifier: Apache-2.0
"""The straight lines are the specification's functions, within what an int32 holds."""

import numpy as np
import pytest

from edgernn.backends.onnx.segments import SIGMOID, TANH
from edgernn.spec import ops

EVERY_INT16 = np.arange(-32768, 32768)


@pytest.mark.parametrize("segments, function", [(SIGMOID, ops.sigmoid), (TANH, ops.tanh)], ids=["sigmoid", "tanh"])
def test_on_all_inputs(segments, function):
    origin = EVERY_INT16 * segments.factor + segments.origin
    place = origin // segments.halving
    segment = place // segments.width
    rise = place * segments.slopes.astype(np.int64)[segment]
    line = rise + segments.offsets[segment]
    assert min(origin.min(), place.min(), segment.min(), line.min()) >= 0
    assert max(origin.max(), np.abs(rise).max(), line.max()) < 2**31
    assert set(segment) == set(range(len(segments.slopes))), "a segment is never read"
    np.testing.assert_array_equal(line // segments.divisor - segments.lift, function(EVERY_INT16.astype(np.int16)))
