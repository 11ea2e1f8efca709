# SPDX-License-Identifier: Apache-2.0
"""Intervals of an accuracy: what is taken to be independent, and how wide that makes them."""

import numpy as np
import pytest

from edgernn.evaluate.interval import accuracy_interval


def test_windows_that_are_recordings_of_their_own():
    right = np.arange(100) < 80
    found = accuracy_interval(right, None, np.arange(100))
    # Wilson's interval of 80 of 100, as in Newcombe 1998, "Two-sided confidence intervals", method 3.
    assert (found.low, found.high) == (pytest.approx(0.7112, abs=1e-4), pytest.approx(0.8666, abs=1e-4))
    assert (found.method, found.unit, found.units) == ("wilson", "window", 100)


def test_results_of_one_recording_are_alike():
    recording = np.repeat(np.arange(100), 10)
    right = np.repeat(np.arange(100) % 2 == 0, 10)
    found = accuracy_interval(right, np.repeat([0, 1], 500), recording)
    assert (found.method, found.unit, found.units) == ("bootstrap", "recording", 100)
    # A hundred, not a thousand: the deviation of the mean is 0.5 / sqrt(100). Shares are hundredths, and draws random.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(100), rel=0.1)
    assert found == accuracy_interval(right, np.repeat([0, 1], 500), recording)


def test_whole_groups_where_there_are_enough():
    found = accuracy_interval(np.arange(200) % 3 > 0, np.arange(200) // 20, np.arange(200) // 2)
    assert (found.unit, found.units) == ("group", 10)


def test_no_spread_is_no_certainty():
    found = accuracy_interval(np.ones(200, bool), None, np.arange(200) // 10)
    assert (found.method, found.units, found.high) == ("wilson", 20, 1.0)
    assert found.low == pytest.approx(1 / (1 + 1.96**2 / 20), rel=1e-3)


def test_too_few_recordings_say_nothing():
    assert accuracy_interval(np.arange(200) % 3 > 0, None, np.arange(200) // 50) is None
