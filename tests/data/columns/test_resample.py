# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.columns.resample import onto, resample

FAST = np.arange(2000) / 200


def tone(time, frequency):
    return np.sin(2 * np.pi * frequency * time)[:, None]


def test_values_are_interpolated_on_straight_lines():
    time = np.array([0, 0.013, 0.05, 0.061, 0.1])
    found = resample(time, np.stack([3 * time, 1 - time], axis=1), 50)
    np.testing.assert_allclose(found.time, np.arange(6) / 50)
    np.testing.assert_allclose(found.values, np.stack([3 * found.time, 1 - found.time], axis=1))
    np.testing.assert_array_equal(found.rows, [0, 1, 1, 2, 3, 4])


def test_even_rows_at_their_rate_stay():
    values = np.random.default_rng(0).normal(size=(100, 2))
    for begin in (0.0, 1.6e9):
        found = resample(begin + np.arange(100) / 50, values, 50)
        # A float of 64 bits holds today's seconds to a quarter of a microsecond.
        np.testing.assert_allclose(found.values, values, atol=1e-4)
        np.testing.assert_array_equal(found.rows, np.arange(100))


@pytest.mark.parametrize("factor", [2, 5, 8])
def test_a_lower_rate_is_the_mean_of_blocks(factor):
    """As `decimate` does, and a device that adds up samples."""
    values = np.random.default_rng(0).normal(size=(200, 3))
    found = resample(np.arange(200) / 200, values, 200 / factor)
    np.testing.assert_allclose(found.values, values.reshape(-1, factor, 3).mean(axis=1))
    np.testing.assert_array_equal(found.rows, np.arange(factor - 1, 200, factor))


def test_tones_above_half_the_new_rate():
    """Taken one by one, samples of 45 Hz at 25 Hz would be a tone of 5 Hz at full size."""
    np.testing.assert_allclose(np.abs(tone(FAST[::8], 45)).max(), 1, atol=0.06)
    for frequency in (45, 55, 70, 95):
        assert np.abs(resample(FAST, tone(FAST, frequency), 25).values).max() < 0.15
    assert np.abs(resample(FAST, tone(FAST, 25), 25).values).max() < 1e-9
    slow = resample(FAST, tone(FAST, 1), 25).values
    assert 0.98 < np.abs(slow).max() <= 1


def test_ratios_that_are_not_whole_keep_a_constant_and_its_mean():
    for rate in (30, 77, 133, 189):
        found = resample(FAST, np.full((2000, 1), 3.5), rate)
        np.testing.assert_allclose(found.values, 3.5)
        np.testing.assert_allclose(np.diff(found.time), 1 / rate)
        assert found.time[-1] <= FAST[-1] + 1e-9 and len(found.time) > 9.9 * rate


def test_no_row_without_a_period():
    assert resample(np.arange(5) / 200, np.ones((5, 1)), 10).values.shape == (0, 1)
    assert resample(np.array([3.0]), np.ones((1, 2)), 10).values.shape == (1, 2)


def test_a_second_sensor_on_the_clock_of_the_first():
    grid = 10 + np.arange(100) / 50
    time = 10.5 + np.arange(20) / 10
    values, covered = onto(grid, [(0, 20)], time, 2 * time[:, None])
    np.testing.assert_array_equal(covered, grid >= 10.5)
    np.testing.assert_allclose(values[covered, 0], 2 * grid[covered])
    assert not values[~covered].any()


def test_a_second_sensor_with_a_gap():
    grid = np.arange(100) / 50
    time = np.concatenate([np.arange(5) / 10, 1 + np.arange(5) / 10, [9.0]])
    _, covered = onto(grid, [(0, 5), (5, 10), (10, 11)], time, np.ones((11, 1)))
    np.testing.assert_array_equal(grid[covered], grid[(grid <= 0.4) | ((grid >= 1) & (grid <= 1.4))])


def test_a_faster_second_sensor_is_averaged():
    grid = 1 + np.arange(200) / 25
    values, covered = onto(grid, [(0, 2000)], FAST, tone(FAST, 45))
    assert covered.all() and np.abs(values).max() < 0.15
