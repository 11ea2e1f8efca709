# SPDX-License-Identifier: Apache-2.0
import numpy as np

from edgernn.data.arrays import from_arrays
from edgernn.data.normalize import statistics


def test_training_part_only_and_no_padding():
    x = np.array([[[1.0], [3.0]], [[5.0], [99.0]], [[1000.0], [1000.0]]])
    ds = from_arrays("a", x, np.array([0, 1, 0]), lengths=np.array([2, 1, 2]))
    mean, std = statistics(ds, np.array([0, 1]))
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_array_equal(mean, [3])
    np.testing.assert_array_equal(std, [np.float32(np.sqrt(8 / 3))])


def test_a_constant_channel_has_deviation_one():
    x = np.random.default_rng(0).normal(size=(50, 7, 3)) * 1e-6
    x[:, :, 1] = 0.1
    x[:, :, 2] = 1e-42 * np.arange(7)
    ds = from_arrays("a", x, np.arange(50) % 2)
    mean, std = statistics(ds, np.arange(50))
    assert std[1] == 1 and mean[1] == np.float32(0.1)
    assert 0 < std[0] < 1e-5
    assert std[2] == 1
