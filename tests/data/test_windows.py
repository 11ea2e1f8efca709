# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from edgernn.data.windows import cut, in_steps, join, stretches
from edgernn.errors import ConfigError, DataError

SERIES = np.arange(14.0).reshape(7, 2)


def test_cut():
    windows = cut(SERIES, np.array([0, 0, 1, 1, 2, 2, 2]), length=3, stride=2)
    np.testing.assert_array_equal(windows.start, [0, 2, 4])
    np.testing.assert_array_equal(windows.lengths, [3, 3, 3])
    np.testing.assert_array_equal(windows.x, [SERIES[0:3], SERIES[2:5], SERIES[4:7]])
    np.testing.assert_array_equal(windows.labels, [[0, 0, 1], [1, 1, 2], [2, 2, 2]])


def test_steps_behind_the_last_whole_window_are_left_out():
    np.testing.assert_array_equal(cut(SERIES, None, 3, 3).start, [0, 3])
    np.testing.assert_array_equal(cut(SERIES, None, 7, 1).start, [0])


def test_a_short_series_gives_one_padded_window():
    windows = cut(SERIES[:2], np.array([4, 5]), length=4, stride=1)
    np.testing.assert_array_equal(windows.x, [[[0, 1], [2, 3], [0, 0], [0, 0]]])
    np.testing.assert_array_equal(windows.lengths, [2])
    np.testing.assert_array_equal(windows.labels, [[4, 5, 0, 0]])


def test_join():
    both = join([cut(SERIES, None, 3, 2), cut(SERIES[:2], None, 3, 2)])
    np.testing.assert_array_equal(both.lengths, [3, 3, 3, 2])
    np.testing.assert_array_equal(both.start, [0, 2, 4, 0])
    assert both.x.shape == (4, 3, 2) and both.labels is None


def test_cut_refuses():
    with pytest.raises(ConfigError, match="at least 1 step"):
        cut(SERIES, None, 0, 1)
    with pytest.raises(ConfigError, match="at least 1 step"):
        cut(SERIES, None, 1, 0)
    with pytest.raises(DataError, match="no samples"):
        cut(SERIES[:0], None, 1, 1)
    with pytest.raises(DataError, match="more than 4 GiB"):
        cut(np.zeros((10**6, 6)), None, 1000, 1)


def test_stretches():
    assert stretches(np.array([1, 1, 0, 2, 2])) == [(0, 2), (2, 3), (3, 5)]
    assert stretches(np.array([1])) == [(0, 1)]


@pytest.mark.parametrize(
    ("span", "rate", "steps"), [(100, None, 100), ("100", 50, 100), ("2.5s", 50, 125), ("0.5s", 25, 12), ("1 s", 9, 9)]
)
def test_in_steps(span, rate, steps):
    assert in_steps("window", span, rate) == steps


@pytest.mark.parametrize("span", [0, -1, "0", "x", "s", "2.5", "nans", "infs", "0.001s", "-2s", ""])
def test_in_steps_refuses(span):
    with pytest.raises(ConfigError, match="^window is"):
        in_steps("window", span, 50.0)


def test_seconds_need_a_rate():
    with pytest.raises(ConfigError, match="stride is `2s`, but the rate is not known"):
        in_steps("stride", "2s", None)


def test_seconds_below_a_step_name_the_likely_cause():
    says = "window is `2s`: 2 s are 0.1 steps at 0.05 Hz; give at least one step.*is the time column in milliseconds"
    with pytest.raises(ConfigError, match=says):
        in_steps("window", "2s", 0.05)
