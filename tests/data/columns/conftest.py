# SPDX-License-Identifier: Apache-2.0
"""Reading of one column of times."""

import numpy as np
import pytest

from edgernn.data.columns import clock
from edgernn.data.columns.rhythm import rhythm


@pytest.fixture
def read(column):
    """The times of one column from its first on, and how they were read."""

    def times(cells, unit="auto", name="t", **options):
        found = clock.seconds([column(cells, name)], unit, **options)
        return found.seconds[0] - found.seconds[0][0], found.words

    return times


@pytest.fixture
def of(column):
    """The rhythm of one column, of its seconds."""

    def make(time, **options):
        time = np.asarray(time, np.float64)
        return rhythm(column(time), time, **options)

    return make


@pytest.fixture
def rng():
    return np.random.default_rng(0)
